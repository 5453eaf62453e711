//! A system traced by real SDKs, once with faults on seven of its edges and once without.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use baton_traces::audit::{Audit, HandOff, Judged, Options};
use baton_traces::hand_off::Verdict;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};
use serde::Deserialize;

/// A hand-off in the services' logs.
#[derive(Deserialize)]
pub(super) struct Truth {
    pub(super) from: String,
    pub(super) to: String,
    /// As an audit names it; empty where the logs do not say it.
    #[serde(default)]
    pub(super) channel: String,
    pub(super) verdict: Verdict,
    /// The sender's span, and the span that was active.
    senders: Vec<Option<String>>,
    sender_trace: String,
    receiver: String,
}

pub(super) fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/data/systems").join(name)
}

pub(super) fn truth(system: &str) -> Vec<Truth> {
    let path = file(&format!("{system}-hand-offs.jsonl.gz"));
    let packed = std::fs::File::open(path).expect("the truth");
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(packed);
    unpacked.read_to_string(&mut text).expect("gzip");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a hand-off"))
        .collect()
}

fn audited(system: &str, without: Option<&str>) -> (Judged, Vec<HandOff>) {
    let mut audit = Audit::new(Options::default());
    let source = Source::from(file(&format!("{system}.jsonl.gz")).as_path());
    let each = &mut |span: &Span<'_>| {
        if Some(span.service) != without {
            audit.add(span);
        }
    };
    source.read(Want::HandOffs, each).expect("an export");
    let mut hand_offs = Vec::new();
    let judged = audit.judge_each(&mut |hand_off| hand_offs.push(hand_off.clone()));
    (judged, hand_offs)
}

/// Right pairs, wrong pairs, and verdicts that differ from the truth.
pub(super) fn judged_by_truth(truth: &[Truth], hand_offs: &[HandOff]) -> (usize, usize, usize) {
    let mut by_receiver: BTreeMap<&str, Vec<&Truth>> = BTreeMap::new();
    for truth in truth {
        by_receiver.entry(&truth.receiver).or_default().push(truth);
    }
    let (mut right, mut wrong, mut other) = (BTreeSet::new(), 0, 0);
    for hand_off in hand_offs {
        let ends = hand_off.sender.zip(hand_off.receiver);
        let (sender_span, receiver_span) = ends.expect("an export shows both ends");
        let receiver = receiver_span.span_id.to_string();
        let Some(known) = by_receiver.get(&*receiver) else {
            continue;
        };
        let sender = sender_span.span_id.to_string();
        let names = |truth: &&&Truth| truth.senders.iter().flatten().any(|id| *id == sender);
        let in_trace = |truth: &&&Truth| {
            let edge = (&*truth.from, &*truth.to) == (&*hand_off.from, &*hand_off.to);
            edge && truth.sender_trace == sender_span.trace_id.to_string()
        };
        let found = known
            .iter()
            .find(names)
            .or_else(|| known.iter().find(in_trace));
        match found {
            Some(truth) => {
                other += usize::from(truth.verdict != hand_off.verdict);
                right.insert((truth.senders[0].clone(), receiver));
            }
            None => wrong += 1,
        }
    }
    (right.len(), wrong, other)
}

#[test]
fn the_pairs_and_verdicts_are_those_of_the_services_logs() {
    for (system, named) in [("one", 0.95), ("fixed", 1.0)] {
        let truth = truth(system);
        let (judged, hand_offs) = audited(system, None);
        let (right, wrong, other) = judged_by_truth(&truth, &hand_offs);
        assert_eq!((wrong, other), (0, 0), "{system}");
        let share = right as f64 / truth.len() as f64;
        assert!(share >= named, "{system}: {right} of {}", truth.len());
        let known: BTreeSet<(&str, &str)> = truth
            .iter()
            .map(|truth| (&*truth.from, &*truth.to))
            .collect();
        let found: BTreeSet<(&str, &str)> = judged
            .edges
            .iter()
            .map(|edge| (&*edge.from, &*edge.to))
            .collect();
        assert_eq!(found, known, "{system}");
    }
}

#[test]
fn the_mended_system_raises_no_alarm_and_the_broken_one_names_its_seven_edges() {
    let (fixed, _) = audited("fixed", None);
    assert_eq!(fixed.broken(), 0, "{:?}", fixed.answer());
    let (one, _) = audited("one", None);
    let broken = one.edges.iter().filter(|edge| edge.broken() > 0);
    let broken: BTreeSet<(&str, &str, Verdict)> = broken
        .map(|edge| (&*edge.from, &*edge.to, edge.worst().expect("a verdict")))
        .collect();
    let expected = BTreeSet::from([
        ("cart", "pricing", Verdict::NewTrace),
        ("gateway", "pricing", Verdict::IdTruncated),
        ("gateway", "shipping", Verdict::WrongParent),
        ("orders", "stock", Verdict::WrongTrace),
        ("stock", "alerts", Verdict::NewTrace),
        ("stock", "replenish", Verdict::NewTrace),
    ]);
    assert_eq!(broken, expected);
    // the seventh, orders -> fraud, is not sampled: the export has calls without a receiver
    let unsampled = one.unjudged.iter().find(|unjudged| {
        unjudged.service == "orders" && unjudged.to.as_deref() == Some("fraud:14405")
    });
    assert_eq!(
        unsampled.map(|unjudged| unjudged.count),
        Some(64),
        "{:?}",
        one.unjudged
    );
}

#[test]
fn without_a_service_the_mended_system_raises_no_alarm() {
    let (all, _) = audited("fixed", None);
    for service in &all.services {
        let (rest, _) = audited("fixed", Some(service));
        assert_eq!(rest.broken(), 0, "without {service}: {:?}", rest.answer());
        let ambiguous = rest.edges.iter().any(|edge| edge.ambiguous.at_least > 0);
        assert!(!ambiguous, "without {service}");
    }
}
