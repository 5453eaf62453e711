//! Messages of one destination's name, by the broker that has it.

use std::collections::{BTreeMap, BTreeSet};

use super::Ends;
use crate::matching::evidence::brokers::Brokers;
use crate::matching::spans::At;
use crate::matching::spans::about::broker::Broker;
use crate::matching::spans::tree::Tree;

/// More brokers than this are not told apart, because each is compared with each.
const MAX_BROKERS: usize = 100;

/// The `ends` of one destination's name in parts that may be of one broker, and whether all of
/// a part's are: ends that do not name their broker may be of any.
pub(super) fn of(tree: &Tree, brokers: &Brokers<'_>, ends: Ends) -> Vec<(Ends, bool)> {
    let broker = |at: At| tree.about(at).broker;
    let all: BTreeSet<Broker> = ends.all().map(broker).collect();
    if all.len() < 2 {
        return vec![(ends, true)];
    }
    if all.len() > MAX_BROKERS {
        return vec![(ends, false)];
    }
    let mut groups: Vec<Vec<Broker>> = Vec::new();
    for one in all {
        let mut joined = vec![one];
        let is_near =
            |group: &mut Vec<Broker>| group.iter().any(|other| !brokers.are_apart(&one, other));
        for near in groups.extract_if(.., is_near) {
            joined.extend(near);
        }
        groups.push(joined);
    }
    let mut places: BTreeMap<Broker, usize> = BTreeMap::new();
    let mut parts: Vec<(Ends, bool)> = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        let are_apart = |one: &Broker| group.iter().any(|it| brokers.are_apart(one, it));
        parts.push((Ends::default(), !group.iter().any(are_apart)));
        places.extend(group.iter().map(|broker| (*broker, place)));
    }
    for sent in ends.sent {
        parts[places[&broker(sent.0)]].0.sent.push(sent);
    }
    for received in ends.received {
        parts[places[&broker(received.0)]].0.received.push(received);
    }
    for delivered in ends.delivered {
        let part = &mut parts[places[&broker(delivered.0)]].0;
        part.delivered.push(delivered);
    }
    parts
}
