//! Assigns calls to receivers that have one or more candidates.

use std::collections::{BTreeMap, BTreeSet};

use crate::matching::spans::At;

/// The candidates of each receiver.
pub(super) type Candidates = BTreeMap<At, Vec<At>>;

/// Removes the pairs that are the only possible ones: a receiver with one candidate gets it, so no
/// other receiver can. What remains in `candidates` is ambiguous.
pub(super) fn forced(candidates: &mut Candidates) -> Vec<(At, At)> {
    let mut pairs = Vec::new();
    let mut used: BTreeSet<At> = BTreeSet::new();
    let mut stuck: BTreeSet<At> = BTreeSet::new();
    let mut by_call: BTreeMap<At, Vec<At>> = BTreeMap::new();
    for (receiver, calls) in candidates.iter() {
        for call in calls {
            by_call.entry(*call).or_default().push(*receiver);
        }
    }
    let mut single: BTreeSet<At> = BTreeSet::new();
    single.extend(
        candidates
            .iter()
            .filter(|(_, calls)| calls.len() == 1)
            .map(|(at, _)| *at),
    );
    while !single.is_empty() {
        // all pairs that are certain now are taken at once, so that the order does not matter
        let mut takers: BTreeMap<At, Vec<At>> = BTreeMap::new();
        for receiver in std::mem::take(&mut single) {
            if let Some([call]) = candidates.get(&receiver).map(Vec::as_slice) {
                takers.entry(*call).or_default().push(receiver);
            }
        }
        for (call, receivers) in takers {
            if let [receiver] = *receivers.as_slice() {
                pairs.push((call, receiver));
                candidates.remove(&receiver);
            } else {
                // one call for several receivers: at least one of them belongs to another call
                stuck.extend(receivers);
            }
            used.insert(call);
            for receiver in by_call.get(&call).into_iter().flatten() {
                let Some(calls) = candidates
                    .get_mut(receiver)
                    .filter(|_| !stuck.contains(receiver))
                else {
                    continue;
                };
                calls.retain(|other| *other != call);
                if calls.len() == 1 {
                    single.insert(*receiver);
                }
            }
        }
    }
    candidates.retain(|_, calls| !calls.is_empty());
    pairs.sort_unstable();
    pairs
}

/// The receivers that share their candidates with so many others that some of them were called by
/// services without spans here. It is unknown which ones.
pub(super) fn crowded(candidates: &Candidates) -> BTreeSet<At> {
    let mut by_call: BTreeMap<At, Vec<At>> = BTreeMap::new();
    for (receiver, calls) in candidates {
        for call in calls {
            by_call.entry(*call).or_default().push(*receiver);
        }
    }
    let (mut seen, mut crowded) = (BTreeSet::new(), BTreeSet::new());
    for first in candidates.keys() {
        // the receivers and calls that are connected by candidates
        let (mut receivers, mut calls) = (BTreeSet::new(), BTreeSet::new());
        let mut next = vec![*first];
        while let Some(receiver) = next.pop() {
            if !seen.insert(receiver) {
                continue;
            }
            receivers.insert(receiver);
            for call in &candidates[&receiver] {
                if calls.insert(*call) {
                    next.extend(&by_call[call]);
                }
            }
        }
        if receivers.len() > calls.len() {
            crowded.append(&mut receivers);
        }
    }
    crowded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_crowded_if_there_are_too_few_calls_for_them() {
        let candidates = Candidates::from([
            (1, vec![10, 11]),
            (2, vec![10]),
            (3, vec![11]),
            (4, vec![12, 13]),
            (5, vec![12, 13]),
        ]);
        assert_eq!(crowded(&candidates), BTreeSet::from([1, 2, 3]));
    }

    #[test]
    fn only_certain_pairs_are_made() {
        let mut candidates = Candidates::from([
            (1, vec![10]),
            (2, vec![10, 11]),
            (3, vec![12, 13]),
            (4, vec![12, 13]),
            (5, vec![14]),
            (6, vec![14]),
        ]);
        assert_eq!(forced(&mut candidates), [(10, 1), (11, 2)]);
        let left: Vec<At> = candidates.keys().copied().collect();
        assert_eq!(left, [3, 4, 5, 6]);
    }
}
