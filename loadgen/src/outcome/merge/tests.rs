use serde_json::json;

use super::*;

/// The outcome of requests that took these times, in microseconds.
fn outcome(started: &str, duration_s: f64, micros: &[u64]) -> AttackOutcome {
    let mut all = crate::outcome::latency::histogram();
    for micros in micros {
        all.saturating_record(*micros);
    }
    let buckets = Buckets::of(&all);
    let requests = Requests {
        sent: micros.len() as u64,
        ok: micros.len() as u64,
        failed: 0,
    };
    AttackOutcome {
        summary: summary(requests, &[], Ending::Complete),
        requests,
        interrupted: false,
        gave_up: false,
        started: started.parse().expect("a time"),
        duration_s,
        throughput_rps: throughput(requests, duration_s),
        latency_ms: buckets.latency(),
        latency_corrected_ms: None,
        latency_histogram_us: Some(buckets),
        latency_corrected_histogram_us: None,
        unsent: 0,
        statuses: BTreeMap::from([(200, micros.len() as u64)]),
        body_bytes: None,
        failures: Vec::new(),
        first_failed_body: None,
        seed: Some(micros.len() as u64),
        seeds: Vec::new(),
        rounds: Vec::new(),
        span_file_error: None,
        goose: to_raw_value(&json!({"users": 1})).ok(),
    }
}

fn with_failures(mut outcome: AttackOutcome, failures: &[(RequestFailure, u64)]) -> AttackOutcome {
    for (failure, count) in failures {
        outcome.requests.sent += count;
        outcome.requests.failed += count;
        outcome.failures.push(FailureCount {
            failure: failure.clone(),
            count: *count,
            description: format!("{failure:?}"),
            advice: None,
        });
    }
    outcome
}

#[test]
fn latencies_are_those_of_one_attack_and_no_average() {
    let fast = outcome("2026-11-23T05:00:00Z", 2.0, &[1_000; 99]);
    let slow = outcome("2026-11-23T05:00:01Z", 4.0, &[9_000]);
    let (merged, unmerged) = AttackOutcome::merge(&[fast, slow]).expect("two parts");
    let one = outcome(
        "2026-11-23T05:00:00Z",
        5.0,
        &[&[1_000; 99][..], &[9_000]].concat(),
    );
    assert_eq!(merged.latency_ms, one.latency_ms);
    assert_eq!(merged.latency_histogram_us, one.latency_histogram_us);
    assert_eq!(merged.requests, one.requests);
    // from the first start to the last end
    assert_eq!((merged.duration_s, merged.throughput_rps), (5.0, 20.0));
    assert_eq!(merged.summary, "all 100 requests succeeded");
    assert_eq!((merged.seed, &merged.seeds[..]), (None, &[99, 1][..]));
    let goose = merged.goose.expect("metrics");
    assert_eq!(goose.get(), r#"[{"users":1},{"users":1}]"#);
    assert_eq!(unmerged, [Unmerged::Goose]);
}

#[test]
fn failures_of_one_kind_are_added() {
    let start = "2026-11-23T05:00:00Z";
    let first = with_failures(
        outcome(start, 1.0, &[10]),
        &[
            (RequestFailure::Timeout, 3),
            (RequestFailure::ConnectionRefused, 1),
        ],
    );
    let second = with_failures(
        outcome(start, 1.0, &[10]),
        &[(RequestFailure::ConnectionRefused, 4)],
    );
    let (merged, _) = AttackOutcome::merge(&[first, second]).expect("two parts");
    let counts: Vec<_> = merged
        .failures
        .iter()
        .map(|failures| (&failures.failure, failures.count))
        .collect();
    assert_eq!(
        counts,
        [
            (&RequestFailure::ConnectionRefused, 5),
            (&RequestFailure::Timeout, 3)
        ]
    );
    assert_eq!(merged.requests.failed, 8);
    assert!(
        merged.summary.starts_with("8 of 10 requests failed: "),
        "{}",
        merged.summary
    );
}

#[test]
fn a_merged_outcome_can_be_merged_again() {
    let part = |micros: u64| outcome("2026-11-23T05:00:00Z", 1.0, &[micros]);
    let (first, _) = AttackOutcome::merge(&[part(10), part(20)]).expect("two parts");
    let (twice, _) = AttackOutcome::merge(&[first, part(30)]).expect("two parts");
    let (once, _) = AttackOutcome::merge(&[part(10), part(20), part(30)]).expect("three parts");
    let json = |outcome: &AttackOutcome| serde_json::to_value(outcome).expect("JSON");
    assert_eq!(json(&twice), json(&once));
}

#[test]
fn without_a_histogram_percentiles_are_left_out_with_a_note() {
    let mut old = outcome("2026-11-23T05:00:00Z", 1.0, &[10]);
    old.latency_histogram_us = None;
    let new = outcome("2026-11-23T05:00:00Z", 1.0, &[10]);
    let (merged, unmerged) = AttackOutcome::merge(&[old, new]).expect("two parts");
    assert_eq!(merged.latency_ms, None);
    assert_eq!(merged.latency_histogram_us, None);
    assert_eq!(unmerged, [Unmerged::Goose, Unmerged::Latency]);
    assert!(AttackOutcome::merge(&[]).is_none());
}
