//! The rounds of an attack: parts of it that took turns with other attacks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::latency::{Buckets, Latency};
use crate::outcome::progress::Requests;
use crate::outcome::{AttackOutcome, throughput};

/// One round of an attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Round {
    /// Its number, from 1. Rounds of the same number ran one right after the other.
    pub number: u32,
    /// When its first request was sent.
    pub started: Timestamp,
    /// The seconds from its first request's start to its last one's end.
    pub duration_s: f64,
    /// How many requests there were.
    pub requests: Requests,
    /// Requests that succeeded per second; 0 if the round took no time.
    pub throughput_rps: f64,
    /// Latency from when requests were sent, if any succeeded.
    pub latency_ms: Option<Latency>,
    /// Latency from when requests were due; `None` without a rate.
    #[serde(default)]
    pub latency_corrected_ms: Option<Latency>,
    /// The histogram of `latency_ms`.
    #[serde(default)]
    pub latency_histogram_us: Option<Buckets>,
}

impl Round {
    fn of(number: u32, outcome: &AttackOutcome) -> Round {
        Round {
            number,
            started: outcome.started,
            duration_s: outcome.duration_s,
            requests: outcome.requests,
            throughput_rps: outcome.throughput_rps,
            latency_ms: outcome.latency_ms,
            latency_corrected_ms: outcome.latency_corrected_ms,
            latency_histogram_us: outcome.latency_histogram_us.clone(),
        }
    }
}

impl AttackOutcome {
    /// The outcome of an attack that was sent in `rounds`, each with its number. Its time is the
    /// sum of theirs. `None` without rounds. A single round is an attack without rounds.
    pub fn of_rounds(rounds: &[(u32, AttackOutcome)]) -> Option<AttackOutcome> {
        if let [(_, only)] = rounds {
            return Some(only.clone());
        }
        let outcomes: Vec<AttackOutcome> = rounds.iter().map(|(_, round)| round.clone()).collect();
        let (merged, _) = AttackOutcome::merge(&outcomes)?;
        let duration_s = outcomes.iter().map(|round| round.duration_s).sum();
        // a round that was cut short is not a measurement
        let whole = rounds
            .iter()
            .filter(|(_, round)| !round.interrupted && !round.gave_up);
        Some(AttackOutcome {
            duration_s,
            throughput_rps: throughput(merged.requests, duration_s),
            rounds: whole
                .map(|(number, round)| Round::of(*number, round))
                .collect(),
            ..merged
        })
    }
}
