//! What `baton burst` prints about bursts at one endpoint.

use std::path::{Path, PathBuf};

use baton_experiments::requests;
use baton_loadgen::{AttackOutcome, Requests};
use baton_propagators::Engine;
use baton_traces::compare::limits::Check;
use baton_traces::run::Manifest;
use baton_traces::shown::visible;
use baton_traces::version::Version;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{goose_report, histogram};
use crate::arguments::{BurstArguments, Format};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::table::bursts::burst_table;

/// What `baton burst --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BurstJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    settings: &'a Map<String, Value>,
    #[cfg_attr(test, schemars(with = "String"))]
    engine: Engine,
    /// The requests of all bursts.
    #[cfg_attr(test, schemars(with = "baton_schemas::Requests"))]
    requests: Requests,
    latency: Counted,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Burst>"))]
    bursts: Vec<AttackOutcome>,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Check>"))]
    checks: &'a [Check],
    /// The folder of the run.
    saved: Option<&'a Path>,
    goose_reports: Vec<PathBuf>,
}

/// From when latencies count.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Counted {
    /// From when each request was due.
    IntendedStart,
    /// From when each request was sent.
    ClosedLoop,
}

impl Counted {
    pub(super) fn of(arguments: &BurstArguments) -> Counted {
        match arguments.load.rate {
            Some(_) => Counted::IntendedStart,
            None => Counted::ClosedLoop,
        }
    }
}

/// Prints the figures of all bursts, the checks, and where the run is.
pub(super) fn print(
    arguments: &BurstArguments,
    manifest: &Manifest,
    outcomes: &[AttackOutcome],
    checks: &[Check],
    output: &Output,
) -> Result<(), Failure> {
    if output.format == Format::Json {
        let reports = (1..=outcomes.len() as u32).filter_map(|n| goose_report(arguments, n));
        return output.print_json(&BurstJson {
            version: Version::default(),
            settings: &manifest.settings,
            engine: manifest.engine,
            requests: requests(outcomes),
            latency: Counted::of(arguments),
            bursts: figures(outcomes),
            checks,
            saved: arguments.out.as_deref(),
            goose_reports: reports.collect(),
        });
    }
    let mut text = burst_table(outcomes, output);
    text.push_str("\n\n");
    text.push_str(&histogram::drawn(outcomes));
    for (index, outcome) in outcomes.iter().enumerate() {
        text.push_str(&answers(index + 1, outcome, output));
        if outcome.unsent > 0 {
            let unsent = format!(
                "burst {}: {} requests were due and never sent, because all users were waiting; use more users or a lower \
                 rate",
                index + 1,
                outcome.unsent
            );
            text.push_str(&output.folded(&unsent));
            text.push('\n');
        }
    }
    text.push_str(&output.folded(match arguments.load.rate {
        Some(_) => {
            "Latencies count from the intended start, so a stall counts for every request that it delayed."
        }
        None => {
            "Latencies are those that each user saw, so a stall counts once for each user. With --rate it counts for \
             every request that it delays."
        }
    }));
    for check in checks.iter().filter(|check| check.passed) {
        text.push_str(&format!("\n{check}"));
    }
    if let Some(out) = &arguments.out {
        text.push_str(&format!("\nSaved in {}.", out.display()));
    }
    output.print(&text)
}

/// What was answered in one burst, and what failed: one line each.
fn answers(number: usize, outcome: &AttackOutcome, output: &Output) -> String {
    let mut lines = Vec::new();
    if !outcome.statuses.is_empty() {
        let statuses = outcome.statuses.iter();
        let statuses = statuses.map(|(status, count)| format!("{count} × HTTP {status}"));
        lines.push(format!(
            "answers: {}",
            statuses.collect::<Vec<_>>().join(", ")
        ));
    }
    if let Some(bytes) = outcome.body_bytes {
        lines.push(format!(
            "bodies: {} bytes sent, {} received",
            bytes.sent, bytes.received
        ));
    }
    for failures in &outcome.failures {
        lines.push(format!("{} × {}", failures.count, failures.description));
    }
    if let Some(body) = &outcome.first_failed_body {
        lines.push(format!(
            "the first failed answer begins: {}",
            visible(body.trim())
        ));
    }
    let lines = lines.iter().map(|line| {
        let line = output.folded(&format!("burst {number}: {line}"));
        line + "\n"
    });
    lines.collect()
}

/// The outcomes without goose's own figures, which `load.json` has.
pub(super) fn figures(outcomes: &[AttackOutcome]) -> Vec<AttackOutcome> {
    let outcomes = outcomes.iter().cloned();
    outcomes
        .map(|outcome| AttackOutcome {
            goose: None,
            ..outcome
        })
        .collect()
}
