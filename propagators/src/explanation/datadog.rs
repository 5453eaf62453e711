//! What Datadog's libraries make of several contexts.
//!
//! The first valid one wins. Where a later `tracecontext` has the same trace id, its span id and `tracestate` are taken, while
//! the first one's sampling decision stays; where the trace ids differ, the loser becomes a span link with the reason
//! `terminated_context`.

use super::arrived::Source;
use crate::formats::{b3, b3multi, datadog, tracecontext};

/// The formats that all of Datadog's libraries have.
const STYLES: [&str; 4] = [tracecontext::NAME, b3::NAME, b3multi::NAME, datadog::NAME];

/// What is continued of contexts listed in this order, as a phrase; `None` where Datadog does not read all of them, or one
/// has a fault that this reader overlooked and Datadog's need not.
pub(super) fn choice(listed: &[&Source<'_>]) -> Option<String> {
    let (first, later) = listed.split_first()?;
    let is_read = |source: &&Source<'_>| STYLES.contains(&source.format) && !source.overlooked;
    if !listed.iter().all(is_read) {
        return None;
    }
    let mut phrase = format!("{}'s", first.header);
    for source in later {
        if source.context.trace_id != first.context.trace_id {
            phrase.push_str(&format!(" and link {}'s", source.header));
        } else if source.format == tracecontext::NAME {
            phrase.push_str(&format!(" with {}'s span id and tracestate", source.header));
        }
    }
    Some(phrase)
}
