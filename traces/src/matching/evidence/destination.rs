//! Messages of one destination without ids, links or parents. They cannot be paired, but it is known
//! how many may have broken. If one service sends to a destination and one receives from it, and
//! what it received could be all that was sent, then all of these messages broke. Of a log such as
//! Kafka's topics, each receiving service gets every message, so each is compared with all that was
//! sent.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};

use super::brokers::Brokers;
use super::clocks::{self, Clocks};
use super::{Ambiguous, Loose, Marks, Pair, Pairs, loose};
use crate::matching::names::Name;
use crate::matching::spans::about::Failure;
use crate::matching::spans::about::broker::Broker;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, IdAt, Ids};
use crate::span::Kind;
use crate::threads::numbers;

/// From this number on, messages that arrive without a context are not there by chance.
const MIN_ALL: u64 = 5;

/// The ends of the messages of one destination, each with its number of messages.
#[derive(Default)]
struct Ends {
    sent: Vec<(At, u64)>,
    received: Vec<(At, u64)>,
    /// The senders with a receiver, each with a service that received from it, sorted. Others may
    /// have got the same message. Only of systems that give each service every message.
    delivered: Vec<(At, Name)>,
}

impl Ends {
    fn all(&self) -> impl Iterator<Item = At> {
        let ends = self.sent.iter().chain(&self.received).map(|(at, _)| *at);
        ends.chain(self.delivered.iter().map(|(at, _)| *at))
    }

    /// The ends of the messages that the service `to` may have got.
    fn of_receiver(&self, tree: &Tree, brokers: &Brokers<'_>, to: Name) -> Ends {
        let received = self.received.iter().copied();
        let received: Vec<_> = received
            .filter(|(at, _)| tree.span(*at).service == to)
            .collect();
        let broker = |at: At| tree.about(at).broker;
        let at: BTreeSet<Broker> = received.iter().map(|(at, _)| broker(*at)).collect();
        let may_arrive = |(sender, _): &(At, u64)| {
            let from = broker(*sender);
            at.iter().any(|to| !brokers.are_apart(&from, to))
        };
        let by_sender = self.delivered.chunk_by(|(one, _), (other, _)| one == other);
        let elsewhere = by_sender.filter(|all| !all.iter().any(|(_, service)| *service == to));
        let sent = self.sent.iter().copied();
        let sent = sent.chain(elsewhere.map(|all| (all[0].0, 1)));
        let mut ends = Ends {
            sent: sent.filter(may_arrive).collect(),
            received,
            delivered: Vec::new(),
        };
        ends.sort(tree);
        ends
    }

    /// Sorts both ends by their start.
    fn sort(&mut self, tree: &Tree) {
        let order = |(at, _): &(At, u64)| (tree.span(*at).start, *at);
        self.sent.sort_by_key(order);
        self.received.sort_by_key(order);
    }

    /// At most how many messages were handed over.
    fn number(&self) -> u64 {
        let all = |ends: &[(At, u64)]| ends.iter().map(|(_, messages)| messages).sum::<u64>();
        all(&self.sent).min(all(&self.received))
    }
}

/// The identities of one kind on the ends of messages.
struct Identities {
    /// The spans that have one.
    known: Marks,
    /// Those of received messages, and of other spans with the same ones.
    of: HashMap<At, Vec<u64>>,
}

impl Identities {
    fn of(tree: &Tree, ids: &[IdAt], by_destination: &BTreeMap<Name, Ends>) -> Identities {
        let received = by_destination.values().flat_map(|ends| &ends.received);
        let received: HashSet<At> = received.map(|(at, _)| *at).collect();
        let mut known = Marks::of(tree.len());
        let mut of: HashMap<At, Vec<u64>> = HashMap::default();
        for same in ids.chunk_by(IdAt::is_same) {
            known.extend(same.iter().map(|id| &id.at));
            if same.iter().any(|id| received.contains(&id.at)) {
                for id in same {
                    of.entry(id.at).or_default().push(id.id);
                }
            }
        }
        Identities { known, of }
    }

    /// Whether each end has one, and no message that was sent has that of one that was received.
    fn tell_apart(&self, ends: &Ends) -> bool {
        let of = |at: &At| self.of.get(at).map_or(&[][..], Vec::as_slice);
        let received = ends.received.iter().flat_map(|(at, _)| of(at));
        let received: HashSet<u64> = received.copied().collect();
        let sent = ends.sent.iter().map(|(at, _)| at);
        let mut sent = sent.chain(ends.delivered.iter().map(|(at, _)| at));
        ends.all().all(|at| self.known.has(at))
            && !sent.any(|at| of(at).iter().any(|id| received.contains(id)))
    }
}

/// How many spans above a receiver are looked at.
const MAX_ABOVE: usize = 100;

/// Counts the messages that may have broken, by the services of both ends.
pub(super) fn count(tree: &Tree, pairs: &mut Pairs) {
    let receivers = receivers(tree, pairs);
    if receivers.is_empty() {
        return;
    }
    let calls = loose::free_calls(tree, pairs);
    let mut by_destination: BTreeMap<Name, Ends> = BTreeMap::new();
    let destination = |at: At| Some(tree.about(at).destination).filter(|name| !name.is_empty());
    for at in calls {
        let about = tree.about(at);
        let is_sent = about.is_messaging && about.failure != Failure::NotConnected;
        if let Some(name) = destination(at).filter(|_| is_sent) {
            by_destination.entry(name).or_default().sent.push((at, 1));
        }
    }
    for (at, messages) in receivers {
        // a handler may leave it to the span that fetched the message to name the destination
        let is_consumer = |at: &At| tree.span(*at).kind == Kind::Consumer;
        let mut around = tree.above(at).take(MAX_ABOVE).filter(is_consumer);
        if let Some(name) = destination(at).or_else(|| around.find_map(destination)) {
            let ends = by_destination.entry(name).or_default();
            ends.received.push((at, messages));
        }
    }
    let logs = logs(tree);
    add_delivered(tree, pairs, &logs, &mut by_destination);
    let Ids {
        messages, offsets, ..
    } = tree.ids();
    let identities = [messages, offsets].map(|ids| Identities::of(tree, ids, &by_destination));
    let clocks = Clocks::of(tree, pairs);
    let judged = judged(tree, pairs);
    let brokers = Brokers::of(tree);
    let parts = by_destination.into_iter().flat_map(|(name, ends)| {
        let parts = parts::of(tree, &brokers, ends).into_iter();
        parts.map(move |(ends, is_one)| (name, ends, is_one))
    });
    let are_told_apart = |ends: &Ends| identities.iter().any(|known| known.tell_apart(ends));
    for (name, mut ends, is_one_broker) in parts {
        if are_told_apart(&ends) {
            continue;
        }
        ends.sort(tree);
        let received = by_service(tree, &ends.received);
        let fans_out = ends.all().any(|at| logs.contains(&tree.about(at).system));
        let mut possible = 0;
        for (to, receivers) in &received {
            let own = ends.of_receiver(tree, &brokers, *to);
            let sent = by_service(tree, &own.sent);
            possible += own.number();
            for (from, senders) in &sent {
                let are_all = is_one_broker
                    && sent.len() == 1
                    && (fans_out || received.len() == 1)
                    && senders.1 >= MIN_ALL
                    && !judged.contains(&(*from, *to, name))
                    && may_be_all(tree, &clocks, &own);
                let ambiguous = Ambiguous {
                    // otherwise the true senders may be missing in the source
                    at_least: if are_all { senders.1 } else { 0 },
                    at_most: senders.1.min(receivers.1),
                    example: (senders.0, receivers.0),
                };
                // another broker may have a destination of this name
                let edge = pairs.messages.entry((*from, *to, name));
                edge.and_modify(|all| {
                    all.at_least += ambiguous.at_least;
                    all.at_most += ambiguous.at_most;
                })
                .or_insert(ambiguous);
            }
        }
        let number = match fans_out {
            true => possible,
            false => ends.number(),
        };
        pairs.most_ambiguous += number;
        for ends in [&ends.sent, &ends.received] {
            let mut left = number;
            for (at, messages) in ends {
                if left == 0 {
                    break;
                }
                pairs.unsure.insert(*at);
                left = left.saturating_sub(*messages);
            }
        }
    }
}

/// The spans that received messages without a context, each with the number of these messages. One
/// with a parent or a link belongs to a sender that is not in the source.
fn receivers(tree: &Tree, pairs: &Pairs) -> Vec<(At, u64)> {
    let is_alone = |at: At| {
        let entry = tree.entry(at);
        let has_sender = match tree.parent(entry) {
            Parent::None => false,
            Parent::Span(parent) => !tree.fetched_for(parent, entry),
            Parent::Missing => true,
        };
        tree.span(at).kind == Kind::Consumer && !has_sender && tree.links(at).is_empty()
    };
    let is_one = |at: At| tree.about(at).batch.is_none_or(|count| count < 2);
    let handlers = Loose::receivers(tree, pairs).into_iter();
    let handlers: Vec<At> = handlers.filter(|at| is_alone(*at) && is_one(*at)).collect();
    let handled = handled_after(tree, &handlers);
    let messages = |at: &At| handled.get(at).copied().unwrap_or(1);
    let mut all: Vec<(At, u64)> = handlers.iter().map(|at| (*at, messages(at))).collect();
    // a client that writes no span for each message says how many it fetched
    let handle =
        tree.services(|at| tree.span(at).kind == Kind::Consumer && !tree.only_receives(at));
    let batches = numbers(tree.len(), |at| tree.only_receives(at) && is_alone(at));
    for at in batches {
        let messages = tree.about(at).batch.unwrap_or(0);
        if messages > 0 && !handle.contains(&tree.span(at).service) && !pairs.has_sender(at) {
            all.push((at, messages.into()));
        }
    }
    all
}

/// How many spans below each of these `receivers` start after it ended, if any. Such a receiver only
/// fetched messages, and each of these spans may handle one, as with Brave.
fn handled_after(tree: &Tree, receivers: &[At]) -> HashMap<At, u64> {
    let only_fetches = |at: &At| {
        let span = tree.span(*at);
        !span.has_message && span.end != 0 && tree.parent(*at) == Parent::None
    };
    let fetching: HashSet<At> = receivers.iter().copied().filter(only_fetches).collect();
    let (mut seen, mut handled) = (HashSet::default(), HashMap::default());
    for first in &fetching {
        if !seen.insert(tree.span(*first).trace) {
            continue;
        }
        for at in tree.trace(*first) {
            let parent = tree.local_parent(at).filter(|at| fetching.contains(at));
            if let Some(parent) = parent
                && tree.span(at).start >= tree.span(parent).end
            {
                *handled.entry(parent).or_default() += 1;
            }
        }
    }
    handled
}

/// The messaging systems of this source that give each service that subscribes every message.
fn logs(tree: &Tree) -> BTreeSet<Name> {
    const LOGS: [&str; 5] = ["kafka", "pulsar", "aws_kinesis", "eventhubs", "rocketmq"];
    let systems: BTreeSet<Name> = tree.abouts().iter().map(|about| about.system).collect();
    let is_log = |system: &Name| LOGS.contains(&tree.names().text(*system));
    systems.into_iter().filter(is_log).collect()
}

/// Adds the senders that have a receiver to the destinations that have others without a sender.
fn add_delivered(
    tree: &Tree,
    pairs: &Pairs,
    logs: &BTreeSet<Name>,
    by_destination: &mut BTreeMap<Name, Ends>,
) {
    for pair in pairs.all() {
        let about = tree.about(pair.sender);
        if about.is_messaging
            && logs.contains(&about.system)
            && let Some(ends) = by_destination.get_mut(&about.destination)
            && !ends.received.is_empty()
        {
            let service = tree.span(pair.receiver).service;
            ends.delivered.push((pair.sender, service));
        }
    }
    for ends in by_destination.values_mut() {
        ends.delivered.sort_unstable();
        ends.delivered.dedup();
    }
}

/// The services between which some messages of a destination could be judged, and the destination.
/// Others of these messages may lack an end, because a span was dropped.
fn judged(tree: &Tree, pairs: &Pairs) -> BTreeSet<(Name, Name, Name)> {
    let edge = |pair: &Pair| {
        let service = |at: At| tree.span(at).service;
        let destination = tree.about(pair.sender).destination;
        (service(pair.sender), service(pair.receiver), destination)
    };
    let messages = pairs.all().iter();
    messages
        .filter(|pair| tree.about(pair.sender).is_messaging)
        .map(edge)
        .collect()
}

/// Whether the messages received may include all that were sent: none of these failed, and for
/// each one there is another one that was received later. Both are sorted by their start.
fn may_be_all(tree: &Tree, clocks: &Clocks, ends: &Ends) -> bool {
    let is_failed = |(at, _): &(At, u64)| tree.about(*at).failure != Failure::None;
    if ends.sent.iter().any(is_failed) {
        return false;
    }
    let mut received = ends.received.iter().rev().flat_map(|(at, messages)| {
        let end = tree.span(*at).end.max(tree.span(*at).start);
        // that each span below one that fetched handles a message is only likely
        let messages = tree.about(*at).batch.map_or(1, |_| *messages);
        std::iter::repeat_n((*at, end), messages as usize)
    });
    ends.sent.iter().rev().all(|(sender, _)| {
        let from = tree.span(*sender);
        received.next().is_some_and(|(at, end)| {
            let lasts = clocks::signed(end) - clocks::signed(tree.span(at).start);
            let end = clocks.start(tree, at, from.service).saturating_add(lasts);
            end >= clocks::signed(from.start) - clocks.slack()
        })
    })
}

/// The first end of each service, and the number of its messages.
fn by_service(tree: &Tree, ends: &[(At, u64)]) -> BTreeMap<Name, (At, u64)> {
    let mut services = BTreeMap::new();
    for (at, messages) in ends {
        let service = tree.span(*at).service;
        services.entry(service).or_insert((*at, 0)).1 += messages;
    }
    services
}
