//! How far the clocks of services differ, estimated from certain hand-offs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::Pairs;
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::about::Failure;
use crate::matching::spans::tree::Tree;

/// The resolution of times in some SDKs, in nanoseconds.
const GRAIN: i64 = 1_000_000;

/// The clocks of a source's services.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// How far each clock is ahead of the middle clock in its part of the system, in nanoseconds.
    ahead: BTreeMap<Name, i64>,
    /// How much earlier than its sender a receiver may seem to start, in nanoseconds.
    slack: i64,
}

impl Clocks {
    /// Estimates the clocks from requests with a known sender and receiver. A receiver starts
    /// between the start and the end of its sender. If it seems not to, the clocks differ.
    pub(super) fn of(tree: &Tree, pairs: &Pairs) -> Clocks {
        Clocks::from(bounds(tree, pairs))
    }

    /// Also estimates clocks that the pairs do not show, from calls and receivers that are `likely`
    /// to belong together. Wrong ones would disagree, so they only count if almost all agree.
    pub(super) fn with_likely(tree: &Tree, pairs: &Pairs, likely: &[(At, At)]) -> Clocks {
        let mut certain = bounds(tree, pairs);
        let known = certain.keys().flat_map(|(from, to)| [*from, *to]);
        let known: BTreeSet<Name> = known.collect();
        let mut others: BTreeMap<(Name, Name), Bounds> = BTreeMap::new();
        for (call, receiver) in likely {
            let (from, to) = (tree.span(*call).service, tree.span(*receiver).service);
            if !(known.contains(&from) && known.contains(&to)) {
                add(tree, &mut others, *call, *receiver);
            }
        }
        others.retain(|_, bounds| bounds.agree());
        certain.append(&mut others);
        Clocks::from(certain)
    }

    fn from(bounds: BTreeMap<(Name, Name), Bounds>) -> Clocks {
        let mut apart: BTreeMap<Name, Vec<Apart>> = BTreeMap::new();
        let mut slack = GRAIN;
        for ((from, to), bounds) in bounds {
            let hand_offs = bounds.at_most.len();
            let (by, spread) = bounds.estimate();
            slack = slack.max(spread);
            let mut add = |from: Name, other: Name, by: i64| {
                let known = apart.entry(from).or_default();
                known.push(Apart {
                    other,
                    by,
                    hand_offs,
                });
            };
            add(from, to, by);
            add(to, from, -by);
        }
        Clocks {
            ahead: settled(&apart),
            slack,
        }
    }

    /// The start of `receiver` on the clock of `call`'s service.
    pub(super) fn start(&self, tree: &Tree, receiver: At, call: Name) -> i64 {
        let receiver = tree.span(receiver);
        let ahead = |service: Name| self.ahead.get(&service).copied().unwrap_or(0);
        signed(receiver.start)
            .saturating_sub(ahead(receiver.service))
            .saturating_add(ahead(call))
    }

    /// How much earlier than its sender a receiver may seem to start, in nanoseconds.
    pub(super) fn slack(&self) -> i64 {
        self.slack
    }
}

/// What the certain hand-offs show about the clocks of two services.
fn bounds(tree: &Tree, pairs: &Pairs) -> BTreeMap<(Name, Name), Bounds> {
    let mut bounds = BTreeMap::new();
    for pair in pairs.all() {
        if tree.is_call(pair.sender) && !tree.about(pair.sender).is_messaging {
            add(tree, &mut bounds, pair.sender, pair.receiver);
        }
    }
    bounds
}

fn add(tree: &Tree, bounds: &mut BTreeMap<(Name, Name), Bounds>, call: At, receiver: At) {
    // a receiver may start after its sender gave up
    let gave_up = tree.about(call).failure != Failure::None;
    let (call, receiver) = (tree.span(call), tree.span(receiver));
    let has_times = call.start != 0 && call.end != 0 && receiver.start != 0;
    if has_times && call.service != receiver.service {
        let bounds = bounds.entry((call.service, receiver.service)).or_default();
        bounds.at_most.push(difference(receiver.start, call.start));
        let until = if gave_up {
            i64::MAX / 4
        } else {
            // an end before the start is a fault of the exporter
            signed(call.end.max(call.start))
        };
        bounds.at_least.push(signed(receiver.start) - until);
    }
}

/// How far the clock of another service is ahead.
struct Apart {
    other: Name,
    /// In nanoseconds.
    by: i64,
    /// How many hand-offs show it.
    hand_offs: usize,
}

/// From this number on, hand-offs that agree do not agree by chance.
const MIN_AGREEING: usize = 5;

/// What the hand-offs between two services show about their clocks.
#[derive(Clone, Default)]
struct Bounds {
    at_most: Vec<i64>,
    at_least: Vec<i64>,
}

impl Bounds {
    /// Whether there is one difference of the clocks that almost all hand-offs allow.
    fn agree(&self) -> bool {
        let number = self.at_most.len();
        let (ahead, _) = self.estimate();
        number >= MIN_AGREEING && self.allow(ahead) >= number - number / 20
    }

    /// How many hand-offs allow this difference of the clocks.
    fn allow(&self, ahead: i64) -> usize {
        let ends = self.at_least.iter().zip(&self.at_most);
        let allow = ends.filter(|(least, most)| **least <= ahead && ahead <= **most + GRAIN);
        allow.count()
    }

    /// How far the receiver's clock is ahead, and the uncertainty of that. It is the difference that
    /// most hand-offs allow. Others are wrong, such as those whose receiver started after its sender
    /// gave up.
    fn estimate(&self) -> (i64, i64) {
        let few = self.at_most.len() / 20;
        let allow_none = self.allow(0);
        if allow_none >= self.at_most.len() - few {
            return (0, 0);
        }
        let (mut at_least, mut at_most) = (self.at_least.clone(), self.at_most.clone());
        at_least.sort_unstable();
        at_most.sort_unstable();
        let mut begun = 0;
        let counts = at_most.iter().enumerate().map(|(ended, most)| {
            while at_least
                .get(begun)
                .is_some_and(|least| *least <= most + GRAIN)
            {
                begun += 1;
            }
            (begun.saturating_sub(ended), Reverse(most.abs()), *most)
        });
        let (best, _, ahead) = counts.max().unwrap_or_default();
        if allow_none >= best - few.min(best) {
            return (0, 0);
        }
        (ahead, (ahead - at_most[0]).clamp(0, 50 * GRAIN))
    }
}

/// The clocks of all services, relative to the middle one in each part of the system. Most clocks
/// are about right, and so is the middle one: it can be compared with services of other parts.
fn settled(apart: &BTreeMap<Name, Vec<Apart>>) -> BTreeMap<Name, i64> {
    let mut ahead: BTreeMap<Name, i64> = BTreeMap::new();
    for first in apart.keys() {
        if ahead.contains_key(first) {
            continue;
        }
        let part = ahead_of(*first, apart);
        let mut sorted: Vec<i64> = part.values().copied().collect();
        sorted.sort_unstable();
        let middle = sorted[(sorted.len() - 1) / 2];
        ahead.extend(
            part.into_iter()
                .map(|(name, by)| (name, by.saturating_sub(middle))),
        );
    }
    ahead
}

/// How far the clocks of the part of the system around `first` are ahead of its clock. Of several
/// ways to a service, the one that more hand-offs show counts: a few may be misleading.
fn ahead_of(first: Name, apart: &BTreeMap<Name, Vec<Apart>>) -> BTreeMap<Name, i64> {
    let mut ahead = BTreeMap::new();
    let mut next = BinaryHeap::from([(usize::MAX, Reverse(first), 0_i64)]);
    while let Some((_, Reverse(service), own)) = next.pop() {
        if ahead.contains_key(&service) {
            continue;
        }
        ahead.insert(service, own);
        let known = apart.get(&service).into_iter().flatten();
        next.extend(known.map(|apart| {
            let by = own.saturating_add(apart.by);
            (apart.hand_offs, Reverse(apart.other), by)
        }));
    }
    ahead
}

/// A time of a span as a number that may be subtracted from another without overflow.
pub(super) fn signed(time: u64) -> i64 {
    i64::try_from(time)
        .unwrap_or(i64::MAX / 4)
        .min(i64::MAX / 4)
}

fn difference(left: u64, right: u64) -> i64 {
    signed(left) - signed(right)
}
