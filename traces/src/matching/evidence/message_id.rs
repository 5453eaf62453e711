//! The id of a message: both ends have the broker's id, or the partition and offset.

mod destinations;

use std::collections::{BTreeMap, BTreeSet};

use self::destinations::Destinations;
use super::{Evidence, Found, MAX_ENDS, Marks, More, Pairs, deliveries};
use crate::matching::names::Name;
use crate::matching::spans::about::Operation;
use crate::matching::spans::tree::Tree;
use crate::matching::spans::verdict;
use crate::matching::spans::{At, IdAt};
use crate::span::Kind;
use crate::threads::each_group;

/// Pairs the ends of each message. If only one side names a destination, the id still matches.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let destinations = Destinations::of(tree);
    let ids = tree.ids();
    join_all(
        tree,
        pairs,
        evidence,
        &ids.messages,
        &Joining {
            destinations: &destinations,
            is_unique: true,
            known: None,
        },
    );
    // a message's id is better evidence than its offset
    let known = pairs.received.clone();
    join_all(
        tree,
        pairs,
        evidence,
        &ids.offsets,
        &Joining {
            destinations: &destinations,
            is_unique: false,
            known: Some(&known),
        },
    );
}

fn join_all(tree: &Tree, pairs: &mut Pairs, evidence: Evidence, ids: &[IdAt], joining: &Joining) {
    let found = each_group(ids, IdAt::is_same, |message, found| {
        if message.len() <= MAX_ENDS {
            join(tree, message, joining, found);
        }
    });
    for found in found {
        pairs.add_found(found, evidence);
    }
}

/// How ids of one kind join spans.
struct Joining<'a> {
    destinations: &'a Destinations<'a>,
    /// Whether the ids are unique in all destinations.
    is_unique: bool,
    /// The receivers that a stronger id has joined.
    known: Option<&'a Marks>,
}

impl Joining<'_> {
    fn is_known(&self, receiver: At) -> bool {
        self.known.is_some_and(|known| known.has(receiver))
    }

    fn may_join(&self, tree: &Tree, sender: At, receiver: At) -> bool {
        let Joining {
            destinations,
            is_unique,
            ..
        } = *self;
        !self.is_known(receiver) && destinations.may_join(tree, sender, receiver, is_unique)
    }

    /// Whether two spans name two brokers.
    fn are_apart(&self, tree: &Tree, one: At, other: At) -> bool {
        self.destinations
            .are_apart(tree, one, other, self.is_unique)
    }
}

fn sends(tree: &Tree, at: At) -> bool {
    tree.is_call(at)
}

pub(super) fn receives(tree: &Tree, at: At) -> bool {
    let operation = tree.about(at).operation;
    match tree.span(at).kind {
        Kind::Consumer => true,
        Kind::Server | Kind::Internal | Kind::Unspecified => operation == Operation::Process,
        Kind::Client => operation == Operation::Receive,
        Kind::Producer => false,
    }
}

fn join(tree: &Tree, message: &[IdAt], joining: &Joining<'_>, found: &mut Vec<Found>) {
    if let [one, other] = message {
        // almost every message has one sender and one receiver
        let ends = match sends(tree, one.at) {
            true => (one.at, other.at),
            false => (other.at, one.at),
        };
        if sends(tree, ends.0) && receives(tree, ends.1) {
            let is_known = tree.span(ends.1).kind != Kind::Client
                || ends_of(tree, &[ends.0], &[ends.1]).is_some();
            if is_known && joining.may_join(tree, ends.0, ends.1) {
                found.push(Found::new(ends.0, ends.1));
            }
            return;
        }
    }
    let ends = message.iter().map(|id| id.at);
    let senders: Vec<At> = ends.clone().filter(|at| sends(tree, *at)).collect();
    let mut receivers: BTreeMap<Name, Vec<At>> = BTreeMap::new();
    for at in ends.filter(|at| receives(tree, *at) && !joining.is_known(*at)) {
        receivers.entry(tree.span(at).service).or_default().push(at);
    }
    let receivers = receivers.into_values();
    let group = |at: At| tree.about(at).group;
    let destination = |at: At| tree.about(at).destination;
    let receivers = receivers.flat_map(|receivers| by_name(receivers, group));
    // one offset in two topics means two messages
    let receivers = receivers.flat_map(|receivers| match joining.is_unique {
        true => vec![receivers],
        false => by_name(receivers, destination),
    });
    let receivers = receivers.flat_map(|receivers| {
        by_broker(receivers, |one, other| joining.are_apart(tree, one, other))
    });
    for receivers in receivers {
        let to = |at: At| tree.about(at).destination;
        let fitting = |exactly: bool| {
            let fits = |sender: &&At| {
                receivers.iter().any(|receiver| match exactly {
                    true => {
                        let is_one = to(**sender) == to(*receiver) && !to(*receiver).is_empty();
                        is_one && !joining.are_apart(tree, **sender, *receiver)
                    }
                    false => joining.may_join(tree, **sender, *receiver),
                })
            };
            senders.iter().filter(fits).copied().collect::<Vec<At>>()
        };
        let mut from = fitting(true);
        if from.is_empty() {
            from = fitting(false);
        }
        for (from, receivers) in apart(tree, from, receivers) {
            if let Some((sender, receiver)) = ends_of(tree, &from, &receivers) {
                let more = More {
                    deliveries: deliveries::count(tree, &receivers),
                    senders: from,
                    receivers,
                };
                found.push(Found {
                    sender,
                    receiver,
                    more: Some(Box::new(more)),
                });
            }
        }
    }
}

/// The receivers of one service by a name that they have, such as their consumer group: each group
/// gets every message. Those without this name belong to the first one.
pub(super) fn by_name(receivers: Vec<At>, name_of: impl Fn(At) -> Name) -> Vec<Vec<At>> {
    let names: BTreeSet<Name> = receivers.iter().map(|at| name_of(*at)).collect();
    let names = names.into_iter().filter(|name| !name.is_empty());
    let names: Vec<Name> = names.collect();
    if names.len() < 2 {
        return vec![receivers];
    }
    let mut parts = vec![Vec::new(); names.len()];
    for at in receivers {
        let place = names.iter().position(|name| *name == name_of(at));
        parts[place.unwrap_or(0)].push(at);
    }
    parts
}

/// The receivers of one service by the broker that they name. Those without a name belong to the
/// first one.
pub(super) fn by_broker(receivers: Vec<At>, are_apart: impl Fn(At, At) -> bool) -> Vec<Vec<At>> {
    let mut parts: Vec<Vec<At>> = Vec::new();
    for at in receivers {
        let is_one = |part: &&mut Vec<At>| !part.iter().any(|other| are_apart(*other, at));
        match parts.iter_mut().find(is_one) {
            Some(part) => part.push(at),
            None => parts.push(vec![at]),
        }
    }
    parts
}

/// The ends of each message, if several have one id. An application may use the id of an order for
/// all its messages. A topic of the same name may exist in several clusters, and offsets start
/// again when a topic is recreated. A receiver that follows a sender got that sender's message.
fn apart(tree: &Tree, senders: Vec<At>, mut receivers: Vec<At>) -> Vec<(Vec<At>, Vec<At>)> {
    let groups = sent_together(tree, &senders);
    if groups.len() < 2 {
        return vec![(senders, receivers)];
    }
    let (mut messages, mut left) = (Vec::new(), Vec::new());
    for group in groups {
        let follows = |at: &At| {
            let mut senders = group.iter();
            senders.any(|from| verdict::of(tree, *from, *at).holds())
        };
        let (own, others) = receivers.into_iter().partition::<Vec<At>, _>(follows);
        receivers = others;
        match own.is_empty() {
            true => left.extend(group),
            false => messages.push((group, own)),
        }
    }
    messages.push((left, receivers));
    messages
}

/// The senders of each message: a producer, and the calls of an SDK in the same trace.
fn sent_together(tree: &Tree, senders: &[At]) -> Vec<Vec<At>> {
    let is_producer = |at: At| tree.span(at).kind == Kind::Producer;
    let mut senders = senders.to_vec();
    senders.sort_by_key(|at| (!is_producer(*at), tree.span(*at).start, *at));
    let mut groups: Vec<Vec<At>> = Vec::new();
    for sender in senders {
        let is_same = |group: &&mut Vec<At>| {
            let first = group[0];
            let is_inside =
                tree.is_at_or_below(sender, first) || tree.is_at_or_below(first, sender);
            tree.span(first).trace == tree.span(sender).trace
                && (is_inside || !is_producer(first) || !is_producer(sender))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(sender),
            None => groups.push(vec![sender]),
        }
    }
    groups
}

/// The sender and the receiver of one message. `None` if several senders use one id and it is
/// unknown which one sent the message.
fn ends_of(tree: &Tree, senders: &[At], receivers: &[At]) -> Option<(At, At)> {
    let is_followed = |sender: At, receiver: At| verdict::of(tree, sender, receiver).holds();
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
    let receiver = handler(tree, sender, receivers)?;
    // a client fetched the message, and the span that handled it is not in the source
    let is_only_fetched = tree.span(receiver).kind == Kind::Client;
    (!is_only_fetched || is_followed(sender, receiver)).then_some((sender, receiver))
}

/// The span that handled a message: rather one that continues the sender's context than another,
/// and rather one that handled the message than one that only fetched it.
pub(super) fn handler(tree: &Tree, sender: At, receivers: &[At]) -> Option<At> {
    receivers.iter().copied().min_by_key(|at| {
        let at = *at;
        (
            tree.about(at).operation == Operation::Receive,
            !verdict::of(tree, sender, at).holds(),
            tree.span(at).kind != Kind::Consumer,
            tree.span(at).start,
            at,
        )
    })
}
