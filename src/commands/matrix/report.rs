//! The content of each grid, for every format of output.

use baton_propagators::Engine;
use baton_propagators::explanation::list;
use baton_traces::hand_off::{Flag, Hop};
use baton_traces::shown::visible;

use crate::print::table::grid::{Grid, GridCell};
use baton_experiments::matrix::in_words;
use baton_experiments::matrix::{Counts, IngressCell, Matrix, Outcome, RecordCell};

/// The text of a cell whose hand-offs could not be judged.
const UNKNOWN: &str = "unknown";

/// One grid of one engine, and the lists below it.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) engine: Engine,
    pub(super) hop: Hop,
    /// What rows, columns and cells are.
    pub(super) title: String,
    pub(super) grid: Grid,
    /// The reasons: one for each kind of failure.
    pub(super) reasons: Vec<String>,
    /// What was lost although the trace held.
    pub(super) flags: Vec<String>,
    /// On the record hop, what each producer puts into a record. On the ingress hop, what each
    /// client sends.
    pub(super) carriers: Vec<Carried>,
}

/// The headers of one row.
#[derive(Debug)]
pub(super) struct Carried {
    /// The row.
    pub(super) name: String,
    /// What a client sends, in words.
    pub(super) about: Option<String>,
    /// The size of the record's context.
    pub(super) bytes: Option<usize>,
    pub(super) headers: Vec<(String, String)>,
}

/// A cell of either grid, with its row and column.
struct Placed<'a> {
    row: String,
    column: String,
    outcome: &'a Outcome,
}

/// Every grid of the matrix: engine by engine, and the record hop first.
pub(super) fn sections(matrix: &Matrix) -> Vec<Section> {
    let engines = matrix.engines().into_iter();
    engines
        .flat_map(|engine| [record(matrix, engine), ingress(matrix, engine)])
        .filter(|section| !section.grid.rows.is_empty())
        .collect()
}

fn record(matrix: &Matrix, engine: Engine) -> Section {
    let cells: Vec<&RecordCell> = matrix.record_of(engine).collect();
    let placed: Vec<_> = cells
        .iter()
        .map(|cell| Placed {
            row: cell.producer.to_string(),
            column: cell.consumer.to_string(),
            outcome: &cell.outcome,
        })
        .collect();
    let mut carriers: Vec<Carried> = Vec::new();
    for cell in &cells {
        let name = cell.producer.to_string();
        if !carriers.iter().any(|known| known.name == name) {
            carriers.push(Carried {
                name,
                about: None,
                bytes: Some(cell.carrier_bytes),
                headers: texts(cell.carrier.iter()),
            });
        }
    }
    Section {
        engine,
        hop: Hop::Record,
        title: format!(
            "What the consumer (columns) made of what the producer (rows) put into the record: engine {engine}, {} records a cell",
            matrix.requests
        ),
        grid: grid("producer", &placed),
        reasons: reasons(&placed, ":"),
        flags: flags(&placed),
        carriers,
    }
}

fn ingress(matrix: &Matrix, engine: Engine) -> Section {
    let cells: Vec<&IngressCell> = matrix.ingress_of(engine).collect();
    let placed: Vec<_> = cells
        .iter()
        .map(|cell| Placed {
            row: visible(&cell.client),
            column: cell.producer.to_string(),
            outcome: &cell.outcome,
        })
        .collect();
    let mut carriers: Vec<Carried> = Vec::new();
    for cell in &cells {
        let name = visible(&cell.client);
        if !carriers.iter().any(|known| known.name == name) {
            carriers.push(Carried {
                about: Some(in_words(&name).to_owned()),
                name,
                bytes: None,
                headers: texts(cell.headers.iter()),
            });
        }
    }
    Section {
        engine,
        hop: Hop::Ingress,
        title: format!(
            "What the producer (columns) made of what the client (rows) sent: engine {engine}, {} requests a cell",
            matrix.requests
        ),
        grid: grid("client", &placed),
        reasons: reasons(&placed, " to "),
        flags: flags(&placed),
        carriers,
    }
}

fn texts<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    headers
        .map(|(name, value)| (visible(name), visible(value)))
        .collect()
}

fn grid(corner: &'static str, cells: &[Placed<'_>]) -> Grid {
    let mut rows: Vec<String> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for cell in cells {
        for (names, name) in [(&mut rows, &cell.row), (&mut columns, &cell.column)] {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let rows = rows
        .into_iter()
        .map(|row| {
            let cell = |column: &String| {
                let mut cells = cells.iter();
                let cell = cells.find(|cell| cell.row == row && cell.column == *column);
                cell.map_or_else(GridCell::default, |cell| grid_cell(&cell.outcome.counts))
            };
            let cells = columns.iter().map(cell).collect();
            (row, cells)
        })
        .collect();
    Grid {
        corner,
        columns,
        rows,
    }
}

fn grid_cell(counts: &Counts) -> GridCell {
    let words = match counts.only() {
        Some(verdict) => vec![verdict.name().to_owned()],
        None if !counts.is_judged() => vec![UNKNOWN.to_owned()],
        None => {
            let counts = counts.verdicts.iter();
            counts
                .map(|(verdict, count)| format!("{count} {verdict}"))
                .collect()
        }
    };
    GridCell {
        words,
        holds: counts.holds(),
    }
}

/// One line for each kind of failure, in the order of their first cells.
fn reasons(cells: &[Placed<'_>], between: &str) -> Vec<String> {
    let mut kinds: Vec<(String, &str, Vec<&Placed<'_>>)> = Vec::new();
    for cell in cells {
        let counts = &cell.outcome.counts;
        if counts.holds() || !counts.is_judged() {
            continue;
        }
        let broken = counts.verdicts.keys();
        let broken: Vec<_> = broken
            .filter(|verdict| !verdict.holds())
            .map(|verdict| verdict.name())
            .collect();
        let verdicts = broken.join(" and ");
        let kind = &*cell.outcome.kind;
        match kinds
            .iter_mut()
            .find(|(known, text, _)| (known, *text) == (&verdicts, kind))
        {
            Some((_, _, cells)) => cells.push(cell),
            None => kinds.push((verdicts, kind, vec![cell])),
        }
    }
    kinds
        .into_iter()
        .map(|(verdicts, kind, cells)| {
            let count = match cells.len() {
                1 => "1 cell".to_owned(),
                count => format!("{count} cells"),
            };
            let example = cells.first().map_or_else(String::new, |cell| {
                let place = format!("{}{between}{}", cell.row, cell.column);
                let why = &cell.outcome.why;
                match why == kind {
                    true => format!(" (as {place})"),
                    false => format!(" (as {place}: {})", visible(why)),
                }
            });
            format!("{verdicts}, {count}: {}{example}", visible(kind))
        })
        .collect()
}

/// One line for each flag, with the cells in which the trace survived but this was lost. Another
/// line for the cells whose receiver recorded nothing although the sender left the decision open.
fn flags(cells: &[Placed<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for lost in Flag::ALL.map(Some).into_iter().chain([None]) {
        let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
        for cell in cells {
            let counts = &cell.outcome.counts;
            let is_lost = match lost {
                Some(flag) => counts.flags.contains_key(&flag),
                None => cell.outcome.declined > 0,
            };
            if !counts.holds() || !is_lost {
                continue;
            }
            match rows.iter_mut().find(|(row, _)| *row == cell.row) {
                Some((_, columns)) => columns.push(&cell.column),
                None => rows.push((&cell.row, vec![&cell.column])),
            }
        }
        let rows: Vec<_> = rows
            .iter()
            .map(|(row, columns)| format!("{row} to {}", list(columns.iter().copied())))
            .collect();
        if !rows.is_empty() {
            let what = lost.map_or(
                "the receiver's span, though the decision was left open",
                Flag::name,
            );
            lines.push(format!("{what}: {}", rows.join("; ")));
        }
    }
    lines
}
