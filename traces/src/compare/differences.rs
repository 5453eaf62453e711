//! How one run differs from the baseline in one metric, and whether that is more than noise.

use serde::{Serialize, Serializer};

use super::bootstrap::{self, Interval};
use super::metrics::{Better, METRICS, Metric, Of, Quantile, Unit, Value};
use super::ranks;
use super::shares::{self, Share, ShareTest};
use super::{holm, words};
use crate::hand_off::Verdict;
use crate::measure::Measured;
use crate::statistics::{Durations, rounded};

/// The significance level: a difference counts if its p value is below this.
pub(super) const LEVEL: f64 = 0.01;
/// A latency must differ by at least this share of the baseline's. Among a million requests, even a
/// tiny shift is significant, and two equal runs differ by a few percent because the machine has
/// other work.
pub(super) const RELEVANT_CHANGE: f64 = 0.1;

/// One metric of one run, and of the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The run's name.
    pub run: String,
    /// The metric's name.
    pub metric: &'static str,
    /// The baseline's figure; for a share, its count.
    pub baseline: Figure,
    /// The run's figure.
    pub value: Figure,
    /// The size of the difference. For a share, the run's share minus the baseline's, each between
    /// 0 and 1. Otherwise the difference divided by the baseline's figure, or `None` if that is 0.
    pub change: Option<f64>,
    /// Whether it is more than noise, and large enough to matter.
    pub significant: bool,
    /// Whether the run's figure is the better one; `None` if neither direction is better, or they
    /// are equal.
    pub better: Option<bool>,
    /// The total for the baseline's count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_of: Option<u64>,
    /// The total for the run's count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_of: Option<u64>,
    /// The unit of the figures: `ms`, `bytes`, `per s`; empty for counts.
    pub unit: &'static str,
    /// The name of the test; `None` if there is none, and then `note` says why.
    pub test: Option<&'static str>,
    /// The probability of a difference at least this large by chance.
    pub p_value: Option<f64>,
    /// The p value after Holm's correction over all metrics tested for this run.
    pub p_adjusted: Option<f64>,
    /// The 95 % confidence interval of the baseline's percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_interval: Option<Interval>,
    /// The 95 % confidence interval of the run's percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_interval: Option<Interval>,
    /// The probability that a duration of the run is longer than one of the baseline, with ties
    /// counted half; 0.5 if neither tends to be longer. From the rank test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superiority: Option<f64>,
    /// The difference in one sentence.
    pub words: String,
    /// Why it was not tested, or why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// A count or a measured figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A count.
    Count(u64),
    /// A measurement.
    Measure(f64),
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Figure::Count(count) => serializer.serialize_u64(*count),
            Figure::Measure(measure) => serializer.serialize_f64(*measure),
        }
    }
}

impl Difference {
    /// Whether both figures are the same.
    pub fn is_none(&self) -> bool {
        self.change == Some(0.0)
    }
}

/// Every metric that both sources show, in the order of [`METRICS`].
pub(super) fn between(baseline: &Measured, run: &Measured) -> Vec<Difference> {
    let mut differences = Vec::new();
    for metric in &METRICS {
        let values = (metric.value(baseline), metric.value(run));
        if let (Some(before), Some(after)) = values
            && !is_about_nothing(metric, before, after)
        {
            differences.push(difference(metric, (baseline, before), (run, after)));
        }
    }
    judge(&mut differences);
    differences
}

/// Whether it is a verdict or flag that occurs on neither side.
fn is_about_nothing(metric: &Metric, before: Value<'_>, after: Value<'_>) -> bool {
    let is_rare = match metric.of {
        Of::Verdict(_, verdict) => verdict != Verdict::Connected,
        Of::Flag(..) => true,
        _ => false,
    };
    is_rare && before.number() == 0.0 && after.number() == 0.0
}

/// The result of testing one metric.
#[derive(Default)]
struct Tested {
    test: Option<&'static str>,
    p_value: Option<f64>,
    baseline_interval: Option<Interval>,
    value_interval: Option<Interval>,
    superiority: Option<f64>,
    note: Option<&'static str>,
}

fn difference(
    metric: &Metric,
    (baseline, before): (&Measured, Value<'_>),
    (run, after): (&Measured, Value<'_>),
) -> Difference {
    let (from, to) = (before.number(), after.number());
    let change = match (before, after) {
        (Value::Share(_), _) => Some(to - from),
        _ if from == to => Some(0.0),
        _ => (from != 0.0).then(|| (to - from) / from),
    };
    let tested = tested(before, after);
    let better = match metric.better {
        Some(Better::Higher) if from != to => Some(to > from),
        Some(Better::Lower) if from != to => Some(to < from),
        _ => None,
    };
    let (baseline_name, run_name) = (&baseline.summary.name, &run.summary.name);
    Difference {
        run: run_name.clone(),
        metric: metric.name,
        baseline: figure(before),
        value: figure(after),
        change: change.map(|change| rounded(change, 6)),
        significant: false,
        better,
        baseline_of: out_of(before),
        value_of: out_of(after),
        unit: match metric.unit() {
            Unit::Share | Unit::Count => "",
            Unit::Milliseconds => "ms",
            Unit::PerSecond => "per s",
            Unit::Bytes => "bytes",
        },
        test: tested.test,
        p_value: tested.p_value,
        p_adjusted: None,
        baseline_interval: tested.baseline_interval,
        value_interval: tested.value_interval,
        superiority: tested.superiority.map(|share| rounded(share, 4)),
        words: words::of(metric, (baseline_name, before), (run_name, after)),
        note: tested.note,
    }
}

fn figure(value: Value<'_>) -> Figure {
    match value {
        Value::Share(share) => Figure::Count(share.part),
        Value::Count(count) => Figure::Count(count),
        Value::Latency { .. } | Value::Rate(_) | Value::Bytes { .. } => {
            Figure::Measure(value.number())
        }
    }
}

fn out_of(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Share(share) => Some(share.of),
        _ => None,
    }
}

fn tested(before: Value<'_>, after: Value<'_>) -> Tested {
    match (before, after) {
        (Value::Share(before), Value::Share(after)) => shares(before, after),
        (
            Value::Latency {
                durations: before,
                quantile,
                ..
            },
            Value::Latency {
                durations: after, ..
            },
        ) => latencies(before, after, quantile),
        (Value::Rate(_), _) => without_test("one value per run"),
        (
            Value::Bytes { mean, max },
            Value::Bytes {
                mean: other_mean,
                max: other_max,
            },
        ) if mean == max as f64 && other_mean == other_max as f64 => Tested {
            test: Some(COUNTED),
            ..Tested::default()
        },
        (Value::Bytes { .. }, _) => without_test("sizes differ from record to record"),
        _ => without_test("set, not found"),
    }
}

/// Replaces the name of a test if every record has the same size.
const COUNTED: &str = "counted: the same in every record";

fn without_test(note: &'static str) -> Tested {
    Tested {
        note: Some(note),
        ..Tested::default()
    }
}

fn shares(before: Share, after: Share) -> Tested {
    let tested = shares::test(before, after);
    Tested {
        test: tested.map(|(test, _)| match test {
            ShareTest::Fisher => "Fisher's exact test",
            ShareTest::ChiSquare => "chi-square test",
        }),
        p_value: tested.map(|(_, p_value)| p_value),
        ..Tested::default()
    }
}

fn latencies(before: &Durations, after: &Durations, quantile: Quantile) -> Tested {
    let resampled = bootstrap::test(before, after, quantile.share());
    let mut tested = Tested {
        baseline_interval: resampled.map(|resampled| resampled.baseline),
        value_interval: resampled.map(|resampled| resampled.value),
        ..Tested::default()
    };
    if quantile == Quantile::P50 {
        match ranks::test(before, after) {
            Some(ranks) => {
                tested.test = Some("Mann-Whitney rank test");
                tested.p_value = Some(ranks.p_value);
                tested.superiority = Some(ranks.superiority);
            }
            None => tested.note = Some("fewer than 20 values"),
        }
    } else {
        match resampled {
            Some(resampled) => {
                tested.test = Some("bootstrap");
                tested.p_value = Some(resampled.p_value);
            }
            None => tested.note = Some("fewer than 10 beyond it"),
        }
    }
    tested
}

/// Corrects the p values for the number of tests, and marks what is significant.
fn judge(differences: &mut [Difference]) {
    let p_values: Vec<f64> = differences
        .iter()
        .filter_map(|difference| difference.p_value)
        .collect();
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    for difference in differences {
        if difference.p_value.is_some() {
            difference.p_adjusted = adjusted.next();
        }
        let beyond_chance = match difference.p_adjusted {
            Some(p_value) => p_value < LEVEL,
            None => difference.test == Some(COUNTED) && !difference.is_none(),
        };
        let is_latency = difference.unit == "ms";
        let change = difference.change.map_or(f64::INFINITY, f64::abs);
        let relevant = !is_latency || change >= RELEVANT_CHANGE;
        difference.significant = beyond_chance && relevant;
        if beyond_chance && !relevant {
            difference.note = Some("beyond chance, but less than 10 %");
        }
    }
}
