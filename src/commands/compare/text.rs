//! A comparison for people: the runs, and the differences of each.

use baton_traces::compare::Difference;
use baton_traces::shown::visible;
use comfy_table::Cell;

use super::Outcome;
use crate::print::checks;
use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::runs::table;
use crate::print::table::{fitted, narrow_table};
use baton_views::difference as cells;

/// The column of tests, which folds in a narrow terminal.
const TEST: usize = 5;

/// Draws the whole comparison.
pub(super) fn render(outcome: &Outcome, output: &Output) -> String {
    let names = outcome.summaries.iter();
    let names = names.map(|summary| visible(&summary.name)).collect();
    let mut parts = vec![
        table("run", names, &outcome.summaries, output),
        output.lines(outcome.sentences()),
    ];
    let baseline = &outcome.comparison.baseline;
    for summary in &outcome.summaries {
        if summary.name != *baseline {
            parts.push(run(outcome, &summary.name, output));
        }
    }
    let problems = outcome.summaries.iter().flat_map(|summary| {
        let problems = summary.problems.iter();
        problems.map(|problem| format!("{}: {problem}", summary.name))
    });
    let comparison = &outcome.comparison;
    let unknown = comparison.unknown.iter().chain(&comparison.untested);
    let notes = problems.chain(unknown.cloned());
    parts.push(output.lines(notes));
    if !outcome.checks.is_empty() {
        let all = outcome.checks.iter();
        let checks = all.map(|checked| checks::line(&checked.sentence(), checked.check.passed));
        parts.push(output.lines(checks));
    }
    if outcome.summaries.len() > 1 {
        parts.push(output.lines(outcome.comparison.method()));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// One run and its differences from the baseline.
fn run(outcome: &Outcome, run: &str, output: &Output) -> String {
    let baseline = &outcome.comparison.baseline;
    let differences = || {
        let all = outcome.comparison.differences.iter();
        all.filter(|difference| difference.run == run)
    };
    let significant = || differences().filter(|difference| difference.is_significant());
    let heading = format!(
        "{run} against {baseline}: {}",
        match significant().count() {
            0 if differences().next().is_none() => "no figure in common".to_owned(),
            0 => "no significant difference".to_owned(),
            1 => "1 significant difference".to_owned(),
            count => format!("{count} significant differences"),
        }
    );
    let mut parts = vec![output.folded(&visible(&heading))];
    parts.extend(significant().map(|difference| {
        let words = format!("  {}", visible(&difference.words));
        output.folded(&words)
    }));
    if differences().any(|difference| !difference.is_none()) {
        let mut table = narrow_table(
            ["metric", "baseline", "this run", "change", "", "by"],
            output,
        );
        for difference in differences().filter(|difference| !difference.is_none()) {
            table.add_row(row(difference, output));
        }
        parts.push(fitted(&table, &[TEST]));
    }
    let same = differences().filter(|difference| difference.is_none());
    let same: Vec<_> = same.map(|difference| difference.metric).collect();
    if !same.is_empty() {
        parts.push(output.folded(&format!("the same: {}", same.join(", "))));
    }
    parts.join("\n")
}

fn row(difference: &Difference, output: &Output) -> Vec<Cell> {
    let mark = cells::mark(difference);
    let mark = match difference.better.filter(|_| difference.is_significant()) {
        Some(is_better) => Tone::of(is_better).cell(mark, output),
        None => Cell::new(mark),
    };
    vec![
        Cell::new(difference.metric),
        Cell::new(cells::baseline(difference)),
        Cell::new(cells::value(difference)),
        Cell::new(cells::change_with_interval(difference).replacen(" (", "\n(", 1)),
        mark,
        Cell::new(cells::test(difference)),
    ]
}
