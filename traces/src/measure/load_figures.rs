//! The load generator's figures of a run: `load.json`.

use serde::Deserialize;

use crate::run::{self, RunDirectory};
use crate::summary::Requests;

/// The part of `load.json` that a summary needs.
#[derive(Deserialize)]
pub(super) struct LoadFigures {
    /// The requests of all bursts.
    pub(super) requests: Option<Requests>,
    #[serde(default)]
    bursts: Vec<Burst>,
}

/// One of several bursts.
#[derive(Deserialize)]
struct Burst {
    requests: Requests,
    duration_s: f64,
}

impl LoadFigures {
    /// Successful requests per second during several bursts, without the gaps between them; `None`
    /// for a single burst.
    pub(super) fn throughput_rps(&self) -> Option<f64> {
        let ok: u64 = self.bursts.iter().map(|burst| burst.requests.ok).sum();
        let seconds: f64 = self.bursts.iter().map(|burst| burst.duration_s).sum();
        (self.bursts.len() > 1 && seconds > 0.0).then(|| ok as f64 / seconds)
    }

    /// Reads the load figures of `run`; `None` if it has none. If the file cannot be read, a
    /// sentence is added to `problems`.
    pub(super) fn read(run: &RunDirectory, problems: &mut Vec<String>) -> Option<LoadFigures> {
        let path = run.load_path();
        if !path.is_file() {
            return None;
        }
        match run::read_json::<LoadFigures>(&path, "the load generator's figures") {
            Ok(load) => Some(load),
            Err(error) => {
                problems.push(error.to_string());
                None
            }
        }
    }
}
