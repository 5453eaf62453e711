//! Two groups of services that do not understand each other, as in a system that is half migrated
//! from one format to another.

use std::collections::{BTreeMap, BTreeSet};

use super::{NEARLY_ALL, Pattern, Tendency, Total, tendency};
use crate::audit::Edge;

/// So many pairs of services must confirm the groups, beyond those that form them. By chance each
/// would do so half of the time.
const MIN_CONFIRMED: usize = 5;

/// The services, in sets whose members are known to be in the same group or in opposite ones
/// (union-find with parity).
struct Sides<'a> {
    /// Each service's parent, and whether it is on the other side than its parent.
    parents: BTreeMap<&'a str, (&'a str, bool)>,
}

impl<'a> Sides<'a> {
    /// The set of a service, and whether it is on the other side than the set's root.
    fn find(&mut self, service: &'a str) -> (&'a str, bool) {
        let (parent, is_opposite) = *self.parents.entry(service).or_insert((service, false));
        if parent == service {
            return (service, false);
        }
        let (root, of_parent) = self.find(parent);
        let found = (root, is_opposite != of_parent);
        self.parents.insert(service, found);
        found
    }

    /// Notes that two services are on opposite sides, or on one. What contradicts an earlier note
    /// is left out.
    fn relate(&mut self, one: &'a str, other: &'a str, is_opposite: bool) {
        let (one, of_one) = self.find(one);
        let (other, of_other) = self.find(other);
        if one != other {
            let parity = (of_one != of_other) != is_opposite;
            self.parents.insert(other, (one, parity));
        }
    }
}

/// The two groups of the largest connected part of the system, if the edges confirm them.
pub(super) fn find(edges: &[&Edge]) -> Option<Pattern> {
    let of = |wanted| {
        edges
            .iter()
            .copied()
            .filter(move |edge| tendency(edge) == wanted)
    };
    let mut sides = Sides {
        parents: BTreeMap::new(),
    };
    for edge in of(Tendency::Hold) {
        sides.relate(&edge.from, &edge.to, false);
    }
    let mut breaking: Vec<&Edge> = of(Tendency::Break).collect();
    breaking.sort_by_key(|edge| std::cmp::Reverse(edge.handoffs));
    for edge in breaking {
        sides.relate(&edge.from, &edge.to, true);
    }
    let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
    for edge in edges {
        *parts.entry(sides.find(&edge.from).0).or_default() += edge.handoffs;
    }
    let largest = *parts.iter().max_by_key(|(_, hand_offs)| **hand_offs)?.0;
    let services: Vec<&str> = sides.parents.keys().copied().collect();
    let mut groups = [Vec::new(), Vec::new()];
    for service in services {
        let (root, side) = sides.find(service);
        if root == largest {
            groups[usize::from(side)].push(service);
        }
    }
    groups.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    confirmed(edges, &groups)
}

/// The pattern of these groups, if nearly all hand-offs agree with it.
fn confirmed(edges: &[&Edge], groups: &[Vec<&str>; 2]) -> Option<Pattern> {
    let side = |service: &str| groups.iter().position(|group| group.contains(&service));
    let sides = |edge: &Edge| side(&edge.from).zip(side(&edge.to));
    let in_part: Vec<&Edge> = edges
        .iter()
        .copied()
        .filter(|edge| sides(edge).is_some())
        .collect();
    let crossing = |edge: &&Edge| sides(edge).is_some_and(|(from, to)| from != to);
    let (between, within): (Vec<&Edge>, Vec<&Edge>) = in_part.iter().copied().partition(crossing);
    let pairs: BTreeSet<(&str, &str)> = in_part
        .iter()
        .filter(|edge| tendency(edge) != Tendency::Neither)
        .map(|edge| {
            (
                edge.from.as_str().min(&edge.to),
                edge.from.as_str().max(&edge.to),
            )
        })
        .collect();
    let services = groups[0].len() + groups[1].len();
    let breaks_from = |group: usize| {
        let mut from = between
            .iter()
            .filter(|edge| side(&edge.from) == Some(group));
        from.any(|edge| tendency(edge) == Tendency::Break)
    };
    let holds_in = |group: usize| {
        let mut of = within.iter().filter(|edge| side(&edge.from) == Some(group));
        of.any(|edge| tendency(edge) == Tendency::Hold)
    };
    let is_confirmed = pairs.len() + 1 >= services + MIN_CONFIRMED
        && (0..2).all(|group| breaks_from(group) && holds_in(group));
    let (between, within) = (
        Total::of(between.iter().copied()),
        Total::of(within.iter().copied()),
    );
    let agree = |number: u64, of: u64| number as f64 >= NEARLY_ALL * of as f64;
    (is_confirmed && agree(between.broken, between.judged) && agree(within.held(), within.judged))
        .then(|| Pattern::TwoGroups {
            groups: groups
                .clone()
                .map(|group| group.into_iter().map(str::to_owned).collect()),
            broken: between.broken,
            between: between.judged,
            held: within.held(),
            within: within.judged,
        })
}
