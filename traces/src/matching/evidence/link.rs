//! Span links from the receiver to the sender, as consumers of batches have them. Each message is a
//! separate hand-off.

use super::pair_set::PairSet;
use super::{Evidence, Pairs};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, LinkAt};
use crate::span::Kind;
use crate::threads::together;

/// Pairs a linked span of another service, or a linked sender of the same service, with the span
/// that has the link.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    // the only link of a receiver whose message is known leads to that message
    let is_known = |links: &&[LinkAt]| links.len() == 1 && pairs.has_sender(links[0].at);
    let by_receiver = tree.all_links().chunk_by(|left, right| left.at == right.at);
    let by_receiver: Vec<&[LinkAt]> = by_receiver.filter(|links| !is_known(links)).collect();
    if by_receiver.is_empty() {
        return;
    }
    let (handled, mut ended) = together(|| handled(tree, pairs), || ends_of_messages(tree, pairs));
    for links in by_receiver {
        let receiver = links[0].at;
        for link in links {
            let Some(sender) = tree.find(link.trace, link.span) else {
                continue;
            };
            let service = tree.span(receiver).service;
            let is_receiver = tree.span(receiver).kind.is_receiver();
            let may_be_beside = tree.only_receives(receiver) || !is_receiver;
            let is_handled = may_be_beside && handled.contains(sender, service);
            if may_hand_over(tree, sender, receiver)
                && !is_handled
                && ended.insert(sender, tree.entry(receiver))
            {
                pairs.add(sender, receiver, evidence);
            }
        }
    }
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
    for pair in pairs.iter() {
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
        if let Some(sender) = tree.find(link.trace, link.span) {
            handled.insert(sender, tree.span(link.at).service);
        }
    }
    for at in tree.all().filter(|at| is_handler(*at)) {
        if let Parent::Span(sender) = tree.parent(at) {
            handled.insert(sender, tree.span(at).service);
        }
    }
    for pair in pairs.iter() {
        handled.insert(pair.sender, tree.span(pair.receiver).service);
    }
    handled
}
