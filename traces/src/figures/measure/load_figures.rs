//! The load generator's figures of a run: `load.json`.

use serde::Deserialize;

use crate::figures::summary::round::Round;
use crate::figures::summary::{Latencies, Requests};
use crate::percentiles::{Percentiles, rounded};
use crate::run::{self, RunDirectory};

/// The part of `load.json` that a summary needs.
#[derive(Deserialize)]
pub(super) struct LoadFigures {
    /// The requests of all bursts.
    pub(super) requests: Option<Requests>,
    /// Several bursts.
    #[serde(default)]
    bursts: Vec<Burst>,
    /// The only burst, whose members are beside `requests`.
    #[serde(flatten)]
    only: Option<Times>,
}

/// One of several bursts.
#[derive(Deserialize)]
struct Burst {
    requests: Requests,
    #[serde(flatten)]
    times: Times,
}

/// How long a burst took, and its rounds.
#[derive(Deserialize)]
struct Times {
    duration_s: f64,
    #[serde(default)]
    rounds: Vec<LoadRound>,
}

/// One round of a burst.
#[derive(Deserialize)]
struct LoadRound {
    number: u32,
    started: jiff::Timestamp,
    duration_s: f64,
    requests: Requests,
    throughput_rps: f64,
    latency_ms: Option<Percentiles>,
}

impl LoadFigures {
    /// Successful requests per second of the bursts, without the gaps between them and without the
    /// rounds of other runs; `None` for a single burst without rounds.
    pub(super) fn throughput_rps(&self) -> Option<f64> {
        let only = self.only.iter().filter(|times| !times.rounds.is_empty());
        let of_only = only.filter_map(|times| Some((self.requests?.ok, times.duration_s)));
        let several = self.bursts.iter().filter(|_| self.bursts.len() > 1);
        let several = several.map(|burst| (burst.requests.ok, burst.times.duration_s));
        let (ok, seconds) = of_only
            .chain(several)
            .fold((0, 0.0), |(all, time), (ok, seconds)| {
                (all + ok, time + seconds)
            });
        (seconds > 0.0).then(|| rounded(ok as f64 / seconds, 2))
    }

    /// The rounds of all bursts, in one numbering. Their end-to-end times are not known here.
    pub(super) fn rounds(&self) -> Vec<Round> {
        let mut rounds: Vec<Round> = Vec::new();
        let times = self.only.iter();
        for times in times.chain(self.bursts.iter().map(|burst| &burst.times)) {
            let before = rounds.last().map_or(0, |round| round.number);
            rounds.extend(times.rounds.iter().map(|round| Round {
                number: before + round.number,
                started: round.started,
                duration_s: round.duration_s,
                requests: round.requests,
                throughput_rps: round.throughput_rps,
                latency_ms: Latencies {
                    request: round.latency_ms,
                    end_to_end: None,
                },
                records: 0,
            }));
        }
        rounds
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
