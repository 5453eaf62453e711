//! Messages within messages: a framework for jobs sends each job through a queue that is
//! instrumented, too. Both have a span at each end, with ids of their own, and are one hand-off.

use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_ENDS, Pair, Pairs};
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;
use crate::matching::spans::verdict;

/// How many spans above a sender are looked at.
const MAX_ABOVE: usize = 100;

/// Keeps one pair of each hand-off that has two: the outer one, unless only an inner one holds.
/// The pairs are sorted.
pub(super) fn merge(tree: &Tree, pairs: &mut Pairs) {
    let systems = tree.abouts().iter().map(|about| about.system);
    let systems: BTreeSet<_> = systems.filter(|system| !system.is_empty()).collect();
    if systems.len() < 2 {
        return;
    }
    let all = pairs.all();
    let is_message = |pair: &&Pair| tree.about(pair.sender).is_messaging;
    let nested: BTreeMap<Pair, Pair> = all
        .iter()
        .filter(is_message)
        .filter_map(|inner| Some((*inner, outer(tree, all, inner)?)))
        .collect();
    let around = |pair: &Pair| {
        let outer = |inner: &Pair| nested.get(inner).copied();
        let chain = std::iter::successors(outer(pair), outer);
        chain.take(MAX_ABOVE)
    };
    let holds = |pair: &Pair| verdict::of(tree, pair.sender, pair.receiver).holds();
    let holding = nested.keys().filter(|inner| holds(inner));
    let replaced: BTreeSet<Pair> = holding
        .flat_map(around)
        .filter(|outer| !holds(outer))
        .collect();
    // one outer message may be sent by several inner ones
    let inner = nested.keys();
    let inner = inner.filter(|inner| around(inner).any(|outer| !replaced.contains(&outer)));
    let mut dropped: BTreeSet<Pair> = inner.copied().collect();
    dropped.extend(&replaced);
    if !dropped.is_empty() {
        pairs.pairs.retain(|pair| !dropped.contains(pair));
    }
}

/// The pair of the message that was sent by sending that of `inner`.
fn outer(tree: &Tree, all: &[Pair], inner: &Pair) -> Option<Pair> {
    let of_sender = |sender: At| {
        let first = all.partition_point(|pair| pair.sender < sender);
        let rest = all[first..].iter().take(MAX_ENDS);
        rest.take_while(move |pair| pair.sender == sender)
    };
    let contains = |at: &At| are_two_systems(tree, *at, inner.sender);
    let above = tree.above(inner.sender).take(MAX_ABOVE);
    let mut outer = above.filter(contains).flat_map(of_sender);
    let found = outer.find(|outer| are_around(tree, outer.receiver, inner.receiver));
    found.copied()
}

/// Whether both send a message, each through a system of its own.
fn are_two_systems(tree: &Tree, outer: At, inner: At) -> bool {
    let (one, other) = (tree.about(outer), tree.about(inner));
    let are_known = !one.system.is_empty() && !other.system.is_empty();
    let is_message = one.is_messaging && tree.is_call(outer);
    is_message && are_known && one.system != other.system
}

/// Whether one service handled both at once: one of the two spans lies within the other.
fn are_around(tree: &Tree, one: At, other: At) -> bool {
    let (first, second) = (tree.span(one), tree.span(other));
    let is_within = |inner: (u64, u64), outer: (u64, u64)| {
        outer.0 != 0 && outer.0 <= inner.0 && inner.1 <= outer.1
    };
    let times = [first, second].map(|end| (end.start, end.end));
    first.service == second.service
        && one != other
        && (tree.is_at_or_below(one, other)
            || tree.is_at_or_below(other, one)
            || is_within(times[0], times[1])
            || is_within(times[1], times[0]))
}
