//! Reads a source whole and sums it up.

mod unknown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::hand_off::Hop;
use crate::merge;
use crate::readers::log::{self, LogReading};
use crate::readers::{ReadError, otlp_json};
use crate::run::{self, Function, RunDirectory, RunError};
use crate::source::{Reading, SourceError};
use crate::span::Span;
use crate::statistics::Durations;
use crate::summary::{Requests, Summary};
use crate::tally::Tally;

/// A source in figures, and what a comparison needs besides.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The figures.
    pub summary: Summary,
    /// How long each request that succeeded took, as the client saw it.
    pub request: Durations,
    /// How long each record took, from the client's start to the end of its first handling.
    pub end_to_end: Durations,
    /// What the source cannot tell, and why: a sentence for each kind of verdict or figure.
    pub unknown: Vec<String>,
    /// The hops of which only what is whole can be seen, because no ids match their ends: the counts of their verdicts
    /// are no shares of anything.
    pub whole_only: BTreeSet<Hop>,
}

impl Measured {
    /// Reads a run's spans, logs and load figures, and sums them up.
    ///
    /// A missing file leaves its figures out, and a file cut short gives what it holds; both are among the
    /// summary's `problems`.
    ///
    /// # Errors
    /// If the directory has no valid manifest, or a file in it cannot be read or holds a broken line of spans.
    pub fn of_run(run: &RunDirectory) -> Result<Measured, RunError> {
        let manifest = run.manifest()?;
        let mut tally = Tally::default();
        let mut problems = merge::problems(&manifest);

        let spans = run.spans_path();
        let has_spans = spans.is_file();
        if has_spans {
            let each = &mut |span: &Span<'_>| tally.add_span(span);
            let reading = otlp_json::read_file_in_parallel(&spans, each)?;
            problems.extend(reading.truncated.map(|truncated| truncated.to_string()));
        } else {
            problems.push(format!(
                "{} is missing: there are no spans",
                spans.display()
            ));
        }

        let mut log_problems = 0;
        let mut has_log = false;
        for (path, reading) in read_logs(run, &mut tally) {
            match reading {
                Some(reading) => {
                    let reading = reading?;
                    has_log = true;
                    log_problems += reading.problem_lines;
                    problems.extend(reading.problems);
                }
                None => problems.push(format!(
                    "{} is missing: without it, what was not sampled counts as lost",
                    path.display()
                )),
            }
        }

        let load = requests_of_load(run, &mut problems);
        let end_to_end = tally.end_to_end();
        let summary = Summary::of_spans(run.name(), &tally, &end_to_end);
        let mut summary = summary.described_by(&manifest);
        summary.requests = load.or(summary.requests);
        summary.log_problems = log_problems;
        summary.problems = problems;
        if !has_spans {
            summary.spans = None;
            summary.traces = None;
            if !has_log {
                summary.records = None;
            }
        }
        Ok(Measured {
            summary,
            request: tally.clients().durations.clone(),
            end_to_end,
            unknown: Vec::new(),
            whole_only: BTreeSet::new(),
        })
    }

    /// Reads the spans that `read` hands over, and sums them up under `name`.
    ///
    /// A hop whose ends have no ids in common is judged by parents and links; what cannot be told then is said in
    /// [`Measured::unknown`], and figures that need ids are left out.
    ///
    /// # Errors
    /// What `read` gives.
    pub(crate) fn of_spans(
        name: String,
        read: impl FnOnce(&mut (dyn FnMut(&Span<'_>) + Send)) -> Result<Reading, SourceError>,
    ) -> Result<Measured, SourceError> {
        let mut tally = Tally::default();
        let reading = read(&mut |span| tally.add_span(span))?;
        let end_to_end = tally.end_to_end();
        let mut measured = Measured {
            summary: Summary {
                problems: reading.problems,
                ..Summary::of_spans(name, &tally, &end_to_end)
            },
            request: tally.clients().durations.clone(),
            end_to_end,
            unknown: Vec::new(),
            whole_only: BTreeSet::new(),
        };
        unknown::judge_by_structure(&mut measured, &tally, reading.form);
        Ok(measured)
    }
}

/// Reads the functions' logs, both at once, since they report about different ends of hand-offs. `None` for one that is
/// missing.
fn read_logs(
    run: &RunDirectory,
    tally: &mut Tally,
) -> Vec<(PathBuf, Option<Result<LogReading, ReadError>>)> {
    let tally = Mutex::new(tally);
    let read = |path: &Path| {
        log::read_file(path, &mut |line| {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add_log_line(line);
        })
    };
    let paths = [Function::Producer, Function::Consumer].map(|function| run.log_path(function));
    std::thread::scope(|scope| {
        let readings = paths.map(|path| {
            let file = path.clone();
            let read = &read;
            let reading = path.is_file().then(|| scope.spawn(move || read(&file)));
            (path, reading)
        });
        let ended = readings.map(|(path, reading)| {
            let reading = reading.map(|reading| {
                let panicked = |panic| std::panic::resume_unwind(panic);
                reading.join().unwrap_or_else(panicked)
            });
            (path, reading)
        });
        ended.into()
    })
}

/// The part of `load.json` that is looked at.
#[derive(Deserialize)]
struct Load {
    requests: Option<Requests>,
}

fn requests_of_load(run: &RunDirectory, problems: &mut Vec<String>) -> Option<Requests> {
    let path = run.load_path();
    if !path.is_file() {
        return None;
    }
    match run::read_json::<Load>(&path, "the load generator's figures") {
        Ok(load) => load.requests,
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    }
}
