//! Datadog's tracers. The first style that holds a context is continued; a later `traceparent` of
//! the same trace gives its span id and `tracestate` while the first one's sampling stays; contexts
//! of other traces become span links (`b.w3c+b3.trace`, `b.w3c+b3.parentchild`).

use super::read::{Chosen, Found, Read, Readings};

pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
pub(super) mod python;
pub(super) mod rust;

/// What differs between Datadog's tracers when they decide.
pub(super) struct Rules {
    /// Whether a sampling decision without ids, listed first, keeps a later context from being
    /// continued (`b.w3c+b3.only0`).
    decision_blocks: bool,
    /// Whether an open decision is filled in from a `traceparent` of the same trace
    /// (`b.w3c+b3.w0-deferred`).
    fills_decision: bool,
    /// Whether the span id of a later `traceparent` is taken only where Datadog's own headers are
    /// there too.
    span_needs_datadog: bool,
    /// Whether two contexts are of the same trace.
    same_trace: fn(&(&'static str, Found), &(&'static str, Found)) -> bool,
}

/// Whether the ids are equal.
fn equal(one: &(&'static str, Found), other: &(&'static str, Found)) -> bool {
    one.1.trace == other.1.trace
}

/// Decides among what the styles of a list hold.
fn choose(readings: &Readings, rules: &Rules) -> Chosen {
    let mut chosen = Chosen::default();
    let datadog = readings
        .iter()
        .any(|(format, read)| *format == "datadog" && matches!(read, Read::Context(_)));
    let takes_span = datadog || !rules.span_needs_datadog;
    let mut first: Option<(&'static str, Found)> = None;
    for (format, read) in readings {
        let found = match read {
            Read::Absent | Read::Refused(_) => continue,
            // Of later styles, the Go tracer ignores errors.
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
            if *format == "tracecontext" {
                adopt(&mut first.1, &later.1, rules, takes_span);
            }
        } else if later.1.trace != 0 && later.1.span != 0 {
            chosen.links.push(later);
        }
    }
    match first {
        Some((format, found)) if found.trace == 0 || found.span == 0 => {
            chosen.blocked = Some((
                format,
                "it holds no complete ids, and is taken all the same",
            ));
        }
        first => chosen.context = first,
    }
    chosen
}

/// Takes from a `traceparent` of the same trace what the first style does not know.
fn adopt(first: &mut Found, w3c: &Found, rules: &Rules, takes_span: bool) {
    if takes_span {
        first.span = w3c.span;
    }
    if rules.fills_decision && first.sampled.is_none() {
        first.sampled = w3c.sampled;
    }
    first.tracestate.clone_from(&w3c.tracestate);
}

/// Priority 2, "the user asked to keep it", is what these tracers make of B3's debug, and send on
/// as it.
fn asks_to_keep(priority: Option<i64>) -> bool {
    priority == Some(2)
}

/// The two halves of a Datadog trace id: decimal, and the `_dd.p.tid` of the tags in hexadecimal.
fn whole_trace(low: u64, high: Option<u128>) -> u128 {
    high.unwrap_or_default() << 64 | u128::from(low)
}

/// The value of `_dd.p.tid` in `x-datadog-tags`, the last where there are several; `None` too where
/// one tag is not what `is_tag` takes, for that spoils all of them.
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

/// A tag whose key is visible and whose value is there.
fn is_visible_tag(key: &str, value: &str) -> bool {
    let visible = |byte: u8| (b'!'..=b'~').contains(&byte);
    !key.is_empty() && key.bytes().all(visible) && !value.is_empty()
}
