//! Datadog's tracers. They continue the first style that holds a context. Without a parent in it,
//! most keep the trace id, and start a root in that trace (`dd.parent.0`). A later `traceparent` of
//! the same trace replaces the span id and `tracestate`, but not the sampling decision. Contexts of
//! other traces become span links (`b.w3c+b3.trace`, `b.w3c+b3.parentchild`).

use crate::formats::{datadog, tracecontext};

use super::read::{Chosen, Found, Read, Readings};

pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
pub(super) mod python;
pub(super) mod rust;

/// The differences between Datadog's tracers in how they choose.
pub(super) struct Rules {
    /// Whether a sampling decision without ids, if it is first in the list, prevents later contexts
    /// from being continued (`b.w3c+b3.only0`).
    decision_blocks: bool,
    /// Whether a `traceparent` of the same trace supplies a missing decision
    /// (`b.w3c+b3.w0-deferred`).
    fills_decision: bool,
    /// Whether the span id of a later `traceparent` is used only if Datadog's own headers also
    /// arrived.
    span_needs_datadog: bool,
    /// Whether two contexts belong to the same trace.
    same_trace: fn(&(&'static str, Found), &(&'static str, Found)) -> bool,
}

/// Whether the ids are equal.
fn equal(one: &(&'static str, Found), other: &(&'static str, Found)) -> bool {
    one.1.trace == other.1.trace
}

/// Chooses among the contexts of a list's styles.
fn choose(readings: &Readings, rules: &Rules) -> Chosen {
    let mut chosen = Chosen::default();
    let datadog = readings
        .iter()
        .any(|(format, read)| *format == datadog::NAME && matches!(read, Read::Context(_)));
    let takes_span = datadog || !rules.span_needs_datadog;
    let mut first: Option<(&'static str, Found)> = None;
    for (format, read) in readings {
        let found = match read {
            Read::Absent | Read::Refused(_) => continue,
            // The Go tracer ignores errors in later styles.
            Read::Corrupt(_) | Read::Void(_) if first.is_some() => continue,
            Read::Corrupt(reason) | Read::Void(reason) => {
                chosen.blocked = Some((format, reason));
                return chosen;
            }
            Read::Decision(_) if !rules.decision_blocks => continue,
            Read::Decision(decision) => {
                if first.is_none() {
                    chosen.decision = Some(*decision);
                }
                Found {
                    sampled: Some(decision.sampled),
                    ..Found::default()
                }
            }
            Read::Context(found) => found.clone(),
        };
        let later = (*format, found);
        let Some(first) = &mut first else {
            first = Some(later);
            continue;
        };
        if (rules.same_trace)(first, &later) {
            if *format == tracecontext::NAME {
                adopt(&mut first.1, &later.1, rules, takes_span);
            }
        } else if later.1.trace != 0 && later.1.span != 0 {
            chosen.links.push(later);
        }
    }
    match first {
        Some((format, found)) if found.trace == 0 => {
            chosen.blocked = Some((format, "it has no trace id, but still wins"));
        }
        first => chosen.context = first,
    }
    chosen
}

/// Takes from a `traceparent` of the same trace what the first style lacks.
fn adopt(first: &mut Found, w3c: &Found, rules: &Rules, takes_span: bool) {
    if takes_span {
        first.span = w3c.span;
    }
    if rules.fills_decision && first.sampled.is_none() {
        first.sampled = w3c.sampled;
    }
    first.tracestate.clone_from(&w3c.tracestate);
}

/// Priority 2 means "the user asked to keep it". These tracers read B3's debug flag as priority 2,
/// and write priority 2 as debug.
fn asks_to_keep(priority: Option<i64>) -> bool {
    priority == Some(2)
}

/// Joins the halves of a Datadog trace id: the low half is decimal, the high half is `_dd.p.tid` of
/// the tags, in hexadecimal.
fn whole_trace(low: u64, high: Option<u128>) -> u128 {
    high.unwrap_or_default() << 64 | u128::from(low)
}

/// The value of the last `_dd.p.tid` in `x-datadog-tags`. If `is_tag` refuses any tag, all tags are
/// ignored and the result is `None`.
fn tid(tags: &str, is_tag: fn(&str, &str) -> bool) -> Option<&str> {
    let mut tid = None;
    for tag in tags.split(',') {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        if !is_tag(key, value) {
            return None;
        }
        if key == "_dd.p.tid" {
            tid = Some(value);
        }
    }
    tid
}

/// Whether a tag has a visible key and a value.
fn is_visible_tag(key: &str, value: &str) -> bool {
    let visible = |byte: u8| (b'!'..=b'~').contains(&byte);
    !key.is_empty() && key.bytes().all(visible) && !value.is_empty()
}
