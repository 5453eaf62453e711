//! Runs that a person keeps: what was sent in one period, or in the last minutes, as a run
//! directory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use baton_experiments::manifest::versions;
use baton_experiments::run::new_directory;
use baton_propagators::{Engine, Pairing, TraceId};
use baton_traces::compare::Comparison;
use baton_traces::hand_off::Hop;
use baton_traces::measure::Measured;
use baton_traces::otlp;
use baton_traces::run::{Function, Manifest, RunDirectory, create_private, write_private};
use baton_traces::shown::{count, visible};
use baton_traces::source::Source;
use baton_traces::span::{UnixTime, Want};
use baton_traces::summary::Summary;
use baton_traces::version::Version;
use baton_views::report::{Report, Run};
use jiff::Timestamp;
use serde::Deserialize;

use crate::live::{Live, Period};
use crate::map::percent_encoded;
use crate::settings;

/// How many kept runs are listed and compared.
const MAX_LISTED: usize = 50;
const MAX_COMPARED: usize = 8;

/// A run in the list.
pub(crate) struct KeptRun {
    /// The name of its directory.
    pub(crate) name: String,
    /// The address of its report.
    pub(crate) report: String,
    /// Its pairing.
    pub(crate) pairing: String,
    /// The verdicts on its records, each with whether the trace held.
    pub(crate) verdicts: Vec<(bool, String)>,
}

/// The time whose requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The period with this number.
    Period(usize),
    /// The last minutes.
    Minutes(u32),
}

/// What is kept: requests that began in this time, and the settings of the lab.
struct Range {
    since: Timestamp,
    until: Timestamp,
    manifest: Manifest,
}

/// Writes what was sent in a time as a run, with its report. Everything before `now` is complete.
/// Returns the run's directory, and a note if traces of that time have left memory.
///
/// # Errors
/// What failed, as a sentence.
pub(crate) fn keep(
    live: &Live,
    kept: Kept,
    now: Timestamp,
    logs: &RunDirectory,
    parent: &Path,
) -> Result<(PathBuf, Option<String>), String> {
    let range = Range::of(live, kept, now)?;
    let path = new_directory(parent).map_err(cannot_keep)?;
    let note = fill(live, &range, logs, &path).inspect_err(|_| {
        // half a run would be listed and compared like a whole one
        let _ = fs::remove_dir_all(&path);
    })?;
    Ok((path, note))
}

fn cannot_keep(error: impl std::fmt::Display) -> String {
    format!("the run cannot be kept: {error}")
}

/// Writes the run to the new directory `path`. Returns the note of [`keep`].
fn fill(
    live: &Live,
    range: &Range,
    logs: &RunDirectory,
    path: &Path,
) -> Result<Option<String>, String> {
    let run = RunDirectory::create(path).map_err(cannot_keep)?;
    run.write_manifest(&range.manifest).map_err(cannot_keep)?;
    let (since, until) = (UnixTime::of(range.since), UnixTime::of(range.until));
    let (inside, outside) = live.traces_between(since, until);
    write_spans(live, &run, &inside)?;
    for function in Function::BOTH {
        let (from, to) = (logs.log_path(function), run.log_path(function));
        copy_log(&from, &to, range, &inside, &outside).map_err(cannot_keep)?;
    }
    let read = Run::read(&Source::from(run.path())).map_err(cannot_keep)?;
    let summary = &read.measured().summary;
    summary.write(&run).map_err(cannot_keep)?;
    let report = Report {
        runs: vec![read.named(name_by_modes(&run, false))],
        ..Report::default()
    };
    write_private(&run.report_path(), report.render().as_bytes()).map_err(cannot_keep)?;
    let forgotten = live.held().forgotten();
    let is_complete = forgotten.until.is_none_or(|until| Some(until) < since);
    Ok((!is_complete).then(|| {
        "Older traces of that time had left memory and are not in the run; the lab's directory has them."
            .to_owned()
    }))
}

impl Range {
    fn of(live: &Live, kept: Kept, now: Timestamp) -> Result<Range, String> {
        let held = live.held();
        let periods = held.periods();
        let (since, until) = match kept {
            Kept::Period(number) if number < periods.forgotten() => {
                return Err(
                    "this period has left memory; the lab's directory still has it".to_owned(),
                );
            }
            Kept::Period(number) => {
                let period = periods.get(number).ok_or("there is no such period")?;
                let next = periods.get(number + 1);
                (period.since, next.map_or(now, |next| next.since.min(now)))
            }
            Kept::Minutes(minutes) => {
                let since = now - jiff::SignedDuration::from_mins(i64::from(minutes));
                (since, now)
            }
        };
        let begun = periods
            .iter()
            .rev()
            .find(|(_, period)| period.since <= since);
        let first = begun.map_or(0, |(number, _)| number);
        let inside = periods
            .iter()
            .filter(|(number, period)| *number >= first && period.since < until);
        let used: Vec<&Period> = inside
            .filter(|(number, period)| !period.spans.is_empty() || kept == Kept::Period(*number))
            .map(|(_, period)| period)
            .collect();
        let manifest = manifest(&used, since, until)?;
        Ok(Range {
            since,
            until,
            manifest,
        })
    }
}

/// The manifest of a run in these periods. It has a pairing only if they all have the same.
fn manifest(periods: &[&Period], start: Timestamp, end: Timestamp) -> Result<Manifest, String> {
    let set = |variables: &BTreeMap<String, String>| {
        let set = settings::of(variables);
        set.ok_or_else(|| "the period's settings cannot be read".to_owned())
    };
    let mut pairings = Vec::new();
    let mut engine = Engine::default();
    for period in periods {
        let (producer, consumer) = (set(&period.producer)?, set(&period.consumer)?);
        engine = producer.engine;
        let pairing = Pairing {
            producer: producer.inject,
            consumer: consumer.extract,
        };
        if !pairings.contains(&pairing) {
            pairings.push(pairing);
        }
    }
    let settings = periods.iter().map(|period| {
        serde_json::json!({
            "since": period.since.strftime("%Y-%m-%d %H:%M:%S.%3f UTC").to_string(),
            "client": period.client.to_string(),
            "producer": settings::of_one(&period.producer),
            "consumer": settings::of_one(&period.consumer),
        })
    });
    let settings =
        serde_json::json!({ "kept_by": "page", "periods": settings.collect::<Vec<_>>() });
    let only = pairings.pop().filter(|_| pairings.is_empty());
    Ok(Manifest {
        version: Version::default(),
        engine,
        pairing: only,
        settings: settings.as_object().cloned().unwrap_or_default(),
        versions: versions(),
        records: None,
        start,
        end: Some(end),
    })
}

fn write_spans(live: &Live, run: &RunDirectory, inside: &HashSet<TraceId>) -> Result<(), String> {
    let mut file = run.append_spans().map_err(|error| error.to_string())?;
    let mut problem = None;
    live.each_span(Want::Everything, &mut |span| {
        if inside.contains(&span.reference.trace_id) {
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

/// Copies the lines of a log that belong to the kept traces, or that were written in their time and
/// belong to no held trace. A line without a time is left out.
fn copy_log(
    from: &Path,
    to: &Path,
    range: &Range,
    inside: &HashSet<TraceId>,
    outside: &HashSet<TraceId>,
) -> std::io::Result<()> {
    #[derive(Deserialize)]
    struct Head {
        timestamp: Timestamp,
        #[serde(default)]
        trace_id: Option<String>,
    }
    let mut copy = BufWriter::new(create_private(to)?);
    for line in BufReader::new(File::open(from)?).split(b'\n') {
        let line = line?;
        let Ok(head) = serde_json::from_slice::<Head>(&line) else {
            continue;
        };
        let trace_id = head.trace_id.and_then(|id| TraceId::from_hex(&id));
        let is_kept = match trace_id {
            Some(id) if inside.contains(&id) => true,
            Some(id) if outside.contains(&id) => false,
            _ => (range.since..range.until).contains(&head.timestamp),
        };
        if is_kept {
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
                report: format!("/runs/{}/report", percent_encoded(&run.name())),
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
            .map(|(verdict, number)| (verdict.holds(), format!("{} {verdict}", count(*number))))
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

/// The name of a run in a report: its pairing, and the name of its directory if `in_full`.
fn name_by_modes(run: &RunDirectory, in_full: bool) -> String {
    let manifest = run.manifest().ok();
    match manifest.and_then(|manifest| manifest.pairing) {
        Some(pairing) if in_full => format!("{pairing} ({})", run.name()),
        Some(pairing) => pairing.to_string(),
        None => run.name(),
    }
}

/// The names of runs in a report. No two are the same.
fn names_by_modes(runs: &[RunDirectory]) -> Vec<String> {
    let names: Vec<String> = runs.iter().map(|run| name_by_modes(run, false)).collect();
    let is_single = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let named = runs.iter().zip(&names);
    named
        .map(|(run, name)| match is_single(name) {
            true => name.clone(),
            false => name_by_modes(run, true),
        })
        .collect()
}

/// The report that compares runs with the oldest of them. Each is named by its pairing.
///
/// # Errors
/// What failed, as a sentence.
pub(crate) fn compare(parent: &Path, names: &[String]) -> Result<String, String> {
    let names: BTreeSet<&String> = names.iter().collect();
    if !(2..=MAX_COMPARED).contains(&names.len()) {
        return Err(format!("Choose from 2 to {MAX_COMPARED} runs"));
    }
    let runs = names.into_iter().map(|name| {
        let run = find(parent, name);
        run.ok_or_else(|| format!("There is no run {:?}", visible(name)))
    });
    let mut runs = runs.collect::<Result<Vec<_>, String>>()?;
    // runs that started at the same time stay in the order of their names
    runs.sort_by_key(|run| run.manifest().ok().map(|manifest| manifest.start));
    let read = runs.iter().zip(names_by_modes(&runs)).map(|(run, name)| {
        let read = Run::read(&Source::from(run.path())).map_err(|error| error.to_string())?;
        Ok(read.named(name))
    });
    let runs: Vec<Run> = read.collect::<Result<_, String>>()?;
    let measured: Vec<Measured> = runs.iter().map(|run| run.measured().clone()).collect();
    let report = Report {
        comparison: Some(Comparison::of(&measured, 0)),
        runs,
        ..Report::default()
    };
    Ok(report.render())
}
