//! Datadog for Go. If nothing was found before a corrupt style, the tracer stops reading
//! (`c.badw3c-garbage+b3`).

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Found, Read, Readings};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static LIBRARY: Library = Library {
    name: "datadog-go",
    title: "Datadog for Go",
    version: "2.12.0",
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
    // The tracer's name for it is `b3 single header`; its `b3` means the multiple headers.
    ("b3", b3_single),
    ("b3multi", b3_multi),
    ("datadog", datadog),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_datadog),
    ("b3", sends::b3_datadog),
    ("b3multi", sends::b3_multi_datadog),
    ("datadog", sends::datadog),
];

fn choose(readings: &Readings) -> Chosen {
    super::choose(
        readings,
        &super::Rules {
            decision_blocks: false,
            fills_decision: false,
            // `b.w3c+b3.parentchild`
            span_needs_datadog: true,
            same_trace: super::equal,
        },
    )
}

/// Dashes and white space around the value and its parts are trimmed. Ids may be in upper case
/// (`d.span-upper`). Flags are a signed byte, so flags from 80 on are refused (`d.flags-ff`). Of
/// several `tracestate` headers, the last one is kept.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let value = match arrived.all("traceparent") {
        [] => return Read::Absent,
        [value] => value.trim_matches(['\t', ' ', '-']),
        _ => return Read::Corrupt("traceparent came more than once"),
    };
    if value.is_empty() {
        return Read::Absent;
    }
    let Some((mut found, version)) = traceparent(value) else {
        return Read::Corrupt("it is not version-traceid-spanid-flags");
    };
    if version == 0xff || (version == 0 && value.len() != 55) {
        return Read::Corrupt("its version is ff, or version 00 has more than four parts");
    }
    found.tracestate = tracestate::datadog_go(arrived.last("tracestate").unwrap_or_default());
    let priority = tracestate::dd_priority(&found.tracestate);
    found.debug = found.sampled == Some(true) && super::asks_to_keep(priority);
    match found {
        // A trace id of zeros is corrupt; a span id of zeros is not (`c.badw3c-zerotrace+b3`).
        Found { trace: 0, .. } => Read::Corrupt("the trace id is zero"),
        Found { span: 0, .. } => Read::Refused("the span id is zero"),
        found => Read::Context(found),
    }
}

fn traceparent(value: &str) -> Option<(Found, u128)> {
    let mut parts = value.splitn(5, '-');
    let mut part = |count| {
        let part = parts.next()?.trim_matches(['_', '-', '\t', ' ', '\n']);
        digits::any_case(part, count)
    };
    let (version, trace, span) = (part(2)?, part(32)?, part(16)?);
    let flags = i8::from_str_radix(parts.next()?, 16).ok()?;
    (value.len() >= 55).then(|| (Found::new(trace, span, Some(flags & 1 == 1)), version))
}

/// Reads a trace id from B3: the last 32 characters, without leading zeros, each half separately.
/// `Err` holds what remains of an id that is not hexadecimal.
fn trace_id(text: &str) -> Result<u128, u128> {
    let start = text.len().saturating_sub(32);
    let Some(text) = text.get(start..) else {
        return Err(0);
    };
    let text = text.trim_start_matches('0');
    let split = text.len().saturating_sub(16);
    let (Some(high), Some(low)) = (text.get(..split), text.get(split..)) else {
        return Err(0);
    };
    let high = digits::up_to(high, 16).unwrap_or_default() << 64;
    match digits::up_to(low, 16) {
        Some(low) => Ok(high | low),
        None => Err(high),
    }
}

/// The last header wins (`f.b3-two-headers`). Debug counts as "sampled". Text after the sampling
/// state is ignored. A sampling state without ids is corrupt (`f.b3-only-0`).
fn b3_single(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.last("b3") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split('-').collect();
    let [trace, span, ref rest @ ..] = parts[..] else {
        return Read::Corrupt("it has no ids");
    };
    let (Ok(trace), Some(span)) = (
        trace_id(trace),
        digits::up_to(span.trim_start_matches('0'), 16).or(zero(span)),
    ) else {
        return Read::Corrupt("an id is not hexadecimal");
    };
    let sampled = match rest.first().copied() {
        None | Some("") => None,
        Some("1" | "d") => Some(true),
        Some("0") => Some(false),
        Some(_) => return Read::Corrupt("its state is none of 0, 1 and d"),
    };
    found(trace, span, sampled)
}

/// `X-B3-Sampled` must be a number, and `X-B3-Flags` is ignored. A malformed trace id is ignored; a
/// malformed span id or sampling state is corrupt (`a.b3m.true`).
fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let trace = arrived.last("x-b3-traceid");
    let span = arrived.last("x-b3-spanid");
    let sampled = arrived.last("x-b3-sampled").map(str::parse::<i64>);
    if trace.is_none() && span.is_none() && sampled.is_none() {
        return Read::Absent;
    }
    let number = |text: &str| digits::up_to(text.trim_start_matches('0'), 16).or(zero(text));
    let Ok(sampled) = sampled.transpose() else {
        return Read::Corrupt("X-B3-Sampled is not a number");
    };
    let span = span.map(number);
    if span == Some(None) {
        return Read::Corrupt("X-B3-SpanId is not hexadecimal");
    }
    let trace = trace
        .map(trace_id)
        .unwrap_or(Ok(0))
        .unwrap_or_else(|kept| kept);
    found(
        trace,
        span.flatten().unwrap_or_default(),
        sampled.map(|priority| priority > 0),
    )
}

fn zero(text: &str) -> Option<u128> {
    (!text.is_empty() && text.bytes().all(|byte| byte == b'0')).then_some(0)
}

fn found(trace: u128, span: u128, sampled: Option<bool>) -> Read {
    Found::new(trace, span, sampled).checked(Read::Refused)
}

/// Ids are decimal and may have a minus sign. The high half of the trace id comes from `_dd.p.tid`,
/// in lower case. The parent may be missing only with origin `synthetics` (`dd.parent.synthetics`).
fn datadog(arrived: &Arrived<'_>) -> Read {
    let number = |name: &str| match arrived.last(name) {
        None => Some(0),
        Some(text) if text.starts_with('-') => text.parse::<i64>().ok().map(|number| number as u64),
        Some(text) => text.parse::<u64>().ok().filter(|_| !text.starts_with('+')),
    };
    let priority = arrived
        .last("x-datadog-sampling-priority")
        .map(str::parse::<i64>);
    let (Some(low), Some(span), Ok(priority)) = (
        number("x-datadog-trace-id"),
        number("x-datadog-parent-id"),
        priority.transpose(),
    ) else {
        return Read::Corrupt("its ids or its priority are not numbers");
    };
    let high = arrived
        .last("x-datadog-tags")
        .and_then(|tags| super::tid(tags, |key, value| !key.is_empty() && !value.is_empty()))
        .and_then(|tid| digits::lower(tid, 16));
    let trace = super::whole_trace(low, high);
    if trace == 0 && span == 0 {
        return Read::Absent;
    }
    let mut found = Found::new(trace, span.into(), priority.map(|priority| priority > 0));
    found.debug = super::asks_to_keep(priority);
    if trace != 0 && arrived.last("x-datadog-origin") == Some("synthetics") {
        return Read::Context(found);
    }
    found.checked(Read::Refused)
}
