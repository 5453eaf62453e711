//! How sources differ from one of them, the baseline, and which differences are significant.
//!
//! Shares (verdicts, flags, delivery) are compared by Fisher's exact test or the chi-square test,
//! medians by the Mann-Whitney rank test, other percentiles by the bootstrap. The p values of one
//! run are corrected for the number of tests by Holm's method. All tests assume that hand-offs are
//! independent of each other. They measure the noise within a run. The noise between runs only
//! shows if a run is repeated.

mod bootstrap;
mod checks;
mod differences;
mod edges;
mod holm;
pub mod limits;
mod metrics;
mod ranks;
mod shares;
mod words;

pub use bootstrap::Interval;
pub use checks::{Checked, FIGURES, check, figures_help};
pub use differences::{Difference, Figure};
pub use edges::{EdgeDifference, What, edge_differences};
pub use metrics::{Better, METRICS, Metric, Unit};

use serde::Serialize;

use crate::measure::Measured;

/// Several sources compared with one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The name of the source that the others are compared with.
    pub baseline: String,
    /// The differences. Significant ones come first. In each part, the order is that of
    /// [`METRICS`], and for one metric that of the sources.
    pub differences: Vec<Difference>,
    /// What could not be compared: one sentence each.
    pub unknown: Vec<String>,
}

impl Comparison {
    /// Compares each of `sources` with the one at index `baseline`. The names of the summaries must
    /// differ.
    ///
    /// ```
    /// use baton_traces::compare::Comparison;
    /// use baton_traces::hand_off::{Hop, Verdict};
    /// use baton_traces::measure::Measured;
    ///
    /// let source = |name: &str, verdict| {
    ///     let mut source = Measured::default();
    ///     source.summary.name = name.to_owned();
    ///     source.summary.hops.entry(Hop::Record).or_default().insert(verdict, 1000);
    ///     source
    /// };
    /// let sources = [source("tracecontext", Verdict::Connected), source("b3", Verdict::NewTrace)];
    /// let comparison = Comparison::of(&sources, 0);
    /// let difference = &comparison.differences[1];
    /// assert_eq!((difference.metric, difference.significant), ("record.new_trace", true));
    /// assert_eq!(difference.words, "In b3, 1000 of 1000 records start a new trace (tracecontext: 0 of 1000).");
    /// ```
    ///
    /// # Panics
    /// If `baseline` is not an index of `sources`.
    pub fn of(sources: &[Measured], baseline: usize) -> Comparison {
        let before = &sources[baseline];
        let others = || {
            let places = sources.iter().enumerate();
            places.filter_map(|(place, source)| (place != baseline).then_some(source))
        };
        let mut differences: Vec<Difference> = others()
            .flat_map(|source| {
                let all = differences::between(before, source).into_iter();
                all.filter(|difference| is_of_one_thing(difference.metric, before, source))
            })
            .collect();
        let place = |name| METRICS.iter().position(|metric| metric.name == name);
        // the sort is stable, so the order of the sources stays
        differences.sort_by_key(|difference| (!difference.significant, place(difference.metric)));
        let mut unknown: Vec<String> = Vec::new();
        for source in sources {
            let name = &source.summary.name;
            unknown.extend(
                source
                    .unknown
                    .iter()
                    .map(|what| format!("{name}: {}", what.sentence)),
            );
        }
        for source in others() {
            unknown.extend(told_by_one(before, source));
            if !is_of_one_thing(END_TO_END, before, source) {
                let begins = |measured: &Measured| match measured.end_to_end_from_producer {
                    true => "the producer, because there are no client spans,",
                    false => "the client",
                };
                unknown.push(format!(
                    "{END_TO_END} is not compared: it begins at {} in {}, and at {} in {}",
                    begins(before),
                    before.summary.name,
                    begins(source),
                    source.summary.name
                ));
            }
        }
        Comparison {
            baseline: before.summary.name.clone(),
            differences,
            unknown,
        }
    }

    /// The significant differences.
    pub fn significant(&self) -> impl Iterator<Item = &Difference> {
        self.differences
            .iter()
            .filter(|difference| difference.significant)
    }
}

/// The beginning of the names of metrics that measure from the request to the end of the record's
/// handling.
const END_TO_END: &str = "end_to_end";

/// Whether a metric measures the same thing in both sources.
fn is_of_one_thing(metric: &str, before: &Measured, source: &Measured) -> bool {
    let both = [before, source];
    let is_there = both.iter().all(|measured| measured.end_to_end.count() > 0);
    let is_same = before.end_to_end_from_producer == source.end_to_end_from_producer;
    !metric.starts_with(END_TO_END) || !is_there || is_same
}

/// The metrics that only one of the two sources shows, except those with a given reason.
fn told_by_one(baseline: &Measured, source: &Measured) -> impl Iterator<Item = String> {
    let silent = |silent: &Measured, telling: &Measured| {
        let names: Vec<&str> = METRICS
            .iter()
            .filter(|metric| !silent.summary.unknown.contains(metric.name))
            .filter(|metric| metric.value(silent).is_none() && metric.value(telling).is_some())
            .map(|metric| metric.name)
            .collect();
        (!names.is_empty()).then(|| {
            format!(
                "{} cannot tell what {} tells: {}",
                silent.summary.name,
                telling.summary.name,
                names.join(", ")
            )
        })
    };
    let both = [silent(source, baseline), silent(baseline, source)];
    both.into_iter().flatten()
}

/// How significance is decided: one sentence each.
pub const METHOD: [&str; 4] = [
    "Shares: chi-square test, or Fisher's exact test where an expected count is below 5.",
    "Medians: Mann-Whitney rank test. Other percentiles and 95 % intervals: bootstrap, 9,999 resamples.",
    "Significant: p below 1 % after Holm's correction over a run's metrics; latencies by 10 % or more, too.",
    "Requests are taken as independent: a machine busy in one run looks like a difference; repeat runs.",
];

#[cfg(test)]
mod tests;
