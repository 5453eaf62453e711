//! The table of runs, one row each.

use std::collections::BTreeMap;
use std::iter;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::statistics::Percentiles;
use baton_traces::summary::Summary;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use crate::output::Output;

const HEADINGS: [&str; 8] = [
    "requests",
    "delivered",
    "ingress",
    "record",
    "header\nbytes",
    "request ms\np50 / p99",
    "end to end\nms p50 / p99",
    "requests\nper s",
];

/// Columns of words; all others are figures and stand to the right.
const WORDS: [usize; 3] = [0, 3, 4];

/// Draws the runs as an aligned table. `heading` is above their `names`.
pub(crate) fn table(
    heading: &str,
    names: Vec<String>,
    summaries: &[Summary],
    output: &Output,
) -> String {
    let mut table = plain_table(iter::once(heading).chain(HEADINGS), output);
    for (name, summary) in names.into_iter().zip(summaries) {
        table.add_row(row(name, summary, output));
    }
    for index in 0..=HEADINGS.len() {
        if let (false, Some(column)) = (WORDS.contains(&index), table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// A table without lines, which folds its cells where the terminal is too narrow.
pub(crate) fn plain_table<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    output: &Output,
) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings.into_iter().map(|heading| {
            let cell = Cell::new(heading);
            if output.colour {
                cell.add_attribute(Attribute::Bold)
            } else {
                cell
            }
        }));
    if output.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// Where no terminal says how wide it is.
const COLUMNS: u16 = 100;

/// A table that folds its cells to the terminal's width, or to one that fits anywhere.
pub(crate) fn folding_table<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    output: &Output,
) -> Table {
    let mut table = plain_table(headings, output);
    if table.width().is_none_or(|width| width > COLUMNS) {
        table.set_width(COLUMNS);
    }
    table
}

/// A run's pairing, written shortest.
pub(crate) fn pairing(summary: &Summary) -> String {
    match &summary.pairing {
        Some(pairing) if pairing.producer == pairing.consumer => pairing.producer.to_string(),
        Some(pairing) => pairing.to_string(),
        None => summary.name.clone(),
    }
}

fn row(name: String, summary: &Summary, output: &Output) -> Vec<Cell> {
    let requests = summary
        .requests
        .map_or_else(unknown, |requests| match requests.failed {
            0 => requests.sent.to_string(),
            failed => format!("{}\n{failed} failed", requests.sent),
        });
    let delivered = summary.records.map_or_else(unknown, |records| {
        let mut text = records.delivered.to_string();
        for (count, what) in [(records.lost, "lost"), (records.duplicates, "again")] {
            if count > 0 {
                text.push_str(&format!("\n{count} {what}"));
            }
        }
        text
    });
    vec![
        Cell::new(name),
        Cell::new(requests),
        Cell::new(delivered),
        verdicts(summary.hops.get(&Hop::Ingress), output),
        verdicts(summary.hops.get(&Hop::Record), output),
        Cell::new(
            summary
                .carrier_bytes
                .as_ref()
                .map_or_else(unknown, |bytes| format!("{:.0}", bytes.mean)),
        ),
        Cell::new(percentiles(summary.latency_ms.request.as_ref())),
        Cell::new(percentiles(summary.latency_ms.end_to_end.as_ref())),
        Cell::new(
            summary
                .throughput_rps
                .map_or_else(unknown, |rate| format!("{rate:.0}")),
        ),
    ]
}

fn unknown() -> String {
    "-".to_owned()
}

fn percentiles(percentiles: Option<&Percentiles>) -> String {
    percentiles.map_or_else(unknown, |percentiles| {
        format!("{:.1} / {:.1}", percentiles.p50, percentiles.p99)
    })
}

/// The verdicts by name and count; green where every hand-off is whole, red where any is not.
fn verdicts(counts: Option<&BTreeMap<Verdict, u64>>, output: &Output) -> Cell {
    let Some(counts) = counts.filter(|counts| !counts.is_empty()) else {
        return Cell::new(unknown());
    };
    let lines: Vec<_> = counts
        .iter()
        .map(|(verdict, count)| format!("{count} {}", verdict.name()))
        .collect();
    let cell = Cell::new(lines.join("\n"));
    if !output.colour {
        return cell;
    }
    let whole = counts.keys().all(|verdict| verdict.is_whole());
    cell.fg(if whole { Color::Green } else { Color::Red })
}
