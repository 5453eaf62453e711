//! Confidence intervals of percentiles by the bootstrap, at a cost that does not depend on the
//! number of durations.
//!
//! A resample draws n of the n durations with replacement, and takes its percentile. That
//! percentile is the k-th smallest of n draws from the sample. The k-th smallest of n uniform draws
//! has the Beta(k, n + 1 - k) distribution. So one draw from it, looked up among the sorted
//! durations, has exactly the distribution of a whole resample's percentile.

use std::f64::consts::TAU;

use serde::Serialize;

use crate::statistics::{Durations, milliseconds};

/// The number of resamples. It is large enough for a difference to stay significant after the
/// correction for all metrics.
pub(super) const RESAMPLES: usize = 9_999;
/// At least this many durations must be above the percentile, because the bootstrap knows nothing
/// beyond the longest one.
pub(super) const FEWEST_BEYOND: f64 = 10.0;
/// A fixed seed, so that the same comparison always gives the same figures.
const SEED: u64 = 0x0062_6174_6f6e;
/// The share that an interval leaves out at each end.
const TAIL: f64 = 0.025;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The bootstrap of one percentile of two samples. Intervals are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bootstrap {
    /// The baseline's percentile.
    pub(super) baseline: Interval,
    /// The other sample's percentile.
    pub(super) value: Interval,
    /// The two-sided probability of a difference at least this large, if the true percentiles are
    /// equal.
    pub(super) p_value: f64,
}

/// Resamples both samples. `None` if either has too few durations above the percentile.
pub(super) fn test(baseline: &Durations, value: &Durations, quantile: f64) -> Option<Bootstrap> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut baselines = resampled(baseline, quantile, &mut random)?;
    let mut values = resampled(value, quantile, &mut random)?;
    let pairs = || baselines.iter().zip(&values);
    let shorter = pairs()
        .filter(|(baseline, value)| value <= baseline)
        .count();
    let longer = pairs()
        .filter(|(baseline, value)| value >= baseline)
        .count();
    let tail = (shorter.min(longer) + 1) as f64 / (RESAMPLES + 1) as f64;
    Some(Bootstrap {
        baseline: interval(&mut baselines),
        value: interval(&mut values),
        p_value: (2.0 * tail).min(1.0),
    })
}

/// The percentile in each resample.
fn resampled(durations: &Durations, quantile: f64, random: &mut fastrand::Rng) -> Option<Vec<f64>> {
    let count = durations.count() as f64;
    if count * quantile.min(1.0 - quantile) < FEWEST_BEYOND {
        return None;
    }
    let longest = durations.percentiles()?.max;
    let mut below = 0;
    let sorted: Vec<(u64, f64)> = durations
        .buckets()
        .map(|(duration, count)| {
            below += count;
            (below, milliseconds(duration).min(longest))
        })
        .collect();
    let rank = (quantile * count).ceil();
    Some(
        (0..RESAMPLES)
            .map(|_| {
                let place = (beta(rank, count + 1.0 - rank, random) * count).ceil() as u64;
                let index = sorted.partition_point(|(upto, _)| *upto < place);
                sorted[index.min(sorted.len() - 1)].1
            })
            .collect(),
    )
}

fn interval(values: &mut [f64]) -> Interval {
    values.sort_by(f64::total_cmp);
    let end = (values.len() - 1) as f64;
    Interval {
        low: values[(TAIL * end).floor() as usize],
        high: values[((1.0 - TAIL) * end).ceil() as usize],
    }
}

/// Draws from the Beta distribution. Both shapes must be at least 1.
fn beta(a: f64, b: f64, random: &mut fastrand::Rng) -> f64 {
    let (a, b) = (gamma(a, random), gamma(b, random));
    a / (a + b)
}

/// Draws from the Gamma distribution with a shape of at least 1 (Marsaglia and Tsang, "A Simple
/// Method for Generating Gamma Variables", 2000).
fn gamma(shape: f64, random: &mut fastrand::Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && uniform(random).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return d * v;
        }
    }
}

/// Draws from the standard normal distribution (Box and Muller).
fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * uniform(random).ln()).sqrt() * (TAU * random.f64()).cos()
}

/// Draws a number above 0 and up to 1.
fn uniform(random: &mut fastrand::Rng) -> f64 {
    1.0 - random.f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn durations(milliseconds: impl Iterator<Item = u64>) -> Durations {
        let mut durations = Durations::default();
        for milliseconds in milliseconds {
            durations.add(Duration::from_millis(milliseconds));
        }
        durations
    }

    #[test]
    fn intervals_are_those_of_resampling_whole_samples() {
        // 1 to 1000. numpy 2, with 20,000 whole resamples of it, gives 880 and 917 for k = 900 as
        // percentiles 2.5 and 97.5 of the k-th smallest values. scipy 1.17 gives the same for
        // `beta.ppf([.025, .975], k, 1001 - k) * 1000`.
        let sample = durations(1..=1000);
        for (quantile, low, high) in [(0.9, 880.0, 917.0), (0.5, 469.0, 531.0)] {
            let resampled = test(&sample, &sample, quantile).expect("enough");
            for interval in [resampled.baseline, resampled.value] {
                // the steps of a histogram, and the randomness of 9,999 resamples
                assert!((interval.low - low).abs() <= 2.0, "{interval:?}");
                assert!((interval.high - high).abs() <= 2.0, "{interval:?}");
            }
            assert!(resampled.p_value > 0.5, "{resampled:?}");
        }
    }

    #[test]
    fn a_million_are_as_cheap_as_a_thousand_and_ten_beyond_the_percentile_are_needed() {
        let many = durations((0..1_000_000).map(|number| 1 + number % 1000));
        let resampled = test(&many, &many, 0.99).expect("enough");
        // `ceil(beta.ppf([.025, .975], 990000, 10001) * 1000)`
        assert!(
            (resampled.baseline.low - 989.8).abs() <= 1.5,
            "{resampled:?}"
        );
        assert!(
            (resampled.baseline.high - 990.2).abs() <= 1.5,
            "{resampled:?}"
        );
        let some = durations(1..=999);
        assert!(test(&some, &many, 0.99).is_none());
        assert!(test(&some, &many, 0.9).is_some());
        assert!(test(&Durations::default(), &many, 0.5).is_none());
    }

    #[test]
    fn a_difference_is_found_and_the_same_each_time() {
        let (shorter, longer) = (durations(1..=1000), durations(101..=1100));
        let resampled = test(&shorter, &longer, 0.9).expect("enough");
        assert!(resampled.p_value < 0.001, "{resampled:?}");
        assert_eq!(test(&shorter, &longer, 0.9), Some(resampled));
    }
}
