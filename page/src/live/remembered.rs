//! What has left memory, as far as it is remembered: enough to count nothing twice.

use std::collections::HashSet;
use std::hash::Hash;

use baton_traces::span::UnixTime;

/// The fewest keys of one generation.
const MIN_KEYS: usize = 1 << 12;
/// The most keys that room is reserved for in advance.
const MAX_RESERVED: usize = 1 << 19;

/// What has left memory, for people.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Forgotten {
    /// How many traces.
    pub(crate) traces: u64,
    /// When the newest of them started.
    pub(crate) until: Option<UnixTime>,
    /// How many records' headers.
    pub(crate) carriers: u64,
}

/// The keys of what left memory recently. There are two generations: when the younger one is full,
/// the older one goes.
#[derive(Debug)]
pub(super) struct Remembered<K> {
    younger: HashSet<K>,
    older: HashSet<K>,
    most: usize,
}

impl<K: Hash + Eq> Remembered<K> {
    /// Remembers at least the last `most` keys, and at most twice as many.
    pub(super) fn new(most: usize) -> Remembered<K> {
        Remembered {
            younger: HashSet::new(),
            older: HashSet::new(),
            most: most.max(MIN_KEYS),
        }
    }

    pub(super) fn insert(&mut self, key: K) {
        if self.younger.len() >= self.most {
            self.older = std::mem::take(&mut self.younger);
        }
        if self.younger.is_empty() {
            // all at once, because growing step by step takes long, and others wait
            self.younger.reserve(self.most.min(MAX_RESERVED));
        }
        self.younger.insert(key);
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.younger.contains(key) || self.older.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keys_are_remembered_and_memory_is_bounded() {
        let mut remembered = Remembered::new(1);
        for key in 0..100_000_usize {
            remembered.insert(key);
            assert!(remembered.contains(&key.saturating_sub(MIN_KEYS - 1)));
        }
        assert!(!remembered.contains(&0));
        assert!(remembered.younger.len() + remembered.older.len() <= 2 * MIN_KEYS);
    }
}
