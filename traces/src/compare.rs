//! How sources differ from one of them, the baseline, and which differences are significant.
//!
//! Shares (verdicts, flags, delivery) are compared by Fisher's exact test or the chi-square test.
//! Latencies and rates are compared round by round, by the signed-rank test, if the rounds of both
//! runs took turns; otherwise they are not tested. The p values of one run are corrected for the
//! number of tests by Holm's method.

mod checks;
mod differences;
mod edges;
mod holm;
pub mod limits;
mod metrics;
mod paired;
mod shares;
mod signed_rank;
mod words;

pub use checks::{Checked, FIGURES, check, figures_help};
pub use differences::{Difference, Figure, MIN_DIFFERENCE};
pub use edges::{EdgeDifference, What, edge_differences};
pub use metrics::{Better, METRICS, Metric, Unit};

use serde::Serialize;

use crate::figures::measure::Measured;

/// Several sources compared with one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// The name of the source that the others are compared with.
    pub baseline: String,
    /// The differences. Significant ones come first. In each part, the order is that of
    /// [`METRICS`], and for one metric that of the sources.
    pub differences: Vec<Difference>,
    /// What could not be compared: one sentence each.
    pub unknown: Vec<String>,
    /// Which sources have latencies that could not be tested, in one sentence.
    pub untested: Option<String>,
    /// The smallest difference of a latency or a rate that counts, relative to the baseline.
    pub smallest_difference: f64,
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
    /// assert_eq!((difference.metric, difference.significant), ("record.new_trace", Some(true)));
    /// assert_eq!(difference.words, "In b3, 1000 of 1000 records start a new trace (tracecontext: 0 of 1000).");
    /// ```
    ///
    /// # Panics
    /// If `baseline` is not an index of `sources`.
    pub fn of(sources: &[Measured], baseline: usize) -> Comparison {
        Comparison::with_smallest(sources, baseline, MIN_DIFFERENCE)
    }

    /// The same as [`Comparison::of`], with another smallest difference of a latency or a rate that
    /// counts, relative to the baseline: 0.03 for 3 %.
    ///
    /// # Panics
    /// If `baseline` is not an index of `sources`.
    pub fn with_smallest(sources: &[Measured], baseline: usize, smallest: f64) -> Comparison {
        let before = &sources[baseline];
        let others = || {
            let places = sources.iter().enumerate();
            places.filter_map(|(place, source)| (place != baseline).then_some(source))
        };
        let mut differences: Vec<Difference> = others()
            .flat_map(|source| {
                let all = differences::between(before, source, smallest).into_iter();
                all.filter(|difference| is_of_one_thing(difference.metric, before, source))
            })
            .collect();
        let place = |name| METRICS.iter().position(|metric| metric.name == name);
        // the sort is stable, so the order of the sources stays
        differences
            .sort_by_key(|difference| (!difference.is_significant(), place(difference.metric)));
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
            untested: untested(before, others(), &differences),
            differences,
            unknown,
            smallest_difference: smallest,
        }
    }

    /// How significance is decided: one sentence each.
    pub fn method(&self) -> Vec<String> {
        let smallest = self.smallest_difference * 100.0;
        vec![
            "Shares: chi-square test, or Fisher's exact test where an expected count is below 5."
                .to_owned(),
            "Latencies and rates: Wilcoxon's signed-rank test over rounds that took turns; the change is its estimate over \
             the rounds, with the 95 % interval."
                .to_owned(),
            format!(
                "Significant: p below 1 % after Holm's correction over a run's figures; latencies and rates below 2 %, and \
                 by {smallest} % or more."
            ),
            "Without such rounds, latencies and rates are not tested: the machine may have changed between two runs."
                .to_owned(),
        ]
    }

    /// The significant differences.
    pub fn significant(&self) -> impl Iterator<Item = &Difference> {
        self.differences
            .iter()
            .filter(|difference| difference.is_significant())
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
                "{} lacks figures that {} has: {}",
                silent.summary.name,
                telling.summary.name,
                names.join(", ")
            )
        })
    };
    let both = [silent(source, baseline), silent(baseline, source)];
    both.into_iter().flatten()
}

/// Which of the other sources show a latency or a rate that was not measured in the same rounds as
/// the baseline's.
fn untested<'a>(
    baseline: &Measured,
    others: impl Iterator<Item = &'a Measured>,
    differences: &[Difference],
) -> Option<String> {
    let is_of_rounds = |difference: &Difference| {
        Metric::from_name(difference.metric).is_some_and(Metric::is_of_rounds)
    };
    let apart = others.filter(|source| {
        let mut own = differences
            .iter()
            .filter(|difference| difference.run == source.summary.name);
        own.any(is_of_rounds) && !paired::took_turns(&baseline.summary, &source.summary)
    });
    let names: Vec<&str> = apart.map(|source| &*source.summary.name).collect();
    (!names.is_empty()).then(|| {
        let (were, rounds) = (names.join(", "), &baseline.summary.name);
        format!("Latencies of {were} are not tested: they were not measured in the same rounds as {rounds}.")
    })
}

#[cfg(test)]
mod tests;
