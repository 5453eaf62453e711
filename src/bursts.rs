//! Bursts one after the other, each from zero.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use baton_loadgen::{Outcome, Plan, Requests, Stop};
use baton_traces::run::{CLIENT_SPANS_FILE, RunDirectory};
use serde::Serialize;
use tokio::sync::watch;

use crate::arguments::LoadArguments;
use crate::attack_process::attack;
use crate::failure::Failure;
use crate::print::progress::{Progress, Total};

const DEFAULT_REQUESTS: u64 = 2000;

impl LoadArguments {
    /// What ends each burst.
    pub(crate) fn stop(&self) -> Stop {
        match self.duration {
            Some(duration) => Stop::Duration(duration),
            None => Stop::Requests(self.requests.unwrap_or(DEFAULT_REQUESTS)),
        }
    }

    /// What there is to do when the bursts are sent `times`.
    pub(crate) fn total(&self, times: usize) -> Total {
        let bursts = u32::try_from(times)
            .unwrap_or(u32::MAX)
            .saturating_mul(self.bursts);
        match self.stop() {
            Stop::Requests(requests) => Total::Requests(requests.saturating_mul(bursts.into())),
            Stop::Duration(duration) => Total::Time(duration.saturating_mul(bursts)),
        }
    }
}

/// Sends the bursts, the n-th by the plan that `plan` makes for n, counted from 1, and calls `ended` after each. Gives
/// what came of those that were begun: fewer when they are interrupted, or when one was given up.
pub(crate) async fn send(
    load: &LoadArguments,
    plan: impl Fn(u32) -> Result<Plan, Failure>,
    name: &str,
    progress: &Progress<'_>,
    mut interrupted: watch::Receiver<bool>,
    mut ended: impl FnMut() -> Result<(), Failure>,
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::new();
    for number in 1..=load.bursts {
        if load.bursts > 1 {
            progress.stage(&format!("{name} {number}/{}", load.bursts));
        }
        let cancelled = {
            let mut interrupted = interrupted.clone();
            async move {
                let _ = interrupted.wait_for(|interrupted| *interrupted).await;
            }
        };
        let outcome = attack(&plan(number)?, |news| progress.advance(&news), cancelled).await?;
        progress.stage_done(outcome.requests.sent);
        ended()?;
        let is_last = outcome.gave_up || number == load.bursts;
        outcomes.push(outcome);
        if is_last || *interrupted.borrow() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(load.gap) => {}
            _ = interrupted.wait_for(|interrupted| *interrupted) => break,
        }
    }
    Ok(outcomes)
}

/// The requests of all bursts.
pub(crate) fn requests(outcomes: &[Outcome]) -> Requests {
    let mut all = Requests::default();
    for outcome in outcomes {
        all.sent += outcome.requests.sent;
        all.ok += outcome.requests.ok;
        all.failed += outcome.requests.failed;
    }
    all
}

/// Writes `load.json`.
pub(crate) fn write_load(directory: &RunDirectory, outcomes: &[Outcome]) -> Result<(), Failure> {
    std::fs::write(directory.load_path(), load(outcomes)?).map_err(Failure::check)
}

/// What `load.json` holds: what came of the only burst, or the requests of all and what came of each.
pub(crate) fn load(outcomes: &[Outcome]) -> Result<Vec<u8>, Failure> {
    #[derive(Serialize)]
    struct Load<'a> {
        requests: Requests,
        bursts: &'a [Outcome],
    }
    let text = match outcomes {
        [only] => serde_json::to_vec(only),
        _ => serde_json::to_vec(&Load {
            requests: requests(outcomes),
            bursts: outcomes,
        }),
    };
    text.map_err(Failure::check)
}

/// Where a burst's client spans are written while it lasts.
pub(crate) fn client_spans(directory: &Path) -> PathBuf {
    directory.join(CLIENT_SPANS_FILE)
}

/// Adds a burst's client spans to the run's.
pub(crate) fn fold_client_spans(directory: &RunDirectory) -> Result<(), Failure> {
    let path = directory.client_spans_path();
    let explain = |error: std::io::Error| Failure::check(format!("{}: {error}", path.display()));
    let mut lines = BufReader::new(File::open(&path).map_err(explain)?);
    let mut spans = directory.append_spans().map_err(Failure::check)?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(explain)? > 0 {
        spans.write_request(&line).map_err(Failure::check)?;
        line.clear();
    }
    spans.finish().map_err(Failure::check)?;
    std::fs::remove_file(&path).map_err(explain)
}
