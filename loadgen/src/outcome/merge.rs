//! Merges the results of several attacks into one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use crate::outcome::latency::Buckets;
use crate::outcome::progress::Requests;
use crate::outcome::{AttackOutcome, Bodies, Ending, FailureCount, summary, throughput};
use crate::request::failure::RequestFailure;

/// A figure that cannot be merged exactly. It is left out or kept separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmerged {
    /// goose's own metrics. Each attack keeps its own.
    Goose,
    /// The latencies, because a part has percentiles and no histogram.
    Latency,
}

impl fmt::Display for Unmerged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unmerged::Goose => {
                "goose's own metrics describe one process each; load.json lists them side by side"
            }
            Unmerged::Latency => {
                "a load.json has percentiles and no histogram, as earlier versions wrote it; percentiles cannot be \
                 merged, so the merged load.json has none"
            }
        })
    }
}

impl AttackOutcome {
    /// The outcome of all `parts` as if they had been one attack at the same endpoint: counts are
    /// added, histograms are merged, and the time is from the first start to the last end. `None`
    /// without parts.
    ///
    /// Also gives the figures that could not be merged.
    pub fn merge(parts: &[AttackOutcome]) -> Option<(AttackOutcome, Vec<Unmerged>)> {
        let started = parts.iter().map(|part| part.started).min()?;
        let ended = parts.iter().map(end).max()?;
        let duration_s = ended.duration_since(started).as_secs_f64();
        let mut requests = Requests::default();
        for part in parts {
            requests.sent += part.requests.sent;
            requests.ok += part.requests.ok;
            requests.failed += part.requests.failed;
        }
        let failures = failures(parts);
        let interrupted = parts.iter().any(|part| part.interrupted);
        let gave_up = parts.iter().any(|part| part.gave_up);
        let ending = match (interrupted, gave_up) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::GaveUp,
            (false, false) => Ending::Complete,
        };
        let errors: Vec<_> = parts
            .iter()
            .filter_map(|part| part.span_file_error.clone())
            .collect();
        let histogram = merged_histogram(parts, |part| part.latency_histogram_us.as_ref());
        let corrected =
            merged_histogram(parts, |part| part.latency_corrected_histogram_us.as_ref());
        let has_percentiles = |part: &AttackOutcome| {
            part.latency_ms.is_some() && part.latency_histogram_us.is_none()
                || part.latency_corrected_ms.is_some()
                    && part.latency_corrected_histogram_us.is_none()
        };
        let mut unmerged = vec![Unmerged::Goose];
        unmerged.extend(
            parts
                .iter()
                .any(has_percentiles)
                .then_some(Unmerged::Latency),
        );
        let merged = AttackOutcome {
            summary: summary(requests, &failures, ending),
            requests,
            interrupted,
            gave_up,
            started,
            duration_s,
            throughput_rps: throughput(requests, duration_s),
            latency_ms: histogram.as_ref().and_then(Buckets::latency),
            latency_corrected_ms: corrected.as_ref().and_then(Buckets::latency),
            latency_histogram_us: histogram,
            latency_corrected_histogram_us: corrected,
            unsent: parts.iter().map(|part| part.unsent).sum(),
            statuses: statuses(parts),
            body_bytes: bodies(parts),
            failures,
            first_failed_body: parts.iter().find_map(|part| part.first_failed_body.clone()),
            seed: None,
            seeds: parts
                .iter()
                .flat_map(|part| part.seed.iter().chain(&part.seeds).copied())
                .collect(),
            rounds: Vec::new(),
            span_file_error: (!errors.is_empty()).then(|| errors.join("; ")),
            goose: side_by_side(parts),
        };
        Some((merged, unmerged))
    }
}

/// When the last request ended.
fn end(part: &AttackOutcome) -> Timestamp {
    let duration = Duration::try_from_secs_f64(part.duration_s).unwrap_or_default();
    part.started.checked_add(duration).unwrap_or(part.started)
}

/// The sum of all histograms; `None` if a part has none.
fn merged_histogram<'a>(
    parts: &'a [AttackOutcome],
    histogram: impl Fn(&'a AttackOutcome) -> Option<&'a Buckets>,
) -> Option<Buckets> {
    let all: Option<Vec<_>> = parts.iter().map(histogram).collect();
    all.map(Buckets::sum)
}

/// How many answers of all parts had each status.
fn statuses(parts: &[AttackOutcome]) -> BTreeMap<u16, u64> {
    let mut all = BTreeMap::new();
    for (status, count) in parts.iter().flat_map(|part| &part.statuses) {
        let sum: &mut u64 = all.entry(*status).or_default();
        *sum = sum.saturating_add(*count);
    }
    all
}

/// The bytes of the bodies of all parts; `None` if a part does not say.
fn bodies(parts: &[AttackOutcome]) -> Option<Bodies> {
    parts.iter().try_fold(Bodies::default(), |all, part| {
        let bodies = part.body_bytes?;
        Some(Bodies {
            sent: all.sent.saturating_add(bodies.sent),
            received: all.received.saturating_add(bodies.received),
        })
    })
}

/// The failures of all parts by kind, most frequent first.
fn failures(parts: &[AttackOutcome]) -> Vec<FailureCount> {
    let mut kinds: BTreeMap<&RequestFailure, FailureCount> = BTreeMap::new();
    for failures in parts.iter().flat_map(|part| &part.failures) {
        match kinds.get_mut(&failures.failure) {
            Some(known) => known.count += failures.count,
            None => {
                kinds.insert(&failures.failure, failures.clone());
            }
        }
    }
    let mut failures: Vec<_> = kinds.into_values().collect();
    // The sort is stable, so equally frequent kinds stay in order.
    failures.sort_by_key(|failures| std::cmp::Reverse(failures.count));
    failures
}

/// goose's metrics of every part. A part that is itself a merge has several.
fn side_by_side(parts: &[AttackOutcome]) -> Option<Box<RawValue>> {
    let mut all: Vec<Box<RawValue>> = Vec::new();
    for goose in parts.iter().filter_map(|part| part.goose.as_ref()) {
        match serde_json::from_str::<Vec<Box<RawValue>>>(goose.get()) {
            Ok(several) => all.extend(several),
            Err(_) => all.push(goose.clone()),
        }
    }
    to_raw_value(&all).ok()
}

#[cfg(test)]
mod tests;
