//! Messages within messages: a framework for jobs sends each job through a queue that is
//! instrumented, too. Both have a span at each end, with ids of their own, and are one hand-off.

use std::collections::BTreeSet;

use super::{Pair, Pairs};
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;
use crate::matching::spans::verdict;

/// How many spans above a sender are looked at.
const MAX_ABOVE: usize = 100;

/// Keeps one pair of each hand-off that has two: the outer one, unless only the inner one holds.
/// The pairs are sorted.
pub(super) fn merge(tree: &Tree, pairs: &mut Pairs) {
    let systems = tree.abouts().iter().map(|about| about.system);
    let systems: BTreeSet<_> = systems.filter(|system| !system.is_empty()).collect();
    if systems.len() < 2 {
        return;
    }
    let all = pairs.all();
    let of_sender = |sender: At| {
        let first = all.partition_point(|pair| pair.sender < sender);
        let rest = all[first..].iter();
        rest.take_while(move |pair| pair.sender == sender)
    };
    let mut dropped: BTreeSet<Pair> = BTreeSet::new();
    for inner in all
        .iter()
        .filter(|pair| tree.about(pair.sender).is_messaging)
    {
        let contains = |at: &At| are_two_systems(tree, *at, inner.sender);
        let above = tree.above(inner.sender).take(MAX_ABOVE);
        let mut outer = above.filter(contains).flat_map(of_sender);
        let outer = outer.find(|outer| are_around(tree, outer.receiver, inner.receiver));
        if let Some(outer) = outer {
            let holds = |pair: &Pair| verdict::of(tree, pair.sender, pair.receiver).holds();
            let is_inner_better = holds(inner) && !holds(outer);
            dropped.insert(if is_inner_better { *outer } else { *inner });
        }
    }
    if !dropped.is_empty() {
        pairs.pairs.retain(|pair| !dropped.contains(pair));
    }
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
