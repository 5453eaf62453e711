//! What Datadog's libraries make of several contexts.
//!
//! The first valid context wins. If a later `tracecontext` has the same trace id, its span id and
//! `tracestate` are used with the first context's sampling decision. A context with another trace
//! id becomes a span link with the reason `terminated_context`.

use super::arrived::Source;
use crate::formats::{b3, b3multi, datadog, tracecontext};

/// The formats that all of Datadog's libraries have.
const STYLES: [&str; 4] = [tracecontext::NAME, b3::NAME, b3multi::NAME, datadog::NAME];

/// What Datadog's libraries continue if the formats are listed in this order, as a phrase. It is
/// `None` in cases that were not measured: Datadog does not read all the formats, there is an
/// objection to one of them, or Datadog's own trace id is the low half of another one.
pub(super) fn choice(listed: &[&Source<'_>]) -> Option<String> {
    let (first, later) = listed.split_first()?;
    let is_read = |source: &&Source<'_>| STYLES.contains(&source.format) && !source.objected;
    let is_cut = |short: &&Source<'_>| {
        let (own, is_short) = (short.context.trace_id, short.context.trace_id.is_64_bit());
        let halves = |other: &&Source<'_>| {
            other.context.trace_id != own && other.context.trace_id.low_64() == own.low_64()
        };
        short.format == datadog::NAME && is_short && listed.iter().any(halves)
    };
    if !listed.iter().all(is_read) || listed.iter().any(is_cut) {
        return None;
    }
    let mut phrase = format!("{}'s", first.header);
    for source in later {
        if source.context.trace_id != first.context.trace_id {
            phrase.push_str(&format!(" and link {}'s", source.header));
        } else if source.format == tracecontext::NAME {
            phrase.push_str(&format!(" with {}'s span id", source.header));
            if !source.context.tracestate.is_empty() {
                phrase.push_str(" and tracestate");
            }
        }
    }
    Some(phrase)
}
