//! The section on how the runs differ from the baseline: significant differences and all changes of
//! verdicts as sentences, the others as counts.

use super::Run;
use crate::difference::{change_with_interval, mark};
use baton_traces::compare::{Comparison, Difference};
use baton_traces::hand_off::Verdict;
use baton_traces::shown::{counted, visible};

/// The differences, for the page.
pub(super) struct Changes {
    pub(super) baseline: String,
    pub(super) runs: Vec<RunChanges>,
    pub(super) method: Vec<String>,
    /// Which runs have latencies that could not be tested.
    pub(super) untested: String,
}

/// One run against the baseline.
pub(super) struct RunChanges {
    pub(super) run: String,
    /// How many are better, worse, neither, or uncertain.
    pub(super) heading: String,
    pub(super) told: Vec<Change>,
    /// One sentence that counts the other metrics.
    pub(super) others: String,
    /// The changes over rounds, each with its interval; empty without rounds.
    pub(super) intervals: String,
}

/// One difference as a sentence.
pub(super) struct Change {
    pub(super) words: String,
    /// `better`, `worse` or `differs`; `uncertain` if it is not significant.
    pub(super) mark: &'static str,
    /// The test and its p value.
    pub(super) test: String,
}

impl Changes {
    pub(super) fn of(comparison: &Comparison, runs: &[Run]) -> Changes {
        let names = runs.iter().map(|run| &run.summary().name);
        let others = names.filter(|name| **name != comparison.baseline);
        Changes {
            baseline: visible(&comparison.baseline),
            runs: others
                .map(|name| RunChanges::of(comparison, name))
                .collect(),
            method: comparison.method(),
            untested: visible(comparison.untested.as_deref().unwrap_or_default()),
        }
    }
}

impl RunChanges {
    fn of(comparison: &Comparison, run: &str) -> RunChanges {
        let differences: Vec<&Difference> = comparison
            .differences
            .iter()
            .filter(|difference| difference.run == run)
            .collect();
        // a few requests show that a verdict changed, though it may be chance
        let matters =
            |difference: &Difference| difference.is_significant() || has_other_verdicts(difference);
        let is_told =
            |difference: &Difference| matters(difference) && !follows(difference, &differences);
        let told = differences.iter().filter(|difference| is_told(difference));
        let told: Vec<Change> = told.map(|difference| Change::of(difference)).collect();
        let others = differences.iter().filter(|difference| !is_told(difference));
        let mut counts = [0, 0, 0, 0];
        for other in others {
            counts[if matters(other) {
                0
            } else if other.is_none() {
                1
            } else if other.test.is_some() {
                2
            } else {
                3
            }] += 1;
        }
        let all: u64 = counts.iter().sum();
        let names = [
            match counts[0] {
                1 => "follows from these",
                _ => "follow from these",
            },
            "the same",
            "within noise",
            "not tested",
        ];
        RunChanges {
            run: visible(run),
            heading: match differences.is_empty() {
                true => "no figure in common".to_owned(),
                false => summed(&told),
            },
            told,
            intervals: intervals(&differences),
            others: match all {
                0 => String::new(),
                _ => format!(
                    "{}: {}.",
                    counted(all, "other metric"),
                    parts(counts.into_iter().zip(names))
                ),
            },
        }
    }
}

/// The changes over rounds, each with its interval and the judgement.
fn intervals(differences: &[&Difference]) -> String {
    let over_rounds = differences.iter().filter(|it| it.rounds.is_some());
    let words: Vec<String> = over_rounds
        .map(|it| {
            let (change, mark) = (change_with_interval(it), mark(it));
            format!("{} {change}: {mark}", it.metric)
        })
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("Over rounds, with 95 % intervals: {}.", words.join("; ")),
    }
}

/// The hop of a metric that counts a verdict.
fn hop_of_verdict(metric: &str) -> Option<&str> {
    let (hop, verdict) = metric.split_once('.')?;
    let is_verdict = Verdict::ALL.iter().any(|known| known.name() == verdict);
    is_verdict.then_some(hop)
}

/// Whether a verdict is more or less frequent than in the baseline.
fn has_other_verdicts(difference: &Difference) -> bool {
    hop_of_verdict(difference.metric).is_some() && !difference.is_none()
}

/// Whether the difference only mirrors a change of `connected` on the same hop, which has a
/// sentence already.
fn follows(difference: &Difference, all: &[&Difference]) -> bool {
    let Some(hop) = hop_of_verdict(difference.metric) else {
        return false;
    };
    let connected = format!("{hop}.connected");
    let is_told = |other: &&&Difference| {
        other.metric == connected
            && !other.is_none()
            && (other.is_significant() || !difference.is_significant())
    };
    difference.metric != connected && all.iter().any(|other| is_told(&other))
}

/// Says `5 better, 2 worse`.
fn summed(changes: &[Change]) -> String {
    let counts = ["better", "worse", "differs", "uncertain"].map(|mark| {
        let count = changes.iter().filter(|change| change.mark == mark).count() as u64;
        (
            count,
            if mark == "differs" {
                "otherwise different"
            } else {
                mark
            },
        )
    });
    if changes.is_empty() {
        "nothing that is more than noise".to_owned()
    } else {
        parts(counts.into_iter())
    }
}

fn parts<'a>(counts: impl Iterator<Item = (u64, &'a str)>) -> String {
    let counts = counts.filter(|(count, _)| *count > 0);
    let parts: Vec<String> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    parts.join(", ")
}

impl Change {
    fn of(difference: &Difference) -> Change {
        let p_value = difference.p.map(|p_value| match p_value {
            ..0.001 => "p < 0.001".to_owned(),
            _ => format!("p = {p_value:.3}"),
        });
        let parts: Vec<&str> = [difference.test, p_value.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        Change {
            words: visible(&difference.words),
            mark: match (difference.is_significant(), difference.better) {
                (false, _) => "uncertain",
                (true, Some(true)) => "better",
                (true, Some(false)) => "worse",
                (true, None) => "differs",
            },
            test: parts.join(", "),
        }
    }
}
