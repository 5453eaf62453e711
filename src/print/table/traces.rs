//! The list of traces, one row each.

use std::collections::BTreeMap;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::shown::{self, visible};
use baton_traces::span::UnixTime;
use baton_traces::trace::index::TraceLine;
use comfy_table::Cell;

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{align_right, fitted, plain_table};

const HEADINGS: [&str; 7] = [
    "trace id",
    "start (UTC)",
    "begins with",
    "spans",
    "duration",
    "ingress",
    "record",
];
/// The column of names, which folds in a narrow terminal.
const NAME: usize = 2;
/// The columns of figures, which are aligned right.
const FIGURES: [usize; 2] = [3, 4];

/// Draws the traces as an aligned table.
pub(crate) fn trace_table(lines: &[TraceLine], output: &Output) -> String {
    let mut table = plain_table(HEADINGS, output);
    for line in lines {
        table.add_row(row(line, output));
    }
    align_right(&mut table, FIGURES);
    fitted(&table, &[NAME])
}

fn row(line: &TraceLine, output: &Output) -> Vec<Cell> {
    let duration = line
        .duration
        .map(|duration| output.style().duration(duration));
    vec![
        Cell::new(line.trace_id),
        Cell::new(line.start.map(start).unwrap_or_default()),
        Cell::new(visible(format!("{} {}", line.service, line.name).trim())),
        Cell::new(shown::count(line.spans)),
        Cell::new(duration.unwrap_or_default()),
        verdicts(line.verdicts.get(&Hop::Ingress), output),
        verdicts(line.verdicts.get(&Hop::Record), output),
    ]
}

/// The start in UTC, as the heading says.
fn start(start: UnixTime) -> String {
    let time = shown::time(start);
    time.trim_end_matches(" UTC").to_owned()
}

/// The verdicts of the hand-offs that begin or end in a trace. A count only appears above one.
fn verdicts(counts: Option<&BTreeMap<Verdict, u64>>, output: &Output) -> Cell {
    let Some(counts) = counts else {
        return Cell::new("-");
    };
    let lines: Vec<String> = counts
        .iter()
        .map(|(verdict, count)| match count {
            1 => output.style().mark(*verdict),
            _ => format!("{} x{count}", output.style().mark(*verdict)),
        })
        .collect();
    let holds = counts.keys().all(|verdict| verdict.holds());
    Tone::of(holds).cell(lines.join("\n"), output)
}
