//! Counts of requests, and how a running attack is doing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::latency::Latency;
use crate::plan::seconds;

/// Counts of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requests {
    /// Requests sent. During an attack this includes those without an answer yet.
    pub sent: u64,
    /// Requests with a complete answer of status 2xx within the timeout.
    pub ok: u64,
    /// All other requests that have ended.
    pub failed: u64,
}

impl Requests {
    /// Why these counts, read from a file, contradict each other; `None` if they do not.
    pub fn contradiction(&self) -> Option<String> {
        let Requests { sent, ok, failed } = *self;
        let ended = ok.checked_add(failed);
        let is_possible = ended.is_some_and(|ended| ended <= sent);
        (!is_possible).then(|| {
            format!(
                "{sent} requests cannot have been sent where {ok} succeeded and {failed} failed"
            )
        })
    }
}

/// The state of a running attack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The requests so far.
    pub requests: Requests,
    /// The time since the first request.
    #[serde(rename = "elapsed_s", with = "seconds")]
    pub elapsed: Duration,
    /// Latency so far, if any request succeeded. With a rate, it counts from when requests were
    /// due.
    #[serde(default)]
    pub latency_ms: Option<Latency>,
    /// What happened since the last report of progress.
    #[serde(default)]
    pub recent: Recent,
}

/// What happened since the last report of progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// The time since then.
    #[serde(rename = "time_s", with = "seconds")]
    pub time: Duration,
    /// Requests that succeeded.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Latency, if any request succeeded. With a rate, it counts from when requests were due.
    pub latency_ms: Option<Latency>,
}
