//! Datadog for Java.

use crate::formats::{datadog, tracecontext};

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Decision, Found, Read, Readings};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static LIBRARY: Library = Library {
    name: "datadog-java",
    title: "Datadog for Java",
    version: "1.68.1",
    delivery: Delivery::Multimap,
    readers: READERS,
    choose,
    undecided: Undecided::Sampled,
    one_format: false,
    opened: sends::takes_all,
    writers: WRITERS,
};

const READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    // The tracer's name for it is `b3single`; its `b3` means the multiple headers.
    ("b3", b3_single),
    ("b3multi", b3_multi),
    ("xray", xray),
    ("datadog", datadog),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_datadog),
    ("b3", sends::b3_datadog),
    ("b3multi", sends::b3_multi_datadog),
    ("xray", sends::xray_datadog_java),
    ("datadog", sends::datadog),
];

fn choose(readings: &Readings) -> Chosen {
    super::choose(
        readings,
        &super::Rules {
            decision_blocks: false,
            fills_decision: false,
            span_needs_datadog: false,
            same_trace: matching,
        },
    )
}

/// Trace ids are compared by their low 64 bits, unless both have 128 bits and came in W3C's or
/// Datadog's headers. So a B3 id is never compared whole (`b.w3c+b3.low64`).
fn matching(one: &(&'static str, Found), other: &(&'static str, Found)) -> bool {
    let whole = |(format, found): &(&'static str, Found)| {
        *format == tracecontext::NAME || (*format == datadog::NAME && found.trace >> 64 != 0)
    };
    match whole(one) && whole(other) {
        true => super::equal(one, other),
        false => one.1.trace as u64 == other.1.trace as u64,
    }
}

/// Fields are read by position; the characters between them are ignored. A trace id whose low half
/// is zero is refused.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    if found.trace as u64 == 0 {
        return Read::Refused("the low half of its trace id is zero");
    }
    let tracestate = arrived.first("tracestate").unwrap_or_default();
    found.tracestate = tracestate::datadog_java(tracestate);
    found.debug =
        found.sampled == Some(true) && super::asks_to_keep(tracestate::dd_priority(tracestate));
    found.checked(Read::Refused)
}

fn traceparent(value: &str) -> Option<Found> {
    // Digits of other scripts are accepted (`d.unicode-flags`), so positions count characters.
    let letters: Vec<char> = value.chars().collect();
    let number = |from: usize, to: usize| {
        let digits: String = letters.get(from..to)?.iter().collect();
        digits::is_lower(&digits)
            .then(|| digits::java(&digits))
            .flatten()
    };
    let longer = letters.len() > 55;
    let version = number(0, 2)?;
    if version == 0xff || (longer && (version == 0 || letters[55] != '-')) {
        return None;
    }
    let flags = number(53, 55)?;
    Some(Found::new(
        number(3, 35)?,
        number(36, 52)?,
        Some(flags & 1 == 1),
    ))
}

/// The sampling state is "sampled" only if the text after the second dash is exactly 1. So debug,
/// or a parent id after the state, means "not sampled" (`a.b3.parent`, `a.b3.d`).
fn b3_single(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("b3").map(first_value) else {
        return Read::Absent;
    };
    if value.chars().count() == 1 {
        return Read::Decision(Decision {
            sampled: value == "1",
            debug: false,
        });
    }
    let Some((trace, rest)) = value.split_once('-') else {
        return Read::Refused("it has no ids");
    };
    let (span, state) = match rest.split_once('-') {
        Some((span, state)) => (span, Some(state)),
        None => (rest, None),
    };
    context(trace, Some(span), state)
}

/// `X-B3-Flags` is ignored (`a.b3m.flags1`).
fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let state = arrived.filled("x-b3-sampled").map(first_value);
    let Some(trace) = arrived.filled("x-b3-traceid") else {
        return state.map_or(Read::Absent, |state| {
            Read::Decision(Decision {
                sampled: state == "1",
                debug: false,
            })
        });
    };
    context(
        first_value(trace),
        arrived.filled("x-b3-spanid").map(first_value),
        state,
    )
}

/// A trace id has 1 to 32 digits in lower case. A span id has any length, up to a value of 64 bits,
/// in either case. Digits of other scripts are accepted and stay in the trace id, so no other
/// library can read it (`f.b3m-unicode`).
fn context(trace: &str, span: Option<&str>, state: Option<&str>) -> Read {
    let trace_id = digits::java(trace).filter(|_| digits::is_lower(trace));
    let span_id = match span {
        Some(span) => digits::java(span).and_then(|id| u64::try_from(id).ok()),
        None => Some(0),
    };
    if trace.chars().count() > 32 {
        return Read::Refused("its trace id has more than 32 digits");
    }
    if trace_id.is_some() && !trace.is_ascii() {
        return Read::Void("its trace id has digits of another script, and is kept unchanged");
    }
    let (Some(trace), Some(span)) = (trace_id, span_id) else {
        return Read::Refused("an id is not hexadecimal, or the trace id is in upper case");
    };
    if trace as u64 == 0 {
        return Read::Refused("the low half of its trace id is zero");
    }
    Read::Context(Found::new(
        trace,
        span.into(),
        state.map(|state| state == "1"),
    ))
}

/// Reads only ids that this tracer could have sent: 64 bits after eight zeros. The time before them
/// is ignored.
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.filled("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let low = header.find("Root=1-").and_then(|place| {
        let padded = header.get(place + 15..place + 24)?;
        (padded == "-00000000").then_some(())
    });
    if low.is_none() {
        return Read::Refused("its trace id has more than 64 bits");
    }
    let (mut trace, mut span, mut sampled) = (0, 0, None);
    for part in header.split(';').map(str::trim) {
        if let Some(root) = part.strip_prefix("Root=1-") {
            let Some(id) = root.get(17..).and_then(|id| digits::up_to(id, 16)) else {
                return Read::Refused("its Root is not hexadecimal");
            };
            trace = id;
        } else if let Some(parent) = part.strip_prefix("Parent=") {
            let Some(id) = digits::up_to(parent, 16) else {
                return Read::Refused("its Parent is not hexadecimal");
            };
            span = id;
        } else if let Some(state) = part.strip_prefix("Sampled=") {
            sampled = Some(state.starts_with('1'));
        }
    }
    Read::Context(Found::new(trace, span, sampled))
}

/// Ids are decimal; the high half of the trace id comes from `_dd.p.tid`. If no ids arrived,
/// X-Ray's header is read too.
fn datadog(arrived: &Arrived<'_>) -> Read {
    let number = |name: &str| match arrived.first(name).map(first_value) {
        Some(text) => text.parse::<u64>().map(Some),
        None => Ok(None),
    };
    let priority = arrived
        .first("x-datadog-sampling-priority")
        .map(|text| first_value(text).parse::<i32>());
    let (Ok(trace), Ok(span), Ok(priority)) = (
        number("x-datadog-trace-id"),
        number("x-datadog-parent-id"),
        priority.transpose(),
    ) else {
        return Read::Refused("its ids or its priority are not numbers");
    };
    let Some(low) = trace.filter(|id| *id != 0) else {
        return xray(arrived);
    };
    let high = arrived
        .filled("x-datadog-tags")
        .and_then(|tags| super::tid(tags, super::is_visible_tag))
        .and_then(|tid| digits::lower(tid, 16));
    let mut found = Found::new(
        super::whole_trace(low, high),
        span.unwrap_or_default().into(),
        priority.map(|priority| priority > 0),
    );
    found.debug = super::asks_to_keep(priority.map(i64::from));
    Read::Context(found)
}

/// The text before the first comma (`f.b3-comma`).
fn first_value(value: &str) -> &str {
    value
        .split_once(',')
        .map_or(value, |(first, _)| first.trim())
}
