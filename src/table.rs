//! The tables: of runs, and of bursts, one row each.

use std::collections::BTreeMap;
use std::iter;

use baton_loadgen::Outcome;
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

const BURST_HEADINGS: [&str; 10] = [
    "burst",
    "requests",
    "ok",
    "failed",
    "ok\nper s",
    "p50\nms",
    "p90\nms",
    "p99\nms",
    "p99.9\nms",
    "max\nms",
];

/// Draws the runs as an aligned table. `heading` is above their `names`.
pub(crate) fn table(
    heading: &str,
    names: Vec<String>,
    summaries: &[Summary],
    output: &Output,
) -> String {
    let headings = iter::once(heading).chain(HEADINGS);
    let rows = names.into_iter().zip(summaries);
    let rows = rows.map(|(name, summary)| row(name, summary, output));
    draw(headings, &WORDS, rows, output)
}

/// Draws the bursts as an aligned table; latencies are those that count, from when requests were due if there is a rate.
pub(crate) fn burst_table(bursts: &[Outcome], output: &Output) -> String {
    let rows = bursts.iter().enumerate().map(|(index, outcome)| {
        let latency = outcome.latency_corrected_ms.or(outcome.latency_ms);
        let times = match latency {
            Some(latency) => [
                latency.p50,
                latency.p90,
                latency.p99,
                latency.p999,
                latency.max,
            ]
            .map(|time| format!("{time:.1}")),
            None => std::array::from_fn(|_| unknown()),
        };
        let mut row = vec![
            Cell::new(index + 1),
            Cell::new(outcome.requests.sent),
            Cell::new(outcome.requests.ok),
            failures(outcome.requests.failed, output),
            Cell::new(format!("{:.0}", outcome.throughput_rps)),
        ];
        row.extend(times.map(Cell::new));
        row
    });
    draw(BURST_HEADINGS, &[], rows, output)
}

fn failures(failed: u64, output: &Output) -> Cell {
    let cell = Cell::new(failed);
    match (output.colour, failed) {
        (false, _) => cell,
        (true, 0) => cell.fg(Color::Green),
        (true, _) => cell.fg(Color::Red),
    }
}

/// Draws rows of figures, which stand to the right but for the columns of `words`. They are folded to the terminal's width;
/// without a terminal to one that fits into a log or a pull request.
fn draw<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    words: &[usize],
    rows: impl Iterator<Item = Vec<Cell>>,
    output: &Output,
) -> String {
    let mut table = plain_table(headings, output);
    if table.width().is_none() {
        table.set_width(COLUMNS);
    }
    table.add_rows(rows);
    for index in 0..table.column_count() {
        if let (false, Some(column)) = (words.contains(&index), table.column_mut(index)) {
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
