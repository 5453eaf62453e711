//! Wilcoxon's signed-rank test for paired values, with the estimate and the interval that belong to
//! it (Wilcoxon 1945; Hodges and Lehmann 1963).
//!
//! It asks whether the differences of pairs lie around zero. If both sides of a pair could be
//! exchanged, each difference is as likely to be positive as negative, so the test is exact for any
//! distribution. A few wild pairs cannot decide it, because only their ranks count.

/// The share that an interval leaves out at each end.
const TAIL: f64 = 0.025;
/// The fewest pairs. With fewer, no interval of 95 % exists.
pub(super) const MIN_PAIRS: usize = 6;

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SignedRankTest {
    /// The two-sided probability of ranks at least this uneven, if the differences lie around zero.
    pub(super) p_value: f64,
    /// The typical difference: the median of the means of all two differences.
    pub(super) estimate: f64,
    /// The 95 % confidence interval of the typical difference.
    pub(super) interval: [f64; 2],
}

/// Tests the differences of pairs. `None` if there are fewer than [`MIN_PAIRS`].
pub(super) fn test(differences: &[f64]) -> Option<SignedRankTest> {
    if differences.len() < MIN_PAIRS {
        return None;
    }
    let means = means_of_pairs(differences);
    let left_out = left_out(differences.len());
    Some(SignedRankTest {
        p_value: p_value(differences),
        estimate: median(&means),
        interval: [means[left_out], means[means.len() - 1 - left_out]],
    })
}

/// The means of all two differences, each also with itself, in ascending order.
fn means_of_pairs(differences: &[f64]) -> Vec<f64> {
    let with_later = differences.iter().enumerate().flat_map(|(place, one)| {
        let others = differences[place..].iter();
        others.map(move |other| (one + other) / 2.0)
    });
    let mut means: Vec<f64> = with_later.collect();
    means.sort_by(f64::total_cmp);
    means
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

/// How many of the sorted means an interval leaves out at each end.
fn left_out(pairs: usize) -> usize {
    let ranks: Vec<usize> = (1..=pairs).collect();
    let mut sum = 0.0;
    let within_tail = |probability: &f64| {
        sum += probability;
        sum <= TAIL
    };
    let sums = probabilities(&ranks).into_iter().take_while(within_tail);
    // the smallest sum, 0, leaves out no mean
    sums.count().saturating_sub(1)
}

/// The exact two-sided p value. Equal differences share their mean rank. Zeros have ranks but no
/// sign (Pratt 1959).
fn p_value(differences: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = differences.to_vec();
    sorted.sort_by(|a, b| f64::total_cmp(&a.abs(), &b.abs()));
    let (mut ranks, mut positive) = (Vec::new(), 0);
    let mut start = 0;
    while start < sorted.len() {
        let size = sorted[start].abs();
        let tied = sorted[start..].partition_point(|value| value.abs() <= size);
        // twice the mean of the ranks from `start + 1` to `start + tied`, which is whole
        let rank = 2 * start + tied + 1;
        for value in &sorted[start..start + tied] {
            if *value != 0.0 {
                ranks.push(rank);
            }
            if *value > 0.0 {
                positive += rank;
            }
        }
        start += tied;
    }
    let probabilities = probabilities(&ranks);
    let low: f64 = probabilities[..=positive].iter().sum();
    let high: f64 = probabilities[positive..].iter().sum();
    (2.0 * low.min(high)).min(1.0)
}

/// The probability of each sum of positive ranks, if every rank is positive in half of the cases.
fn probabilities(ranks: &[usize]) -> Vec<f64> {
    let all: usize = ranks.iter().sum();
    let mut probabilities = vec![0.0; all + 1];
    probabilities[0] = 1.0;
    let mut highest = 0;
    for rank in ranks {
        highest += rank;
        for sum in (0..=highest).rev() {
            let without = match sum.checked_sub(*rank) {
                Some(sum) => probabilities[sum],
                None => 0.0,
            };
            probabilities[sum] = (probabilities[sum] + without) / 2.0;
        }
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences, their p value, the estimate, and both ends of the interval.
    type Case = (&'static [f64], f64, f64, [f64; 2]);

    /// The p values without ties are those of scipy 1.17, `wilcoxon(d, method='exact')`. The others,
    /// and the intervals, come from all assignments of signs, enumerated with numpy.
    const CASES: [Case; 6] = [
        (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.031_25, 3.5, [1.0, 6.0]),
        (
            &[0.11, -0.02, 0.07, 0.05, -0.01, 0.09, 0.13, 0.04],
            0.039_062_5,
            0.0575,
            [0.01, 0.11],
        ),
        (
            &[
                0.3, -0.1, 0.2, 0.25, -0.35, 0.15, 0.05, -0.45, 0.4, -0.5, 0.6, 0.55,
            ],
            0.423_828_125,
            0.1,
            [-0.15, 0.35],
        ),
        (
            &[0.0, 1.0, 1.0, -1.0, 2.0, 3.0, 0.0, 2.0, -4.0, 5.0],
            0.203_125,
            1.0,
            [-1.0, 2.5],
        ),
        (&[0.0; 6], 1.0, 0.0, [0.0, 0.0]),
        (&[1.0; 7], 0.015_625, 1.0, [1.0, 1.0]),
    ];

    #[test]
    fn results_are_those_of_an_enumeration() {
        let close = |one: f64, other: f64| (one - other).abs() < 1e-12;
        for (differences, p_value, estimate, [low, high]) in CASES {
            let tested = test(differences).expect("enough");
            assert!(
                close(tested.p_value, p_value),
                "{differences:?}: {tested:?}"
            );
            assert!(
                close(tested.estimate, estimate),
                "{differences:?}: {tested:?}"
            );
            assert!(
                close(tested.interval[0], low),
                "{differences:?}: {tested:?}"
            );
            assert!(
                close(tested.interval[1], high),
                "{differences:?}: {tested:?}"
            );
            let mirrored: Vec<f64> = differences.iter().map(|value| -value).collect();
            let mirrored = test(&mirrored).expect("enough");
            assert!(close(mirrored.p_value, p_value), "{differences:?}");
            assert!(close(mirrored.estimate, -estimate), "{differences:?}");
        }
    }

    #[test]
    fn few_pairs_are_not_tested() {
        assert_eq!(test(&[1.0; MIN_PAIRS - 1]), None);
    }
}
