//! The modes as a table: which context each continues, and whether others disagree.

use baton_pastes::explain::Judgement;
use baton_propagators::{
    Candidate, Conflict, ConflictKind, Sampling, Select, TraceContext, TraceId,
};
use comfy_table::{Cell, Table};

use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::{natural_width, plain_table};

const HEADINGS: [&str; 6] = [
    "mode",
    "continues",
    "trace id",
    "span id",
    "sampled",
    "conflict",
];
/// The column of the conflict.
const CONFLICT: usize = 5;
/// The columns of ids. Each header above the table has them too.
const IDS: [usize; 2] = [3, 2];
/// How many digits of a trace id are shown if they distinguish all ids.
const DIGITS: usize = 8;

/// Draws one row for each mode. If rows are too wide, columns are left out: the conflict if there is
/// none, then ids. Ids are never divided.
pub(super) fn draw(judgements: &[&Judgement], width: usize, output: &Output) -> String {
    let mut columns: Vec<usize> = (0..HEADINGS.len()).collect();
    let mut table = arranged(judgements, &columns, output);
    let agree = judgements
        .iter()
        .all(|judgement| judgement.extraction.conflict.is_none());
    for column in agree.then_some(CONFLICT).into_iter().chain(IDS) {
        if usize::from(natural_width(&table)) <= width {
            break;
        }
        columns.retain(|kept| *kept != column);
        table = arranged(judgements, &columns, output);
    }
    // A terminal that is too narrow for this breaks lines itself.
    table.trim_fmt()
}

/// Draws the rows with these columns.
fn arranged(judgements: &[&Judgement], columns: &[usize], output: &Output) -> Table {
    let mut table = plain_table(columns.iter().map(|column| HEADINGS[*column]), output);
    let continued = |judgement: &&Judgement| Some(judgement.extraction.context()?.trace_id);
    let ids: Vec<TraceId> = judgements.iter().filter_map(continued).collect();
    for judgement in judgements {
        let cells = std::iter::once(Cell::new(mode(judgement)));
        let cells = cells.chain(outcome(judgement, &ids, output)).enumerate();
        let cells = cells.filter(|(column, _)| columns.contains(column));
        table.add_row(cells.map(|(_, cell)| cell));
    }
    table
}

fn mode(judgement: &Judgement) -> String {
    let extract = &judgement.propagation.extract;
    match judgement.propagation.select {
        Select::Last => extract.to_string(),
        Select::First => format!("{extract}/first"),
    }
}

/// What a mode continues: the cells after the mode's own.
fn outcome(judgement: &Judgement, ids: &[TraceId], output: &Output) -> Vec<Cell> {
    let extraction = &judgement.extraction;
    let Some((candidate, context)) = extraction
        .continued()
        .and_then(|found| Some((found, found.context()?)))
    else {
        let nothing = Tone::Bad.cell("(new trace)", output);
        return vec![nothing];
    };
    let conflict = match &extraction.conflict {
        None => Tone::Good.cell("none", output),
        Some(conflict) => Tone::Changed.cell(kinds(conflict), output),
    };
    vec![
        Cell::new(candidate.format),
        Cell::new(short(context.trace_id, ids)),
        Cell::new(context.span_id),
        Cell::new(sampled(candidate, context)),
        conflict,
    ]
}

fn kinds(conflict: &Conflict) -> String {
    let kinds = conflict.kinds.iter().map(|kind| match kind {
        ConflictKind::TraceId => "trace",
        ConflictKind::SpanId => "span",
        ConflictKind::Sampled => "sampled",
    });
    kinds.collect::<Vec<_>>().join(", ")
}

fn sampled(candidate: &Candidate, context: &TraceContext) -> &'static str {
    match (context.sampling, candidate.debug()) {
        (Sampling::Drop, true) => "no, debug",
        (_, true) => "debug",
        (Sampling::Deferred, _) => "deferred",
        (Sampling::Drop, _) => "no",
        (Sampling::Keep | Sampling::Debug, _) => "yes",
    }
}

/// As many digits of an id as distinguish it from the others. A 64-bit id has no leading zeros.
fn short(id: TraceId, others: &[TraceId]) -> String {
    let digits = id.to_string();
    if id.is_64_bit() {
        return digits[TraceId::DIGITS / 2..].to_owned();
    }
    let start = &digits[..DIGITS];
    let is_alike = |other: &&TraceId| **other != id && other.to_string().starts_with(start);
    if others.iter().any(|other| is_alike(&other)) {
        return digits;
    }
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_stay_distinct() {
        let id = |digits| TraceId::from_hex(digits).expect("an id");
        let first = id("0af7651916cd43dd8448eb211c80319c");
        let alike = id("0af7651900000000000000000000000a");
        let half = id("00000000000000008448eb211c80319c");
        assert_eq!(short(first, &[first, half]), "0af76519…");
        assert_eq!(short(half, &[first, half]), "8448eb211c80319c");
        assert_eq!(short(first, &[alike]), first.to_string());
    }
}
