//! The load of an experiment: bursts of requests, one after the other, each counted separately.

pub(crate) mod merged;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_loadgen::{AttackOutcome, Requests, Scenario, Settings, Stop};
use baton_propagators::Engine;
use baton_traces::run::{CLIENT_SPANS_FILE, RunDirectory, write_private};
use baton_traces::version::Version;
use serde::Serialize;

use crate::error::ExperimentError;

/// How many requests, how fast, in how many bursts.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Users that send at the same time.
    pub users: usize,
    /// What ends each burst.
    pub stop: Stop,
    /// Requests per second over all users; `None` sends requests as fast as the answers come.
    pub rate: Option<f64>,
    /// The time over which the users start, evenly one after the other.
    pub ramp: Duration,
    /// The number of bursts.
    pub bursts: u32,
    /// The pause between two bursts.
    pub gap: Duration,
    /// The engine that writes the headers.
    pub engine: Engine,
}

impl Load {
    /// The load generator's settings for one burst at `endpoint` by a client of this mode or
    /// scenario.
    pub fn settings(&self, endpoint: &str, client: impl Into<Scenario>) -> Settings {
        Settings {
            users: self.users,
            stop: self.stop,
            rate: self.rate,
            ramp: self.ramp,
            engine: self.engine,
            ..Settings::new(endpoint, client)
        }
    }
}

/// The requests of all bursts.
pub fn requests(outcomes: &[AttackOutcome]) -> Requests {
    let mut all = Requests::default();
    for outcome in outcomes {
        all.sent += outcome.requests.sent;
        all.ok += outcome.requests.ok;
        all.failed += outcome.requests.failed;
    }
    all
}

/// Writes `load.json`.
///
/// # Errors
/// If it cannot be written.
pub fn write_load(
    directory: &RunDirectory,
    outcomes: &[AttackOutcome],
) -> Result<(), ExperimentError> {
    let path = directory.load_path();
    let written = write_private(&path, &load_json(outcomes)?);
    written.map_err(ExperimentError::file("write", &path))
}

/// `load.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum LoadJson<'a> {
    /// The only burst.
    Only {
        #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
        version: Version,
        #[serde(flatten)]
        #[cfg_attr(test, schemars(with = "baton_schemas::Burst"))]
        burst: &'a AttackOutcome,
    },
    /// Several bursts.
    Several {
        #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
        version: Version,
        /// The requests of all bursts.
        #[cfg_attr(test, schemars(with = "baton_schemas::Requests"))]
        requests: Requests,
        /// Absent in a run that was merged from files with nothing but the requests.
        #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Burst>"))]
        #[serde(skip_serializing_if = "Option::is_none")]
        bursts: Option<&'a [AttackOutcome]>,
    },
}

impl LoadJson<'_> {
    fn text(&self) -> Result<Vec<u8>, ExperimentError> {
        serde_json::to_vec(self)
            .map_err(|error| ExperimentError::Internal(format!("load.json is not JSON: {error}")))
    }
}

/// The text of `load.json`: the outcome of the only burst, or the requests of all bursts and the
/// outcome of each.
///
/// # Errors
/// If an outcome cannot be written as JSON.
pub fn load_json(outcomes: &[AttackOutcome]) -> Result<Vec<u8>, ExperimentError> {
    let version = Version::default();
    let load = match outcomes {
        [burst] => LoadJson::Only { version, burst },
        _ => LoadJson::Several {
            version,
            requests: requests(outcomes),
            bursts: Some(outcomes),
        },
    };
    load.text()
}

/// The text of a `load.json` that has only the number of requests.
fn requests_json(requests: Requests) -> Result<Vec<u8>, ExperimentError> {
    let load = LoadJson::Several {
        version: Version::default(),
        requests,
        bursts: None,
    };
    load.text()
}

/// The sentence for client spans that the load generator could not write.
pub(crate) fn missing_client_spans(error: impl std::fmt::Display) -> String {
    format!("client spans are missing: {error}")
}

/// The file for a burst's client spans during the burst.
pub fn client_spans(directory: &Path) -> PathBuf {
    directory.join(CLIENT_SPANS_FILE)
}

/// Adds a burst's client spans to the run's spans.
///
/// # Errors
/// If a file cannot be read, written or removed.
pub fn add_client_spans(directory: &RunDirectory) -> Result<(), ExperimentError> {
    let path = directory.client_spans_path();
    let spans_path = directory.spans_path();
    let unreadable = ExperimentError::file("read", &path);
    let unwritable = ExperimentError::file("write", &spans_path);
    let mut lines = BufReader::new(File::open(&path).map_err(&unreadable)?);
    let mut spans = directory.append_spans()?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(&unreadable)? > 0 {
        spans.write_request(&line).map_err(&unwritable)?;
        line.clear();
    }
    spans.finish().map_err(&unwritable)?;
    std::fs::remove_file(&path).map_err(ExperimentError::file("remove", &path))
}
