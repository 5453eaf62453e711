//! The id of a message: both ends have the broker's id, or the partition and offset.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Pairs};
use crate::ends::about::Operation;
use crate::ends::names::Name;
use crate::ends::tree::Tree;
use crate::ends::verdict;
use crate::ends::{At, IdAt};
use crate::span::Kind;

/// An id with more ends than this is a constant and not an id.
const MAX_ENDS: usize = 1000;

/// Pairs the ends of each message. If only one side names a destination, the id still matches.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let destinations = Destinations::of(tree);
    for (ids, is_unique) in [(&tree.ids().messages, true), (&tree.ids().offsets, false)] {
        for message in ids.chunk_by(|left, right| left.id == right.id) {
            if message.len() <= MAX_ENDS {
                join(tree, pairs, evidence, message, &destinations, is_unique);
            }
        }
    }
}

/// The destinations that senders and receivers name.
struct Destinations {
    sent: BTreeSet<Name>,
    received: BTreeSet<Name>,
}

impl Destinations {
    fn of(tree: &Tree) -> Destinations {
        let ids = tree.ids().messages.iter().chain(&tree.ids().offsets);
        let mut all = Destinations {
            sent: BTreeSet::new(),
            received: BTreeSet::new(),
        };
        for id in ids {
            let destination = tree.about(id.at).destination;
            if sends(tree, id.at) {
                all.sent.insert(destination);
            } else if receives(tree, id.at) {
                all.received.insert(destination);
            }
        }
        all
    }

    /// Whether an id may join a message sent to `sent` with one received from `received`. Two
    /// different names may mean one destination only if neither is known to the other side.
    fn may_be_one(&self, sent: Name, received: Name, is_unique: bool) -> bool {
        let is_unsaid = sent.is_empty() || received.is_empty();
        let are_strange = !self.received.contains(&sent) && !self.sent.contains(&received);
        sent == received || is_unsaid || is_unique && are_strange
    }
}

fn sends(tree: &Tree, at: At) -> bool {
    tree.is_call(at)
}

fn receives(tree: &Tree, at: At) -> bool {
    let operation = tree.about(at).operation;
    match tree.span(at).kind {
        Kind::Consumer => true,
        Kind::Server | Kind::Internal | Kind::Unspecified => operation == Operation::Process,
        Kind::Client => operation == Operation::Receive,
        Kind::Producer => false,
    }
}

fn join(
    tree: &Tree,
    pairs: &mut Pairs,
    evidence: Evidence,
    message: &[IdAt],
    destinations: &Destinations,
    is_unique: bool,
) {
    if let [one, other] = message {
        // almost every message has one sender and one receiver
        let ends = match sends(tree, one.at) {
            true => (one.at, other.at),
            false => (other.at, one.at),
        };
        if sends(tree, ends.0) && receives(tree, ends.1) {
            let (sent, received) = (tree.about(ends.0), tree.about(ends.1));
            if destinations.may_be_one(sent.destination, received.destination, is_unique) {
                pairs.add(ends.0, ends.1, evidence);
            }
            return;
        }
    }
    let ends = message.iter().map(|id| id.at);
    let senders: Vec<At> = ends.clone().filter(|at| sends(tree, *at)).collect();
    let mut receivers: BTreeMap<Name, Vec<At>> = BTreeMap::new();
    for at in ends.filter(|at| receives(tree, *at)) {
        receivers.entry(tree.span(at).service).or_default().push(at);
    }
    for receivers in receivers.values() {
        let to = |at: At| tree.about(at).destination;
        let fitting = |exactly: bool| {
            let fits = |sender: &&At| {
                receivers.iter().any(|receiver| {
                    let (sent, received) = (to(**sender), to(*receiver));
                    sent == received && !sent.is_empty()
                        || !exactly && destinations.may_be_one(sent, received, is_unique)
                })
            };
            senders.iter().filter(fits).copied().collect::<Vec<At>>()
        };
        let mut from = fitting(true);
        if from.is_empty() {
            from = fitting(false);
        }
        if let Some((sender, receiver)) = ends_of(tree, &from, receivers) {
            pairs.add(sender, receiver, evidence);
            pairs.sent.extend(&from);
            pairs.received.extend(receivers);
        }
    }
}

/// The sender and the receiver of one message. `None` if several senders use one id and it is
/// unknown which one sent the message.
fn ends_of(tree: &Tree, senders: &[At], receivers: &[At]) -> Option<(At, At)> {
    let is_followed = |sender: At, receiver: At| verdict::of(tree, sender, receiver).is_whole();
    let followed = |sender: &&At| receivers.iter().any(|at| is_followed(**sender, *at));
    let is_producer = |at: &At| tree.span(*at).kind == Kind::Producer;
    let order = |at: &At| (!is_producer(at), tree.span(*at).start, *at);
    let candidates = senders.iter();
    let best = candidates
        .clone()
        .filter(followed)
        .min_by_key(|at| order(at));
    let sender = match best {
        Some(sender) => *sender,
        None => {
            let first = *candidates.min_by_key(|at| order(at))?;
            let trace = tree.span(first).trace;
            let are_one = senders.iter().all(|at| tree.span(*at).trace == trace);
            are_one.then_some(first)?
        }
    };
    let receiver = receivers.iter().min_by_key(|at| {
        let at = **at;
        let is_consumer = tree.span(at).kind == Kind::Consumer;
        (
            tree.about(at).operation == Operation::Receive,
            !is_followed(sender, at),
            !is_consumer,
            tree.span(at).start,
            at,
        )
    })?;
    Some((sender, *receiver))
}
