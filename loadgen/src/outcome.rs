//! The result of an attack: counts, failures in words, and goose's own metrics.

pub(crate) mod counter;
pub(crate) mod latency;
pub(crate) mod merge;
pub(crate) mod progress;
pub(crate) mod rounds;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::counter::Counted;
use self::latency::{Buckets, Latency};
use self::progress::Requests;
use self::rounds::Round;
use crate::plan::Plan;
use crate::request::failure::RequestFailure;

/// The most kinds of failure in the summary. The list of failures has all of them.
const MAX_NAMED_KINDS: usize = 3;

/// One kind of failure and its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureCount {
    /// What went wrong.
    #[serde(flatten)]
    pub failure: RequestFailure,
    /// How many requests failed in this way.
    pub count: u64,
    /// The failure in words.
    pub description: String,
    /// What to check first if every request failed in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The bytes of bodies, without headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bodies {
    /// Bytes of all requests.
    pub sent: u64,
    /// Bytes of all answers.
    pub received: u64,
}

/// The result of an attack: a burst. A run's `load.json` holds those of all its bursts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Burst"))]
pub struct AttackOutcome {
    /// What happened, in one sentence.
    pub summary: String,
    /// How many requests there were.
    pub requests: Requests,
    /// Whether the attack was interrupted before the end of its plan.
    pub interrupted: bool,
    /// Whether the attack gave up before the end of its plan, because requests were not answered.
    #[serde(default)]
    pub gave_up: bool,
    /// When the first request was sent.
    pub started: Timestamp,
    /// The seconds from the first request's start to the last one's end.
    pub duration_s: f64,
    /// Requests that succeeded per second; 0 if the attack took no time.
    pub throughput_rps: f64,
    /// Latency from when requests were sent, if any succeeded.
    pub latency_ms: Option<Latency>,
    /// Latency from when requests were due under the plan's rate, so a stall counts for every
    /// request that it delayed. `None` without a rate, because then no request is due at a given
    /// time.
    #[serde(default)]
    pub latency_corrected_ms: Option<Latency>,
    /// The histogram of `latency_ms`; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub latency_histogram_us: Option<Buckets>,
    /// The histogram of `latency_corrected_ms`; `None` without a rate.
    #[serde(default)]
    pub latency_corrected_histogram_us: Option<Buckets>,
    /// How many requests were due under the plan's rate and never sent, because no user was free.
    #[serde(default)]
    pub unsent: u64,
    /// How many answers had each HTTP status.
    #[serde(default)]
    pub statuses: BTreeMap<u16, u64>,
    /// The bytes of all bodies; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub body_bytes: Option<Bodies>,
    /// What went wrong, most frequent first.
    pub failures: Vec<FailureCount>,
    /// The beginning of the body of the first failed answer that has one. It is foreign text, so
    /// make hostile characters visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failed_body: Option<String>,
    /// The seed of trace ids, span ids and bodies. A plan with this seed sends the same requests.
    /// `None` if several attacks were merged.
    pub seed: Option<u64>,
    /// The seeds of merged attacks, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// The rounds, if the attack was sent in parts that took turns with other attacks. Then
    /// `duration_s` is the sum of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// Why the span file is incomplete, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_file_error: Option<String>,
    /// goose's metrics as goose serialises them; a list of them if several attacks were merged.
    /// `None` in what `baton burst` prints.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goose: Option<Box<RawValue>>,
}

/// What ended an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It reached the end of its plan.
    Complete,
    /// It was interrupted.
    Interrupted,
    /// It gave up, because requests were not answered.
    GaveUp,
}

/// The facts about an attack besides its counts.
#[derive(Debug)]
pub(crate) struct Circumstances {
    pub ending: Ending,
    pub unsent: u64,
    pub started: Timestamp,
    pub duration: Duration,
    pub seed: u64,
    pub span_file_error: Option<String>,
    pub goose: Box<RawValue>,
}

impl AttackOutcome {
    /// Why these counts, read from a file, contradict each other; `None` if they do not. Without a
    /// contradiction, no count is larger than the number of requests.
    pub fn contradiction(&self) -> Option<String> {
        let Requests { ok, failed, .. } = self.requests;
        let histograms = [
            ("latency_histogram_us", &self.latency_histogram_us),
            (
                "latency_corrected_histogram_us",
                &self.latency_corrected_histogram_us,
            ),
        ];
        let differs = histograms.into_iter().find_map(|(name, histogram)| {
            let is_of_all = histogram.as_ref()?.count() == Some(ok);
            (!is_of_all).then(|| format!("{name} is not of the {ok} requests that succeeded"))
        });
        let mut counts = self.failures.iter().map(|failures| failures.count);
        let failures = counts
            .try_fold(0, u64::checked_add)
            .is_none_or(|sum| sum > failed);
        let failures =
            failures.then(|| format!("failures are more than the {failed} requests that failed"));
        self.requests.contradiction().or(differs).or(failures)
    }

    pub(crate) fn new(plan: &Plan, counted: Counted, circumstances: Circumstances) -> Self {
        let Counted {
            requests,
            failures,
            statuses,
            bodies,
            first_failed_body,
            latency,
            corrected,
            buckets,
            corrected_buckets,
            ..
        } = counted;
        let failures: Vec<FailureCount> = failures
            .into_iter()
            .map(|(failure, count)| FailureCount {
                description: failure.describe(&plan.endpoint(), plan.timeout()),
                advice: failure.advice(plan.is_lab()).map(str::to_owned),
                failure,
                count,
            })
            .collect();
        let duration_s = circumstances.duration.as_secs_f64();
        Self {
            summary: summary(requests, &failures, circumstances.ending),
            requests,
            interrupted: circumstances.ending == Ending::Interrupted,
            gave_up: circumstances.ending == Ending::GaveUp,
            started: circumstances.started,
            duration_s,
            throughput_rps: throughput(requests, duration_s),
            latency_ms: latency,
            latency_corrected_ms: corrected,
            latency_histogram_us: Some(buckets),
            latency_corrected_histogram_us: corrected_buckets,
            unsent: circumstances.unsent,
            statuses,
            body_bytes: Some(bodies),
            failures,
            first_failed_body,
            seed: Some(circumstances.seed),
            seeds: Vec::new(),
            rounds: Vec::new(),
            span_file_error: circumstances.span_file_error,
            goose: Some(circumstances.goose),
        }
    }
}

/// Requests that succeeded per second; 0 if no time passed.
#[expect(
    clippy::cast_precision_loss,
    reason = "the number of requests is far below 2^52"
)]
pub(crate) fn throughput(requests: Requests, duration_s: f64) -> f64 {
    if duration_s > 0.0 {
        requests.ok as f64 / duration_s
    } else {
        0.0
    }
}

/// What happened, in one sentence.
pub(crate) fn summary(requests: Requests, failures: &[FailureCount], ending: Ending) -> String {
    let Requests { sent, ok, failed } = requests;
    let which = |many: u64| match many {
        1 => "the only request".to_owned(),
        _ => format!("all {many} requests"),
    };
    let mut sentence = match (sent, ok, failed) {
        (0, ..) => "no request was sent".to_owned(),
        (_, _, 0) => format!("{} succeeded", which(sent)),
        (_, 0, _) => format!("{} failed", which(sent)),
        _ => format!("{failed} of {sent} requests failed"),
    };
    let prefix = match (ending, ok) {
        (Ending::Complete, _) => "",
        (Ending::Interrupted, _) => "interrupted: ",
        (Ending::GaveUp, 0) => "gave up, as nothing was answered: ",
        (Ending::GaveUp, _) => "gave up, as nothing was answered any more: ",
    };
    sentence.insert_str(0, prefix);
    // Requests that were in progress when the attack gave up are not mentioned.
    let told = |failures: &&FailureCount| {
        ending != Ending::GaveUp || failures.failure != RequestFailure::Interrupted
    };
    let failures: Vec<&FailureCount> = failures.iter().filter(told).collect();
    match &failures[..] {
        [] => {}
        [only] => {
            sentence.push_str(": ");
            sentence.push_str(&only.description);
            if let Some(advice) = &only.advice {
                sentence.push_str("; ");
                sentence.push_str(advice);
            }
        }
        _ => {
            let (named, rest) = failures.split_at(failures.len().min(MAX_NAMED_KINDS));
            let named: Vec<String> = named
                .iter()
                .map(|failures| format!("{} × {}", failures.count, failures.description))
                .collect();
            sentence.push_str(": ");
            sentence.push_str(&named.join(", "));
            let others: u64 = rest.iter().map(|failures| failures.count).sum();
            if others > 0 {
                sentence.push_str(&format!(", {others} × other failures"));
            }
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(kinds: &[(RequestFailure, u64)]) -> Vec<FailureCount> {
        kinds
            .iter()
            .map(|(failure, count)| FailureCount {
                failure: failure.clone(),
                count: *count,
                description: failure
                    .describe("http://127.0.0.1:3000/dev/producer", Duration::from_secs(5)),
                advice: failure.advice(true).map(str::to_owned),
            })
            .collect()
    }

    fn status(status: u16, message: &str) -> RequestFailure {
        RequestFailure::Status {
            status,
            message: Some(message.to_owned()),
        }
    }

    struct Case {
        sent: u64,
        kinds: Vec<(RequestFailure, u64)>,
        ending: Ending,
        sentence: &'static str,
    }

    fn case(
        sent: u64,
        kinds: Vec<(RequestFailure, u64)>,
        ending: Ending,
        sentence: &'static str,
    ) -> Case {
        Case {
            sent,
            kinds,
            ending,
            sentence,
        }
    }

    #[test]
    fn the_summary_is_one_sentence_about_what_happened() {
        use Ending::{Complete, GaveUp, Interrupted};
        let cases = [
            case(500, vec![], Complete, "all 500 requests succeeded"),
            case(1, vec![], Complete, "the only request succeeded"),
            case(0, vec![], Complete, "no request was sent"),
            case(0, vec![], Interrupted, "interrupted: no request was sent"),
            case(
                312,
                vec![],
                Interrupted,
                "interrupted: all 312 requests succeeded",
            ),
            case(
                500,
                vec![(RequestFailure::ConnectionRefused, 500)],
                Complete,
                "all 500 requests failed: connection refused at http://127.0.0.1:3000/dev/producer; is the endpoint up?",
            ),
            case(
                11,
                vec![
                    (RequestFailure::Timeout, 8),
                    (RequestFailure::Interrupted, 3),
                ],
                GaveUp,
                "gave up, as nothing was answered: all 11 requests failed: no answer within 5s; the endpoint takes connections but does not answer",
            ),
            case(
                500,
                vec![(RequestFailure::Timeout, 24)],
                GaveUp,
                "gave up, as nothing was answered any more: 24 of 500 requests failed: no answer within 5s; the endpoint takes connections but does not answer",
            ),
            case(
                1,
                vec![(status(404, "no such path"), 1)],
                Complete,
                "the only request failed: HTTP 404 Not Found: no such path; is the endpoint's path right? a lab's ends in /dev/producer",
            ),
            case(
                20,
                vec![(status(429, "slow down"), 3)],
                Complete,
                "3 of 20 requests failed: HTTP 429 Too Many Requests: slow down; the endpoint throttles; use fewer users or a lower rate",
            ),
            case(
                20,
                vec![(status(503, "busy"), 4), (RequestFailure::Timeout, 1)],
                Complete,
                "5 of 20 requests failed: 4 × HTTP 503 Service Unavailable: busy, 1 × no answer within 5s",
            ),
            case(
                9,
                vec![
                    (status(503, "busy"), 4),
                    (RequestFailure::Timeout, 2),
                    (status(500, "a"), 2),
                    (status(500, "b"), 1),
                ],
                Complete,
                "all 9 requests failed: 4 × HTTP 503 Service Unavailable: busy, 2 × no answer within 5s, 2 × HTTP 500 Internal Server Error: a, 1 × other failures",
            ),
        ];
        for case in cases {
            let failed = case.kinds.iter().map(|(_, count)| count).sum();
            let requests = Requests {
                sent: case.sent,
                ok: case.sent - failed,
                failed,
            };
            assert_eq!(
                summary(requests, &failures(&case.kinds), case.ending),
                case.sentence
            );
        }
    }

    #[test]
    fn a_failure_is_flat_in_json() {
        let json = serde_json::to_value(&failures(&[(status(503, "busy"), 4)])[0]).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "kind": "status", "status": 503, "message": "busy", "count": 4,
                "description": "HTTP 503 Service Unavailable: busy",
                "advice": "the producer's log says more",
            })
        );
    }
}
