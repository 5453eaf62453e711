//! An audit for a pull request: the answer, the edges as a table, and the rest folded.

use baton_traces::audit::Edge;
use baton_traces::shown::{self, service_name};

use super::Outcome;
use super::text::{broken, differences, evidence, held, predictions, verdicts};
use crate::print::markdown::{code, escaped};

/// Writes the whole audit.
pub(super) fn render(outcome: &Outcome, verbose: bool) -> String {
    let judged = &outcome.judged;
    let answer = outcome.answer();
    let mut parts = vec![format!("**{}**", escaped(&answer[0]))];
    if answer.len() > 1 {
        parts.push(list(answer[1..].iter().cloned()));
    }
    if !outcome.checks.is_empty() {
        let checks = outcome.checks.iter().map(|checked| {
            let mark = if checked.check.passed {
                "passed"
            } else {
                "failed"
            };
            format!("{mark}: {}", checked.sentence())
        });
        parts.push(list(checks));
    }
    if !judged.edges.is_empty() {
        parts.push(table(&judged.edges));
    }
    let broken = broken(&judged.edges, verbose);
    if !broken.is_empty() {
        parts.push(list(broken));
    }
    let predictions: Vec<String> = predictions(&judged.edges).collect();
    if !predictions.is_empty() {
        parts.push(list(predictions));
    }
    if let Some(differences) = differences(outcome, verbose) {
        parts.push(list(differences));
    }
    if !judged.unjudged.is_empty() {
        let unjudged = list(judged.unjudged.iter().map(|unjudged| unjudged.sentence()));
        parts.push(format!(
            "<details><summary>What could not be judged</summary>\n\n{unjudged}\n\n</details>"
        ));
    }
    parts.join("\n\n")
}

fn list(lines: impl IntoIterator<Item = String>) -> String {
    let lines = lines
        .into_iter()
        .map(|line| format!("- {}", escaped(line.trim())));
    lines.collect::<Vec<_>>().join("\n")
}

fn table(edges: &[Edge]) -> String {
    let mut lines = vec![
        "| from | to | channel | hand-offs | verdicts | held | matched by |".to_owned(),
        "| --- | --- | --- | ---: | --- | ---: | --- |".to_owned(),
    ];
    for edge in edges {
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(&service_name(&edge.from)),
            code(&service_name(&edge.to)),
            code(&edge.channel.to_string()),
            shown::count(edge.handoffs),
            escaped(&verdicts(edge).join(", ")),
            held(edge),
            escaped(&evidence(edge)),
        ));
    }
    lines.join("\n")
}
