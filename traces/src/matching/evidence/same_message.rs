//! The same message at another consumer: both have the message's identity, and one of them shows its
//! sender by its parent or a link. Not all senders write an identity: Kafka gives the offset only
//! after a message was sent.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use super::brokers::Brokers;
use super::clocks::{self, Clocks};
use super::message_id::{by_broker, by_name, handler, receives};
use super::{Evidence, Found, MAX_ENDS, More, Pairs, deliveries};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, IdAt};

/// Pairs each receiver without a sender with that of another receiver of the same message.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let ids = tree.ids();
    let is_left = |id: &IdAt| receives(tree, id.at) && !pairs.has_sender(id.at);
    // if a sender has the id too, it was compared with that of each receiver
    let is_sent = |id: &IdAt| tree.is_call(id.at);
    let is_wanted = |ids: &&[IdAt]| {
        ids.iter().any(is_left) && !ids.iter().all(is_left) && !ids.iter().any(is_sent)
    };
    let by_message: Vec<&[IdAt]> = same(&ids.messages).filter(is_wanted).collect();
    let by_offset: Vec<&[IdAt]> = same(&ids.offsets).filter(is_wanted).collect();
    if by_message.is_empty() && by_offset.is_empty() {
        return;
    }
    let senders = Senders::of(tree, pairs, &[&by_message[..], &by_offset].concat());
    let clocks = Clocks::of(tree, pairs);
    let brokers = Brokers::of(tree);
    for (groups, is_unique) in [(by_message, true), (by_offset, false)] {
        let are_apart = |one: At, other: At| {
            brokers.part(
                &tree.about(one).broker,
                &tree.about(other).broker,
                is_unique,
            )
        };
        for message in groups {
            let receivers = message.iter().map(|id| id.at);
            let receivers = receivers.filter(|at| receives(tree, *at)).collect();
            // one offset in two topics, or in two brokers, means two messages
            let receivers = by_name(receivers, |at| tree.about(at).destination).into_iter();
            for receivers in receivers.flat_map(|receivers| by_broker(receivers, are_apart)) {
                let sender = senders.only(tree, &receivers);
                let is_its = |sender: &At| !receivers.iter().any(|at| are_apart(*sender, *at));
                if let Some(sender) = sender.filter(is_its) {
                    for found in others(tree, pairs, sender, &clocks, receivers) {
                        pairs.add_found(found, evidence);
                    }
                }
            }
        }
    }
}

/// The spans of each id that several have.
fn same(ids: &[IdAt]) -> impl Iterator<Item = &[IdAt]> {
    ids.chunk_by(IdAt::is_same)
        .filter(|ids| (2..=MAX_ENDS).contains(&ids.len()))
}

/// The senders of receivers, by the receivers' first spans.
struct Senders(HashMap<At, BTreeSet<At>>);

impl Senders {
    fn of(tree: &Tree, pairs: &Pairs, groups: &[&[IdAt]]) -> Senders {
        let ids = groups.iter().copied().flatten();
        let mut senders: HashMap<At, BTreeSet<At>> =
            ids.map(|id| (tree.entry(id.at), BTreeSet::new())).collect();
        for pair in pairs.all() {
            if let Some(senders) = senders.get_mut(&tree.entry(pair.receiver)) {
                senders.insert(pair.sender);
            }
        }
        Senders(senders)
    }

    /// The one sender of all these receivers that show one. A batch may have several.
    fn only(&self, tree: &Tree, receivers: &[At]) -> Option<At> {
        let mut all = receivers
            .iter()
            .flat_map(|at| &self.0[&tree.entry(*at)])
            .collect::<BTreeSet<_>>()
            .into_iter();
        all.next().copied().filter(|_| all.next().is_none())
    }
}

/// The receivers of one message whose `sender` the others show.
fn others(
    tree: &Tree,
    pairs: &Pairs,
    sender: At,
    clocks: &Clocks,
    receivers: Vec<At>,
) -> Vec<Found> {
    let to = |at: At| tree.about(at).destination;
    let is_known = !to(receivers[0]).is_empty();
    let is_one = to(sender).is_empty() || to(sender) == to(receivers[0]);
    if !is_known || !is_one {
        return Vec::new();
    }
    // offsets start again when a topic is made again
    let is_later = |at: At| {
        let from = tree.span(sender);
        let start = clocks.start(tree, at, from.service);
        start >= clocks::signed(from.start) - clocks.slack()
    };
    // one with a context that is not in the source may have got it from another sender
    let is_alone =
        |at: At| tree.parent(tree.entry(at)) == Parent::None && tree.links(at).is_empty();
    let is_left = |at: &At| !pairs.has_sender(*at) && is_later(*at) && is_alone(*at);
    let mut by_service: BTreeMap<Name, Vec<At>> = BTreeMap::new();
    for at in receivers {
        by_service
            .entry(tree.span(at).service)
            .or_default()
            .push(at);
    }
    let groups = by_service
        .into_values()
        .flat_map(|receivers| by_name(receivers, |at| tree.about(at).group))
        .filter(|receivers| receivers.iter().all(is_left));
    let found = groups.filter_map(|receivers| {
        Some(Found {
            sender,
            receiver: handler(tree, sender, &receivers)?,
            more: Some(Box::new(More {
                deliveries: deliveries::count(tree, &receivers),
                senders: vec![sender],
                receivers,
            })),
        })
    });
    found.collect()
}
