//! Tests whether durations of one sample tend to be longer than those of another: the Mann-Whitney
//! rank test.

use std::cmp::Ordering;
use std::time::Duration;

use crate::statistics::Durations;

/// The fewest durations on each side. With fewer, the normal approximation is too inaccurate.
pub(super) const FEWEST: u64 = 20;

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RankTest {
    /// The two-sided probability of ranks at least this uneven, if both samples have the same
    /// distribution.
    pub(super) p_value: f64,
    /// The probability that a duration is longer than one of the baseline, with ties counted half;
    /// 0.5 if neither tends to be longer.
    pub(super) superiority: f64,
}

/// Tests with the normal approximation, corrected for ties and continuity. `None` if there are too
/// few durations.
pub(super) fn test(baseline: &Durations, value: &Durations) -> Option<RankTest> {
    let (baselines, values) = (baseline.count(), value.count());
    if baselines.min(values) < FEWEST {
        return None;
    }
    let (baselines, values) = (baselines as f64, values as f64);
    let all = baselines + values;
    let mut statistic = 0.0;
    let mut ties = 0.0;
    let mut below = 0.0;
    for (here, more) in together(baseline, value) {
        let (here, more) = (here as f64, more as f64);
        statistic += more * (below + here / 2.0);
        below += here;
        let tied = here + more;
        ties += tied * tied * tied - tied;
    }
    let pairs = baselines * values;
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    let distance = ((statistic - pairs / 2.0).abs() - 0.5).max(0.0);
    let p_value = if variance > 0.0 {
        libm::erfc(distance / (2.0 * variance).sqrt())
    } else {
        1.0
    };
    Some(RankTest {
        p_value,
        superiority: statistic / pairs,
    })
}

/// For each duration in ascending order: how often it occurs in the baseline and in the other
/// sample.
fn together(baseline: &Durations, value: &Durations) -> Vec<(u64, u64)> {
    let mut baseline = baseline.buckets().peekable();
    let mut value = value.buckets().peekable();
    let mut counts = Vec::new();
    loop {
        let order = match (baseline.peek(), value.peek()) {
            (None, None) => return counts,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((left, _)), Some((right, _))) => left.cmp(right),
        };
        let count = |buckets: &mut dyn Iterator<Item = (Duration, u64)>, wanted: bool| {
            let bucket = if wanted { buckets.next() } else { None };
            bucket.map_or(0, |(_, count)| count)
        };
        counts.push((
            count(&mut baseline, order.is_le()),
            count(&mut value, order.is_ge()),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(milliseconds: impl IntoIterator<Item = u64>) -> Durations {
        let mut durations = Durations::default();
        for milliseconds in milliseconds {
            durations.add(Duration::from_millis(milliseconds));
        }
        durations
    }

    fn repeated(values: [(u64, usize); 2]) -> Durations {
        durations(
            values
                .into_iter()
                .flat_map(|(value, count)| std::iter::repeat_n(value, count)),
        )
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // scipy 1.17: `mannwhitneyu(value, baseline, use_continuity=True, method='asymptotic')`,
        // and its statistic divided by the number of pairs
        let cases = [
            (
                durations(1..=40),
                durations(11..=50),
                0.000_769_171_482_123_426_9,
                0.718_75,
            ),
            (
                repeated([(1, 10), (2, 20)]),
                repeated([(2, 15), (3, 15)]),
                5.473_028_371_659_946e-7,
                0.833_333_333_333_333_4,
            ),
            (
                durations((0..1000).map(|value| value % 7 + 1)),
                durations((0..2000).map(|value| value % 8 + 1)),
                1.435_164_966_663_710_5e-8,
                0.562_875,
            ),
            (
                repeated([(5, 30), (5, 0)]),
                repeated([(5, 30), (5, 0)]),
                1.0,
                0.5,
            ),
            (
                durations(1..=20),
                durations(101..=120),
                6.795_615_128_173_358e-8,
                1.0,
            ),
        ];
        for (baseline, value, p_value, superiority) in cases {
            let tested = test(&baseline, &value).expect("enough");
            let error = (tested.p_value - p_value).abs() / p_value;
            assert!(error < 1e-9, "{tested:?} instead of {p_value}");
            assert!(
                (tested.superiority - superiority).abs() < 1e-12,
                "{tested:?}"
            );
            let mirrored = test(&value, &baseline).expect("enough");
            assert!((mirrored.superiority + superiority - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_handful_is_not_tested() {
        assert_eq!(test(&durations(1..=19), &durations(1..=100)), None);
        assert_eq!(test(&durations([]), &durations([])), None);
    }
}
