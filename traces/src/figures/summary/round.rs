//! The rounds of a run: parts of its load that took turns with those of other runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::figures::summary::{Latencies, Requests};

/// One round of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Round {
    /// Its number, from 1. Runs that were measured together have rounds of the same number at
    /// nearly the same time.
    pub number: u32,
    /// When its first request was sent.
    pub started: Timestamp,
    /// The seconds from its first request's start to its last one's end.
    pub duration_s: f64,
    /// Its requests.
    pub requests: Requests,
    /// Successful requests per second.
    pub throughput_rps: f64,
    /// Latencies, in milliseconds.
    #[serde(default)]
    pub latency_ms: Latencies,
    /// How many records have an end-to-end time.
    #[serde(default)]
    pub records: u64,
}
