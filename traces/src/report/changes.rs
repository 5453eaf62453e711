//! How the runs differ from the baseline: what is more than noise in words, all else as a number of noise.

use super::Run;
use crate::compare::{Comparison, Difference, METHOD};
use crate::shown::{counted, visible};

/// The differences, for the page.
pub(super) struct Changes {
    pub(super) baseline: String,
    pub(super) runs: Vec<RunChanges>,
    pub(super) method: [&'static str; 4],
}

/// One run against the baseline.
pub(super) struct RunChanges {
    pub(super) run: String,
    pub(super) significant: Vec<Change>,
    /// What is said of the other metrics.
    pub(super) others: String,
}

/// One significant difference.
pub(super) struct Change {
    pub(super) words: String,
    /// `better`, `worse` or `differs`.
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
            method: METHOD,
        }
    }
}

impl RunChanges {
    fn of(comparison: &Comparison, run: &str) -> RunChanges {
        let differences = comparison.differences.iter();
        let (significant, others): (Vec<&Difference>, Vec<&Difference>) = differences
            .filter(|difference| difference.run == run)
            .partition(|difference| difference.significant);
        let same = others
            .iter()
            .filter(|difference| difference.is_none())
            .count();
        let noise = others
            .iter()
            .filter(|difference| !difference.is_none() && difference.test.is_some())
            .count();
        let untested = others.len() - same - noise;
        let parts = [
            (same, "the same"),
            (noise, "within noise"),
            (untested, "not tested"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let others = counted(others.len() as u64, "other metric");
        RunChanges {
            run: visible(run),
            significant: significant.into_iter().map(Change::of).collect(),
            others: format!("{others}: {}.", parts.join(", ")),
        }
    }
}

impl Change {
    fn of(difference: &Difference) -> Change {
        let p_value = difference.p_adjusted.map(|p_value| match p_value {
            ..0.001 => "p < 0.001".to_owned(),
            _ => format!("p = {p_value:.3}"),
        });
        let parts: Vec<&str> = [difference.test, p_value.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        Change {
            words: visible(&difference.words),
            mark: match difference.better {
                Some(true) => "better",
                Some(false) => "worse",
                None => "differs",
            },
            test: parts.join(", "),
        }
    }
}
