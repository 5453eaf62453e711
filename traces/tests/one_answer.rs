//! What `audit`, `compare`, `traces` and `map` say about one source: the same edges and counts.

use std::collections::{BTreeMap, BTreeSet};

use baton_traces::audit::{ChannelKind, HandOff, Judged, Options, SourceAudit};
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::measure::Measured;
use baton_traces::service_map::ServiceMap;
use baton_traces::source::Source;
use baton_traces::source::load::{has_run, load};
use baton_traces::span::Want;
use baton_traces::trace::index::{Filter, TraceIndex};

/// What `audit` says.
pub(crate) fn audited(source: &Source) -> (Judged, Vec<HandOff>) {
    let is_run = has_run(std::slice::from_ref(source)).expect("a source");
    let mut audit = SourceAudit::new(Options::default(), is_run);
    let loaded = load(source, Want::HandOffs, &mut audit).expect("a source");
    let mut hand_offs = Vec::new();
    let each = &mut |hand_off: &HandOff| hand_offs.push(hand_off.clone());
    let judged = audit.judge(&loaded.extent, Some(each));
    (judged, hand_offs)
}

/// The index of `traces` and `map`.
fn index(source: &Source, filter: Filter) -> TraceIndex {
    let mut index = TraceIndex::new(filter);
    let loaded = load(source, Want::HandOffs, &mut index).expect("a source");
    index.finish(&loaded.extent);
    index
}

/// Checks that the four commands say the same of `source`. Returns how many hand-offs were judged.
pub(crate) fn check(source: &Source, measured: &Measured) -> u64 {
    let (judged, hand_offs) = audited(source);
    assert_eq!(hand_offs.len() as u64, judged.hand_offs(), "{source}");
    for edge in &judged.edges {
        let sum: u64 = edge.verdicts.values().sum();
        assert_eq!(sum, edge.handoffs, "{source}: {edge:?}");
        let sum: u64 = edge.evidence.values().sum();
        assert_eq!(sum, edge.handoffs, "{source}: {edge:?}");
    }
    // compare
    assert_eq!(measured.summary.edges, judged.edges, "{source}");
    let mut by_hop: BTreeMap<Hop, BTreeMap<Verdict, u64>> = BTreeMap::new();
    let mut by_verdict: BTreeMap<Verdict, u64> = BTreeMap::new();
    for edge in &judged.edges {
        let hop = match edge.channel.kind {
            ChannelKind::Messaging => Hop::Record,
            _ => Hop::Ingress,
        };
        for (verdict, count) in &edge.verdicts {
            *by_hop.entry(hop).or_default().entry(*verdict).or_default() += count;
            *by_verdict.entry(*verdict).or_default() += count;
        }
    }
    for (hop, verdicts) in &measured.summary.hops {
        let found = by_hop.remove(hop).unwrap_or_default();
        match measured.summary.audit {
            Some(_) => assert_eq!(*verdicts, found, "{source}: {hop}"),
            // a run may have more edges than its two hops
            None => assert!(
                verdicts
                    .iter()
                    .all(|(verdict, count)| found.get(verdict) >= Some(count)),
                "{source}: {hop}: {verdicts:?} of {found:?}"
            ),
        }
    }
    // traces
    let whole = index(source, Filter::default());
    assert_eq!(whole.judged(), Some(&judged), "{source}");
    for verdict in by_verdict.keys() {
        let filter = Filter {
            verdicts: vec![*verdict],
            ..Filter::default()
        };
        let (lines, _) = index(source, filter).list(usize::MAX);
        let listed: BTreeSet<_> = lines.iter().map(|line| line.trace_id).collect();
        let with_verdict = hand_offs.iter().filter(|it| it.verdict == *verdict);
        let ends = with_verdict.flat_map(|it| [it.sender, it.receiver]);
        let expected: BTreeSet<_> = ends.flatten().map(|span| span.trace_id).collect();
        // a trace without any recorded span is not listed
        assert!(listed.is_subset(&expected), "{source}: {verdict}");
        let (all, _) = whole.list(usize::MAX);
        for line in all.iter().filter(|line| expected.contains(&line.trace_id)) {
            assert!(listed.contains(&line.trace_id), "{source}: {verdict}");
        }
    }
    // map
    let mut drawn: BTreeMap<Verdict, u64> = BTreeMap::new();
    for edge in &ServiceMap::of(&whole).edges {
        for (verdict, count) in &edge.verdicts {
            *drawn.entry(*verdict).or_default() += count;
        }
    }
    assert_eq!(drawn, by_verdict, "{source}");
    judged.hand_offs()
}
