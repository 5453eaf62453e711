//! The id of a request: from the API, or from attributes that the user named.

use std::collections::BTreeMap;

use super::{Evidence, Found, MAX_ENDS, More, Pairs, deliveries};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::verdict;
use crate::matching::spans::{At, IdAt};
use crate::threads::each_group;

/// How many services above a call are looked at.
const MAX_HOPS: usize = 100;

/// Pairs a call with the receivers that have the same id, one in each receiving service.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    for ids in [&tree.ids().requests, &tree.ids().keys] {
        let known = &*pairs;
        let found = each_group(ids, IdAt::is_same, |request, found| {
            if request.len() <= MAX_ENDS {
                found.extend(join(tree, known, request));
            }
        });
        for found in found {
            // a span may have several ids
            if !pairs.has_receiver(found.sender) && !pairs.has_sender(found.receiver) {
                pairs.add_found(found, evidence);
            }
        }
    }
}

/// The ends of a request, if its id shows them.
fn join(tree: &Tree, pairs: &Pairs, request: &[IdAt]) -> Option<Found> {
    let is_call = |at: At| tree.is_call(at) && !pairs.has_receiver(at);
    let answers = |at: At| tree.span(at).kind.is_receiver();
    // a span within the receiving service may have the id that its first span lacks
    let receiver = |at: At| {
        let entry = tree.entry(at);
        (answers(at) && answers(entry) && !pairs.has_sender(entry)).then_some(entry)
    };
    if let [one, other] = request {
        // almost every request has one call and one receiver
        let ends = match is_call(one.at) {
            true => (one.at, other.at),
            false => (other.at, one.at),
        };
        let receiver = receiver(ends.1)?;
        let are_ends = is_call(ends.0) && !is_made_by(tree, ends.0, receiver);
        return are_ends.then(|| Found::new(ends.0, receiver));
    }
    let ends = request.iter().map(|id| id.at);
    let calls = ends.clone().filter(|at| is_call(*at));
    let mut calls: Vec<At> = calls.collect();
    let mut receivers: BTreeMap<Name, Vec<At>> = BTreeMap::new();
    for at in ends.filter_map(receiver) {
        receivers.entry(tree.span(at).service).or_default().push(at);
    }
    if calls.len() > 1 {
        let count: usize = receivers.values().map(Vec::len).sum();
        if calls.len() * count <= MAX_ENDS {
            let is_inner = |call: &At| {
                let mut receivers = receivers.values().flatten();
                receivers.any(|receiver| is_made_by(tree, *call, *receiver))
            };
            calls.retain(|call| !is_inner(call));
        }
    }
    // if several calls may have sent the id, weaker evidence decides
    let call = only(&calls)?;
    for receivers in receivers.values_mut() {
        receivers.retain(|at| !is_made_by(tree, call, *at));
    }
    receivers.retain(|_, receivers| !receivers.is_empty());
    let receivers = only_of(receivers)?;
    let is_followed = |at: At| verdict::of(tree, call, at).holds();
    let best = receivers
        .iter()
        .min_by_key(|at| (!is_followed(**at), tree.span(**at).start, **at));
    Some(Found {
        sender: call,
        receiver: *best?,
        more: Some(Box::new(More {
            senders: vec![call],
            deliveries: deliveries::count(tree, &receivers),
            receivers,
        })),
    })
}

/// Whether `call` was made while `receiver` was handled, in its trace or in another one. Some
/// functions put the id of their invocation on all their spans.
fn is_made_by(tree: &Tree, call: At, receiver: At) -> bool {
    let (from, to) = (tree.span(call), tree.span(receiver));
    let is_own = from.service == to.service && from.service != Name::EMPTY;
    let is_later = is_own && from.start > to.start;
    is_later || is_within(tree, call, receiver)
}

/// Whether `receiver` is above `call` in its trace.
fn is_within(tree: &Tree, call: At, receiver: At) -> bool {
    if tree.is_in_circle(call) {
        return false;
    }
    let mut at = tree.entry(call);
    for _ in 0..MAX_HOPS {
        match tree.parent(at) {
            _ if at == receiver => return true,
            Parent::Span(parent) => at = tree.entry(parent),
            _ => return false,
        }
    }
    false
}

fn only(calls: &[At]) -> Option<At> {
    match calls {
        [call] => Some(*call),
        _ => None,
    }
}

fn only_of(receivers: BTreeMap<Name, Vec<At>>) -> Option<Vec<At>> {
    let mut all = receivers.into_values();
    let first = all.next();
    first.filter(|_| all.next().is_none())
}
