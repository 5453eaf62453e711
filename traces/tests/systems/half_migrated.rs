//! A system of Spring Boot services on its way from B3 to W3C, in two forms of export.

use std::collections::BTreeMap;

use baton_traces::audit::{Audit, Options};
use baton_traces::hand_off::Verdict;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};

use super::recorded::{file, judged_by_truth, truth};

/// From a service, to a service, over a channel.
type EdgeName = (String, String, String);

fn audit() -> Audit {
    let mut audit = Audit::new(Options::default());
    for name in ["half-migrated-zipkin.json.gz", "half-migrated-otlp.pb.gz"] {
        let each = &mut |span: &Span<'_>| audit.add(span);
        let source = Source::from(file(name).as_path());
        source.read(Want::HandOffs, each).expect("an export");
    }
    audit
}

#[test]
fn every_edge_is_judged_as_the_services_logs_say() {
    let truth = truth("half-migrated");
    let mut known: BTreeMap<EdgeName, (u64, u64)> = BTreeMap::new();
    for truth in &truth {
        let edge = (truth.from.clone(), truth.to.clone(), truth.channel.clone());
        let (all, broken) = known.entry(edge).or_default();
        *all += 1;
        *broken += u64::from(truth.verdict != Verdict::Connected);
    }
    let mut hand_offs = Vec::new();
    let judged = audit().judge_each(&mut |hand_off| hand_offs.push(hand_off.clone()));
    for edge in &judged.edges {
        let channel = edge.channel.to_string();
        let name = (edge.from.clone(), edge.to.clone(), channel);
        let (all, broken) = known.remove(&name).expect("an edge of the truth");
        // of one request from web to shipments the spans do not show the caller
        let unseen = u64::from((&*edge.from, &*edge.to) == ("web", "shipments"));
        let more = all - edge.handoffs - unseen;
        let between = edge.ambiguous.at_least..=edge.ambiguous.at_most;
        assert!(between.contains(&more), "{name:?}: {more} in {between:?}");
        assert_eq!(broken, edge.broken() + more + unseen, "{name:?}");
        if name.2 == "kafka invoiced" && edge.to == "mails" {
            assert_eq!(between, 12..=12, "each message was fetched alone");
        }
    }
    assert!(known.is_empty(), "{known:?}");
    let (_, wrong, other) = judged_by_truth(&truth, &hand_offs);
    assert_eq!((wrong, other), (0, 0));
}

#[test]
fn calls_that_failed_are_not_blamed_on_a_sampler() {
    let judged = audit().judge();
    let calls = judged
        .unjudged
        .iter()
        .map(|it| (&*it.service, it.count, &*it.why));
    let failed = calls
        .clone()
        .filter(|(_, _, why)| why.contains("failed without a response"));
    let failed: BTreeMap<&str, u64> =
        failed.fold(BTreeMap::new(), |mut all, (service, count, _)| {
            *all.entry(service).or_default() += count;
            all
        });
    assert_eq!(failed, BTreeMap::from([("invoices", 3), ("stock", 2)]));
    let refused = calls
        .clone()
        .filter(|(_, _, why)| why.contains("no connection was made"));
    assert_eq!(refused.map(|(_, count, _)| count).sum::<u64>(), 16);
    assert!(
        !calls.clone().any(|(_, _, why)| why.contains("sample")),
        "{:?}",
        judged.unjudged
    );
    let first = &judged.answer()[0];
    assert_eq!(first, "53 of 269 judged hand-offs broke, on 6 of 20 edges.");
}
