//! The answer to "what happens if we mix and match the W3C and B3 headers?", told from the cells alone: a sentence is
//! there only if the cells that it speaks of are, and says of them what they are.

use baton_propagators::mode::{Engine, Mode};
use baton_traces::hand_off::{Flag, Verdict};

use super::cells::{Counts, IngressCell, Matrix, RecordCell};
use super::reason::{context_formats, list};
use super::scenarios::in_words;

/// The steps from B3 to W3C if readers go first, as producer's and consumer's mode.
const MIGRATION: [(&str, &str); 5] = [
    ("b3", "b3"),
    ("b3", "b3,tracecontext"),
    ("b3,tracecontext", "b3,tracecontext"),
    ("b3,tracecontext", "tracecontext"),
    ("tracecontext", "tracecontext"),
];
const NOTHING: &str = "Nothing was measured.";
/// More exceptions than these are counted, not listed.
const LISTED: usize = 6;

/// The answer for the first engine, and what the others do otherwise.
pub(super) fn answer(matrix: &Matrix) -> String {
    let engines = matrix.engines();
    let Some((first, others)) = engines.split_first() else {
        return NOTHING.to_owned();
    };
    // of a cell that could not be judged there is nothing to tell
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
            "The trace id is cut in half here",
        ),
        verdicts(&ingress, Verdict::Unsampled, "Sampling is turned off here"),
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

/// B3 is read in both its forms, whichever of them is listed.
fn family(format: &str) -> &str {
    if format == "b3multi" { "b3" } else { format }
}

fn reads_one_of(reader: &Mode, writer: &Mode) -> bool {
    context_formats(reader)
        .any(|read| context_formats(writer).any(|written| family(read) == family(written)))
}

fn has_w3c_and_b3(mode: &Mode) -> bool {
    let has = |wanted| context_formats(mode).any(|format| family(format) == wanted);
    has("tracecontext") && has("b3")
}

/// The cells with a B3 or a W3C reader; a conflict of those two says nothing about others.
fn reads_w3c_or_b3(mode: &Mode) -> bool {
    context_formats(mode).any(|format| matches!(family(format), "tracecontext" | "b3"))
}

fn pairing(cell: &RecordCell) -> String {
    format!("{}:{}", cell.producer, cell.consumer)
}

fn place(cell: &IngressCell) -> String {
    format!("{} to {}", cell.client, cell.producer)
}

/// `a, b and c`, or a number where that would be too long.
fn listed(items: &[String], noun: &str) -> String {
    if items.len() > LISTED {
        let rest = items.len() - LISTED;
        format!("{} and {rest} other {noun}", items[..LISTED].join(", "))
    } else {
        list(items)
    }
}

fn pairings(record: &[&RecordCell]) -> Option<String> {
    let whole = record.iter().filter(|cell| cell.outcome.counts.is_whole());
    let exceptions: Vec<_> = record
        .iter()
        .filter(|cell| {
            cell.outcome.counts.is_whole() != reads_one_of(&cell.consumer, &cell.producer)
        })
        .map(|cell| pairing(cell))
        .collect();
    let count = format!(
        "The trace held in {} of {} pairings",
        whole.count(),
        record.len()
    );
    let rule = "wherever the consumer reads a format that the producer writes, and nowhere else";
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
        .filter(|cell| !cell.outcome.counts.is_whole())
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
            "While both headers carry the same context, it does not matter which of them is read."
                .to_owned(),
        ),
        some => Some(format!(
            "Even while both headers carry the same context, the trace breaks: {}.",
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
    let broken = cells.iter().filter(|cell| !cell.outcome.counts.is_whole());
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
    // which of the two that arrived is listed first, and which last
    let end = |cell: &IngressCell, last: bool| {
        let read: Vec<_> = context_formats(&cell.producer)
            .filter(|format| matches!(family(format), "tracecontext" | "b3"))
            .collect();
        let format = if last { read.last() } else { read.first() };
        format.map(|format| (*format).to_owned())
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
            "When they disagree, the last of the reader's list wins, whoever the client is: {followed}."
        )
    } else if wins(false) {
        format!(
            "When they disagree, the first of the reader's list wins, whoever the client is: {followed}."
        )
    } else {
        format!("When they disagree, there is no one rule: {followed}.")
    })
}

fn tracestate(ingress: &[&IngressCell]) -> Option<String> {
    let cells: Vec<_> = of_client(ingress, &["agreeing"])
        .filter(|cell| cell.outcome.counts.is_whole())
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
            "Nothing is merged: where B3 wins, tracestate is lost even though both agree ({}).",
            list(&cells)
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
            "A malformed header beside a valid one can cost the trace: {}.",
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
        .filter(|cell| !cell.outcome.counts.is_whole())
        .map(|cell| pairing(cell))
        .collect();
    let names: Vec<_> = steps.iter().map(|cell| pairing(cell)).collect();
    Some(match broken.as_slice() {
        [] => format!(
            "From B3 to W3C no step breaks the trace if readers learn W3C before writers do and forget B3 before writers stop: {}.",
            names.join(", then ")
        ),
        some => format!(
            "From B3 to W3C by way of both, the trace breaks under {}.",
            list(some)
        ),
    })
}

/// The cells that another engine makes otherwise.
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
            "Engine {other} has the verdicts of {first} in all {shared} cells that both have."
        )),
        some => Some(format!(
            "Engine {other} has other verdicts than {first} in {} of {shared} cells: {}.",
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
