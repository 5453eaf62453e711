//! A header that arrives several times although HTTP allows it once. Some libraries continue one of
//! its values, and others none.

use super::arrived::{Arrived, list};
use crate::carrier::{Getter, HeaderList};
use crate::context::TraceContext;
use crate::format::{Candidate, Fault};
use crate::formats;

/// What its values say together, as a clause; `None` if no header arrives several times, or if one
/// of its values is not valid.
pub(super) fn repeated(arrived: &Arrived<'_>) -> Option<String> {
    let mut rejects = arrived.candidates.iter().filter_map(Candidate::reject);
    let reject = rejects.find(|reject| reject.fault == Fault::Several)?;
    let (header, format) = (reject.header, formats::find(reject.format)?);
    let mut contexts: Vec<Option<TraceContext>> = Vec::new();
    arrived.headers.get_all(header, &mut |value| {
        let alone = HeaderList::from([(header, value)]);
        contexts.push(format.extract(&alone).context().cloned());
    });
    let contexts: Vec<TraceContext> = contexts.into_iter().collect::<Option<_>>()?;
    let traces = distinct(contexts.iter().map(|context| context.trace_id.to_string()));
    let spans = distinct(contexts.iter().map(|context| context.span_id.to_string()));
    let (what, ids) = match (traces.len(), spans.len()) {
        (1, 1) => {
            let first = super::describe(contexts.first()?);
            let times = match contexts.len() {
                2 => "twice".to_owned(),
                number => format!("{number} times"),
            };
            return Some(format!(
                "{header} arrives {times} with {first}, but may arrive only once"
            ));
        }
        (1, number) => (
            format!(
                "One trace arrives with {} different parents",
                super::in_words(number).to_lowercase()
            ),
            spans,
        ),
        (number, _) => (
            format!("{} different traces arrive", super::in_words(number)),
            traces,
        ),
    };
    let ids = list(ids.iter().map(String::as_str));
    Some(format!(
        "{what} in {header}, {ids}, although it may arrive only once"
    ))
}

/// The texts without repetition.
fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
