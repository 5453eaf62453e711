//! Requests at regular intervals. A monitor sends such ones to each instance of a service.

use std::collections::BTreeMap;

use crate::matching::spans::At;
use crate::matching::spans::tree::{Parent, Tree};

/// From this number on, intervals of one length are not there by chance.
const MIN_INTERVALS: usize = 5;
/// How many instances of a service are considered.
const MAX_INSTANCES: usize = 8;
/// The share by which an interval may differ from the usual one.
const MAX_DIFFERENCE: f64 = 0.02;
/// The share of intervals that must be as long as the usual one.
const MIN_REGULAR: f64 = 0.9;

/// Those of one service's `receivers` that started a trace at regular intervals, by what they
/// answer.
pub(super) fn find(tree: &Tree, receivers: &[At]) -> BTreeMap<u32, Vec<At>> {
    let mut roots: BTreeMap<u32, Vec<At>> = BTreeMap::new();
    for at in receivers {
        if tree.parent(*at) == Parent::None {
            let about = tree.span(*at).about_number();
            roots.entry(about).or_default().push(*at);
        }
    }
    roots.retain(|_, all| {
        let mut starts: Vec<u64> = all.iter().map(|at| tree.span(*at).start).collect();
        starts.sort_unstable();
        are_regular(&starts)
    });
    roots
}

/// Whether requests that start at these times come at regular intervals to some number of
/// instances, which take turns.
fn are_regular(starts: &[u64]) -> bool {
    (1..=MAX_INSTANCES).any(|instances| {
        let between = starts.iter().zip(starts.iter().skip(instances));
        let mut intervals: Vec<u64> = between.map(|(from, to)| to - from).collect();
        if intervals.len() < MIN_INTERVALS * instances {
            return false;
        }
        intervals.sort_unstable();
        let usual = intervals[intervals.len() / 2] as f64;
        let is_usual =
            |interval: &&u64| (**interval as f64 - usual).abs() <= usual * MAX_DIFFERENCE;
        let regular = intervals.iter().filter(is_usual).count();
        usual > 0.0 && regular as f64 >= intervals.len() as f64 * MIN_REGULAR
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_s_requests_come_at_regular_intervals() {
        let of = |all: &[u64]| all.iter().map(|it| it * 1_000_000).collect::<Vec<u64>>();
        let two_instances = [
            0, 300, 1000, 1301, 2000, 2299, 3000, 3300, 4000, 4300, 5001, 5300,
        ];
        for (starts, expected) in [
            (of(&[0, 1000, 2001, 2999, 4000, 5000]), true),
            (of(&two_instances), true),
            (of(&[0, 1000, 2000]), false),
            (of(&[0, 700, 1900, 2100, 3900, 4200, 6000]), false),
            (vec![7; 20], false),
        ] {
            assert_eq!(are_regular(&starts), expected, "{starts:?}");
        }
    }
}
