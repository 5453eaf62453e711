//! Calls whose context was injected by hand: the receiver is below the span that was active, and
//! not below that of the call. Both are one hand-off, so such a call has its receiver.

use std::collections::{BTreeMap, VecDeque};

use super::Pairs;
use super::clocks::Clocks;
use super::fit::Places;
use super::loose;
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;
use crate::threads::filter_map;

/// How many calls are tried for each receiver.
const MAX_TRIED: usize = 100;

/// How many spans above a call are looked at.
const MAX_ABOVE: usize = 100;

/// Marks the calls below each span that is a receiver's parent without being a call. A call must
/// fit the receiver by address and time.
pub(super) fn mark_calls(tree: &Tree, pairs: &mut Pairs) {
    let mut receivers: BTreeMap<At, Vec<At>> = BTreeMap::new();
    for pair in filter_map(pairs.all(), |pair| {
        (!tree.is_call(pair.sender)).then_some(pair)
    }) {
        receivers
            .entry(pair.sender)
            .or_default()
            .push(pair.receiver);
    }
    if receivers.is_empty() {
        return;
    }
    let mut calls: BTreeMap<At, Vec<At>> = BTreeMap::new();
    for call in loose::free_calls(tree, pairs) {
        let mut above = tree.above(call).take(MAX_ABOVE);
        let active = above.find(|at| receivers.contains_key(at));
        if let Some(active) = active {
            calls.entry(active).or_default().push(call);
        }
    }
    let (clocks, places) = (Clocks::of(tree, pairs), Places::of(tree, pairs));
    let order = |at: &At| (tree.span(*at).start, *at);
    for (active, mut calls) in calls {
        let mut receivers = receivers.remove(&active).unwrap_or_default();
        calls.sort_by_key(order);
        receivers.sort_by_key(order);
        let mut calls = VecDeque::from(calls);
        for receiver in receivers {
            let fits = |call: &At| loose::fits(tree, &places, &clocks, *call, receiver);
            let place = calls.iter().take(MAX_TRIED).position(fits);
            if let Some(call) = place.and_then(|place| calls.remove(place)) {
                pairs.sent.insert(call);
            }
        }
    }
}
