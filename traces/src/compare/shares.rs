//! Tests whether two shares differ: of hand-offs with a verdict, of failed requests, of lost
//! records.

/// A count and its total, such as 3 of 900.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// The number that is counted.
    pub(super) part: u64,
    /// The total, which is at least `part`.
    pub(super) of: u64,
}

impl Share {
    /// From 0 to 1, or `None` if the total is 0.
    pub(super) fn ratio(self) -> Option<f64> {
        (self.of > 0).then(|| self.part as f64 / self.of as f64)
    }
}

/// The statistical test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShareTest {
    /// Fisher's exact test, two-sided.
    Fisher,
    /// Pearson's chi-square test with one degree of freedom, without a correction for continuity.
    ChiSquare,
}

/// Tests whether both are samples of one population. Returns the test and its p value, or `None` if
/// one side is empty.
///
/// If an expected count is below 5, the chi-square distribution is a bad approximation (Cochran's
/// rule), so the exact test replaces it. Then there are few tables to add up, even for large
/// samples.
pub(super) fn test(baseline: Share, value: Share) -> Option<(ShareTest, f64)> {
    if baseline.of == 0 || value.of == 0 {
        return None;
    }
    let all = (baseline.of + value.of) as f64;
    let parts = (baseline.part + value.part) as f64;
    let smallest_row = baseline.of.min(value.of) as f64;
    let smallest_column = parts.min(all - parts);
    Some(if smallest_row * smallest_column / all < 5.0 {
        (ShareTest::Fisher, fisher(baseline, value))
    } else {
        (ShareTest::ChiSquare, chi_square(baseline, value))
    })
}

fn chi_square(baseline: Share, value: Share) -> f64 {
    let rows = [baseline.of as f64, value.of as f64];
    let all = rows[0] + rows[1];
    let pooled = (baseline.part + value.part) as f64 / all;
    let difference = baseline.part as f64 / rows[0] - value.part as f64 / rows[1];
    let variance = pooled * (1.0 - pooled) * (1.0 / rows[0] + 1.0 / rows[1]);
    let statistic = difference * difference / variance;
    // with one degree of freedom, the square root has a normal distribution
    libm::erfc((statistic / 2.0).sqrt())
}

/// The total probability of all tables with the same sums that are at most as likely as this one.
fn fisher(baseline: Share, value: Share) -> f64 {
    /// Tables that rounding makes a little more likely count as equally likely, as in R's
    /// `fisher.test`.
    const TOLERANCE: f64 = 1.0 + 1e-7;

    let parts = baseline.part + value.part;
    let fewest = parts.saturating_sub(value.of);
    let most = parts.min(baseline.of);
    // the probability of a table relative to the previous one, which has one part less in the
    // baseline
    let step = |part: u64| {
        let up = (parts - part) as f64 * (baseline.of - part) as f64;
        let down = (part + 1) as f64 * (value.of + part + 1 - parts) as f64;
        up / down
    };
    // weights are logarithms relative to the first table, so that they cannot overflow
    let mut logarithms = vec![0.0_f64];
    for part in fewest..most {
        let last = logarithms[logarithms.len() - 1];
        logarithms.push(last + step(part).ln());
    }
    let largest = logarithms.iter().copied().fold(0.0, f64::max);
    let weights: Vec<f64> = logarithms
        .iter()
        .map(|logarithm| (logarithm - largest).exp())
        .collect();
    let here = (baseline.part - fewest) as usize;
    let limit = weights[here] * TOLERANCE;
    let no_likelier: f64 = weights.iter().filter(|weight| **weight <= limit).sum();
    (no_likelier / weights.iter().sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_scipy() {
        use ShareTest::{ChiSquare, Fisher};
        // scipy 1.17: `fisher_exact([[a, n - a], [b, m - b]])` and `chi2_contingency(…,
        // correction=False)`
        let cases = [
            ((3, 8), (1, 9), Fisher, 0.294_117_647_058_823_6),
            ((5, 1000), (0, 1000), Fisher, 0.062_187_578_516_348_8),
            ((10, 10), (6, 10), Fisher, 0.086_687_306_501_547_99),
            (
                (999_990, 1_000_000),
                (999_999, 1_000_000),
                ChiSquare,
                0.006_655_455_575_575_328,
            ),
            ((0, 5), (5, 5), Fisher, 0.007_936_507_936_507_938),
            ((12, 20), (12, 20), ChiSquare, 1.0),
            ((12, 12), (20, 20), Fisher, 1.0),
            ((30, 100), (50, 100), ChiSquare, 0.003_892_417_122_778_637),
            (
                (500, 1000),
                (520, 1000),
                ChiSquare,
                0.370_997_673_736_608_64,
            ),
            (
                (100, 1_000_000),
                (150, 1_000_000),
                ChiSquare,
                0.001_564_339_944_598_754_3,
            ),
            ((900, 1000), (1800, 2000), ChiSquare, 1.0),
            ((1000, 1000), (0, 1000), ChiSquare, 0.0),
        ];
        for ((part, of), (other, other_of), which, expected) in cases {
            let baseline = Share { part, of };
            let value = Share {
                part: other,
                of: other_of,
            };
            let (test, p_value) = test(baseline, value).expect("both have some");
            assert_eq!(test, which, "{baseline:?} {value:?}");
            let error = (p_value - expected).abs();
            assert!(
                error <= 1e-6 * expected + 1e-300,
                "{baseline:?} {value:?}: {p_value} instead of {expected}"
            );
            let (_, mirrored) = super::test(value, baseline).expect("both have some");
            assert!((mirrored - p_value).abs() <= 1e-9, "{baseline:?} {value:?}");
        }
    }

    #[test]
    fn nothing_is_no_sample() {
        let (none, some) = (Share { part: 0, of: 0 }, Share { part: 1, of: 2 });
        assert_eq!(test(none, some), None);
        assert_eq!(none.ratio(), None);
        assert_eq!(some.ratio(), Some(0.5));
    }

    #[test]
    fn the_exact_test_stays_cheap_for_samples_of_a_million() {
        // the most unequal case for which Cochran's rule requires the exact test
        let small = Share {
            part: 1100,
            of: 2200,
        };
        let large = Share {
            part: 2200 - 1100,
            of: 1_000_000,
        };
        let (test, p_value) = test(small, large).expect("both have some");
        assert_eq!(test, ShareTest::Fisher);
        assert!(p_value < 1e-100, "{p_value}");
    }
}
