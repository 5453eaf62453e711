//! A comparison for a pull request: the result in one line, significant differences and failed
//! checks, and the rest folded.

use baton_traces::compare::Difference;

use super::Outcome;
use crate::print::markdown::{code, escaped};
use baton_views::difference as cells;

/// Writes the whole comparison.
pub(super) fn render(outcome: &Outcome) -> String {
    let comparison = &outcome.comparison;
    let mut parts = vec![format!("**{}**", summary_line(outcome))];
    if !outcome.checks.is_empty() {
        parts.push(checks(outcome));
    }
    let significant: Vec<_> = comparison.significant().collect();
    if !significant.is_empty() {
        parts.push(differences(&significant));
    }
    let sentences = outcome.sentences();
    let unknown = comparison.unknown.iter().chain(&comparison.untested);
    let notes = sentences.iter().chain(unknown);
    let problems = outcome.summaries.iter().flat_map(|summary| {
        let problems = summary.problems.iter();
        problems.map(|problem| format!("{}: {problem}", summary.name))
    });
    let notes: Vec<_> = notes
        .cloned()
        .chain(problems)
        .map(|note| format!("- {}", escaped(&note)))
        .collect();
    if !notes.is_empty() {
        parts.push(notes.join("\n"));
    }
    let all: Vec<_> = comparison.differences.iter().collect();
    if !all.is_empty() {
        let count = all.len();
        parts.push(folded(&format!("All {count} figures"), &differences(&all)));
        let method = comparison.method().into_iter();
        let method = method.map(|sentence| format!("- {}", escaped(&sentence)));
        let method: Vec<_> = method.collect();
        parts.push(folded("How they were judged", &method.join("\n")));
    }
    parts.join("\n\n")
}

fn summary_line(outcome: &Outcome) -> String {
    let comparison = &outcome.comparison;
    let mut clauses = Vec::new();
    if outcome.summaries.len() > 1 {
        let count = comparison.significant().count();
        let amount = match count {
            0 if comparison.differences.is_empty() => "No figure in common".to_owned(),
            0 => "No significant difference".to_owned(),
            1 => "1 significant difference".to_owned(),
            _ => format!("{count} significant differences"),
        };
        let preposition = if comparison.differences.is_empty() {
            "with"
        } else {
            "from"
        };
        clauses.push(format!(
            "{amount} {preposition} {}",
            code(&comparison.baseline)
        ));
    }
    let (checks, failed) = (
        outcome.checks.len(),
        outcome
            .checks
            .iter()
            .filter(|checked| !checked.check.passed)
            .count(),
    );
    match (checks, failed) {
        (0, _) => {}
        (_, 0) => clauses.push(format!("{checks} of {checks} checks passed")),
        _ => clauses.push(format!("{failed} of {checks} checks failed")),
    }
    clauses.join("; ") + "."
}

fn checks(outcome: &Outcome) -> String {
    let mut lines = vec![
        "| run | limit | | |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for checked in &outcome.checks {
        lines.push(format!(
            "| {} | {} | {} | {} |",
            code(&checked.run),
            code(&checked.limit),
            if checked.check.passed {
                "passed"
            } else {
                "**failed**"
            },
            escaped(&checked.sentence())
        ));
    }
    lines.join("\n")
}

fn differences(differences: &[&Difference]) -> String {
    let mut lines = vec![
        "| run | metric | baseline | value | change | | by |".to_owned(),
        "| --- | --- | ---: | ---: | ---: | --- | --- |".to_owned(),
    ];
    for difference in differences {
        let mark = cells::mark(difference);
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(&difference.run),
            code(difference.metric),
            in_one_line(&cells::baseline(difference)),
            in_one_line(&cells::value(difference)),
            cells::change_with_interval(difference),
            if difference.is_significant() {
                format!("**{mark}**")
            } else {
                mark.to_owned()
            },
            escaped(&cells::test(difference)),
        ));
    }
    lines.join("\n")
}

fn in_one_line(cell: &str) -> String {
    cell.replace('\n', "<br>")
}

fn folded(summary: &str, content: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{content}\n\n</details>")
}
