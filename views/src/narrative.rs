//! Sums up several runs in two or three sentences: where the trace broke, where it held, and what
//! else went wrong.
//!
//! Only the verdict counts decide whether a trace broke. The modes of a run only explain why, so a
//! sentence never claims something that was not seen.

mod reasons;
mod undelivered;

use baton_propagators::explanation::list;
use baton_traces::audit::Edge;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::shown::counted;
use baton_traces::summary::Summary;

/// Sums up `summaries`: one string per sentence, none if there are no summaries.
///
/// ```
/// use baton_traces::hand_off::{Hop, Verdict};
/// use baton_views::narrative::narrate;
/// use baton_traces::summary::Summary;
///
/// let mut run = Summary { pairing: "tracecontext:b3".parse().ok(), ..Summary::default() };
/// run.hops.entry(Hop::Record).or_default().insert(Verdict::NewTrace, 20);
/// assert_eq!(
///     narrate(&[run]),
///     ["The trace broke at Kinesis under tracecontext:b3 (the producer wrote traceparent, the consumer reads \
///       only b3)."]
/// );
/// ```
pub fn narrate(summaries: &[Summary]) -> Vec<String> {
    let labels = labels(summaries);
    let all = labels.iter().map(String::as_str).zip(summaries);
    let (exports, runs): (Vec<_>, Vec<_>) = all.partition(|(_, summary)| summary.audit.is_some());
    let each = runs.iter();
    let undelivered = each
        .clone()
        .filter_map(|(label, summary)| undelivered::not_delivered(label, summary));
    let unseen = each.filter_map(|(label, summary)| undelivered::not_seen(label, summary));
    let first: Vec<String> = undelivered.chain(unseen).collect();
    let broke = broken(&runs);
    let held = held(&runs, broke.is_some());
    let nothing = nothing_judged(&runs);
    let troubles = troubles(&runs);
    let of_runs = first
        .into_iter()
        .chain([broke, held, nothing, troubles].into_iter().flatten());
    let of_exports = exports
        .iter()
        .flat_map(|(label, summary)| audited(label, summary, summaries));
    of_runs.chain(of_exports).collect()
}

/// At most this many broken edges of an export get a sentence.
const MAX_EDGES: usize = 8;

/// What an audit of an export says, with its name if there are other sources.
fn audited(label: &str, summary: &Summary, all: &[Summary]) -> Vec<String> {
    let Some(judged) = &summary.audit else {
        return Vec::new();
    };
    let mut broken = judged.edges.iter().filter_map(Edge::sentence);
    let mut sentences = judged.answer();
    sentences.extend(broken.by_ref().take(MAX_EDGES));
    let more = broken.count();
    if more > 0 {
        sentences.push(format!(
            "{} broke too; `baton audit` says how.",
            counted(more as u64, "more edge")
        ));
    }
    if let Some(first) = sentences.first_mut().filter(|_| all.len() > 1) {
        *first = format!("{label}: {first}");
    }
    sentences
}

/// What each run is called: its pairing in its shortest form. Runs with the same pairing also get
/// their engine, or else their name.
fn labels(summaries: &[Summary]) -> Vec<String> {
    let short: Vec<String> = summaries
        .iter()
        .map(|summary| match &summary.pairing {
            Some(pairing) if pairing.producer == pairing.consumer => pairing.producer.to_string(),
            Some(pairing) => pairing.to_string(),
            None if summary.switched => "changing modes".to_owned(),
            None => summary.name.clone(),
        })
        .collect();
    let with_engine: Vec<String> = short
        .iter()
        .zip(summaries)
        .map(|(label, summary)| match summary.engine {
            Some(engine) => format!("{label} with the {engine} engine"),
            None => label.clone(),
        })
        .collect();
    let is_own = |labels: &[String], index: usize| {
        let same = labels.iter().filter(|label| **label == labels[index]);
        same.count() == 1
    };
    summaries
        .iter()
        .enumerate()
        .map(|(index, summary)| {
            if is_own(&short, index) {
                short[index].clone()
            } else if is_own(&with_engine, index) {
                with_engine[index].clone()
            } else {
                format!("{} ({})", short[index], summary.name)
            }
        })
        .collect()
}

/// How many hand-offs of a hop were delivered, and how many of these are whole.
fn delivered_and_whole(summary: &Summary, hop: Hop) -> (u64, u64) {
    let whole = summary.count(hop, Verdict::Connected) + summary.count(hop, Verdict::Linked);
    (
        summary.judged(hop) - summary.count(hop, Verdict::Lost),
        whole,
    )
}

fn broken(runs: &[(&str, &Summary)]) -> Option<String> {
    let places: Vec<String> = Hop::BOTH
        .into_iter()
        .filter_map(|hop| {
            let mut clauses = Clauses::default();
            for (label, summary) in runs {
                let (delivered, whole) = delivered_and_whole(summary, hop);
                if whole < delivered {
                    let amount = if whole == 0 {
                        String::new()
                    } else {
                        format!(" for {}", share(delivered - whole, delivered, hop))
                    };
                    let reasons = reasons::of(summary, hop, delivered);
                    clauses.add(label, format!("{amount} ({reasons})"));
                }
            }
            let clauses = clauses.joined()?;
            Some(format!("{} {clauses}", place(hop)))
        })
        .collect();
    (!places.is_empty()).then(|| format!("The trace broke {}.", places.join(", and ")))
}

fn held(runs: &[(&str, &Summary)], others_broke: bool) -> Option<String> {
    let mut clauses = Clauses::default();
    for (label, summary) in runs {
        let hops = Hop::BOTH.map(|hop| (delivered_and_whole(summary, hop), summary.judged(hop)));
        let seen = hops.iter().any(|(_, judged)| *judged > 0);
        // if all messages of a hop were lost, nothing is known about the trace there
        let held = hops.iter().all(|((delivered, whole), judged)| {
            delivered == whole && (*delivered > 0 || *judged == 0)
        });
        let nothing_of_records = summary.nothing_judged_of_records().is_some();
        if seen && held && !nothing_of_records && !undelivered::is_all(summary) {
            clauses.add(label, how(summary));
        }
    }
    let subject = if others_broke { "It" } else { "The trace" };
    clauses
        .joined()
        .map(|clauses| format!("{subject} stayed whole {clauses}."))
}

/// How a trace stayed whole, in brackets: by links, or only as far as it can be seen.
fn how(summary: &Summary) -> String {
    let unseen = unknown(summary).find(|hop| summary.judged(*hop) == 0);
    let linked = |hop| summary.count(hop, Verdict::Linked) > 0;
    match unseen {
        _ if summary.records_without_span.is_some() => " (of what could be judged)".to_owned(),
        Some(hop) => format!(
            " (as far as it can be seen: nothing was judged {})",
            place(hop)
        ),
        None if is_seen_in_part(summary) => " (as far as it can be seen)".to_owned(),
        None if Hop::BOTH.into_iter().any(linked) => " (by links)".to_owned(),
        None => String::new(),
    }
}

/// Whether some hand-offs may have gone unseen: they were not judged, or a part of the source is
/// missing. A hop that is judged by parents alone does not show what was lost.
pub(crate) fn is_seen_in_part(summary: &Summary) -> bool {
    if let Some(judged) = &summary.audit {
        return !judged.is_all_judged() || !summary.problems.is_empty();
    }
    let without_end = summary.requests_without_id + summary.records_without_sender;
    unknown(summary).next().is_some()
        || summary.unjudged + without_end > 0
        || !summary.problems.is_empty()
}

/// The hops whose connected share is not known.
fn unknown(summary: &Summary) -> impl Iterator<Item = Hop> {
    let is_unknown = |hop: &Hop| {
        let name = format!("{hop}.{}", Verdict::Connected);
        summary.unknown.contains(&name)
    };
    Hop::BOTH.into_iter().filter(is_unknown)
}

/// Where a hop is.
fn place(hop: Hop) -> &'static str {
    match hop {
        Hop::Ingress => "on the way into the producer",
        Hop::Record => "at Kinesis",
    }
}

fn nothing_judged(runs: &[(&str, &Summary)]) -> Option<String> {
    let mut clauses = Clauses::default();
    for (label, summary) in runs {
        let said = summary.nothing_judged_of_records().is_some() || undelivered::is_all(summary);
        if !said && Hop::BOTH.into_iter().all(|hop| summary.judged(hop) == 0) {
            clauses.add(label, String::new());
        }
    }
    clauses
        .joined()
        .map(|clauses| format!("No hand-off was seen {clauses}."))
}

fn troubles(runs: &[(&str, &Summary)]) -> Option<String> {
    let mut by_trouble: Vec<(String, Clauses)> = Vec::new();
    for (label, summary) in runs {
        for trouble in troubles_of(summary) {
            match by_trouble.iter_mut().find(|(known, _)| *known == trouble) {
                Some((_, clauses)) => clauses.add(label, String::new()),
                None => {
                    let mut clauses = Clauses::default();
                    clauses.add(label, String::new());
                    by_trouble.push((trouble, clauses));
                }
            }
        }
    }
    let parts: Vec<String> = by_trouble
        .into_iter()
        .filter_map(|(trouble, clauses)| Some(format!("{trouble} {}", clauses.joined()?)))
        .collect();
    (!parts.is_empty()).then(|| format!("In addition, {}.", parts.join("; ")))
}

fn troubles_of(summary: &Summary) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(requests) = summary.requests.filter(|requests| requests.failed > 0) {
        let failed = share(requests.failed, requests.sent, Hop::Ingress);
        troubles.push(format!("{failed} failed"));
    }
    for hop in Hop::BOTH {
        let lost = summary.count(hop, Verdict::Lost);
        // what a lab did not deliver comes first
        let is_said = hop == Hop::Record && summary.undelivered() >= lost;
        if lost > 0 && !is_said {
            let lost = share(lost, summary.judged(hop), hop);
            troubles.push(match hop {
                Hop::Ingress => {
                    format!("{lost} left neither a span nor a log line in the producer")
                }
                Hop::Record => format!("{lost} never arrived"),
            });
        }
    }
    match summary.records.map_or(0, |records| records.duplicates) {
        0 => {}
        1 => troubles.push("1 delivery was a duplicate".to_owned()),
        duplicates => troubles.push(format!("{duplicates} deliveries were duplicates")),
    }
    for hop in Hop::BOTH {
        troubles.extend(luggage_lost(summary, hop));
    }
    troubles
}

/// What was lost although the trace survived. Where the trace broke, this loss is expected and is
/// not mentioned.
fn luggage_lost(summary: &Summary, hop: Hop) -> impl Iterator<Item = String> {
    let (delivered, whole) = delivered_and_whole(summary, hop);
    let flags = summary.flags.get(&hop).copied().unwrap_or_default();
    [
        ("the sampling decision changed", flags.sampled_changed),
        ("tracestate was lost", flags.tracestate_lost),
        ("baggage was lost", flags.baggage_lost),
        ("the debug flag was lost", flags.debug_lost),
    ]
    .into_iter()
    .filter_map(|(what, count)| Some((what, count?)))
    .filter(move |(_, count)| *count > delivered - whole)
    .map(move |(what, count)| format!("{what} in {}", share(count, delivered, hop)))
}

/// Says `3 of 100 records`, or `all 100 records`.
fn share(part: u64, total: u64, hop: Hop) -> String {
    let noun = match (hop, total) {
        (Hop::Ingress, 1) => "request",
        (Hop::Ingress, _) => "requests",
        (Hop::Record, 1) => "record",
        (Hop::Record, _) => "records",
    };
    if part == total && total > 1 {
        format!("all {total} {noun}")
    } else {
        format!("{part} of {total} {noun}")
    }
}

/// Says `under a and b (why) and under c (why)`: runs with the same text share a clause.
#[derive(Default)]
struct Clauses {
    by_text: Vec<(String, Vec<String>)>,
}

impl Clauses {
    fn add(&mut self, label: &str, text: String) {
        match self.by_text.iter_mut().find(|(known, _)| *known == text) {
            Some((_, labels)) => labels.push(label.to_owned()),
            None => self.by_text.push((text, vec![label.to_owned()])),
        }
    }

    fn joined(&self) -> Option<String> {
        let clauses: Vec<String> = self
            .by_text
            .iter()
            .map(|(text, labels)| {
                format!("under {}{text}", list(labels.iter().map(String::as_str)))
            })
            .collect();
        (!clauses.is_empty()).then(|| list(clauses.iter().map(String::as_str)))
    }
}

#[cfg(test)]
mod tests;
