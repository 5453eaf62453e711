//! Loads a source: passes on all its spans and log lines, and says what the source lacks.
//!
//! A run directory has spans and the logs of its functions. An export has only spans.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::hand_off::Hop;
use crate::readers::collect::Collect;
use crate::readers::log::{self, LogReading};
use crate::readers::{Form, ReadError};
use crate::run::{Function, Manifest, RunDirectory, Undelivered};
use crate::source::extent::Extent;
use crate::source::{Source, SourceError};
use crate::span::Want;

/// What a source held, and what it lacked.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The form of its spans.
    pub form: Form,
    /// Which hops have logs, and whether spans may be missing.
    pub extent: Extent,
    /// What was run, for a run directory.
    pub manifest: Option<Manifest>,
    /// The path of a run's span file, if the file is missing.
    pub missing_spans: Option<PathBuf>,
    /// Which spans could not be read: one sentence for each problem.
    pub span_problems: Vec<String>,
    /// The functions of the run that have no log, each with the path where the log should be.
    pub missing_logs: Vec<(Function, PathBuf)>,
    /// What is wrong with the first few bad log lines: one sentence for each.
    pub log_problems: Vec<String>,
    /// How many log lines are bad.
    pub log_problem_lines: u64,
}

/// Passes all spans and log lines of `source` to `into`. Memory does not grow with their number.
///
/// # Errors
/// If the source cannot be read, is not an export of spans, or is a directory without a valid
/// manifest. A source that is cut short is not an error, nor is a run without spans or logs: see
/// [`Loaded`].
pub fn load(source: &Source, want: Want, into: &mut dyn Collect) -> Result<Loaded, SourceError> {
    let mut loaded = Loaded::default();
    if let Some(run) = source.run()? {
        let manifest = run.manifest()?;
        // a lab that was killed holds no lock, and delivers nothing more
        let is_under_way = run.is_being_written();
        loaded.extent.under_way_since = manifest.under_way_since().filter(|_| is_under_way);
        // parts of a merged run may come from elsewhere
        let of_lab = manifest.records.filter(|_| !manifest.is_merged());
        if let Some(records) = of_lab {
            loaded.extent.undelivered = Undelivered::read(&run, records)?;
        }
        read_logs(&run, &manifest, into, &mut loaded)?;
        loaded.extent.is_run = true;
        loaded.manifest = Some(manifest);
        let spans = run.spans_path();
        loaded.missing_spans = (!spans.is_file()).then_some(spans);
    }
    // a run that was merged with an export has logs for only some of its spans
    let manifest = loaded.manifest.as_ref();
    loaded.extent.is_export = manifest.is_none_or(|manifest| manifest.is_merged());
    if loaded.missing_spans.is_none() {
        let reading = source.collect(want, into)?;
        loaded.form = reading.form;
        loaded.extent.is_cut_short = !reading.problems.is_empty();
        loaded.span_problems = reading.problems;
    }
    Ok(loaded)
}

/// Whether one of `sources` is a run.
///
/// # Errors
/// If a run directory cannot be used.
pub fn has_run(sources: &[Source]) -> Result<bool, SourceError> {
    for source in sources {
        if source.run()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the logs of a run's functions.
fn read_logs(
    run: &RunDirectory,
    manifest: &Manifest,
    into: &mut dyn Collect,
    loaded: &mut Loaded,
) -> Result<(), ReadError> {
    for (function, reading) in parallel_readings(run, into) {
        let Some(reading) = reading else {
            loaded.missing_logs.push((function, run.log_path(function)));
            continue;
        };
        let reading = reading?;
        // a foreign function need not log as baton's own functions do
        if reading.events > 0 || !manifest.is_foreign(function) {
            loaded.extent.logged.insert(Hop::into(function));
        }
        loaded.log_problem_lines += reading.problem_lines;
        loaded.log_problems.extend(reading.problems);
    }
    Ok(())
}

/// Reads both logs at the same time. A missing log gives `None`.
fn parallel_readings(
    run: &RunDirectory,
    into: &mut dyn Collect,
) -> Vec<(Function, Option<Result<LogReading, ReadError>>)> {
    let into = Mutex::new(into);
    let read = |path: PathBuf| {
        log::read_file(&path, &mut |line| {
            let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
            into.add_log_line(line);
        })
    };
    std::thread::scope(|scope| {
        let started = Function::BOTH.map(|function| {
            let path = run.log_path(function);
            let read = &read;
            let reading = path.is_file().then(|| scope.spawn(move || read(path)));
            (function, reading)
        });
        let ended = started.map(|(function, reading)| {
            let panicked = |panic| std::panic::resume_unwind(panic);
            let reading = reading.map(|reading| reading.join().unwrap_or_else(panicked));
            (function, reading)
        });
        ended.into()
    })
}

impl Loaded {
    /// Whether the run has the log of the function that receives at `hop`.
    pub fn has_log_of(&self, hop: Hop) -> bool {
        self.extent.logged.contains(&hop)
    }
}
