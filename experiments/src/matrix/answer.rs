//! The answer to "what happens if we mix and match the W3C and B3 headers?", from the cells alone.
//! A sentence appears only if the matrix has the cells that it describes.

use baton_propagators::explanation::list;
use baton_propagators::{Engine, Format, Mode};
use baton_traces::hand_off::{Flag, Verdict};

use super::cells::{Counts, IngressCell, Matrix, RecordCell};
use super::clients::in_words;

/// The steps from B3 to W3C in which readers change first, as the producer's and the consumer's
/// mode.
const MIGRATION: [(&str, &str); 5] = [
    ("b3", "b3"),
    ("b3", "b3,tracecontext"),
    ("b3,tracecontext", "b3,tracecontext"),
    ("b3,tracecontext", "tracecontext"),
    ("tracecontext", "tracecontext"),
];
/// The names of the question's two families.
const W3C: &str = "tracecontext";
const B3: &str = "b3";
const NOTHING: &str = "Nothing was measured.";
/// How many exceptions are named. Further ones are counted.
const MAX_LISTED: usize = 6;

/// The answer for the first engine, and the differences of the other engines.
pub(super) fn answer(matrix: &Matrix) -> String {
    let engines = matrix.engines();
    let Some((first, others)) = engines.split_first() else {
        return NOTHING.to_owned();
    };
    // a cell that could not be judged shows nothing
    let record = matrix.record_of(*first);
    let record: Vec<_> = record
        .filter(|cell| cell.outcome.counts.is_judged())
        .collect();
    let ingress = matrix.ingress_of(*first);
    let ingress: Vec<_> = ingress
        .filter(|cell| cell.outcome.counts.is_judged())
        .collect();
    if record.is_empty() && ingress.is_empty() {
        return NOTHING.to_owned();
    }
    let mut sentences: Vec<String> = [
        pairings(&record),
        writing_both(&record),
        agreement(&ingress),
        conflicts(&ingress),
        tracestate(&ingress),
        malformed(&ingress),
        verdicts(
            &ingress,
            Verdict::IdTruncated,
            "Only the last 16 digits of the trace id arrive in these cases",
        ),
        verdicts(
            &ingress,
            Verdict::Unsampled,
            "Sampling is turned off in these cases",
        ),
        migration(&record),
    ]
    .into_iter()
    .flatten()
    .collect();
    sentences.extend(
        others
            .iter()
            .filter_map(|other| difference(matrix, *first, *other)),
    );
    sentences.join(" ")
}

fn has_w3c_and_b3(mode: &Mode) -> bool {
    let has = |family| {
        mode.context_formats()
            .any(|format| format.family() == family)
    };
    has(W3C) && has(B3)
}

/// Whether a format is W3C's or B3's.
fn is_w3c_or_b3(format: &dyn Format) -> bool {
    matches!(format.family(), W3C | B3)
}

/// Whether a mode reads W3C or B3. A conflict of these two says nothing about readers of other
/// formats.
fn reads_w3c_or_b3(mode: &Mode) -> bool {
    mode.context_formats().any(is_w3c_or_b3)
}

fn pairing(cell: &RecordCell) -> String {
    format!("{}:{}", cell.producer, cell.consumer)
}

fn place(cell: &IngressCell) -> String {
    format!("{} to {}", cell.client, cell.producer)
}

fn and(items: &[String]) -> String {
    list(items.iter().map(String::as_str))
}

/// `a, b and c`. If there are too many items, the first ones are named and the others counted.
fn listed(items: &[String], noun: &str) -> String {
    if items.len() > MAX_LISTED {
        let rest = items.len() - MAX_LISTED;
        format!("{} and {rest} other {noun}", items[..MAX_LISTED].join(", "))
    } else {
        and(items)
    }
}

fn pairings(record: &[&RecordCell]) -> Option<String> {
    let whole = record.iter().filter(|cell| cell.outcome.counts.holds());
    let exceptions: Vec<_> = record
        .iter()
        .filter(|cell| cell.outcome.counts.holds() != cell.consumer.reads(&cell.producer))
        .map(|cell| pairing(cell))
        .collect();
    let count = format!(
        "The trace stays whole in {} of {} pairings",
        whole.count(),
        record.len()
    );
    let rule = "those in which the consumer reads a format that the producer writes";
    match exceptions.as_slice() {
        _ if record.is_empty() => None,
        [] => Some(format!("{count}: {rule}.")),
        some => Some(format!(
            "{count}: {rule}, except for {}.",
            listed(some, "pairings")
        )),
    }
}

fn writing_both(record: &[&RecordCell]) -> Option<String> {
    let cells: Vec<_> = record
        .iter()
        .filter(|cell| has_w3c_and_b3(&cell.producer) && reads_w3c_or_b3(&cell.consumer))
        .collect();
    let broken: Vec<_> = cells
        .iter()
        .filter(|cell| !cell.outcome.counts.holds())
        .map(|cell| pairing(cell))
        .collect();
    match broken.as_slice() {
        _ if cells.is_empty() => None,
        [] => Some(
            "A producer that writes both W3C and B3 reaches every consumer that reads either."
                .to_owned(),
        ),
        some => Some(format!(
            "A producer that writes both W3C and B3 does not reach every consumer that reads either: not under {}.",
            listed(some, "pairings")
        )),
    }
}

fn agreement(ingress: &[&IngressCell]) -> Option<String> {
    let cells: Vec<_> = of_client(ingress, &["agreeing", "agreeing_b3multi"])
        .filter(|cell| reads_w3c_or_b3(&cell.producer))
        .collect();
    let broken: Vec<_> = broken(&cells);
    match broken.as_slice() {
        _ if cells.is_empty() => None,
        [] => Some(
            "If both headers carry the same context, it does not matter which one is read."
                .to_owned(),
        ),
        some => Some(format!(
            "Even if both headers carry the same context, the trace breaks: {}.",
            listed(some, "cells")
        )),
    }
}

fn of_client<'a>(
    ingress: &[&'a IngressCell],
    clients: &[&str],
) -> impl Iterator<Item = &'a IngressCell> {
    ingress
        .iter()
        .copied()
        .filter(move |cell| clients.contains(&&*cell.client))
}

fn broken(cells: &[&IngressCell]) -> Vec<String> {
    let broken = cells.iter().filter(|cell| !cell.outcome.counts.holds());
    broken.map(|cell| place(cell)).collect()
}

fn conflicts(ingress: &[&IngressCell]) -> Option<String> {
    let cells: Vec<_> = of_client(
        ingress,
        &[
            "conflicting",
            "conflicting_own_b3",
            "conflicting_span",
            "conflicting_span_own_b3",
        ],
    )
    .filter(|cell| has_w3c_and_b3(&cell.producer))
    .collect();
    if cells.is_empty() {
        return None;
    }
    // which of the two headers is first in the list, and which is last
    let end = |cell: &IngressCell, last: bool| {
        let mut read = cell.producer.context_formats();
        let mut read = read.by_ref().filter(|format| is_w3c_or_b3(*format));
        let format = if last { read.next_back() } else { read.next() };
        format.map(|format| format.name().to_owned())
    };
    let wins = |last| cells.iter().all(|cell| cell.followed == end(cell, last));
    let mut followed: Vec<String> = Vec::new();
    for cell in &cells {
        let format = cell.followed.as_deref().unwrap_or("nothing");
        let clause = format!("{} continues {format}", cell.producer);
        if !followed.contains(&clause) {
            followed.push(clause);
        }
    }
    let followed = listed(&followed, "producers");
    Some(if wins(true) {
        format!(
            "If they disagree, the last one in the reader's list wins, for every client: {followed}."
        )
    } else if wins(false) {
        format!(
            "If they disagree, the first one in the reader's list wins, for every client: {followed}."
        )
    } else {
        format!("If they disagree, no single rule holds: {followed}.")
    })
}

fn tracestate(ingress: &[&IngressCell]) -> Option<String> {
    let cells: Vec<_> = of_client(ingress, &["agreeing"])
        .filter(|cell| cell.outcome.counts.holds())
        .filter(|cell| {
            cell.outcome
                .counts
                .flags
                .contains_key(&Flag::TracestateLost)
        })
        .filter(|cell| has_w3c_and_b3(&cell.producer))
        .map(|cell| cell.producer.to_string())
        .collect();
    (!cells.is_empty()).then(|| {
        format!(
            "Nothing is merged: where B3 wins, tracestate is lost even if both headers agree ({}).",
            and(&cells)
        )
    })
}

fn malformed(ingress: &[&IngressCell]) -> Option<String> {
    let cells: Vec<_> = of_client(
        ingress,
        &[
            "malformed_tracecontext_beside_b3",
            "malformed_b3_beside_tracecontext",
            "short_tracecontext_beside_b3",
            "short_b3_beside_tracecontext",
            "upper_case_tracecontext_beside_b3",
        ],
    )
    .filter(|cell| has_w3c_and_b3(&cell.producer))
    .collect();
    let broken = broken(&cells);
    match broken.as_slice() {
        _ if cells.is_empty() => None,
        [] => Some(
            "A malformed header beside a valid one does no harm to a reader of both.".to_owned(),
        ),
        some => Some(format!(
            "A malformed header beside a valid one can break the trace: {}.",
            listed(some, "cells")
        )),
    }
}

fn verdicts(ingress: &[&IngressCell], verdict: Verdict, what: &str) -> Option<String> {
    let mut clients: Vec<(String, Vec<String>)> = Vec::new();
    for cell in ingress {
        if cell.outcome.counts.verdicts.contains_key(&verdict) {
            let producer = cell.producer.to_string();
            match clients
                .iter_mut()
                .find(|(client, _)| *client == cell.client)
            {
                Some((_, producers)) => producers.push(producer),
                None => clients.push((cell.client.clone(), vec![producer])),
            }
        }
    }
    let clauses: Vec<_> = clients
        .iter()
        .map(|(client, producers)| {
            format!(
                "{} (into {})",
                in_words(client),
                listed(producers, "producers")
            )
        })
        .collect();
    (!clauses.is_empty()).then(|| format!("{what}: {}.", clauses.join("; ")))
}

fn migration(record: &[&RecordCell]) -> Option<String> {
    let mut steps = Vec::new();
    for (producer, consumer) in MIGRATION {
        let cell = record.iter().find(|cell| {
            cell.producer.to_string() == producer && cell.consumer.to_string() == consumer
        })?;
        steps.push(cell);
    }
    let broken: Vec<_> = steps
        .iter()
        .filter(|cell| !cell.outcome.counts.holds())
        .map(|cell| pairing(cell))
        .collect();
    let names: Vec<_> = steps.iter().map(|cell| pairing(cell)).collect();
    Some(match broken.as_slice() {
        [] => format!(
            "From B3 to W3C, no step breaks the trace if readers change before writers each time: {}.",
            names.join(", then ")
        ),
        some => format!(
            "From B3 to W3C through both, the trace breaks under {}.",
            and(some)
        ),
    })
}

/// The cells in which another engine differs.
fn difference(matrix: &Matrix, first: Engine, other: Engine) -> Option<String> {
    let mut shared = 0;
    let mut different = Vec::new();
    for cell in matrix.record_of(other) {
        let same = matrix
            .record_of(first)
            .find(|known| known.producer == cell.producer && known.consumer == cell.consumer);
        if let Some(known) = same {
            shared += 1;
            let place = format!("{}:{}", cell.producer, cell.consumer);
            different.extend(change(&known.outcome.counts, &cell.outcome.counts, place));
        }
    }
    for cell in matrix.ingress_of(other) {
        let same = matrix
            .ingress_of(first)
            .find(|known| known.client == cell.client && known.producer == cell.producer);
        if let Some(known) = same {
            shared += 1;
            different.extend(change(
                &known.outcome.counts,
                &cell.outcome.counts,
                place(cell),
            ));
        }
    }
    match different.as_slice() {
        _ if shared == 0 => None,
        [] => Some(format!(
            "Engine {other} gives the same verdicts as {first} in all {shared} cells that both have."
        )),
        some => Some(format!(
            "Engine {other} gives other verdicts than {first} in {} of {shared} cells: {}.",
            some.len(),
            listed(some, "cells")
        )),
    }
}

fn change(known: &Counts, found: &Counts, place: String) -> Option<String> {
    (known.verdicts != found.verdicts).then(|| {
        let verdicts: Vec<_> = found
            .verdicts
            .keys()
            .map(|verdict| verdict.name())
            .collect();
        format!("{place} is {}", verdicts.join(" and "))
    })
}

#[cfg(test)]
mod tests;
