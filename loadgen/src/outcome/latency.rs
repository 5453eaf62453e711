//! How long requests took: a histogram, its percentiles, and its form in a file.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::plan::limits::MAX_TIMEOUT;

/// How long successful requests took, in milliseconds, to the end of the answer's body. Each value
/// is exact to three digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latency {
    /// The mean; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub mean: Option<f64>,
    /// The shortest; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub min: Option<f64>,
    /// The median.
    pub p50: f64,
    /// 75 % took at most this long; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub p75: Option<f64>,
    /// 90 % took at most this long.
    pub p90: f64,
    /// 95 % took at most this long; `None` if an earlier version wrote the file.
    #[serde(default)]
    pub p95: Option<f64>,
    /// 99 % took at most this long.
    pub p99: f64,
    /// 99.9 % took at most this long.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// A histogram as it is written to a file: each duration in microseconds with its number of
/// requests, in ascending order. Durations that agree to three digits share one entry. The sum of
/// several attacks' histograms equals the histogram of one large attack, so percentiles are never
/// averaged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Buckets(Vec<(u64, u64)>);

impl Buckets {
    /// The buckets of `histogram`.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let recorded = histogram.iter_recorded();
        Self(
            recorded
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect(),
        )
    }

    /// The sum of all `parts`.
    pub(crate) fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = histogram();
        for (micros, count) in parts.into_iter().flat_map(|part| &part.0) {
            sum.saturating_record_n(*micros, *count);
        }
        Self::of(&sum)
    }

    /// Each duration in microseconds with its number of requests, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// How many requests it holds; `None` if the sum overflows.
    pub fn count(&self) -> Option<u64> {
        self.0
            .iter()
            .try_fold(0, |sum: u64, (_, count)| sum.checked_add(*count))
    }

    /// Its percentiles; `None` if it is empty.
    pub(crate) fn latency(&self) -> Option<Latency> {
        let mut all = histogram();
        for (micros, count) in &self.0 {
            all.saturating_record_n(*micros, *count);
        }
        latency(&all)
    }
}

/// An empty histogram of microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, micros(MAX_TIMEOUT), 3).expect("bounds and digits are in range")
}

/// `duration` in microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The percentiles of a histogram; `None` if it is empty.
pub(crate) fn latency(histogram: &Histogram<u64>) -> Option<Latency> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a latency in microseconds is far below 2^52"
    )]
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let quantile = |quantile| ms(histogram.value_at_quantile(quantile).min(histogram.max()));
    (!histogram.is_empty()).then(|| Latency {
        // the mean of microseconds, to three decimals of a millisecond
        mean: Some(histogram.mean().round() / 1_000.0),
        min: Some(ms(histogram.min())),
        p50: quantile(0.5),
        p75: Some(quantile(0.75)),
        p90: quantile(0.9),
        p95: Some(quantile(0.95)),
        p99: quantile(0.99),
        p999: quantile(0.999),
        max: ms(histogram.max()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_parts_equals_the_whole() {
        let (mut whole, mut parts) = (histogram(), [histogram(), histogram(), histogram()]);
        for number in 0..5_000_u64 {
            // from a microsecond to a minute and a half
            let micros = number * number * 4 + 1;
            whole.saturating_record(micros);
            parts[number as usize % 3].saturating_record(micros);
        }
        let parts = parts.each_ref().map(Buckets::of);
        let sum = Buckets::sum(&parts);
        assert_eq!(sum, Buckets::of(&whole));
        assert_eq!(sum.count(), Some(5_000));
        assert_eq!(sum.latency(), latency(&whole));
        assert_ne!(sum.latency(), parts[0].latency());
        let text = serde_json::to_string(&sum).expect("JSON");
        assert_eq!(serde_json::from_str::<Buckets>(&text).expect("JSON"), sum);
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Buckets::sum([]).latency(), None);
    }
}
