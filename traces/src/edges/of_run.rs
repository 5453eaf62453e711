//! The hand-offs of a run. Its ids, logs and lab records show more than its spans: hand-offs whose
//! receiver was not sampled, and those that were lost.

use std::collections::{BTreeMap, BTreeSet};

use super::counting::{Counting, Key, Seen};
use super::unjudged::{Unjudged, What};
use super::{ChannelKind, Each};
use crate::hand_off::Hop;
use crate::matching::by_id::{Assembly, HandOff, HandOffKey};
use crate::matching::evidence::{Evidence, Pairs};
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;
use crate::span::{SpanReference, UnixTime};

/// The messaging system of a run's records.
const SYSTEM: &str = "aws_kinesis";
/// What an end without any recorded span is called: the sender and the receiver of each hop.
const ROLES: [(Hop, [&str; 2]); 2] = [
    (Hop::Ingress, ["(client unseen)", "(producer unseen)"]),
    (Hop::Record, ["(producer unseen)", "(consumer unseen)"]),
];

/// Whether an edge's `service` is a role of a run that has no recorded span.
pub(crate) fn role_without_spans(service: &str) -> bool {
    let mut roles = ROLES.iter().flat_map(|(_, roles)| roles);
    roles.any(|role| *role == service)
}

/// Says whether a sender that starts at a time is in the wanted period.
type Takes<'a> = dyn Fn(Option<UnixTime>) -> bool + Sync + 'a;

/// The hand-offs that a run's ids, logs and lab records show.
pub(crate) struct OfRun<'a> {
    assembly: &'a Assembly,
    takes: &'a Takes<'a>,
    names: BTreeMap<String, Name>,
    found: Found,
    /// For each span of the tree, whether it is an end of such a hand-off.
    known: Vec<bool>,
}

/// The recorded spans of the ends.
#[derive(Default)]
struct Found {
    /// Those of the sender and the receiver of each hand-off, in the order of
    /// [`OfRun::hand_offs`].
    ends: Vec<[Option<At>; 2]>,
    /// The services of each hop's senders and receivers.
    services: BTreeMap<Hop, [BTreeSet<Name>; 2]>,
}

impl<'a> OfRun<'a> {
    /// Looks up the ends of all hand-offs in `tree`. `takes` says whether a sender that starts at a
    /// time is in the wanted period.
    pub(crate) fn new(tree: &mut Tree, assembly: &'a Assembly, takes: &'a Takes<'a>) -> OfRun<'a> {
        let mut names = BTreeMap::new();
        let roles = ROLES.iter().flat_map(|(_, roles)| roles.iter().copied());
        let fixed = roles.chain([SYSTEM, ""]).map(str::to_owned);
        let streams = assembly.streams().map(str::to_owned);
        for text in fixed.chain(streams) {
            let name = tree.intern(&text);
            names.insert(text, name);
        }
        let tree = &*tree;
        let found = assembly.fold(
            |hand_off, found: &mut Found| {
                if takes(hand_off.sender.start) {
                    found.add(tree, hand_off);
                }
            },
            Found::append,
        );
        let mut known = vec![false; tree.len()];
        for at in found.ends.iter().flatten().flatten() {
            known[*at as usize] = true;
        }
        OfRun {
            assembly,
            takes,
            names,
            found,
            known,
        }
    }

    /// The hand-offs in the wanted period, each with the recorded spans of its ends.
    fn hand_offs(&self) -> impl Iterator<Item = (HandOff<'a>, [Option<At>; 2])> {
        let hand_offs = self.assembly.hand_offs();
        let wanted = hand_offs.filter(|hand_off| (self.takes)(hand_off.sender.start));
        wanted.zip(self.found.ends.iter().copied())
    }

    /// Whether the span `at` is an end of one of these hand-offs.
    pub(crate) fn has(&self, at: At) -> bool {
        self.known[at as usize]
    }

    /// Marks the ends of these hand-offs, so that they do not count as unjudged.
    pub(crate) fn mark(&self, pairs: &mut Pairs) {
        for (at, is_known) in (0..).zip(&self.known) {
            if *is_known {
                pairs.settle(at);
            }
        }
    }

    /// Counts the hand-offs with a verdict, by their edges.
    pub(super) fn count(
        &self,
        tree: &Tree,
        each: Option<&mut Each<'_>>,
    ) -> BTreeMap<Key, Counting> {
        let names = tree.names();
        let mut edges = BTreeMap::new();
        let mut taken = Vec::new();
        for (hand_off, ends) in self.hand_offs() {
            let Some(verdict) = hand_off.verdict else {
                continue;
            };
            let key = self.key(tree, &hand_off, ends);
            let [sender, receiver] = ends;
            let seen = Seen {
                sender: hand_off.sender.reference,
                receiver: receiver_of(&hand_off),
                spans: sender.zip(receiver),
                verdict,
                evidence: match hand_off.hop {
                    Hop::Ingress => Evidence::RequestId,
                    Hop::Record => Evidence::MessageId,
                },
                flags: hand_off.flags,
                sender_unsampled: hand_off.sender.sampled == Some(false),
            };
            let edge = edges
                .entry(key)
                .or_insert_with(|| Counting::new(key, names));
            edge.count(tree, &seen);
            if each.is_some() {
                taken.push(seen.hand_off(key, names));
            }
        }
        if let Some(each) = each {
            taken.sort_by_key(|hand_off| Seen::place(hand_off.sender, hand_off.receiver));
            for hand_off in &taken {
                (each.take)(hand_off);
            }
        }
        edges
    }

    /// The hand-offs without a verdict, by the sender's service.
    pub(crate) fn unjudged(&self, tree: &Tree) -> Vec<Unjudged> {
        let mut counts: BTreeMap<(Key, bool), u64> = BTreeMap::new();
        let hand_offs = self.hand_offs();
        for (hand_off, ends) in hand_offs.filter(|(hand_off, _)| hand_off.verdict.is_none()) {
            let key = self.key(tree, &hand_off, ends);
            let key = (key, hand_off.receiver.is_some());
            *counts.entry(key).or_default() += 1;
        }
        let names = tree.names();
        let rows = counts.into_iter().map(|((key, is_untraced), count)| {
            let (what, to) = match key.kind {
                ChannelKind::Messaging => (
                    What::MessagesSent,
                    format!("{SYSTEM} {}", names.text(key.destination)),
                ),
                _ => (What::Calls, names.text(key.to).to_owned()),
            };
            let (why, would_help) = match is_untraced {
                true => (
                    "neither end has a span".to_owned(),
                    "tracing in the sender or in the receiver",
                ),
                false => (
                    format!(
                        "delivered, but no span was found for it: {}",
                        self.assembly.why_unseen()
                    ),
                    "a span of kind consumer with messaging.message.id for each record",
                ),
            };
            Unjudged {
                service: names.text(key.from).to_owned(),
                what,
                count,
                to: Some(to),
                why,
                would_help: Some(would_help.to_owned()),
                is_hand_off: true,
                others: Some([names.text(key.to).to_owned()].into()),
                hides_sender: false,
            }
        });
        rows.collect()
    }

    /// The edge of a hand-off. An end without a recorded span has the service of the other ends on
    /// its side of the hop, if they all have the same one.
    fn key(&self, tree: &Tree, hand_off: &HandOff<'_>, [from, to]: [Option<At>; 2]) -> Key {
        let name = |text: &str| self.names.get(text).copied().unwrap_or_default();
        let services = self.found.services.get(&hand_off.hop);
        let only = |side: usize| {
            let mut services = services?[side].iter();
            services.next().filter(|_| services.next().is_none())
        };
        let roles = ROLES.iter().find(|(hop, _)| *hop == hand_off.hop);
        let roles = roles.map_or(["", ""], |(_, roles)| *roles);
        let service = |at: Option<At>, side: usize| {
            let own = at.map(|at| tree.span(at).service);
            let own = own.or_else(|| only(side).copied());
            own.unwrap_or_else(|| name(roles[side]))
        };
        let (kind, system, destination) = match hand_off.key {
            HandOffKey::Request(_) => (ChannelKind::Http, Name::EMPTY, Name::EMPTY),
            HandOffKey::Message(key) => (ChannelKind::Messaging, name(SYSTEM), name(key.stream)),
        };
        Key {
            from: service(from, 0),
            to: service(to, 1),
            kind,
            system,
            destination,
        }
    }
}

impl Found {
    fn add(&mut self, tree: &Tree, hand_off: &HandOff<'_>) {
        let sender = hand_off.sender.reference;
        let sender = sender.and_then(|span| tree.find_either(span, true));
        let receiver = receiver_of(hand_off).and_then(|span| tree.find_either(span, false));
        let services = self.services.entry(hand_off.hop).or_default();
        for (services, at) in services.iter_mut().zip([sender, receiver]) {
            services.extend(at.map(|at| tree.span(at).service));
        }
        self.ends.push([sender, receiver]);
    }

    fn append(&mut self, later: Found) {
        self.ends.extend(later.ends);
        for (hop, sides) in later.services {
            let known = self.services.entry(hop).or_default();
            for (known, services) in known.iter_mut().zip(sides) {
                known.extend(services);
            }
        }
    }
}

fn receiver_of(hand_off: &HandOff<'_>) -> Option<SpanReference> {
    let receiver = hand_off.receiver.as_ref();
    receiver.and_then(|receiver| receiver.reference)
}
