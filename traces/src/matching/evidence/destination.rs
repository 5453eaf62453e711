//! Messages of one destination without ids, links or parents. They cannot be paired, but
//! it is known how many may have broken.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::{Ambiguous, Loose, Pairs, loose};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, IdAt, Ids};
use crate::span::Kind;

/// The ends of the messages of one destination.
#[derive(Default)]
struct Ends {
    sent: Vec<At>,
    received: Vec<At>,
}

/// The identities of one kind on the ends of messages.
struct Identities(HashMap<At, Vec<u64>>);

impl Identities {
    fn of(ids: &[IdAt], by_destination: &BTreeMap<Name, Ends>) -> Identities {
        let all = by_destination.values();
        let all = all.flat_map(|ends| ends.sent.iter().chain(&ends.received));
        let mut known: HashMap<At, Vec<u64>> = all.map(|at| (*at, Vec::new())).collect();
        for id in ids {
            if let Some(known) = known.get_mut(&id.at) {
                known.push(id.id);
            }
        }
        Identities(known)
    }

    /// Whether each end has one, and no message that was sent has that of one that was received.
    fn tell_apart(&self, ends: &Ends) -> bool {
        let of = |at: &At| self.0.get(at).map_or(&[][..], Vec::as_slice);
        let mut all = ends.sent.iter().chain(&ends.received);
        let sent: HashSet<&u64> = ends.sent.iter().flat_map(of).collect();
        let mut received = ends.received.iter().flat_map(of);
        all.all(|at| !of(at).is_empty()) && !received.any(|id| sent.contains(id))
    }
}

/// How many spans above a receiver are looked at.
const MAX_ABOVE: usize = 100;

/// Counts the messages that may have broken, by the services of both ends.
pub(super) fn count(tree: &Tree, pairs: &mut Pairs) {
    let receivers = Loose::receivers(tree, pairs);
    if receivers.is_empty() {
        return;
    }
    let calls = loose::free_calls(tree, pairs);
    let mut by_destination: BTreeMap<Name, Ends> = BTreeMap::new();
    let destination = |at: At| Some(tree.about(at).destination).filter(|name| !name.is_empty());
    for at in calls {
        if let Some(name) = destination(at).filter(|_| tree.about(at).is_messaging) {
            by_destination.entry(name).or_default().sent.push(at);
        }
    }
    for at in receivers {
        let entry = tree.entry(at);
        // one with a parent or a link belongs to a sender that is not in the source
        let has_sender = match tree.parent(entry) {
            Parent::None => false,
            Parent::Span(parent) => !tree.fetched_for(parent, entry),
            Parent::Missing => true,
        };
        let is_alone = !has_sender && tree.links(at).is_empty();
        let is_one = tree.about(at).batch.is_none_or(|count| count < 2);
        let is_consumer = |at: At| tree.span(at).kind == Kind::Consumer;
        // a handler may leave it to the span that fetched the message to name the destination
        let mut around = tree.above(at).take(MAX_ABOVE).filter(|at| is_consumer(*at));
        if let Some(name) = destination(at).or_else(|| around.find_map(destination))
            && is_alone
            && is_one
            && is_consumer(at)
        {
            by_destination.entry(name).or_default().received.push(at);
        }
    }
    let Ids {
        messages, offsets, ..
    } = tree.ids();
    let identities = [messages, offsets].map(|ids| Identities::of(ids, &by_destination));
    by_destination.retain(|_, ends| !identities.iter().any(|known| known.tell_apart(ends)));
    for (name, mut ends) in by_destination {
        let order = |at: &At| (tree.span(*at).start, *at);
        ends.sent.sort_by_key(order);
        ends.received.sort_by_key(order);
        let number = ends.sent.len().min(ends.received.len());
        let (sent, received) = (
            by_service(tree, &ends.sent),
            by_service(tree, &ends.received),
        );
        for (from, senders) in &sent {
            for (to, receivers) in &received {
                let ambiguous = Ambiguous {
                    // the true senders may be missing in the source
                    at_least: 0,
                    at_most: senders.1.min(receivers.1),
                    example: (senders.0, receivers.0),
                };
                pairs.messages.insert((*from, *to, name), ambiguous);
            }
        }
        pairs.most_ambiguous += number as u64;
        pairs.unsure.extend(&ends.sent[..number]);
        pairs.unsure.extend(&ends.received[..number]);
    }
}

/// The first end of each service, and how many it has.
fn by_service(tree: &Tree, ends: &[At]) -> BTreeMap<Name, (At, u64)> {
    let mut services = BTreeMap::new();
    for at in ends {
        let service = tree.span(*at).service;
        services.entry(service).or_insert((*at, 0)).1 += 1;
    }
    services
}
