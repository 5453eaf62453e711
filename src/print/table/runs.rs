//! The table of runs, with one row each. It has three layouts, because its cells are long.

use std::collections::BTreeMap;
use std::iter;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::percentiles::Percentiles;
use baton_traces::summary::Summary;
use comfy_table::{Cell, Table};

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{COLUMNS, figures_table, fitted, folded_name, natural_width, unknown};

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

/// The columns of words. All others are figures and are aligned right.
const WORDS: [usize; 3] = [0, 3, 4];

/// The layouts of the table of runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Each run in as few lines as possible.
    Wide,
    /// Names fold after a mode, and columns are one space apart.
    Folded,
    /// In addition, each verdict is below its count.
    Stacked,
}

/// Draws the runs as an aligned table, in the widest layout that fits the terminal, or else as
/// several tables. `heading` is the heading of the column of `names`.
pub(crate) fn table(
    heading: &str,
    names: Vec<String>,
    summaries: &[Summary],
    output: &Output,
) -> String {
    let drawn = |layout| {
        let headings = iter::once(heading).chain(HEADINGS);
        let rows = names.iter().zip(summaries);
        let rows = rows.map(|(name, summary)| row(name, summary, layout, output));
        let mut table = figures_table(headings, &WORDS, rows, output);
        if layout != Layout::Wide {
            for column in table.column_iter_mut() {
                column.set_padding((0, 1));
            }
        }
        table
    };
    let layouts = [Layout::Wide, Layout::Folded, Layout::Stacked];
    let mut tables = layouts.map(drawn).into_iter();
    let fits = |table: &Table| natural_width(table) <= table.width().unwrap_or(COLUMNS);
    let fitting = tables.find(fits);
    fitted(&fitting.unwrap_or_else(|| drawn(Layout::Folded)), &[])
}

/// A run's pairing in its shortest form.
pub(crate) fn pairing(summary: &Summary) -> String {
    let short = match &summary.pairing {
        Some(pairing) if pairing.producer == pairing.consumer => pairing.producer.to_string(),
        Some(pairing) => pairing.to_string(),
        None => return summary.name.clone(),
    };
    match summary.name.rsplit_once('#') {
        Some((_, number)) => format!("{short}#{number}"),
        None => short,
    }
}

fn row(name: &str, summary: &Summary, layout: Layout, output: &Output) -> Vec<Cell> {
    let name = match layout {
        Layout::Wide => name.to_owned(),
        Layout::Folded | Layout::Stacked => folded_name(name),
    };
    let requests = summary
        .requests
        .map_or_else(unknown, |requests| match requests.failed {
            0 => requests.sent.to_string(),
            failed => format!("{}\n{failed} failed", requests.sent),
        });
    let delivered = summary.records.map_or_else(unknown, |records| {
        let mut text = records
            .delivered
            .map_or_else(unknown, |delivered| delivered.to_string());
        let lost = summary.undelivered_or_lost();
        for (count, what) in [(lost, "lost"), (records.duplicates, "again")] {
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
        verdicts(summary.hops.get(&Hop::Ingress), layout, output),
        record_verdicts(summary, layout, output),
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

fn percentiles(percentiles: Option<&Percentiles>) -> String {
    let time = |time: f64| match time {
        ..100.0 => format!("{time:.1}"),
        _ => format!("{time:.0}"),
    };
    percentiles.map_or_else(unknown, |percentiles| {
        format!("{} / {}", time(percentiles.p50), time(percentiles.p99))
    })
}

/// The verdicts on the records, and how many of those delivered were not judged.
fn record_verdicts(summary: &Summary, layout: Layout, output: &Output) -> Cell {
    let counts = summary.hops.get(&Hop::Record);
    let Some(unseen) = &summary.records_without_span else {
        return verdicts(counts, layout, output);
    };
    let judged = counts.into_iter().flatten();
    let judged = judged.map(|(verdict, count)| format!("{count} {}", verdict.name()));
    let lines: Vec<_> = judged
        .chain([format!("{} not judged", unseen.count)])
        .collect();
    Tone::of(false).cell(lines.join("\n"), output)
}

/// The verdicts with their counts, in green if every hand-off is whole, else in red.
fn verdicts(counts: Option<&BTreeMap<Verdict, u64>>, layout: Layout, output: &Output) -> Cell {
    let Some(counts) = counts.filter(|counts| !counts.is_empty()) else {
        return Cell::new(unknown());
    };
    let between = if layout == Layout::Stacked { '\n' } else { ' ' };
    let lines: Vec<_> = counts
        .iter()
        .map(|(verdict, count)| format!("{count}{between}{}", verdict.name()))
        .collect();
    let holds = counts.keys().all(|verdict| verdict.holds());
    Tone::of(holds).cell(lines.join("\n"), output)
}

#[cfg(test)]
mod tests {
    use baton_traces::summary::Records;

    use super::*;

    fn run(pairing: &str) -> Summary {
        let mut run = Summary {
            pairing: pairing.parse().ok(),
            records: Some(Records {
                sent: 100_000,
                delivered: Some(100_000),
                duplicates: 3,
                lost: Some(0),
                undelivered: None,
            }),
            ..Summary::default()
        };
        let hops = [
            (Hop::Ingress, Verdict::WrongParent),
            (Hop::Record, Verdict::IdTruncated),
        ];
        for (hop, verdict) in hops {
            run.hops.insert(
                hop,
                [(Verdict::Connected, 90_000), (verdict, 10_000)].into(),
            );
        }
        let times = Percentiles {
            p50: 123.4,
            p90: 500.0,
            p99: 1234.5,
            p999: 2000.0,
            max: 3000.0,
        };
        run.latency_ms.request = Some(times);
        run.latency_ms.end_to_end = Some(times);
        run.throughput_rps = Some(1234.0);
        run
    }

    #[test]
    fn in_a_terminal_no_word_or_number_is_divided() {
        let runs = [
            run("tracecontext,b3,baggage:b3multi,tracecontext"),
            run("b3"),
        ];
        for columns in [80, 60, 40] {
            let mut output = Output::plain();
            output.columns = Some(columns);
            let names = runs.iter().map(pairing).collect();
            let drawn = table("pairing", names, &runs, &output);
            let widest = drawn.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{columns}: {drawn}");
            for word in ["tracecontext,", "delivered", "100000", "90000 connected"] {
                assert!(drawn.contains(word), "{columns}, {word}: {drawn}");
            }
        }
    }

    #[test]
    fn without_a_terminal_runs_fit_into_a_hundred_columns_and_no_word_is_broken() {
        let runs = [
            run("tracecontext,b3,baggage:b3multi,tracecontext"),
            run("b3"),
        ];
        let names: Vec<_> = runs.iter().map(pairing).collect();
        let drawn = table("pairing", names, &runs, &Output::plain());
        let widest = drawn.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(usize::from(COLUMNS)), "{drawn}");
        for word in [
            "tracecontext,",
            "b3multi,",
            "connected",
            "wrong_parent",
            "123 / 1234",
        ] {
            assert!(drawn.contains(word), "{word}: {drawn}");
        }
    }
}
