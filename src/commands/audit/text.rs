//! An audit for people: a table of edges, a sentence for each broken edge, and what could not be
//! judged.

use baton_traces::audit::Edge;
use baton_traces::compare::{EdgeDifference, What};
use baton_traces::shown::{self, service_name, visible};
use comfy_table::{Cell, Table};

use super::Outcome;
use crate::print::checks;
use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{align_right, fitted, fitted_by, is_narrow, narrow_table};

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
const WORDS: [usize; 2] = [2, 6];
/// The first columns, which name the edge.
const KEYS: usize = 3;
/// The columns of figures, which are aligned right.
const FIGURES: [usize; 2] = [3, 5];

/// Draws the whole audit.
pub(super) fn render(outcome: &Outcome, output: &Output) -> String {
    let judged = &outcome.judged;
    let mut parts = vec![output.lines(outcome.answer())];
    if !judged.edges.is_empty() {
        parts.push(table(&judged.edges, output));
    }
    let broken = broken(&judged.edges, output.verbose).into_iter();
    parts.extend(broken.map(|sentence| output.lines([sentence])));
    let predictions: Vec<String> = predictions(&judged.edges).collect();
    if !predictions.is_empty() {
        parts.push(output.lines(predictions));
    }
    if let Some(differences) = differences(outcome, output.verbose) {
        parts.push(output.lines(differences));
    }
    let headings = [
        ("Not judged:", true),
        ("Not counted as hand-offs of this source:", false),
    ];
    for (heading, is_hand_off) in headings {
        let unjudged = judged.unjudged.iter();
        let unjudged = unjudged.filter(|unjudged| unjudged.is_hand_off == is_hand_off);
        let mut lines = unjudged.map(|unjudged| format!("  {}", unjudged.sentence()));
        if let Some(first) = lines.next() {
            parts.push(output.lines([heading.to_owned(), first].into_iter().chain(lines)));
        }
    }
    if !outcome.checks.is_empty() {
        let all = outcome.checks.iter();
        let checks = all.map(|checked| checks::line(&checked.sentence(), checked.check.passed));
        parts.push(output.lines(checks));
    }
    parts.join("\n\n")
}

/// At most this many edges get a sentence each, unless the user wants all.
const FEW: usize = 10;

/// A sentence for each broken edge, those with the most broken hand-offs first; the first few if
/// `all` is false.
pub(super) fn broken(edges: &[Edge], all: bool) -> Vec<String> {
    let sentences: Vec<String> = edges.iter().filter_map(Edge::sentence).collect();
    first_few(sentences, all, |more| {
        format!(
            "{more} broke. `--verbose` prints a sentence for each, and `--service`, `--from` and `--to` choose some."
        )
    })
}

/// The first few sentences, and one about the others: `left` takes a text such as `3 more edges`.
fn first_few(mut sentences: Vec<String>, all: bool, left: impl Fn(&str) -> String) -> Vec<String> {
    let more = sentences.len().saturating_sub(FEW);
    // a sentence about one edge would take as much room
    if !all && more > 1 {
        sentences.truncate(FEW);
        sentences.push(left(&shown::counted(more as u64, "more edge")));
    }
    sentences
}

/// What the services file predicts: where spans contradict it, and why edges broke.
pub(super) fn predictions(edges: &[Edge]) -> impl Iterator<Item = String> {
    let told = edges.iter().filter(|edge| {
        let prediction = edge.prediction.as_ref();
        prediction.is_some_and(|it| it.contradicted > 0) || edge.is_broken()
    });
    told.filter_map(Edge::prediction_sentence)
}

/// The differences from the baseline: one sentence each, for the first few if `all` is false;
/// `None` without a baseline.
pub(super) fn differences(outcome: &Outcome, all: bool) -> Option<Vec<String>> {
    if outcome.differences.is_empty() {
        return None;
    }
    let notable = outcome.differences.iter();
    let notable: Vec<&EdgeDifference> = notable.filter(|it| it.is_notable()).collect();
    if notable.is_empty() {
        let nothing = "No edge differs from the baseline by more than noise.";
        return Some(vec![nothing.to_owned()]);
    }
    let sentences = notable.iter().map(|difference| difference.sentence());
    let sentences = first_few(sentences.collect(), all, |more| {
        format!("{more} differ. `--verbose` prints a sentence for each.")
    });
    Some(summary(&notable).into_iter().chain(sentences).collect())
}

/// How many edges differ in each way, if there are many.
fn summary(differences: &[&EdgeDifference]) -> Option<String> {
    const FEW: usize = 3;
    let is_held = |it: &EdgeDifference| it.what == What::Held;
    let number = |one: &str, several: &str, wanted: &dyn Fn(&EdgeDifference) -> bool| {
        let wanted = differences.iter().filter(|it| wanted(it));
        match wanted.count() as u64 {
            1 => format!("1 {one}"),
            number => format!("{} {several}", shown::count(number)),
        }
    };
    (differences.len() > FEW).then(|| {
        let is_less = |it: &EdgeDifference| is_held(it) && it.value < it.baseline;
        let is_more = |it: &EdgeDifference| is_held(it) && it.value > it.baseline;
        format!(
            "Edges: {} less than in the baseline, {} more, {} new, {} gone.",
            number("holds", "hold", &is_less),
            number("holds", "hold", &is_more),
            number("is", "are", &|it| it.what == What::Appeared),
            number("is", "are", &|it| it.what == What::Gone),
        )
    })
}

/// The edges. In a narrow terminal, each verdict has its own line.
fn table(edges: &[Edge], output: &Output) -> String {
    let table = rows(edges, ", ", output);
    match is_narrow(&table) {
        true => fitted(&table, &[]),
        false => fitted_by(&rows(edges, ",\n", output), &WORDS, KEYS),
    }
}

fn rows(edges: &[Edge], between_verdicts: &str, output: &Output) -> Table {
    let mut table = narrow_table(HEADINGS, output);
    for edge in edges {
        let is_broken = edge.is_broken();
        let held = match edge.share_between() {
            Some([low, _]) if is_broken || low == 1.0 => {
                Tone::of(!is_broken).cell(held(edge), output)
            }
            _ => Cell::new(held(edge)),
        };
        table.add_row(vec![
            Cell::new(service_name(&edge.from)),
            Cell::new(service_name(&edge.to)),
            Cell::new(visible(&edge.channel.to_string())),
            Cell::new(shown::count(edge.handoffs)),
            Cell::new(verdicts(edge).join(between_verdicts)),
            held,
            Cell::new(evidence(edge)),
        ]);
    }
    align_right(&mut table, FIGURES);
    table
}

/// The share of hand-offs that held, or between which shares it is.
pub(super) fn held(edge: &Edge) -> String {
    let share = edge.share_between();
    share.map_or_else(|| "-".to_owned(), shown::share)
}

/// The verdicts with their counts, and the numbers of ambiguous and of unjudged hand-offs.
pub(super) fn verdicts(edge: &Edge) -> Vec<String> {
    let verdicts = edge.verdicts.iter();
    let mut parts: Vec<String> = verdicts
        .map(|(verdict, count)| format!("{} {verdict}", shown::count(*count)))
        .collect();
    parts.extend(edge.ambiguous.more());
    if edge.not_judged > 0 {
        parts.push(format!("{} not judged", shown::count(edge.not_judged)));
    }
    parts
}

/// The evidence by which the ends were matched.
pub(super) fn evidence(edge: &Edge) -> String {
    let names: Vec<&str> = edge.evidence.keys().map(|kind| kind.name()).collect();
    names.join(", ")
}
