//! Bursts to endpoints outside a lab: sending, figures, limits and problems.

use std::path::PathBuf;

use baton_loadgen::{AttackOutcome, Plan, RequestFailure, Settings};
use baton_traces::compare::limits::{Check, Figure, Limit, Unit};
use baton_traces::run::RunDirectory;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::error::ExperimentError;
use crate::functions::Program;
use crate::load::{Load, add_client_spans};
use crate::observer::Observer;
use crate::turns::Member;

/// An endpoint that gets the load.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name, for people.
    pub name: String,
    /// The settings of its requests. The load decides when to stop, so `stop` is ignored here.
    pub settings: Settings,
    /// The run for the client's spans.
    pub directory: Option<RunDirectory>,
    /// The files for goose's own reports, one for each burst; empty for none.
    pub goose_reports: Vec<PathBuf>,
}

impl Endpoint {
    /// The plan of one part of the load, counted from 0.
    ///
    /// # Errors
    /// If the settings are wrong.
    pub fn plan(&self, load: &Load, part: u32) -> Result<Plan, ExperimentError> {
        let seed = self.settings.seed;
        Ok(Plan::new(Settings {
            stop: load.stop,
            // the same seed would send the same trace ids again
            seed: seed.map(|seed| seed.wrapping_add(u64::from(part))),
            goose_report: self.goose_reports.get(part as usize).cloned(),
            ..self.settings.clone()
        })?)
    }
}

impl Member for Endpoint {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn plan(&self, load: &Load, part: u32) -> Result<Plan, ExperimentError> {
        self.plan(load, part)
    }

    async fn part_ended(&self) -> Result<(), ExperimentError> {
        self.directory.as_ref().map_or(Ok(()), add_client_spans)
    }
}

/// Sends `load` to every endpoint, each burst in `rounds` rounds. Returns the outcomes of each
/// endpoint's bursts. There are fewer than requested if a signal arrived or a burst gave up.
///
/// # Errors
/// If the load generator cannot be run, a plan is wrong, or spans cannot be saved.
pub fn send<'a>(
    endpoints: &'a [Endpoint],
    load: &'a Load,
    rounds: u32,
    program: &'a Program,
    observer: &'a dyn Observer,
    interrupted: watch::Receiver<bool>,
) -> BoxFuture<'a, Result<Vec<Vec<AttackOutcome>>, ExperimentError>> {
    // boxed, so that it is compiled here and not again in every program
    Box::pin(load.take_turns(endpoints, rounds, program, observer, interrupted))
}

/// The figures of a burst that can have a limit.
pub const FIGURES: [Figure; 8] = [
    Figure::new("ok", Unit::Share),
    Figure::new("failed", Unit::Number),
    Figure::new("rps", Unit::Number),
    Figure::new("p50", Unit::Milliseconds),
    Figure::new("p90", Unit::Milliseconds),
    Figure::new("p99", Unit::Milliseconds),
    Figure::new("p999", Unit::Milliseconds),
    Figure::new("max", Unit::Milliseconds),
];

/// Why the endpoint cannot be reached, if no request of any burst got a connection.
pub fn unreachable(outcomes: &[AttackOutcome]) -> Option<&str> {
    let failures = || outcomes.iter().flat_map(|outcome| &outcome.failures);
    let is_refused = |failure: &RequestFailure| {
        matches!(
            failure,
            RequestFailure::ConnectionRefused | RequestFailure::NotConnected { .. }
        )
    };
    let is_unreachable = outcomes.iter().all(|outcome| outcome.requests.ok == 0)
        && failures().any(|failures| is_refused(&failures.failure))
        && failures().all(|failures| {
            is_refused(&failures.failure) || failures.failure == RequestFailure::Interrupted
        });
    let last = outcomes.last().filter(|_| is_unreachable)?;
    Some(&last.summary)
}

/// Checks every limit for every burst.
pub fn checks(limits: &[Limit], outcomes: &[AttackOutcome]) -> Vec<Check> {
    let of_burst = |(index, outcome): (usize, &AttackOutcome)| {
        let checks = limits
            .iter()
            .map(|limit| limit.evaluate(|name| figure(outcome, name)));
        checks
            .map(|check| match outcomes {
                [_] => check,
                _ => check.of(format!("burst {}", index + 1)),
            })
            .collect::<Vec<_>>()
    };
    outcomes.iter().enumerate().flat_map(of_burst).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the number of requests is far below 2^52"
)]
fn figure(outcome: &AttackOutcome, name: &str) -> Option<f64> {
    let requests = outcome.requests;
    let latency = outcome.latency_corrected_ms.or(outcome.latency_ms);
    match name {
        "ok" => (requests.sent > 0).then(|| requests.ok as f64 / requests.sent as f64),
        "failed" => Some(requests.failed as f64),
        "rps" => Some(outcome.throughput_rps),
        "p50" => latency.map(|latency| latency.p50),
        "p90" => latency.map(|latency| latency.p90),
        "p99" => latency.map(|latency| latency.p99),
        "p999" => latency.map(|latency| latency.p999),
        "max" => latency.map(|latency| latency.max),
        _ => None,
    }
}

/// The problems: one sentence for each burst with failed requests, for missing spans, and for each
/// failed check. Failed requests within a limit are not a problem.
pub fn problems(outcomes: &[AttackOutcome], limits: &[Limit], checks: &[Check]) -> Vec<String> {
    let are_failures_limited = limits
        .iter()
        .any(|limit| ["ok", "failed"].contains(&&*limit.name));
    let failed = outcomes.iter().enumerate().filter(|(_, outcome)| {
        outcome.gave_up || outcome.requests.failed > 0 && !are_failures_limited
    });
    let mut problems: Vec<String> = failed
        .map(|(index, outcome)| match outcomes {
            [_] => outcome.summary.clone(),
            _ => format!("burst {}: {}", index + 1, outcome.summary),
        })
        .collect();
    let spans = outcomes
        .iter()
        .filter_map(|outcome| outcome.span_file_error.as_ref());
    problems.extend(spans.map(|error| format!("spans are missing: {error}")));
    let broken = checks.iter().filter(|check| !check.passed);
    problems.extend(broken.map(ToString::to_string));
    problems
}
