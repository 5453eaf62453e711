//! Reads a source whole and sums it up.

mod unknown;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::hand_off::Hop;
use crate::merge;
use crate::readers::log::{self, LogReading};
use crate::readers::{ReadError, otlp_json};
use crate::run::{self, Function, RunDirectory, RunError};
use crate::source::{Source, SourceError};
use crate::span::{Span, Want};
use crate::statistics::Durations;
use crate::summary::{Requests, Summary};
use crate::tally::Tally;
use crate::trace_index::{Table, TraceIndex};

/// A source in figures, and what a comparison needs besides.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The figures.
    pub summary: Summary,
    /// How long each request that succeeded took, as the client saw it.
    pub request: Durations,
    /// How long each record took, from the client's start to the end of its first handling.
    pub end_to_end: Durations,
    /// Whether `end_to_end` begins at the producer, since no client's span is in the source.
    pub end_to_end_from_producer: bool,
    /// What the source cannot tell, and why.
    pub unknown: Vec<Unknown>,
}

/// Something that a source cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// What, and why not, in one sentence.
    pub sentence: String,
    /// The metrics that have no figure because of it, by their names in a comparison.
    pub metrics: Vec<String>,
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
        Measured::of_run_with(run, &mut |_| {}).map(|(measured, _)| measured)
    }

    /// As [`Measured::of_run`]; `also` gets every span too. Gives besides what was counted.
    fn of_run_with(
        run: &RunDirectory,
        also: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<(Measured, Tally), RunError> {
        let manifest = run.manifest()?;
        let mut tally = Tally::default();
        let mut problems = merge::problems(&manifest);

        let spans = run.spans_path();
        let has_spans = spans.is_file();
        let mut is_cut_short = false;
        if has_spans {
            let each = &mut |span: &Span<'_>| {
                tally.add_span(span);
                also(span);
            };
            let reading = otlp_json::read_file(&spans, Want::Judging, each)?;
            is_cut_short = reading.truncated.is_some();
            problems.extend(reading.truncated.map(|truncated| truncated.to_string()));
        } else {
            problems.push(format!(
                "{} is missing: there are no spans",
                spans.display()
            ));
        }

        let mut log_problems = 0;
        let mut logged = Vec::new();
        let mut missing = Vec::new();
        for (function, reading) in read_logs(run, &mut tally) {
            match reading {
                Some(reading) => {
                    let reading = reading?;
                    if reading.tells_of(function, &manifest) {
                        logged.push(function.receives());
                    }
                    log_problems += reading.problem_lines;
                    problems.extend(reading.problems);
                }
                None => missing.push(function),
            }
        }
        tally.finish(&logged, manifest.under_way_since(), is_cut_short);
        for function in missing {
            // of a burst at somebody else's endpoint there are no logs to be missing
            let is_somebody_elses =
                manifest.pairing.is_none() && unknown::is_absent(&tally, function.receives());
            if !is_somebody_elses {
                problems.push(format!(
                    "{} is missing: without it, what was not sampled counts as lost",
                    run.log_path(function).display()
                ));
            }
        }

        let load = load(run, &mut problems);
        let end_to_end = tally.end_to_end();
        let summary = Summary::of_spans(run.name(), &tally, &end_to_end);
        let mut summary = summary.described_by(&manifest);
        // the bursts of several machines overlap
        let is_of_one = !manifest.settings.contains_key(merge::MERGED);
        if let Some(load) = load.as_ref().filter(|_| is_of_one) {
            summary.throughput_rps = load.throughput_rps().or(summary.throughput_rps);
        }
        match (load.and_then(|load| load.requests), summary.requests) {
            // others have sent too
            (Some(load), Some(by_spans)) if by_spans.sent > load.sent => problems.push(format!(
                "load.json tells of {} requests and the clients' spans of {}, which is what counts",
                load.sent, by_spans.sent
            )),
            (load, by_spans) => summary.requests = load.or(by_spans),
        }
        summary.log_problems = log_problems;
        summary.problems = problems;
        if !has_spans {
            summary.spans = None;
            summary.traces = None;
        }
        let mut measured = Measured {
            summary,
            request: tally.clients().durations.clone(),
            end_to_end,
            end_to_end_from_producer: tally.clients().sent == 0,
            unknown: Vec::new(),
        };
        for hop in [Hop::Ingress, Hop::Record] {
            if !logged.contains(&hop) && unknown::is_absent(&tally, hop) {
                unknown::leave_out(&mut measured, &tally, hop);
            }
        }
        unknown::lost_on_the_way(&mut measured, &tally, &logged);
        unknown::cut_short(&mut measured, &tally);
        if measured.summary.requests.is_none() {
            unknown::without_clients(&mut measured);
        }
        Ok((measured, tally))
    }

    /// Reads `source` once, for its figures and for an index of its traces.
    ///
    /// # Errors
    /// As [`Source::measure`].
    pub fn with_index(source: &Source) -> Result<(Measured, TraceIndex), SourceError> {
        let mut table = Table::default();
        let also = &mut |span: &Span<'_>| table.add_span(span, 0);
        let (measured, tally) = Measured::of_source(source, also)?;
        Ok((measured, TraceIndex::of(table, tally.into_assembly())))
    }

    /// Reads `source` and sums it up; `also` gets every span too. Gives besides what was counted.
    ///
    /// # Errors
    /// As [`Source::measure`].
    pub(crate) fn of_source(
        source: &Source,
        also: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<(Measured, Tally), SourceError> {
        match source.run()? {
            Some(run) => Ok(Measured::of_run_with(&run, also)?),
            None => Measured::of_spans(source, also),
        }
    }

    /// Reads a source that is no run directory, and sums it up under its name.
    ///
    /// A hop whose ends have no ids in common is judged by parents and links; what cannot be told then is said in
    /// [`Measured::unknown`], and figures that need ids are left out.
    fn of_spans(
        source: &Source,
        also: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<(Measured, Tally), SourceError> {
        let mut tally = Tally::default();
        let reading = source.read(Want::Judging, &mut |span| {
            tally.add_span(span);
            also(span);
        })?;
        let is_cut_short = !reading.problems.is_empty();
        tally.finish(&[], None, is_cut_short);
        let end_to_end = tally.end_to_end();
        let mut measured = Measured {
            summary: Summary {
                problems: reading.problems,
                ..Summary::of_spans(source.name(), &tally, &end_to_end)
            },
            request: tally.clients().durations.clone(),
            end_to_end,
            end_to_end_from_producer: tally.clients().sent == 0,
            unknown: Vec::new(),
        };
        unknown::judge_by_structure(&mut measured, &tally, reading.form);
        unknown::cut_short(&mut measured, &tally);
        Ok((measured, tally))
    }
}

/// Reads the functions' logs, both at once, since they report about different ends of hand-offs. `None` for one that is
/// missing.
fn read_logs(
    run: &RunDirectory,
    tally: &mut Tally,
) -> Vec<(Function, Option<Result<LogReading, ReadError>>)> {
    let tally = Mutex::new(tally);
    let read = |path: &Path| {
        log::read_file(path, &mut |line| {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add_log_line(line);
        })
    };
    let logs = [Function::Producer, Function::Consumer];
    std::thread::scope(|scope| {
        let readings = logs.map(|function| {
            let path = run.log_path(function);
            let read = &read;
            let reading = path.is_file().then(|| scope.spawn(move || read(&path)));
            (function, reading)
        });
        let ended = readings.map(|(function, reading)| {
            let reading = reading.map(|reading| {
                let panicked = |panic| std::panic::resume_unwind(panic);
                reading.join().unwrap_or_else(panicked)
            });
            (function, reading)
        });
        ended.into()
    })
}

/// The part of `load.json` that is looked at.
#[derive(Deserialize)]
struct Load {
    requests: Option<Requests>,
    #[serde(default)]
    bursts: Vec<Burst>,
}

/// One of several bursts.
#[derive(Deserialize)]
struct Burst {
    requests: Requests,
    duration_s: f64,
}

impl Load {
    /// Requests per second while bursts lasted, without the gaps between them.
    fn throughput_rps(&self) -> Option<f64> {
        let ok: u64 = self.bursts.iter().map(|burst| burst.requests.ok).sum();
        let seconds: f64 = self.bursts.iter().map(|burst| burst.duration_s).sum();
        (self.bursts.len() > 1 && seconds > 0.0).then(|| ok as f64 / seconds)
    }
}

fn load(run: &RunDirectory, problems: &mut Vec<String>) -> Option<Load> {
    let path = run.load_path();
    if !path.is_file() {
        return None;
    }
    match run::read_json::<Load>(&path, "the load generator's figures") {
        Ok(load) => Some(load),
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    }
}
