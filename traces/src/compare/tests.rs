use std::time::Duration;

use super::*;
use crate::figures::known::Unknown;
use crate::figures::summary::round::Round;
use crate::figures::summary::{Latencies, Records, Requests};
use crate::hand_off::{Hop, Verdict};
use crate::percentiles::{Durations, Sizes};

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

/// The rounds of a test, and the requests of a run in each round.
const ROUNDS: u32 = 16;
const ROUND_REQUESTS: u64 = 125;

/// Two runs that take turns on a machine that is up to twice as slow in some rounds. Requests of
/// the second one take `slowness` times as long.
fn taking_turns(seed: u64, slowness: f64) -> [Measured; 2] {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut runs = [
        run("one", 2 * seed, 300, 0.0, skewed),
        run("other", 2 * seed + 1, 300, 0.0, skewed),
    ];
    for run in &mut runs {
        run.summary.interleaved = Some(format!("{seed}"));
    }
    for number in 1..=ROUNDS {
        let machine = 1.0 + random.f64();
        for (run, slowness) in runs.iter_mut().zip([1.0, slowness]) {
            // a turn has some noise of its own
            let turn = machine * slowness * (1.0 + 0.05 * random.f64());
            let mut durations = Durations::default();
            for _ in 0..ROUND_REQUESTS {
                let milliseconds = 10.0 * turn + skewed(&mut random);
                durations.add(Duration::from_secs_f64(milliseconds / 1e3));
            }
            let started = jiff::Timestamp::from_second(i64::from(number)).expect("a time");
            run.summary.rounds.push(Round {
                number,
                started,
                duration_s: 0.5,
                requests: Requests {
                    sent: ROUND_REQUESTS,
                    ok: ROUND_REQUESTS,
                    failed: 0,
                },
                throughput_rps: 250.0 / turn,
                latency_ms: Latencies {
                    request: durations.percentiles(),
                    end_to_end: None,
                },
                records: 0,
            });
        }
    }
    runs
}

fn of_metric<'a>(comparison: &'a Comparison, metric: &str) -> &'a Difference {
    let mut all = comparison.differences.iter();
    let found = all.find(|difference| difference.metric == metric);
    found.unwrap_or_else(|| panic!("{metric} is missing"))
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
fn runs_that_take_turns_do_not_differ_because_the_machine_does() {
    // at a level of 1 %, fewer than 1 of 60 is expected
    let mistaken = (0..60).filter(|seed| {
        let comparison = Comparison::of(&taking_turns(*seed, 1.0), 0);
        comparison.significant().count() > 0
    });
    assert!(mistaken.count() < 5);
}

#[test]
fn a_tenth_more_latency_is_found_on_a_machine_that_changes_by_half() {
    for seed in 0..10 {
        let comparison = Comparison::of(&taking_turns(seed, 1.1), 0);
        let median = of_metric(&comparison, "request.p50");
        assert_eq!(median.significant, Some(true), "{median:?}");
        assert_eq!((median.better, median.rounds), (Some(false), Some(16)));
        let [low, high] = median.interval.expect("an interval");
        let change = median.change.expect("a change");
        assert!(low < change && change < high, "{median:?}");
        assert!(low > 0.03 && high < 0.2, "{median:?}");
    }
}

#[test]
fn a_difference_counts_only_if_it_is_large_enough() {
    let runs = taking_turns(3, 1.1);
    let significant = |smallest| {
        let comparison = Comparison::with_smallest(&runs, 0, smallest);
        of_metric(&comparison, "request.p50").clone()
    };
    assert_eq!(significant(0.03).significant, Some(true));
    let small = significant(0.5);
    assert_eq!(small.significant, Some(false));
    assert_eq!(small.note, Some("beyond chance, but too small to count"));
}

#[test]
fn latencies_are_not_tested_without_rounds_that_took_turns() {
    let untested = |runs: &[Measured; 2]| {
        let comparison = Comparison::of(runs, 0);
        let median = of_metric(&comparison, "request.p50").clone();
        assert_eq!(
            (median.significant, median.p, median.interval),
            (None, None, None)
        );
        comparison.untested
    };
    let mut runs = taking_turns(1, 2.0);
    runs[1].summary.interleaved = Some("another time".to_owned());
    let sentence =
        "Latencies of other are not tested: they were not measured in the same rounds as one.";
    assert_eq!(untested(&runs).as_deref(), Some(sentence));
    let slow = |name, seed| run(name, seed, 20_000, 0.0, skewed);
    assert_eq!(
        untested(&[slow("one", 1), slow("other", 2)]).as_deref(),
        Some(sentence)
    );
    let mut few = taking_turns(1, 2.0);
    few[1].summary.rounds.truncate(5);
    assert_eq!(untested(&few), None, "they took turns");
    // a round of 125 has one duration beyond the 99th percentile
    let comparison = Comparison::of(&taking_turns(1, 2.0), 0);
    let high = of_metric(&comparison, "request.p99");
    assert_eq!(
        (high.significant, high.note),
        (None, Some("fewer than 5 beyond it in a round"))
    );
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
            Some(false),
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
            "export lacks figures that whole has: requests, ok, request.p50, request.p90, request.p99, request.p999",
        ]
    );
    assert!(!metrics(comparison.differences.iter()).contains(&"request.p50"));
}
