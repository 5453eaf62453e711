//! One sentence about what arrives, for one carrier or for several.

use baton_propagators::{Extracted, Outcome};

use super::text::safe;
use super::{Judged, distinct, section};

/// One sentence about what arrives.
pub(super) fn arrives(judged: &Judged<'_>) -> String {
    let contexts = judged.contexts();
    let context = |candidate: &&baton_propagators::Candidate| {
        candidate.context().map(|own| (own.trace_id, own.span_id))
    };
    let candidates = judged.all.candidates.iter();
    let rejects = candidates.filter_map(|candidate| candidate.reject());
    let refusals = distinct(rejects.map(|reject| match judged.cause(reject) {
        Some(cause) => format!("{}: {cause}", reject.header),
        None => reject.to_string(),
    }));
    match contexts.as_slice() {
        [] if !refusals.is_empty() => {
            format!("No usable trace context arrives: {}.", refusals.join("; "))
        }
        [] if judged.carrier.headers.is_empty() && !judged.carrier.unread.is_empty() => {
            let unread = judged.carrier.unread.iter();
            let reasons = distinct(unread.map(|unread| unread.why.as_str()));
            match reasons.as_slice() {
                [only] => format!(
                    "No trace context arrives as it stands: {}",
                    only.trim_end_matches('.')
                ),
                _ => {
                    let names: Vec<&str> = judged
                        .carrier
                        .unread
                        .iter()
                        .map(|unread| unread.name.as_str())
                        .collect();
                    format!(
                        "{} belong to tracing, and no format of baton reads them",
                        names.join(", ")
                    )
                }
            }
            .chars()
            .flat_map(safe)
            .chain(".".chars())
            .collect()
        }
        [] => judged.explanation.summary.clone(),
        [first, others @ ..] => {
            let is_same = others.iter().all(|other| context(other) == context(first));
            let said = if is_same {
                match &first.outcome {
                    Outcome::Valid(extracted @ Extracted::Context(_)) => {
                        format!("Arrives: {}", section::contents(first, extracted))
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
                format!("; refused: {}", refusals.join("; "))
            };
            format!("{said}{refused}.")
        }
    }
}

/// What several carriers have in common.
pub(super) fn in_common(judged: &[Judged<'_>], beyond: usize) -> String {
    let number = judged.len() + beyond;
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
    match traces.as_slice() {
        [] => format!("{number} carriers arrive, none with a usable trace context."),
        [only] => format!("{number} carriers arrive, all of one trace, {only}, with {parents}."),
        traces => format!(
            "{number} carriers arrive, with {} different traces.",
            traces.len()
        ),
    }
}
