//! Percentiles and means.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest duration. A longer one counts as this one.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// Durations to three significant digits. Memory does not grow with their number.
#[derive(Clone, Debug)]
pub struct Durations {
    nanoseconds: Histogram<u64>,
    longest: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        let limit = u64::try_from(MAX_DURATION.as_nanos()).unwrap_or(u64::MAX);
        Durations {
            nanoseconds: Histogram::new_with_max(limit, 3)
                .expect("a limit of at least 2 and 3 digits are what a histogram allows"),
            longest: Duration::ZERO,
        }
    }
}

impl Durations {
    /// Adds a duration.
    pub fn add(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.saturating_record(nanoseconds);
        self.longest = self.longest.max(duration);
    }

    /// How many durations were added.
    pub fn count(&self) -> u64 {
        self.nanoseconds.len()
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Durations) {
        self.nanoseconds
            .add(&other.nanoseconds)
            .expect("all have the same limit");
        self.longest = self.longest.max(other.longest);
    }

    /// The durations in ascending order, each with its count. Durations that agree to three
    /// significant digits share one bucket, whose value is the largest of that range. So equal
    /// durations have equal values in all `Durations`.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let recorded = self.nanoseconds.iter_recorded();
        recorded.map(|step| {
            let duration = Duration::from_nanos(step.value_iterated_to());
            (duration, step.count_at_value())
        })
    }

    /// The percentiles of the durations; `None` if there are none.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let at = |quantile| {
            let nanoseconds = self.nanoseconds.value_at_quantile(quantile);
            rounded_milliseconds(Duration::from_nanos(nanoseconds).min(self.longest))
        };
        (self.count() > 0).then(|| Percentiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: rounded_milliseconds(self.longest),
        })
    }
}

/// Percentiles of durations, in milliseconds with microseconds as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Percentiles {
    /// Half are at most this long.
    pub p50: f64,
    /// 90 % are at most this long.
    pub p90: f64,
    /// 99 % are at most this long.
    pub p99: f64,
    /// 99.9 % are at most this long.
    pub p999: f64,
    /// The longest; not rounded to three significant digits.
    pub max: f64,
}

/// Mean and maximum of sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sizes {
    /// The mean, to two decimal places.
    pub mean: f64,
    /// The largest.
    pub max: u64,
}

/// Adds up sizes, for [`Sizes`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SumOfSizes {
    count: u64,
    sum: u128,
    max: u64,
}

impl SumOfSizes {
    /// Adds a size.
    pub(crate) fn add(&mut self, size: u64) {
        self.merge(SumOfSizes {
            count: 1,
            sum: size.into(),
            max: size,
        });
    }

    /// Adds all sizes in `other`.
    pub(crate) fn merge(&mut self, other: SumOfSizes) {
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// Their mean and maximum; `None` if there are none.
    pub(crate) fn sizes(self) -> Option<Sizes> {
        let SumOfSizes { count, sum, max } = self;
        (count > 0).then(|| Sizes {
            mean: rounded(sum as f64 / count as f64, 2),
            max,
        })
    }
}

/// `count` divided by the seconds of `duration`, to two decimal places; `None` if the duration is
/// zero.
pub fn per_second(count: u64, duration: Duration) -> Option<f64> {
    (!duration.is_zero()).then(|| rounded(count as f64 / duration.as_secs_f64(), 2))
}

/// `value` rounded to `decimals` decimal places.
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// `duration` in milliseconds, with microseconds as fractions.
pub fn rounded_milliseconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1e3, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds_and_within_a_thousandth() {
        let mut durations = Durations::default();
        for milliseconds in 1..=1000 {
            durations.add(Duration::from_millis(milliseconds));
        }
        let percentiles = durations.percentiles().expect("1000 durations");
        for (percentile, exact) in [
            (percentiles.p50, 500.0),
            (percentiles.p90, 900.0),
            (percentiles.p99, 990.0),
            (percentiles.p999, 999.0),
        ] {
            let error = (percentile - exact).abs() / exact;
            assert!(error <= 0.001, "{percentile} instead of {exact}");
        }
        assert_eq!(percentiles.max, 1000.0);
    }

    #[test]
    fn one_duration_is_every_percentile() {
        let mut durations = Durations::default();
        durations.add(Duration::from_micros(1234));
        let percentiles = durations.percentiles().expect("one duration");
        assert_eq!((percentiles.p50, percentiles.max), (1.234, 1.234));
    }

    #[test]
    fn buckets_do_not_depend_on_where_durations_were_added() {
        let mut durations = Durations::default();
        let mut others = Durations::default();
        durations.add(Duration::from_millis(5));
        others.add(Duration::from_millis(2));
        others.add(Duration::from_millis(5));
        durations.merge(&others);
        let buckets: Vec<_> = durations
            .buckets()
            .map(|(duration, count)| (duration.as_micros() / 10, count))
            .collect();
        assert_eq!(buckets, [(200, 1), (500, 2)]);
        assert_eq!(durations.percentiles().expect("three").max, 5.0);
        assert_eq!(Durations::default().buckets().count(), 0);
    }

    #[test]
    fn nothing_has_no_percentiles_and_no_mean() {
        assert_eq!(Durations::default().percentiles(), None);
        assert_eq!(SumOfSizes::default().sizes(), None);
        assert_eq!(per_second(5, Duration::ZERO), None);
    }

    #[test]
    fn a_duration_beyond_the_limit_is_still_the_longest() {
        let mut durations = Durations::default();
        durations.add(Duration::from_secs(3 * 24 * 60 * 60));
        let percentiles = durations.percentiles().expect("one duration");
        assert_eq!(percentiles.max, 3.0 * 24.0 * 60.0 * 60.0 * 1e3);
        assert!(percentiles.p50 <= percentiles.max);
    }

    #[test]
    fn sizes_give_mean_and_maximum() {
        let sizes = Sizes {
            mean: 46.67,
            max: 70,
        };
        let of = |sizes: &[u64]| {
            let mut sum = SumOfSizes::default();
            sizes.iter().for_each(|size| sum.add(*size));
            sum.sizes()
        };
        assert_eq!(of(&[0, 70, 70]), Some(sizes));
        assert_eq!(of(&[0, 0]), Some(Sizes { mean: 0.0, max: 0 }));
        assert_eq!(per_second(480, Duration::from_millis(1500)), Some(320.0));
    }
}
