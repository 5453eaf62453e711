use std::time::Duration;

use super::*;
use crate::hand_off::{Hop, Verdict};
use crate::known::Unknown;
use crate::statistics::Sizes;
use crate::summary::{Records, Requests};

/// A run whose hand-offs break with this probability, and whose requests take at least a
/// millisecond. `milliseconds` draws the rest.
fn run(
    name: &str,
    seed: u64,
    messages: u64,
    broken: f64,
    milliseconds: fn(&mut fastrand::Rng) -> f64,
) -> Measured {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut run = Measured::default();
    let mut verdicts = [0, 0];
    for _ in 0..messages {
        verdicts[usize::from(random.f64() < broken)] += 1;
        let request = Duration::from_secs_f64(milliseconds(&mut random) / 1e3);
        run.request.add(request);
        run.end_to_end.add(request * 3);
    }
    let summary = &mut run.summary;
    summary.name = name.to_owned();
    let counts = summary.hops.entry(Hop::Record).or_default();
    for (verdict, count) in [Verdict::Connected, Verdict::NewTrace]
        .into_iter()
        .zip(verdicts)
    {
        if count > 0 {
            counts.insert(verdict, count);
        }
    }
    summary.flags.entry(Hop::Record).or_default().baggage_lost = Some(verdicts[1] / 2);
    summary.requests = Some(Requests {
        sent: messages,
        ok: messages,
        failed: 0,
    });
    summary.records = Some(Records {
        sent: messages,
        delivered: Some(messages),
        duplicates: verdicts[1] / 3,
        lost: Some(0),
        undelivered: None,
    });
    summary.latency_ms.request = run.request.percentiles();
    summary.latency_ms.end_to_end = run.end_to_end.percentiles();
    summary.throughput_rps = Some(500.0 + random.f64() * 50.0);
    summary.carrier_bytes = Some(Sizes {
        mean: 73.0,
        max: 73,
    });
    run
}

/// A skewed distribution like that of latencies: a few values are many times the typical one.
fn skewed(random: &mut fastrand::Rng) -> f64 {
    1.0 - 2.0 * (1.0 - random.f64()).ln()
}

fn slower(random: &mut fastrand::Rng) -> f64 {
    1.3 * skewed(random)
}

fn a_little_slower(random: &mut fastrand::Rng) -> f64 {
    1.03 * skewed(random)
}

fn metrics<'a>(differences: impl Iterator<Item = &'a Difference>) -> Vec<&'static str> {
    differences.map(|difference| difference.metric).collect()
}

#[test]
fn two_equal_runs_do_not_differ_significantly() {
    // At a level of 1 %, fewer than 1 of 60 is expected. 5 or more would happen once in three
    // thousand times.
    let mut mistaken = 0;
    for seed in 0..60 {
        let sources = [
            run("one", 2 * seed, 300, 0.05, skewed),
            run("other", 2 * seed + 1, 300, 0.05, skewed),
        ];
        let comparison = Comparison::of(&sources, 0);
        mistaken += u32::from(comparison.significant().count() > 0);
    }
    assert!(mistaken < 5, "{mistaken} of 60");
}

#[test]
fn the_smallest_p_value_of_the_bootstrap_survives_the_correction() {
    let smallest = 2.0 / (bootstrap::RESAMPLES + 1) as f64;
    assert!(smallest * (METRICS.len() as f64) < differences::LEVEL);
}

#[test]
fn a_real_shift_is_found_and_a_small_one_is_not_shouted() {
    let baseline = run("baseline", 1, 20_000, 0.01, skewed);
    let shifted = run("shifted", 2, 20_000, 0.03, slower);
    let comparison = Comparison::of(&[baseline.clone(), shifted], 0);
    assert_eq!(
        metrics(comparison.significant()),
        [
            "record.connected",
            "record.new_trace",
            "duplicates",
            "record.baggage_lost",
            "request.p50",
            "request.p90",
            "request.p99",
            "request.p999",
            "end_to_end.p50",
            "end_to_end.p90",
            "end_to_end.p99",
            "end_to_end.p999",
        ]
    );
    for difference in comparison.significant() {
        assert_eq!(difference.better, Some(false), "{difference:?}");
        assert!(difference.test.is_some() && difference.note.is_none());
    }

    let large = |name, seed, milliseconds| run(name, seed, 400_000, 0.0, milliseconds);
    let sources = [
        large("baseline", 3, skewed as fn(&mut fastrand::Rng) -> f64),
        large("slightly", 4, a_little_slower),
    ];
    let comparison = Comparison::of(&sources, 0);
    assert_eq!(metrics(comparison.significant()), [""; 0]);
    let median = comparison
        .differences
        .iter()
        .find(|difference| difference.metric == "request.p50")
        .expect("a median");
    assert!(median.p_adjusted < Some(1e-6), "{median:?}");
    assert_eq!(median.note, Some("beyond chance, but less than 10 %"));
}

#[test]
fn significant_differences_come_first_and_in_the_order_of_the_metrics() {
    let mut broken = run("b3", 1, 500, 1.0, skewed);
    broken.summary.carrier_bytes = Some(Sizes {
        mean: 60.0,
        max: 60,
    });
    let sources = [
        run("tracecontext", 2, 1000, 0.0, skewed),
        broken,
        run("again", 3, 1000, 0.0, skewed),
    ];
    let comparison = Comparison::of(&sources, 0);
    let order: Vec<_> = comparison
        .differences
        .iter()
        .map(|difference| (&*difference.run, difference.metric))
        .collect();
    assert_eq!(
        order[..8],
        [
            ("b3", "record.connected"),
            ("b3", "record.new_trace"),
            ("b3", "duplicates"),
            ("b3", "record.baggage_lost"),
            ("b3", "carrier_bytes"),
            ("again", "record.connected"),
            ("b3", "requests"),
            ("again", "requests"),
        ]
    );
    let words: Vec<_> = comparison
        .significant()
        .map(|difference| &*difference.words)
        .collect();
    assert_eq!(
        words,
        [
            "In b3, 0 of 500 records stay connected (tracecontext: 1000 of 1000).",
            "In b3, 500 of 500 records start a new trace (tracecontext: 0 of 1000).",
            "In b3, 166 of 666 deliveries repeat an earlier one (tracecontext: 0 of 1000).",
            "In b3, 250 of 500 records lose their baggage (tracecontext: 0 of 1000).",
            "In b3, the context takes 60 bytes per record (tracecontext: 73).",
        ]
    );
    let json = serde_json::to_value(&comparison.differences[1]).expect("JSON");
    assert_eq!(
        [
            &json["run"],
            &json["metric"],
            &json["baseline"],
            &json["value"],
            &json["change"],
            &json["significant"],
            &json["value_of"],
            &json["test"],
        ],
        [
            &serde_json::json!("b3"),
            &"record.new_trace".into(),
            &0.into(),
            &500.into(),
            &1.0.into(),
            &true.into(),
            &500.into(),
            &"chi-square test".into(),
        ]
    );
}

#[test]
fn one_is_one() {
    let mut sources = [
        run("a", 1, 1000, 0.0, skewed),
        run("b", 1, 1000, 0.0, skewed),
    ];
    sources[1].summary.hops.insert(
        Hop::Record,
        [(Verdict::Connected, 999), (Verdict::Lost, 1)].into(),
    );
    let comparison = Comparison::of(&sources, 1);
    let lost = comparison
        .differences
        .iter()
        .find(|difference| difference.metric == "record.lost")
        .expect("one is lost");
    assert_eq!(
        (&*lost.words, lost.significant, lost.better),
        (
            "In a, 0 of 1000 records get lost (b: 1 of 1000).",
            false,
            Some(true)
        )
    );
    let comparison = Comparison::of(&sources, 0);
    let words = comparison
        .differences
        .iter()
        .map(|difference| &*difference.words);
    assert!(
        words
            .into_iter()
            .any(|words| words == "In b, 1 of 1000 records gets lost (a: 0 of 1000).")
    );
}

#[test]
fn unknown_figures_are_reported_and_not_compared() {
    let whole = run("whole", 1, 100, 0.0, skewed);
    let mut export = run("export", 2, 100, 0.0, skewed);
    export.summary.requests = None;
    export.summary.latency_ms.request = None;
    export.unknown = vec![Unknown {
        sentence: "no span has a request id".to_owned(),
        metrics: Vec::new(),
    }];
    let comparison = Comparison::of(&[whole, export], 0);
    assert_eq!(
        comparison.unknown,
        [
            "export: no span has a request id",
            "export cannot tell what whole tells: requests, ok, request.p50, request.p90, request.p99, request.p999",
        ]
    );
    assert!(!metrics(comparison.differences.iter()).contains(&"request.p50"));
}
