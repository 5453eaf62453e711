//! A remote parent: the receiver's parent is a span of another service, or a call of its own
//! service.

use std::collections::BTreeSet;

use foldhash::HashMap;

use super::fit::Places;
use super::pair_set::PairSet;
use super::{Evidence, Pairs, active};
use crate::matching::names::Name;
use crate::matching::sort::sort;
use crate::matching::spans::At;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;
use crate::threads::{filter_map, numbers};

/// Pairs each receiver with its parent. If another receiver answered the parent's call, the pair is
/// doubtful, because a service may forward the headers that it received.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let (alone, several) = children(tree, pairs);
    let mut places = Places::named(tree);
    let alone = filter_map(&alone, |(parent, child)| {
        Some((*parent, *child, handler(tree, *child)))
    });
    for (parent, child, handler) in alone {
        places.add_parent(tree, parent, &[child]);
        pairs.add(parent, handler, evidence);
        pairs.received.insert(child);
    }
    for (parent, children) in &several {
        places.add_parent(tree, *parent, children);
    }
    for (parent, children) in &several {
        let (best, others) = best_first(tree, &places, *parent, children);
        for child in best {
            pairs.add(*parent, handler(tree, child), evidence);
            pairs.received.insert(child);
        }
        for child in others {
            pairs.doubtful.insert(child, *parent);
        }
    }
    active::mark_calls(tree, pairs);
}

/// Pairs the doubtful receivers with their parents, because no other sender was found.
pub(super) fn settle(pairs: &mut Pairs) {
    for (receiver, parent) in std::mem::take(&mut pairs.doubtful) {
        if !pairs.has_sender(receiver) {
            pairs.add(parent, receiver, Evidence::Parent);
        }
    }
}

/// The parents in other services with one receiver below them, and those with several.
type Children = (Vec<(At, At)>, Vec<(At, Vec<At>)>);

/// The receivers below each span of another service, by parent.
fn children(tree: &Tree, pairs: &Pairs) -> Children {
    let candidates = numbers(tree.len(), |at| {
        let has_sender = tree.parent(at) == Parent::None || pairs.has_sender(at);
        !has_sender && tree.entry(at) == at && !tree.is_in_circle(at)
    });
    if candidates.is_empty() {
        return Children::default();
    }
    let low_ids = LowIds::of(tree, &candidates);
    // receivers below a span that only fetched the message
    let mut found = PairSet::of(tree.len());
    let mut services = PairSet::of(tree.len());
    for pair in pairs.all() {
        found.insert(pair.sender, tree.entry(pair.receiver));
        services.insert(pair.sender, tree.span(pair.receiver).service);
    }
    // a call of a service that has another receiver, such as one that acknowledges the message
    let is_beside = |parent: At, at: At| {
        let end = tree.span(at);
        end.kind.is_sender() && services.contains(parent, end.service)
    };
    let with_parent = |at: At| {
        let parent = match tree.parent(at) {
            Parent::Span(parent) => parent,
            Parent::Missing => low_ids.parent(tree, at)?,
            Parent::None => return None,
        };
        let is_new = !found.contains(parent, at) && !is_beside(parent, at);
        let is_new = is_new && are_ends(tree, parent, at) && !tree.fetched_for(parent, at);
        is_new.then_some((parent, at))
    };
    let mut all: Vec<(At, At)> = candidates.into_iter().filter_map(with_parent).collect();
    sort(&mut all, <(At, At)>::cmp);
    let (mut alone, mut several) = (Vec::new(), Vec::new());
    for same in all.chunk_by(|left, right| left.0 == right.0) {
        if let [only] = same {
            alone.push(*only);
            continue;
        }
        let mut children = same.iter().map(|(_, child)| *child).collect();
        keep_receivers(tree, &mut children);
        several.push((same[0].0, children));
    }
    (alone, several)
}

/// Whether one of the two spans looks like the end of a hand-off. If neither does, the same process
/// probably made both spans under two service names, as some database clients do.
pub(crate) fn are_ends(tree: &Tree, sender: At, receiver: At) -> bool {
    let is_sender = |at: At| tree.span(at).kind.is_sender();
    let is_query = tree.about(receiver).is_database && !tree.span(receiver).kind.is_receiver();
    is_sender(sender) || !is_sender(receiver) && !is_query
}

/// Keeps a service's server or consumer span as the receiver, if there is one; otherwise its first
/// span.
fn keep_receivers(tree: &Tree, children: &mut Vec<At>) {
    let is_receiver = |at: At| tree.span(at).kind.is_receiver();
    children.sort_by_key(|at| (!is_receiver(*at), tree.span(*at).start, *at));
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    children.retain(|at| {
        let is_first = seen.insert(tree.span(*at).service);
        is_receiver(*at) || is_first
    });
}

/// The receivers that `parent` called, and those that may have got its context in another way. If a
/// call has receivers in several services, the latter are in services to which its address does not
/// lead.
fn best_first(tree: &Tree, places: &Places, parent: At, children: &[At]) -> (Vec<At>, Vec<At>) {
    if children.len() < 2 {
        return (children.to_vec(), Vec::new());
    }
    let services: BTreeSet<Name> = children.iter().map(|at| tree.span(*at).service).collect();
    let is_request = tree.is_call(parent) && !tree.about(parent).is_messaging;
    if services.len() < 2 || !is_request {
        return (children.to_vec(), Vec::new());
    }
    let leads = |at: &At| places.lead(tree, parent, tree.span(*at).service);
    if !children.iter().any(leads) {
        return (children.to_vec(), Vec::new());
    }
    children.iter().copied().partition(|at| leads(at))
}

/// The span that handles the message that `receiver` fetched, if there is one message. Both are one
/// hand-off.
fn handler(tree: &Tree, receiver: At) -> At {
    if !tree.only_receives(receiver) {
        return receiver;
    }
    let mut handlers = tree.trace(receiver).filter(|at| {
        tree.span(*at).kind == Kind::Consumer
            && !tree.only_receives(*at)
            && tree.parent(*at) == Parent::Span(receiver)
            && tree.entry(*at) == receiver
    });
    let first = handlers.next();
    first
        .filter(|_| handlers.next().is_none())
        .unwrap_or(receiver)
}

/// Spans by span id and the low 64 bits of the trace id, which is all that B3 carries with 64-bit
/// ids.
struct LowIds(HashMap<(u64, [u8; 8]), At>);

impl LowIds {
    /// The spans of traces with longer ids; empty if no trace of `receivers` has a short id.
    fn of(tree: &Tree, receivers: &[At]) -> LowIds {
        let is_orphan =
            |at: &&At| tree.span(**at).trace.is_64_bit() && tree.parent(**at) == Parent::Missing;
        let orphans = receivers.iter().filter(is_orphan).map(|at| tree.span(*at));
        let wanted: BTreeSet<(u64, [u8; 8])> = orphans
            .map(|end| (end.parent, end.trace.low_64()))
            .collect();
        let mut spans = HashMap::default();
        if !wanted.is_empty() {
            for at in tree.all() {
                let end = tree.span(at);
                let key = (end.span, end.trace.low_64());
                if !end.trace.is_64_bit() && wanted.contains(&key) {
                    spans.entry(key).or_insert(at);
                }
            }
        }
        LowIds(spans)
    }

    fn parent(&self, tree: &Tree, at: At) -> Option<At> {
        let end = tree.span(at);
        let key = (end.parent, end.trace.low_64());
        self.0.get(&key).copied().filter(|_| end.trace.is_64_bit())
    }
}
