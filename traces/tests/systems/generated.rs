//! Generated systems. The answers of an audit hold at any concurrency, in any order of spans, and
//! without any one of the services.

use std::borrow::Cow;
use std::collections::HashMap;

use baton_traces::audit::{Audit, Evidence, HandOff, Judged, Options};
use baton_traces::hand_off::Verdict;
use baton_traces::span::{AnyValue, Span, SpanReference, UnixTime};

use super::system::{Made, Plan, System, generate, service_name};

fn plan(concurrency: usize, seed: u64) -> Plan {
    Plan {
        services: 12,
        calls: 6,
        requests: 100,
        concurrency,
        broken_percent: 40,
        skew_ms: 0,
        shared_id_percent: 0,
        unsampled_percent: 0,
        seed,
    }
}

fn audited<'a>(spans: impl IntoIterator<Item = &'a Made>) -> (Judged, Vec<HandOff>) {
    let mut audit = Audit::new(Options::default());
    for made in spans {
        let service = service_name(made.service);
        let mut span = Span::new(made.reference, &service);
        span.parent_span_id = made.parent;
        span.parent_is_remote = Some(made.remote);
        span.kind = made.kind;
        span.name = Cow::Borrowed(&made.name);
        span.start = UnixTime::from_nanoseconds(made.start);
        span.end = UnixTime::from_nanoseconds(made.end);
        let attributes = made.attributes.iter();
        span.other_attributes = attributes
            .map(|(name, value)| (Cow::Borrowed(*name), AnyValue::Text(Cow::Borrowed(value))))
            .collect();
        span.links = made.link.iter().map(|to| link(*to)).collect();
        audit.add(&span);
    }
    let mut hand_offs = Vec::new();
    let judged = audit.judge_each(&mut |hand_off| hand_offs.push(hand_off.clone()));
    (judged, hand_offs)
}

fn link<'a>(to: SpanReference) -> baton_traces::span::Link<'a> {
    baton_traces::span::Link {
        to,
        trace_state: Cow::Borrowed(""),
        attributes: Vec::new(),
    }
}

/// How many named hand-offs are right and how many are wrong, and the true verdicts of right pairs
/// with a wrong verdict.
fn judged_by_truth(
    system: &System,
    hand_offs: &[HandOff],
) -> (usize, usize, Vec<(Verdict, Verdict)>) {
    let truth: HashMap<SpanReference, _> = system
        .hand_offs
        .iter()
        .map(|truth| (truth.receiver, truth))
        .collect();
    let (mut right, mut wrong, mut other) = (0, 0, Vec::new());
    for hand_off in hand_offs {
        match hand_off.receiver.and_then(|receiver| truth.get(&receiver)) {
            Some(truth) if Some(truth.sender) == hand_off.sender => {
                right += 1;
                if truth.verdict != hand_off.verdict {
                    other.push((truth.verdict, hand_off.verdict));
                }
            }
            _ => wrong += 1,
        }
    }
    (right, wrong, other)
}

/// An audit's answer as text.
fn said(judged: &Judged) -> String {
    serde_json::to_string(judged).expect("JSON")
}

#[test]
fn at_any_concurrency_at_most_one_pair_in_a_hundred_is_wrong() {
    for concurrency in [1, 4, 16, 64, 400] {
        let (mut right, mut wrong, mut all) = (0, 0, 0);
        for seed in 0..4 {
            for shared_id_percent in [0, 60] {
                let plan = Plan {
                    shared_id_percent,
                    ..plan(concurrency, seed)
                };
                let system = generate(&plan);
                let (_, hand_offs) = audited(&system.spans);
                let (now_right, now_wrong, other) = judged_by_truth(&system, &hand_offs);
                assert!(other.is_empty(), "{plan:?}: {other:?}");
                right += now_right;
                wrong += now_wrong;
                all += system.hand_offs.len();
            }
        }
        println!("concurrency {concurrency}: {right} right, {wrong} wrong, of {all}");
        assert!(
            wrong * 100 <= right + wrong,
            "{concurrency}: {right} right, {wrong} wrong"
        );
        // two in three need no comparison of times
        assert!(right * 3 >= all * 2, "{concurrency}: {right} of {all}");
    }
}

#[test]
fn senders_that_were_not_sampled_make_no_wrong_pairs() {
    for (unsampled_percent, concurrency) in [(2, 4), (50, 1), (50, 16), (90, 4), (90, 100)] {
        let (mut right, mut wrong) = (0, 0);
        for seed in 0..4 {
            let system = generate(&Plan {
                unsampled_percent,
                requests: 300,
                ..plan(concurrency, seed)
            });
            let (_, hand_offs) = audited(&system.spans);
            let (now_right, now_wrong, _) = judged_by_truth(&system, &hand_offs);
            right += now_right;
            wrong += now_wrong;
        }
        println!("{unsampled_percent} % at {concurrency}: {right} right, {wrong} wrong");
        assert!(
            wrong * 100 <= right + wrong,
            "{unsampled_percent} % at {concurrency}: {right} right, {wrong} wrong"
        );
    }
}

#[test]
fn clocks_that_are_apart_make_no_wrong_pairs() {
    for skew_ms in [5, 500, 60_000] {
        let (mut right, mut wrong) = (0, 0);
        for seed in 0..4 {
            let system = generate(&Plan {
                skew_ms,
                ..plan(4, seed)
            });
            let (_, hand_offs) = audited(&system.spans);
            let (now_right, now_wrong, _) = judged_by_truth(&system, &hand_offs);
            right += now_right;
            wrong += now_wrong;
        }
        println!("skew {skew_ms} ms: {right} right, {wrong} wrong");
        assert!(
            wrong * 100 <= right + wrong,
            "{skew_ms}: {right} right, {wrong} wrong"
        );
    }
}

/// Whether an attribute identifies a message.
fn identifies_a_message(name: &str) -> bool {
    let ends = ["message.id", "partition", "partition.id", "offset"];
    ends.iter().any(|end| name.ends_with(end))
}

#[test]
fn messages_without_ids_make_no_wrong_pairs() {
    for concurrency in [1, 4, 30, 200] {
        let (mut right, mut wrong) = (0, 0);
        for seed in 0..4 {
            let system = generate(&plan(concurrency, seed));
            let mut spans = system.spans.clone();
            for made in &mut spans {
                made.attributes
                    .retain(|(name, _)| !identifies_a_message(name));
            }
            let (judged, hand_offs) = audited(&spans);
            assert!(
                judged
                    .edges
                    .iter()
                    .all(|edge| !edge.evidence.contains_key(&Evidence::MessageId))
            );
            let (now_right, now_wrong, other) = judged_by_truth(&system, &hand_offs);
            assert!(other.is_empty(), "{concurrency}: {other:?}");
            right += now_right;
            wrong += now_wrong;
        }
        println!("concurrency {concurrency}: {right} right, {wrong} wrong");
        assert!(
            wrong * 100 <= right + wrong,
            "{concurrency}: {right} right, {wrong} wrong"
        );
    }
}

#[test]
fn a_sound_system_raises_no_alarm() {
    for concurrency in [1, 30, 300] {
        let system = generate(&Plan {
            broken_percent: 0,
            ..plan(concurrency, 7)
        });
        let (judged, hand_offs) = audited(&system.spans);
        assert_eq!(hand_offs.len(), system.hand_offs.len());
        assert_eq!(judged.broken(), 0);
        assert!(judged.is_all_judged(), "{}", said(&judged));
    }
}

#[test]
fn the_order_of_spans_makes_no_difference() {
    for seed in 0..4 {
        let system = generate(&Plan {
            shared_id_percent: 50,
            ..plan(16, seed)
        });
        let (expected, _) = audited(&system.spans);
        let mut spans = system.spans.clone();
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..3 {
            rng.shuffle(&mut spans);
            let (judged, _) = audited(&spans);
            assert_eq!(said(&judged), said(&expected));
        }
        let twice = spans.iter().chain(&system.spans);
        let (judged, _) = audited(twice);
        assert_eq!(said(&judged), said(&expected), "each span twice");
    }
}

#[test]
fn without_a_service_there_are_unknowns_and_no_alarms() {
    let (mut broken, mut false_alarms) = (0, 0);
    for seed in 0..4 {
        let system = generate(&plan(4, seed));
        let truth: HashMap<(SpanReference, SpanReference), Verdict> = system
            .hand_offs
            .iter()
            .map(|truth| ((truth.sender, truth.receiver), truth.verdict))
            .collect();
        let edges: Vec<(String, String)> = system
            .edges
            .iter()
            .map(|edge| (service_name(edge.from), service_name(edge.to)))
            .collect();
        for left_out in 0..12 {
            let rest = system.spans.iter().filter(|span| span.service != left_out);
            let (judged, hand_offs) = audited(rest);
            for hand_off in hand_offs
                .iter()
                .filter(|hand_off| !hand_off.verdict.holds())
            {
                broken += 1;
                let ends = hand_off.sender.zip(hand_off.receiver);
                let known = ends.and_then(|ends| truth.get(&ends));
                false_alarms += usize::from(known.is_none_or(|verdict| verdict.holds()));
            }
            for edge in &judged.edges {
                let is_real = edges.contains(&(edge.from.clone(), edge.to.clone()));
                assert!(
                    is_real,
                    "seed {seed} without {left_out}: {} -> {}",
                    edge.from, edge.to
                );
            }
        }
    }
    println!("{broken} broken, {false_alarms} of them false");
    assert!(false_alarms * 100 <= broken, "{false_alarms} of {broken}");
}
