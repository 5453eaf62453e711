//! Messages of one destination without ids, links or parents. They cannot be paired, but
//! it is known how many may have broken.

use std::collections::BTreeMap;

use super::{Ambiguous, Loose, Pairs, loose};
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;

/// The ends of the messages of one destination.
#[derive(Default)]
struct Ends {
    sent: Vec<At>,
    received: Vec<At>,
}

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
        // one with a parent or a link belongs to a sender that is not in the source
        let is_alone = tree.parent(tree.entry(at)) == Parent::None && tree.links(at).is_empty();
        if let Some(name) = destination(at)
            && is_alone
            && tree.span(at).kind == Kind::Consumer
        {
            by_destination.entry(name).or_default().received.push(at);
        }
    }
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
