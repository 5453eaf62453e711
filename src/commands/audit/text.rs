//! An audit for people: a table of edges, a sentence for each broken edge, and what could not be
//! judged.

use baton_traces::audit::Edge;
use baton_traces::shown::{self, service_name, visible};
use comfy_table::Cell;

use super::Outcome;
use crate::print::checks;
use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{align_right, fitted, narrow_table};

const HEADINGS: [&str; 7] = [
    "from",
    "to",
    "channel",
    "hand-offs",
    "verdicts",
    "held",
    "matched by",
];
/// The columns of words, which fold in a narrow terminal.
const WORDS: [usize; 3] = [2, 4, 6];
/// The columns of figures, which are aligned right.
const FIGURES: [usize; 2] = [3, 5];

/// Draws the whole audit.
pub(super) fn render(outcome: &Outcome, output: &Output) -> String {
    let judged = &outcome.judged;
    let mut parts = vec![output.lines(outcome.answer())];
    if !judged.edges.is_empty() {
        parts.push(table(&judged.edges, output));
    }
    let broken: Vec<String> = judged.edges.iter().filter_map(Edge::sentence).collect();
    parts.extend(
        broken
            .iter()
            .map(|sentence| output.lines([sentence.clone()])),
    );
    let predictions: Vec<String> = predictions(&judged.edges).collect();
    if !predictions.is_empty() {
        parts.push(output.lines(predictions));
    }
    if let Some(differences) = differences(outcome) {
        parts.push(output.lines(differences));
    }
    if !judged.unjudged.is_empty() {
        let unjudged = judged.unjudged.iter();
        let unjudged = unjudged.map(|unjudged| format!("  {}", unjudged.sentence()));
        let heading = "Not judged:".to_owned();
        parts.push(output.lines(std::iter::once(heading).chain(unjudged)));
    }
    if !outcome.checks.is_empty() {
        let all = outcome.checks.iter();
        let checks = all.map(|checked| checks::line(&checked.sentence(), checked.check.passed));
        parts.push(output.lines(checks));
    }
    parts.join("\n\n")
}

/// What the services file predicts: where spans contradict it, and why edges broke.
pub(super) fn predictions(edges: &[Edge]) -> impl Iterator<Item = String> {
    let told = edges.iter().filter(|edge| {
        let prediction = edge.prediction.as_ref();
        prediction.is_some_and(|it| it.contradicted > 0) || edge.is_broken()
    });
    told.filter_map(Edge::prediction_sentence)
}

/// The differences from the baseline: one sentence each; `None` without a baseline.
pub(super) fn differences(outcome: &Outcome) -> Option<Vec<String>> {
    if outcome.differences.is_empty() {
        return None;
    }
    let notable = outcome
        .differences
        .iter()
        .filter(|difference| difference.is_notable());
    let sentences: Vec<String> = notable.map(|difference| difference.sentence()).collect();
    Some(match sentences.is_empty() {
        true => vec!["No edge differs from the baseline by more than noise.".to_owned()],
        false => sentences,
    })
}

fn table(edges: &[Edge], output: &Output) -> String {
    let mut table = narrow_table(HEADINGS, output);
    for edge in edges {
        let held = Tone::of(!edge.is_broken()).cell(held(edge), output);
        table.add_row(vec![
            Cell::new(service_name(&edge.from)),
            Cell::new(service_name(&edge.to)),
            Cell::new(visible(&edge.channel.to_string())),
            Cell::new(shown::count(edge.handoffs)),
            Cell::new(verdicts(edge)),
            held,
            Cell::new(evidence(edge)),
        ]);
    }
    align_right(&mut table, FIGURES);
    fitted(&table, &WORDS)
}

/// The share of hand-offs that held, or between which shares it is. It only shows 100 % if all held.
pub(super) fn held(edge: &Edge) -> String {
    let percent = |share: f64| match share < 1.0 {
        true => format!("{:.1}", (share * 1000.0).floor() / 10.0),
        false => "100".to_owned(),
    };
    let (Some(most), Some(least)) = (edge.share(), edge.least_share()) else {
        return "-".to_owned();
    };
    let (least, most) = (percent(least), percent(most));
    match least == most {
        true => format!("{most} %"),
        false => format!("{least} to {most} %"),
    }
}

/// The verdicts with their counts, and the number of ambiguous hand-offs.
pub(super) fn verdicts(edge: &Edge) -> String {
    let verdicts = edge.verdicts.iter();
    let mut parts: Vec<String> = verdicts
        .map(|(verdict, count)| format!("{} {verdict}", shown::count(*count)))
        .collect();
    let ambiguous = edge.ambiguous;
    if ambiguous.at_most > 0 {
        parts.push(match ambiguous.at_least == ambiguous.at_most {
            true => format!("{} more broken", shown::count(ambiguous.at_most)),
            false => format!(
                "{} to {} more broken",
                shown::count(ambiguous.at_least),
                shown::count(ambiguous.at_most)
            ),
        });
    }
    parts.join(", ")
}

/// The evidence by which the ends were matched.
pub(super) fn evidence(edge: &Edge) -> String {
    let names: Vec<&str> = edge.evidence.keys().map(|kind| kind.name()).collect();
    names.join(", ")
}
