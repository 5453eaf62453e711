//! An id that the spans of one request share, such as `x-request-id`. baton finds it without
//! configuration, because it occurs in several traces of several services.

use std::collections::{BTreeMap, BTreeSet};

use super::assignment::{self, Candidates};
use super::clocks::Clocks;
use super::fit::Places;
use super::loose::{self, Leaving, Loose};
use super::{Evidence, Pairs};
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, IdAt};
use crate::span::Kind;
use crate::threads::{each_group, filter_map};

/// An id in more traces than this does not identify a request.
const MAX_TRACES: usize = 64;

/// Pairs calls and receivers whose traces share an id, by address and time.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let shared = Shared::of(tree);
    if shared.traces.is_empty() {
        return;
    }
    let loose = Loose::of(tree, pairs);
    let places = Places::of(tree, pairs);
    let mut calls: BTreeMap<At, Vec<At>> = BTreeMap::new();
    for call in &loose.calls {
        calls
            .entry(tree.trace(*call).start)
            .or_default()
            .push(*call);
    }
    let likely = likely(tree, &shared, &places, &calls, &loose.receivers);
    let clocks = Clocks::with_likely(tree, pairs, &likely);
    let known = &*pairs;
    let leaving = Leaving::new(tree);
    let candidates = |receiver: At| {
        let own = tree.trace(receiver).start;
        let fits = |call: &At| loose::fits(tree, &places, &clocks, *call, receiver);
        let of_trace = |trace: &At| calls.get(trace).into_iter().flatten().copied();
        let is_called_inside = of_trace(&own).any(|call| fits(&call));
        if is_called_inside || !leaving.may_leave_its_trace(known, receiver) {
            return None;
        }
        let traces = shared.with(own).into_iter().filter(|trace| *trace != own);
        let calls = traces.flat_map(|trace| of_trace(&trace));
        let calls: Vec<At> = calls.filter(fits).collect();
        (!calls.is_empty()).then_some((receiver, calls))
    };
    let found = filter_map(&loose.receivers, |receiver| candidates(*receiver));
    let mut candidates: Candidates = found.collect();
    for (call, receiver) in assignment::forced(&mut candidates) {
        pairs.add(call, receiver, evidence);
    }
}

/// Calls and receivers that share an id and fit by address, without regard to time, if neither fits
/// another one. `calls` are those of each trace.
fn likely(
    tree: &Tree,
    shared: &Shared,
    places: &Places,
    calls: &BTreeMap<At, Vec<At>>,
    receivers: &[At],
) -> Vec<(At, At)> {
    let only_call = |receiver: At| {
        let own = tree.trace(receiver).start;
        if tree.span(receiver).kind != Kind::Server || tree.parent(receiver) != Parent::None {
            return None;
        }
        let traces = shared.with(own).into_iter().filter(|trace| *trace != own);
        let calls = traces.flat_map(|trace| calls.get(&trace).into_iter().flatten().copied());
        let mut calls = calls.filter(|call| places.fit(tree, *call, receiver));
        let first = calls.next()?;
        calls.next().is_none().then_some((first, receiver))
    };
    let mut found: Vec<(At, At)> = filter_map(receivers, |receiver| only_call(*receiver)).collect();
    found.sort_unstable();
    let alone = found.chunk_by(|left, right| left.0 == right.0);
    alone
        .filter_map(|same| (same.len() == 1).then_some(same[0]))
        .collect()
}

/// The traces that share ids. A trace is identified by its first span.
struct Shared {
    ids: BTreeMap<At, Vec<u64>>,
    traces: BTreeMap<u64, BTreeSet<At>>,
}

impl Shared {
    fn of(tree: &Tree) -> Shared {
        let mut shared = Shared {
            ids: BTreeMap::new(),
            traces: BTreeMap::new(),
        };
        let ids = tree.ids();
        for all in [&ids.shared, &ids.requests, &ids.keys] {
            let found = each_group(all, IdAt::is_same, |ids, found| {
                found.extend(traces_with(tree, ids).map(|traces| (ids[0].id, traces)));
            });
            for (id, traces) in found {
                for trace in &traces {
                    shared.ids.entry(*trace).or_default().push(id);
                }
                shared.traces.insert(id, traces);
            }
        }
        shared
    }

    /// The traces that share an id with `trace`, including itself.
    fn with(&self, trace: At) -> BTreeSet<At> {
        let ids = self.ids.get(&trace).into_iter().flatten();
        ids.filter_map(|id| self.traces.get(id))
            .flatten()
            .copied()
            .collect()
    }
}

/// The traces with this id, if spans of several services in several traces have it.
fn traces_with(tree: &Tree, same: &[IdAt]) -> Option<BTreeSet<At>> {
    let first = tree.span(same[0].at).trace;
    if same.iter().all(|id| tree.span(id.at).trace == first) {
        return None;
    }
    let services: BTreeSet<_> = same.iter().map(|id| tree.span(id.at).service).collect();
    let traces: BTreeSet<At> = same.iter().map(|id| tree.trace(id.at).start).collect();
    (services.len() > 1 && (2..=MAX_TRACES).contains(&traces.len())).then_some(traces)
}
