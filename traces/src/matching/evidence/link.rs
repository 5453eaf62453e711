//! Span links from the receiver to the sender, as consumers of batches have them. Each message is a
//! separate hand-off.

use super::pair_set::PairSet;
use super::{Evidence, Pairs};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, LinkAt};
use crate::span::Kind;
use crate::threads::{each_group, numbers};

/// Pairs a linked span of another service, or a linked sender of the same service, with the span
/// that has the link.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let known = &*pairs;
    let is_of_one = |one: &LinkAt, other: &LinkAt| one.at == other.at;
    let hand_offs = each_group(tree.all_links(), is_of_one, |links, found| {
        found.extend(hand_offs(tree, known, links));
    });
    let mut hand_offs: Vec<(At, At)> = hand_offs.collect();
    if hand_offs.is_empty() {
        return;
    }
    let handled = handled(tree, pairs);
    hand_offs.retain(|(sender, receiver)| {
        let end = tree.span(*receiver);
        let may_be_beside = tree.only_receives(*receiver) || !end.kind.is_receiver();
        !(may_be_beside && handled.contains(*sender, end.service))
    });
    if hand_offs.is_empty() {
        return;
    }
    let mut ended = ends_of_messages(tree, pairs);
    for (sender, receiver) in hand_offs {
        if ended.insert(sender, tree.entry(receiver)) {
            pairs.add(sender, receiver, evidence);
        }
    }
}

/// The linked spans that may be senders, each with the span that has the links.
fn hand_offs(tree: &Tree, pairs: &Pairs, links: &[LinkAt]) -> impl Iterator<Item = (At, At)> {
    let receiver = links[0].at;
    // the only link of a receiver whose message is known leads to that message
    let is_known = links.len() == 1 && pairs.has_sender(receiver);
    let senders = links.iter().filter_map(LinkAt::linked);
    let senders = senders.filter(move |sender| !is_known && may_hand_over(tree, *sender, receiver));
    senders.map(move |sender| (sender, receiver))
}

/// Whether a link from `receiver` to `sender` shows a hand-off.
fn may_hand_over(tree: &Tree, sender: At, receiver: At) -> bool {
    let (from, to) = (tree.span(sender), tree.span(receiver));
    let is_call = tree.is_call(sender);
    match to.kind {
        Kind::Consumer => is_call || from.service != to.service,
        Kind::Server => {
            let has_parent = matches!(tree.parent(receiver), Parent::Span(_));
            from.service != to.service && !has_parent
        }
        // A job that starts a trace on purpose, and links to the requests that asked for it. Their
        // context reached it, through a table or a scheduler, so this is a hand-off. What else a
        // root may link to, such as its last run, is in its own service.
        Kind::Internal | Kind::Unspecified => {
            let is_root = tree.parent(receiver) == Parent::None;
            from.service != to.service && (from.kind == Kind::Producer || is_root)
        }
        Kind::Client | Kind::Producer => false,
    }
}

/// Where the messages of each sender are known to have arrived: the entries of the receivers.
fn ends_of_messages(tree: &Tree, pairs: &Pairs) -> PairSet<At> {
    let mut ends = PairSet::of(tree.len());
    for pair in pairs.all() {
        ends.insert(pair.sender, tree.entry(pair.receiver));
    }
    ends
}

/// The messages that a span handles, by sender and receiving service. The span that fetched such a
/// message is not a receiver.
fn handled(tree: &Tree, pairs: &Pairs) -> PairSet<Name> {
    let mut handled = PairSet::of(tree.len());
    let is_handler = |at: At| tree.span(at).kind == Kind::Consumer && !tree.only_receives(at);
    for link in tree.all_links().iter().filter(|link| is_handler(link.at)) {
        if let Some(sender) = link.linked() {
            handled.insert(sender, tree.span(link.at).service);
        }
    }
    for at in numbers(tree.len(), is_handler) {
        if let Parent::Span(sender) = tree.parent(at) {
            handled.insert(sender, tree.span(at).service);
        }
    }
    for pair in pairs.all() {
        handled.insert(pair.sender, tree.span(pair.receiver).service);
    }
    handled
}
