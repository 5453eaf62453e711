//! The limits of a comparison: the figures that can have one, and their values in each source.

use std::sync::LazyLock;

use serde::Serialize;

use super::limits::{self, Bounds, Check, Limit};
use super::metrics::{METRICS, Metric, Unit, share_bounds};
use crate::figures::known::Unknown;
use crate::figures::measure::Measured;
use crate::hand_off::{Hop, Verdict};
use crate::shown::counted;

/// Figures that can have a limit and are not metrics of the comparison.
const MORE_FIGURES: [(&str, limits::Unit); 8] = [
    ("held", limits::Unit::Share),
    ("connected", limits::Unit::Share),
    ("failed", limits::Unit::Share),
    ("lost", limits::Unit::Share),
    ("p50", limits::Unit::Milliseconds),
    ("p90", limits::Unit::Milliseconds),
    ("p99", limits::Unit::Milliseconds),
    ("p999", limits::Unit::Milliseconds),
];

/// Every figure that can have a limit.
pub static FIGURES: LazyLock<Vec<limits::Figure>> = LazyLock::new(|| {
    let more = MORE_FIGURES.map(|(name, unit)| limits::Figure { name, unit });
    let metrics = METRICS.iter().map(|metric| limits::Figure {
        name: metric.name,
        unit: match metric.unit() {
            Unit::Share => limits::Unit::Share,
            Unit::Milliseconds => limits::Unit::Milliseconds,
            Unit::PerSecond | Unit::Bytes | Unit::Count => limits::Unit::Number,
        },
    });
    more.into_iter().chain(metrics).collect()
});

/// The figures that can have a limit, in words.
pub fn figures_help() -> String {
    let names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
    format!(
        "Figures that can have a limit: held (the share of hand-offs that are connected or linked, of requests or of \
         messages, whichever is lower; a run must show both), connected (the same without linked), \
         failed, lost, p50 to p999 (of requests), {}. Write a share as 99.9% or 0.999, and a time as 50ms or 1.5s. \
         If a source lacks a figure, the check fails. It also fails if hand-offs that were not judged could \
         bring a share across its limit.",
        names.join(", ")
    )
}

/// A limit, and its result in one source.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checked {
    #[serde(flatten)]
    /// The result.
    pub check: Check,
    /// The source's name.
    pub run: String,
    /// Why the figure is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The flag and its value, as the user wrote them.
    #[serde(skip)]
    pub limit: String,
}

impl Checked {
    /// The result in one sentence. It may contain text from the source, so make hostile characters
    /// visible.
    pub fn sentence(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{}: {reason}", self.check),
            None => self.check.to_string(),
        }
    }
}

/// Checks every limit in every source.
pub fn check(limits: &[Limit], sources: &[Measured]) -> Vec<Checked> {
    let checked = |source: &Measured, limit: &Limit| {
        let name = &source.summary.name;
        let check = limit
            .evaluate_bounds(|figure| bounds_of(figure, source))
            .of(name);
        Checked {
            reason: check.value.is_none().then(|| reason(&limit.name, source)),
            check,
            run: name.clone(),
            limit: limit.to_string(),
        }
    };
    let each = |source| limits.iter().map(move |limit| checked(source, limit));
    sources.iter().flat_map(each).collect()
}

/// Why `figure` has no value in `source`, in one sentence.
fn reason(figure: &str, source: &Measured) -> String {
    let metrics = metrics_behind(figure);
    if bounds_of(figure, source).is_some() {
        let unjudged: u64 = source.summary.unjudged_by_hop.values().sum();
        return format!("{} could not be judged", counted(unjudged, "hand-off"));
    }
    let covers = |unknown: &&Unknown| {
        let named = |metric: &String| metrics.contains(&metric.as_str());
        unknown.metrics.iter().any(named)
    };
    // a sentence about few metrics is more specific
    let covering = source.unknown.iter().filter(covers);
    match covering.min_by_key(|unknown| unknown.metrics.len()) {
        Some(unknown) => unknown.sentence.clone(),
        None => match source.summary.problems.first() {
            Some(problem) => problem.clone(),
            None if figure == "connected" || figure == "held" => {
                "the source has only one hop; set a limit for ingress.connected or record.connected"
                    .to_owned()
            }
            None => "the source does not show it".to_owned(),
        },
    }
}

/// The metrics from which a figure is made.
fn metrics_behind(figure: &str) -> Vec<&str> {
    match figure {
        "held" | "connected" => vec!["ingress.connected", "record.connected"],
        "failed" => vec!["ok"],
        "lost" => vec!["delivered"],
        "p50" => vec!["request.p50"],
        "p90" => vec!["request.p90"],
        "p99" => vec!["request.p99"],
        "p999" => vec!["request.p999"],
        metric => vec![metric],
    }
}

/// The figure in a source, as far as it is known.
fn bounds_of(name: &str, source: &Measured) -> Option<Bounds> {
    let verdicts: &[Verdict] = match name {
        "held" => &[Verdict::Connected, Verdict::Linked],
        "connected" => &[Verdict::Connected],
        _ => {
            let exact = || figure_of(name, source).map(Bounds::exactly);
            let metric = Metric::from_name(name);
            return metric
                .and_then(|metric| metric.bounds(source))
                .or_else(exact);
        }
    };
    let summary = &source.summary;
    let is_export = summary.audit.is_some();
    let unjudged = |hop: &Hop| summary.unjudged_by_hop.get(hop).copied().unwrap_or(0);
    // one hop of a run does not determine the other, and a system may have no messages
    let is_there = |hop: &Hop| !is_export || summary.judged(*hop) + unjudged(hop) > 0;
    let hops = Hop::BOTH.into_iter().filter(is_there);
    let each = hops.map(|hop| {
        // what a source cannot show has no value
        Metric::from_name(&format!("{hop}.{}", Verdict::Connected))?.number(source)?;
        share_bounds(summary, hop, verdicts)
    });
    let all: Option<Vec<Bounds>> = each.collect();
    all?.into_iter().reduce(Bounds::min)
}

fn figure_of(name: &str, source: &Measured) -> Option<f64> {
    let summary = &source.summary;
    let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
    match name {
        "failed" => summary
            .requests
            .and_then(|requests| share(requests.failed, requests.sent)),
        "lost" => summary
            .records
            .and_then(|records| share(records.lost?, records.sent)),
        "p50" | "p90" | "p99" | "p999" => {
            Metric::from_name(&format!("request.{name}"))?.number(source)
        }
        _ => Metric::from_name(name)?.number(source),
    }
}

#[cfg(test)]
mod tests {
    use crate::figures::summary::Summary;

    use super::*;

    #[test]
    fn half_of_the_way_is_not_connected() {
        let limit = limits::fail_under("connected=1").expect("a limit");
        let whole = |hop| (hop, [(Verdict::Connected, 3)].into());
        for (hops, passed) in [
            (&[Hop::Ingress, Hop::Record][..], true),
            (&[Hop::Record], false),
            (&[Hop::Ingress], false),
        ] {
            let summary = Summary {
                hops: hops.iter().copied().map(whole).collect(),
                ..Summary::default()
            };
            let source = Measured {
                summary,
                ..Measured::default()
            };
            let checks = check(std::slice::from_ref(&limit), &[source]);
            assert_eq!(checks[0].check.passed, passed, "{hops:?}");
        }
    }

    #[test]
    fn what_was_not_judged_fails_a_limit_that_it_could_break() {
        let limit = limits::fail_under("record.connected=99%").expect("a limit");
        for (unjudged, broken, passed, says) in [
            (0, 0, true, "record.connected is 100%"),
            (1, 0, true, "between 99% and 100%, at or above the limit"),
            (2, 0, false, "between 98.0% and 100.0%"),
            (1, 90, false, "record.connected is"),
        ] {
            let verdicts = [(Verdict::Connected, 99), (Verdict::NewTrace, broken)];
            let summary = Summary {
                hops: [(Hop::Record, verdicts.into())].into(),
                unjudged_by_hop: [(Hop::Record, unjudged)].into(),
                ..Summary::default()
            };
            let source = Measured {
                summary,
                ..Measured::default()
            };
            let checks = check(std::slice::from_ref(&limit), &[source]);
            let sentence = checks[0].sentence();
            assert_eq!(checks[0].check.passed, passed, "{sentence}");
            assert!(sentence.contains(says), "{sentence}");
        }
    }
}
