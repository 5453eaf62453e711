//! One sentence about what arrives, for one carrier or for several.

use baton_propagators::explanation::list;
use baton_propagators::{Candidate, Extracted, Fault, Outcome, Sampling};

use super::{Judged, distinct};

/// One sentence about what arrives. It may quote what was pasted.
pub fn arrives(judged: &Judged<'_>) -> String {
    judged.carrier.as_shown(arriving(judged))
}

fn arriving(judged: &Judged<'_>) -> String {
    let contexts = judged.contexts();
    let context = |candidate: &&Candidate| {
        let own = candidate.context()?;
        Some((own.trace_id, own.span_id, own.sampling))
    };
    let candidates = judged.all.candidates.iter();
    let rejects = candidates.filter_map(|candidate| candidate.reject());
    let is_repeated = rejects.clone().any(|reject| reject.fault == Fault::Several);
    let refusals = distinct(rejects.map(|reject| match judged.cause(reject) {
        Some(cause) => format!("{} is refused: {cause}", reject.header),
        None => reject.to_string(),
    }));
    match contexts.as_slice() {
        [] if is_repeated => judged.explanation.summary.clone(),
        [] if !refusals.is_empty() => {
            format!("No usable trace context arrives; {}.", refusals.join("; "))
        }
        [] => match judged.only_reason() {
            Some(reason) => format!("No trace context arrives: {reason}"),
            None => with_unread(judged),
        },
        [first, others @ ..] => {
            let is_same = others.iter().all(|other| context(other) == context(first));
            let said = if is_same {
                match &first.outcome {
                    Outcome::Valid(extracted @ Extracted::Context(_)) => {
                        format!("Arrives: {}", contents(first, extracted))
                    }
                    _ => judged.explanation.summary.clone(),
                }
            } else {
                judged
                    .explanation
                    .summary
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            };
            let refused = if refusals.is_empty() {
                String::new()
            } else {
                format!("; {}", refusals.join("; "))
            };
            format!("{said}{refused}.")
        }
    }
}

/// The summary, and what belongs to tracing although no format reads it.
fn with_unread(judged: &Judged<'_>) -> String {
    let unread = judged.carrier.unread.iter();
    let names = distinct(
        unread
            .map(|unread| unread.name.as_str())
            .filter(|name| !name.is_empty()),
    );
    if names.is_empty() {
        return judged.explanation.summary.clone();
    }
    let (verb, them) = if names.len() == 1 {
        ("belongs", "it")
    } else {
        ("belong", "them")
    };
    let unread = format!(
        "{} {verb} to tracing, but baton reads no context from {them}.",
        list(names.iter().copied())
    );
    if judged.carrier.headers.is_empty() {
        return format!("No trace context arrives: {unread}");
    }
    format!("{} {unread}", judged.explanation.summary)
}

/// What several carriers have in common.
pub fn in_common(judged: &[Judged<'_>], beyond: usize) -> String {
    let carries = |judged: &&Judged<'_>| !judged.carrier.headers.is_empty();
    let number = judged.iter().filter(carries).count() + beyond;
    if number == 0 {
        return "No trace context arrives.".to_owned();
    }
    let contexts = judged.iter().flat_map(|judged| {
        judged
            .contexts()
            .into_iter()
            .filter_map(|candidate| candidate.context())
    });
    let traces = distinct(contexts.clone().map(|context| context.trace_id));
    let spans = distinct(contexts.map(|context| context.span_id));
    let parents = if spans.len() == 1 {
        "the same parent".to_owned()
    } else {
        format!("{} different parents", spans.len())
    };
    let arrive = match beyond {
        0 => format!("{number} carriers arrive"),
        _ => format!(
            "{number} carriers arrive; the first {} are judged",
            number - beyond
        ),
    };
    match traces.as_slice() {
        [] => format!("{arrive}, none with a usable trace context."),
        [only] => format!("{arrive}, all of one trace, {only}, with {parents}."),
        traces => format!("{arrive}, with {} different traces.", traces.len()),
    }
}

/// What a format found, in words.
pub fn contents(candidate: &Candidate, extracted: &Extracted) -> String {
    match extracted {
        Extracted::Context(context) => {
            let sampled = match (context.sampling, candidate.debug()) {
                (Sampling::Drop, true) => "not sampled, debug",
                (_, true) => "debug",
                (Sampling::Deferred, _) => "sampling deferred",
                (Sampling::Drop, _) => "not sampled",
                (Sampling::Keep | Sampling::Debug, _) => "sampled",
            };
            let random = if context.random { ", random flag" } else { "" };
            format!(
                "trace {}, span {}, {sampled}{random}",
                context.trace_id, context.span_id
            )
        }
        Extracted::SamplingOnly(sampling) => {
            let decision = match sampling {
                Sampling::Deferred => "no decision",
                Sampling::Drop => "the decision not to sample",
                Sampling::Keep => "the decision to sample",
                Sampling::Debug => "the decision to debug",
            };
            format!("{decision} and no span to continue")
        }
        Extracted::Baggage(baggage) => match baggage.len() {
            1 => "1 entry of baggage".to_owned(),
            number => format!("{number} entries of baggage"),
        },
    }
}
