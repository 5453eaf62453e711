//! How one run differs from the baseline in one metric, and whether that is more than noise.

use serde::Serialize;

use super::metrics::{Better, METRICS, Metric, Of, Unit, Value};
use super::shares::{self, Share, ShareTest};
use super::{holm, paired, words};
use crate::figures::measure::Measured;
use crate::hand_off::Verdict;
use crate::percentiles::rounded;

/// The significance level of shares: a difference counts if its p value is below this.
pub(super) const LEVEL: f64 = 0.01;
/// The significance level of figures that are compared round by round. There are few rounds, so a
/// lower level would miss 10 % more latency on a busy machine (`benches/rounds.py`).
const ROUNDS_LEVEL: f64 = 0.02;
/// The smallest difference of a latency or a rate that counts, relative to the baseline, unless the
/// user sets another. Among many rounds, even a tiny shift is beyond chance.
pub const MIN_DIFFERENCE: f64 = 0.03;

/// One metric of one run, and of the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// 0 and 1. For a figure that was compared round by round, the typical change over the rounds,
    /// relative to the baseline. Otherwise the difference divided by the baseline's figure, or
    /// `None` if that is 0.
    pub change: Option<f64>,
    /// The 95 % confidence interval of `change`, from low to high; `None` where nothing was tested.
    pub interval: Option<[f64; 2]>,
    /// Whether it is more than noise, and large enough to matter; `None` where nothing was tested.
    pub significant: Option<bool>,
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
    /// The probability of a difference at least this large by chance, after Holm's correction over
    /// all metrics tested for this run; `None` where nothing was tested.
    pub p: Option<f64>,
    /// The same probability before the correction.
    pub p_uncorrected: Option<f64>,
    /// How many rounds were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<usize>,
    /// The difference in one sentence.
    pub words: String,
    /// Why it was not tested, or why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// A count or a measured figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Figure {
    /// A count.
    Count(u64),
    /// A measurement.
    Measure(f64),
}

impl Difference {
    /// Whether both figures are the same.
    pub fn is_none(&self) -> bool {
        self.change == Some(0.0)
    }

    /// Whether it is more than noise, and large enough to matter.
    pub fn is_significant(&self) -> bool {
        self.significant == Some(true)
    }
}

/// Every metric that both sources show, in the order of [`METRICS`]. A latency or a rate counts if
/// it differs by at least `smallest` of the baseline's.
pub(super) fn between(baseline: &Measured, run: &Measured, smallest: f64) -> Vec<Difference> {
    let mut differences = Vec::new();
    for metric in &METRICS {
        let values = (metric.value(baseline), metric.value(run));
        if let (Some(before), Some(after)) = values
            && !is_about_nothing(metric, before, after)
        {
            differences.push(difference(metric, (baseline, before), (run, after)));
        }
    }
    judge(&mut differences, smallest);
    differences
}

/// Whether it is a verdict or flag that occurs on neither side.
fn is_about_nothing(metric: &Metric, before: Value, after: Value) -> bool {
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
    /// The change over rounds; `None` for a metric that is not compared round by round.
    change: Option<f64>,
    interval: Option<[f64; 2]>,
    rounds: Option<usize>,
    note: Option<&'static str>,
}

fn difference(
    metric: &Metric,
    (baseline, before): (&Measured, Value),
    (run, after): (&Measured, Value),
) -> Difference {
    let (from, to) = (before.number(), after.number());
    let change = match (before, after) {
        (Value::Share(_), _) => Some(to - from),
        _ if from == to => Some(0.0),
        _ => (from != 0.0).then(|| (to - from) / from),
    };
    let tested = match metric.is_of_rounds() {
        true => over_rounds(metric, baseline, run),
        false => tested(before, after),
    };
    let change = tested.change.or(change);
    // the change over rounds counts, where there is one
    let more = tested.change.unwrap_or(to - from);
    // an export does not tell how many senders had something to lose
    let is_export = [baseline, run].iter().any(|it| it.summary.is_of_export());
    let may_be_better = !is_export || !matches!(metric.of, Of::Flag(..));
    let better = match metric.better.filter(|_| may_be_better) {
        Some(Better::Higher) if more != 0.0 => Some(more > 0.0),
        Some(Better::Lower) if more != 0.0 => Some(more < 0.0),
        _ => None,
    };
    Difference {
        run: run.summary.name.clone(),
        metric: metric.name,
        baseline: figure(before),
        value: figure(after),
        change: change.map(|change| rounded(change, 6)),
        interval: tested
            .interval
            .map(|interval| interval.map(|end| rounded(end, 6))),
        significant: None,
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
        p: None,
        p_uncorrected: tested.p_value,
        rounds: tested.rounds,
        words: words::of(metric, (&baseline.summary, before), (&run.summary, after)),
        note: tested.note,
    }
}

fn figure(value: Value) -> Figure {
    match value {
        Value::Share(share) => Figure::Count(share.part),
        Value::Count(count) => Figure::Count(count),
        Value::Latency(_) | Value::Rate(_) | Value::Bytes { .. } => Figure::Measure(value.number()),
    }
}

fn out_of(value: Value) -> Option<u64> {
    match value {
        Value::Share(share) => Some(share.of),
        _ => None,
    }
}

fn tested(before: Value, after: Value) -> Tested {
    match (before, after) {
        (Value::Share(before), Value::Share(after)) => shares(before, after),
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

/// Compares a figure round by round.
fn over_rounds(metric: &Metric, baseline: &Measured, run: &Measured) -> Tested {
    match paired::test(metric, &baseline.summary, &run.summary) {
        Ok(paired) => Tested {
            test: Some("signed-rank test over rounds"),
            p_value: Some(paired.p_value),
            change: Some(paired.change),
            interval: Some(paired.interval),
            rounds: Some(paired.rounds),
            note: None,
        },
        Err(note) => without_test(note),
    }
}

/// Corrects the p values for the number of tests, and marks what is significant.
fn judge(differences: &mut [Difference], smallest: f64) {
    let p_values: Vec<f64> = differences
        .iter()
        .filter_map(|difference| difference.p_uncorrected)
        .collect();
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    for difference in differences {
        if difference.test == Some(COUNTED) {
            // no sample, so no chance
            difference.p = Some(if difference.is_none() { 1.0 } else { 0.0 });
            difference.significant = Some(!difference.is_none());
        }
        if difference.p_uncorrected.is_none() {
            continue;
        }
        difference.p = adjusted.next();
        let level = match difference.rounds {
            Some(_) => ROUNDS_LEVEL,
            None => LEVEL,
        };
        let beyond_chance = difference.p.is_some_and(|p| p < level);
        let change = difference.change.map_or(f64::INFINITY, f64::abs);
        let is_relevant = difference.rounds.is_none() || change >= smallest;
        difference.significant = Some(beyond_chance && is_relevant);
        if beyond_chance && !is_relevant {
            difference.note = Some("beyond chance, but too small to count");
        }
    }
}
