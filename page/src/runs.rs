//! Runs that a person keeps: what was sent in one period, as a run directory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use baton_experiments::manifest::versions;
use baton_experiments::run::new_directory;
use baton_propagators::{Pairing, Propagation};
use baton_traces::compare::Comparison;
use baton_traces::hand_off::Hop;
use baton_traces::measure::Measured;
use baton_traces::otlp;
use baton_traces::run::{Function, Manifest, RunDirectory};
use baton_traces::shown::count;
use baton_traces::source::Source;
use baton_traces::span::UnixTime;
use baton_traces::summary::Summary;
use baton_views::report::{Report, Run};
use jiff::Timestamp;
use serde::Deserialize;

use crate::live::{Live, Period};

/// How many kept runs are listed and compared.
const MAX_LISTED: usize = 50;
const MAX_COMPARED: usize = 8;

/// A run in the list.
pub(crate) struct KeptRun {
    /// The name of its directory.
    pub(crate) name: String,
    /// Its pairing.
    pub(crate) pairing: String,
    /// The verdicts on its records, each with whether the trace held.
    pub(crate) verdicts: Vec<(bool, String)>,
}

/// Writes what was sent in a period as a run, with its report. Gives the run's directory.
///
/// # Errors
/// What failed, as a sentence.
pub(crate) fn keep(
    live: &Live,
    number: usize,
    logs: &RunDirectory,
    parent: &Path,
) -> Result<PathBuf, String> {
    let (start, end, manifest) = {
        let held = live.held();
        let periods = held.periods();
        let period = periods.get(number).ok_or("there is no such period")?;
        let end = periods.get(number + 1).map(|next| next.since);
        let manifest = manifest(period, end.unwrap_or_else(Timestamp::now))?;
        (period.since, end, manifest)
    };
    let failed = |error: &dyn std::fmt::Display| format!("the run cannot be kept: {error}");
    let path = new_directory(parent).map_err(|error| failed(&error))?;
    let run = RunDirectory::create(&path).map_err(|error| failed(&error))?;
    run.write_manifest(&manifest)
        .map_err(|error| failed(&error))?;
    write_spans(live, &run, start, end)?;
    for function in Function::BOTH {
        copy_log(
            &logs.log_path(function),
            &run.log_path(function),
            start,
            end,
        )
        .map_err(|error| failed(&error))?;
    }
    let read = Run::read(&Source::from(run.path())).map_err(|error| failed(&error))?;
    let summary = &read.measured().summary;
    summary.write(&run).map_err(|error| failed(&error))?;
    let report = Report {
        runs: vec![read.named(run.name())],
        ..Report::default()
    };
    fs::write(run.report_path(), report.render()).map_err(|error| failed(&error))?;
    Ok(path)
}

fn manifest(period: &Period, end: Timestamp) -> Result<Manifest, String> {
    let set = |variables: &std::collections::BTreeMap<String, String>| {
        let set = Propagation::from_environment(|name| variables.get(name).cloned());
        set.map_err(|_| "the period's settings cannot be read".to_owned())
    };
    let (producer, consumer) = (set(&period.producer)?, set(&period.consumer)?);
    let settings = serde_json::json!({
        "kept_by": "page",
        "producer": period.producer,
        "consumer": period.consumer,
    });
    Ok(Manifest {
        engine: producer.engine,
        pairing: Some(Pairing {
            producer: producer.inject,
            consumer: consumer.extract,
        }),
        settings: settings.as_object().cloned().unwrap_or_default(),
        versions: versions(),
        records: None,
        start: period.since,
        end: Some(end),
    })
}

fn write_spans(
    live: &Live,
    run: &RunDirectory,
    start: Timestamp,
    end: Option<Timestamp>,
) -> Result<(), String> {
    let nanoseconds = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or(0);
    let start = nanoseconds(start);
    let end = end.map_or(u64::MAX, nanoseconds);
    let is_inside =
        |at: Option<UnixTime>| at.is_some_and(|at| (start..end).contains(&at.as_nanoseconds()));
    let mut file = run.append_spans().map_err(|error| error.to_string())?;
    let mut problem = None;
    live.each_span(&mut |span| {
        if is_inside(span.start) {
            let request = otlp::request(span, None).to_string();
            problem = file
                .write_request(request.as_bytes())
                .err()
                .or(problem.take());
        }
    });
    let finished = file.finish();
    match problem.map_or(finished, Err) {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("the run's spans cannot be written: {error}")),
    }
}

/// Copies the lines of a log that were written in a period. A line without a time is left out.
fn copy_log(
    from: &Path,
    to: &Path,
    start: Timestamp,
    end: Option<Timestamp>,
) -> std::io::Result<()> {
    #[derive(Deserialize)]
    struct Timed {
        timestamp: Timestamp,
    }
    let mut copy = BufWriter::new(File::create(to)?);
    for line in BufReader::new(File::open(from)?).split(b'\n') {
        let line = line?;
        let timed = serde_json::from_slice::<Timed>(&line);
        let is_inside = timed.is_ok_and(|line| {
            line.timestamp >= start && end.is_none_or(|end| line.timestamp < end)
        });
        if is_inside {
            copy.write_all(&line)?;
            copy.write_all(b"\n")?;
        }
    }
    copy.flush()
}

/// The runs in `parent`, the newest first.
pub(crate) fn list(parent: &Path) -> Vec<KeptRun> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut runs: Vec<RunDirectory> = entries
        .filter_map(|entry| RunDirectory::open(entry.path()).ok())
        .collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.name()));
    runs.truncate(MAX_LISTED);
    runs.iter()
        .map(|run| {
            let manifest = run.manifest().ok();
            let pairing = manifest.and_then(|manifest| manifest.pairing);
            KeptRun {
                name: run.name(),
                pairing: pairing.map_or_else(String::new, |pairing| pairing.to_string()),
                verdicts: verdicts(run).unwrap_or_default(),
            }
        })
        .collect()
}

fn verdicts(run: &RunDirectory) -> Option<Vec<(bool, String)>> {
    let summary = fs::read(run.summary_path()).ok()?;
    let summary: Summary = serde_json::from_slice(&summary).ok()?;
    let records = summary.hops.get(&Hop::Record)?.iter();
    Some(
        records
            .map(|(verdict, number)| (verdict.is_whole(), format!("{} {verdict}", count(*number))))
            .collect(),
    )
}

/// The run of this name in `parent`; `None` if there is none, or if the name leads elsewhere.
fn find(parent: &Path, name: &str) -> Option<RunDirectory> {
    let is_plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    is_plain.then(|| RunDirectory::open(parent.join(name)).ok())?
}

/// The report of one run.
pub(crate) fn report(parent: &Path, name: &str) -> Option<String> {
    fs::read_to_string(find(parent, name)?.report_path()).ok()
}

/// The report that compares runs with the first of them.
///
/// # Errors
/// What failed, as a sentence.
pub(crate) fn compare(parent: &Path, names: &[String]) -> Result<String, String> {
    if !(2..=MAX_COMPARED).contains(&names.len()) {
        return Err(format!("choose from 2 to {MAX_COMPARED} runs"));
    }
    let runs = names.iter().map(|name| {
        let run = find(parent, name).ok_or_else(|| format!("there is no run {name:?}"))?;
        let read = Run::read(&Source::from(run.path())).map_err(|error| error.to_string())?;
        Ok(read.named(run.name()))
    });
    let runs: Vec<Run> = runs.collect::<Result<_, String>>()?;
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let report = Report {
        comparison: Some(Comparison::of(&measured, 0)),
        runs,
        ..Report::default()
    };
    Ok(report.render())
}
