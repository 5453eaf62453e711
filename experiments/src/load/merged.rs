//! The `load.json` of several runs as one.

use std::collections::BTreeSet;
use std::path::Path;

use baton_loadgen::{AttackOutcome, Requests};
use baton_traces::run::RunDirectory;
use serde::Deserialize;

use super::{load_json, requests, requests_json};
use crate::error::ExperimentError;

/// The `load.json` of a merged run.
#[derive(Clone, Debug, Default)]
pub struct MergedLoad {
    /// The text of the file. `None` if one of the runs has no file, because its requests would be
    /// missing.
    pub text: Option<Vec<u8>>,
    /// What could not be merged: one sentence for each figure.
    pub notes: Vec<String>,
}

/// The content of one run's file.
enum Part {
    /// The outcome of each of its bursts.
    Bursts(Vec<AttackOutcome>),
    /// Only the number of requests, in a file of another program.
    Requests(Requests),
}

impl Part {
    /// Checks that its counts are possible, and that they can be added to `before`, the requests of
    /// the earlier parts. Returns the sum, which is the upper limit of every merged figure.
    fn check(&self, before: u64) -> Result<u64, String> {
        let (contradiction, requests) = match self {
            Part::Bursts(outcomes) => (
                outcomes.iter().find_map(AttackOutcome::contradiction),
                outcomes
                    .iter()
                    .flat_map(|outcome| [outcome.requests.sent, outcome.unsent])
                    .collect(),
            ),
            Part::Requests(requests) => (requests.contradiction(), vec![requests.sent]),
        };
        if let Some(contradiction) = contradiction {
            return Err(contradiction);
        }
        let sum = requests.into_iter().try_fold(before, u64::checked_add);
        sum.ok_or_else(|| {
            "its requests and those of the runs before it are too many to count".to_owned()
        })
    }
}

/// Merges the outcomes of the runs' bursts: the first bursts of all runs, their second bursts, and
/// so on.
///
/// # Errors
/// If a run's manifest or `load.json` cannot be read, or holds impossible figures.
pub fn merged(runs: &[&RunDirectory]) -> Result<MergedLoad, ExperimentError> {
    let mut parts = Vec::new();
    let mut missing = Vec::new();
    let mut requests = 0;
    for run in runs {
        let manifest = run.manifest()?;
        match read(run)? {
            Some(part) => {
                requests = part
                    .check(requests)
                    .map_err(|problem| wrong(&run.load_path(), problem))?;
                parts.push(part);
            }
            // a lab without a load sent no requests
            None if manifest.settings.contains_key("client") => {
                missing.push(run.path().display().to_string());
            }
            None => {}
        }
    }
    if parts.is_empty() || !missing.is_empty() {
        let notes = missing.iter().map(|run| {
            format!("{run} has no load.json, so the merged run has none; the clients' spans count the requests")
        });
        return Ok(MergedLoad {
            text: None,
            notes: notes.collect(),
        });
    }
    let mut bursts = Vec::new();
    for part in &parts {
        match part {
            Part::Bursts(outcomes) => bursts.push(outcomes.as_slice()),
            Part::Requests(_) => return requests_alone(&parts),
        }
    }
    let most = bursts.iter().map(|bursts| bursts.len()).max();
    let mut outcomes = Vec::new();
    let mut notes = BTreeSet::new();
    for number in 0..most.unwrap_or_default() {
        // an interrupted run has fewer bursts
        let together: Vec<_> = bursts
            .iter()
            .filter_map(|bursts| bursts.get(number))
            .cloned()
            .collect();
        if let Some((outcome, unmerged)) = AttackOutcome::merge(&together) {
            outcomes.push(outcome);
            notes.extend(unmerged.iter().map(ToString::to_string));
        }
    }
    Ok(MergedLoad {
        text: Some(load_json(&outcomes)?),
        notes: notes.into_iter().collect(),
    })
}

fn requests_alone(parts: &[Part]) -> Result<MergedLoad, ExperimentError> {
    let mut all = Requests::default();
    for part in parts {
        let requests = match part {
            Part::Bursts(outcomes) => requests(outcomes),
            Part::Requests(requests) => *requests,
        };
        all.sent += requests.sent;
        all.ok += requests.ok;
        all.failed += requests.failed;
    }
    let note = "a load.json holds only requests, so the merged one does too";
    Ok(MergedLoad {
        text: Some(requests_json(all)?),
        notes: vec![note.to_owned()],
    })
}

fn wrong(path: &Path, problem: String) -> ExperimentError {
    ExperimentError::Input {
        path: path.to_owned(),
        problem,
    }
}

fn read(run: &RunDirectory) -> Result<Option<Part>, ExperimentError> {
    #[derive(Deserialize)]
    struct Several {
        bursts: Vec<AttackOutcome>,
    }
    #[derive(Deserialize)]
    struct Alone {
        requests: Requests,
    }
    let path = run.load_path();
    if !path.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(ExperimentError::file("read", &path))?;
    if let Ok(Several { bursts }) = serde_json::from_str(&text) {
        return Ok(Some(Part::Bursts(bursts)));
    }
    if let Ok(only) = serde_json::from_str(&text) {
        return Ok(Some(Part::Bursts(vec![only])));
    }
    match serde_json::from_str(&text) {
        Ok(Alone { requests }) => Ok(Some(Part::Requests(requests))),
        Err(error) => Err(wrong(
            &path,
            format!("expected the load generator's figures, but found: {error}"),
        )),
    }
}
