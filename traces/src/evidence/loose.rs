//! The spans that stronger evidence left over: receivers without a sender, and calls without a
//! receiver.

use std::collections::BTreeSet;

use super::Pairs;
use super::clocks::Clocks;
use super::fit::Places;
use crate::ends::At;
use crate::ends::tree::{Parent, Tree};
use crate::span::Kind;

/// Receivers and calls that are in no pair.
#[derive(Debug)]
pub(crate) struct Loose {
    /// Servers, and consumers that handle a message.
    pub(crate) receivers: Vec<At>,
    /// Calls, except those that are part of another call.
    pub(crate) calls: Vec<At>,
}

impl Loose {
    /// The receivers and calls that are not in `pairs`.
    pub(crate) fn of(tree: &Tree, pairs: &Pairs) -> Loose {
        let is_loose = |at: &At| {
            let is_receiver = match tree.span(*at).kind {
                Kind::Server => tree.entry(*at) == *at,
                Kind::Consumer => !tree.only_receives(*at),
                _ => false,
            };
            is_receiver && !pairs.has_sender(*at)
        };
        Loose {
            receivers: tree.all().filter(is_loose).collect(),
            calls: free_calls(tree, pairs),
        }
    }
}

/// The calls without a receiver. A call may contain others, as an SDK's request contains the
/// request of its HTTP client. Of requests the innermost one counts, of messages the outermost.
fn free_calls(tree: &Tree, pairs: &Pairs) -> Vec<At> {
    let answered = answered_messages(tree, pairs);
    let mut outer: BTreeSet<At> = BTreeSet::new();
    let mut free = Vec::new();
    for at in tree.all().filter(|at| tree.is_call(*at)) {
        let is_answered = pairs.has_receiver(at);
        let mut is_part = is_answered || answered.contains(&at);
        let mut above = tree.local_parent(at);
        while let Some(call) = above {
            if tree.is_call(call) {
                let about = tree.about(call);
                let carries = about.is_messaging || about.is_cloud_api;
                is_part |= carries || pairs.has_receiver(call);
                if !carries || is_answered {
                    outer.insert(call);
                }
            }
            above = tree.local_parent(call);
        }
        if !is_part {
            free.push(at);
        }
    }
    free.retain(|at| !outer.contains(at));
    free
}

/// Senders whose message id another span of the same trace already used for a hand-off: an SDK's
/// call to the broker beside the span for the message.
fn answered_messages(tree: &Tree, pairs: &Pairs) -> BTreeSet<At> {
    let ids = &tree.ids().messages;
    let mut answered = BTreeSet::new();
    for message in ids.chunk_by(|left, right| left.id == right.id) {
        let senders = message.iter().map(|id| id.at);
        let mut sent = senders.clone().filter(|at| pairs.has_receiver(*at));
        if let Some(first) = sent.next() {
            let trace = tree.span(first).trace;
            answered.extend(senders.filter(|at| tree.span(*at).trace == trace));
        }
    }
    answered
}

/// Whether `receiver` may have been called from another trace. If its trace has earlier spans in
/// this source, it was called in its own trace, and only the sender is missing.
pub(super) fn may_leave_its_trace(tree: &Tree, pairs: &Pairs, receiver: At) -> bool {
    if tree.parent(receiver) == Parent::None || pairs.doubtful.contains_key(&receiver) {
        return true;
    }
    let own = tree.span(receiver);
    tree.trace(receiver).all(|at| {
        let other = tree.span(at);
        let is_outside = tree.entry(at) == at && at != receiver && other.service != own.service;
        let is_root = tree.parent(at) == Parent::None;
        let encloses = other.start != 0 && other.start <= own.start && other.end >= own.end;
        !(is_root || is_outside && encloses)
    })
}

/// Whether `call` may have led to `receiver` by address and time, on the clocks of the two
/// services.
pub(super) fn fits(tree: &Tree, places: &Places, clocks: &Clocks, call: At, receiver: At) -> bool {
    let (from, to) = (tree.span(call), tree.span(receiver));
    let is_inside = tree.entry(call) == receiver;
    if is_inside || from.start == 0 || to.start == 0 {
        return false;
    }
    let start = clocks.start(tree, receiver, from.service);
    let since = start - i64::try_from(from.start).unwrap_or(i64::MAX / 4);
    if to.kind == Kind::Consumer {
        let (sent, received) = (tree.about(call), tree.about(receiver));
        let is_one = sent.is_messaging && !sent.destination.is_empty();
        return is_one && sent.destination == received.destination && since >= -clocks.slack();
    }
    let until = start - i64::try_from(from.end).unwrap_or(i64::MAX / 4);
    since >= -clocks.slack() && until <= clocks.slack() && places.fit(tree, call, receiver)
}
