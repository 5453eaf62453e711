//! The `load.json` of several runs as one.

use std::collections::BTreeSet;

use baton_loadgen::{Outcome, Requests};
use baton_traces::run::RunDirectory;
use serde::Deserialize;
use serde_json::json;

use crate::bursts;
use crate::failure::Failure;

/// What a merged run's `load.json` holds, and what it does not.
pub(super) struct Load {
    /// The file; `None` where one of the parts has none, so that nobody's requests are left out.
    pub(super) text: Option<Vec<u8>>,
    /// What could not be merged: a sentence each.
    pub(super) notes: Vec<String>,
}

/// What one run's file holds.
enum Part {
    /// What came of each of its bursts.
    Bursts(Vec<Outcome>),
    /// The requests alone, as another program may have written it.
    Requests(Requests),
}

impl Part {
    /// Makes sure that its counts are possible, and can be added to `before`, the requests of the parts before it. Gives the
    /// sum, which none of the merged figures exceeds.
    fn check(&self, before: u64) -> Result<u64, String> {
        let (contradiction, requests) = match self {
            Part::Bursts(outcomes) => (
                outcomes.iter().find_map(Outcome::contradiction),
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
        sum.ok_or_else(|| "with it there are more requests than can be counted".to_owned())
    }
}

/// Merges what came of the bursts: the first of all runs, the second of all, and so on.
pub(super) fn merged(runs: &[&RunDirectory]) -> Result<Load, Failure> {
    let mut parts = Vec::new();
    let mut missing = Vec::new();
    let mut requests = 0;
    for run in runs {
        let manifest = run.manifest().map_err(Failure::usage)?;
        match read(run)? {
            Some(part) => {
                requests = part.check(requests).map_err(|problem| {
                    Failure::usage(format!("{}: {problem}", run.load_path().display()))
                })?;
                parts.push(part);
            }
            // a lab that was only up has sent nothing
            None if manifest.settings.contains_key("client") => {
                missing.push(run.path().display().to_string());
            }
            None => {}
        }
    }
    if parts.is_empty() || !missing.is_empty() {
        let notes = missing.iter().map(|run| {
            format!("{run} has no load.json, so the merged run has none; requests are counted by the clients' spans")
        });
        return Ok(Load {
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
        // a run that was interrupted has fewer
        let together: Vec<_> = bursts
            .iter()
            .filter_map(|bursts| bursts.get(number))
            .cloned()
            .collect();
        if let Some((outcome, unmerged)) = Outcome::merge(&together) {
            outcomes.push(outcome);
            notes.extend(unmerged.iter().map(ToString::to_string));
        }
    }
    Ok(Load {
        text: Some(bursts::load(&outcomes)?),
        notes: notes.into_iter().collect(),
    })
}

fn requests_alone(parts: &[Part]) -> Result<Load, Failure> {
    let mut all = Requests::default();
    for part in parts {
        let requests = match part {
            Part::Bursts(outcomes) => bursts::requests(outcomes),
            Part::Requests(requests) => *requests,
        };
        all.sent += requests.sent;
        all.ok += requests.ok;
        all.failed += requests.failed;
    }
    let text = serde_json::to_vec(&json!({ "requests": all })).map_err(Failure::check)?;
    let note = "a load.json holds requests alone, so the merged one has no more";
    Ok(Load {
        text: Some(text),
        notes: vec![note.to_owned()],
    })
}

fn read(run: &RunDirectory) -> Result<Option<Part>, Failure> {
    #[derive(Deserialize)]
    struct Several {
        bursts: Vec<Outcome>,
    }
    #[derive(Deserialize)]
    struct Alone {
        requests: Requests,
    }
    let path = run.load_path();
    if !path.is_file() {
        return Ok(None);
    }
    let explain =
        |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| explain(&error))?;
    if let Ok(Several { bursts }) = serde_json::from_str(&text) {
        return Ok(Some(Part::Bursts(bursts)));
    }
    if let Ok(only) = serde_json::from_str(&text) {
        return Ok(Some(Part::Bursts(vec![only])));
    }
    match serde_json::from_str(&text) {
        Ok(Alone { requests }) => Ok(Some(Part::Requests(requests))),
        Err(error) => Err(explain(&format!(
            "expected the load generator's figures, but found: {error}"
        ))),
    }
}
