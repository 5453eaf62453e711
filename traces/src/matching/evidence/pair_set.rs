//! A set of what belongs to each span.

use std::hash::Hash;

use foldhash::HashSet;

use crate::matching::spans::At;

/// Pairs of a span and something that belongs to it. Most spans are in one pair at most, so the
/// first one is in a list by span, and only further ones are hashed.
pub(super) struct PairSet<T> {
    first: Vec<Option<T>>,
    more: HashSet<(At, T)>,
}

impl<T: Copy + Eq + Hash> PairSet<T> {
    /// An empty set for a source with this many `spans`.
    pub(super) fn of(spans: usize) -> PairSet<T> {
        PairSet {
            first: vec![None; spans],
            more: HashSet::default(),
        }
    }

    /// Adds a pair, and returns whether it is new.
    pub(super) fn insert(&mut self, at: At, other: T) -> bool {
        match &mut self.first[at as usize] {
            Some(first) => *first != other && self.more.insert((at, other)),
            first @ None => {
                *first = Some(other);
                true
            }
        }
    }

    /// Whether the pair is in the set.
    pub(super) fn contains(&self, at: At, other: T) -> bool {
        let first = self.first[at as usize];
        first == Some(other) || first.is_some() && self.more.contains(&(at, other))
    }
}
