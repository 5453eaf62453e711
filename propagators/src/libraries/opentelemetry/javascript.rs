//! OpenTelemetry for JavaScript, versions 2 and 3. They differ only in how they read short trace
//! ids in `X-B3-TraceId`.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Found, Read, last};
use super::super::sends::{self, Writer};
use super::super::{Library, Reader, Undecided};
use super::super::{traceparent, tracestate};

pub(in super::super) static V2: Library = Library {
    name: "otel-js@2",
    title: "OpenTelemetry for JavaScript 2",
    version: "2.12.1",
    delivery: Delivery::Node,
    readers: READERS_V2,
    choose: last,
    undecided: Undecided::NotSampled,
    one_format: false,
    opened: sends::drops_random,
    writers: WRITERS,
};

pub(in super::super) static V3: Library = Library {
    name: "otel-js@3",
    title: "OpenTelemetry for JavaScript 3",
    version: "3.1.1",
    readers: READERS_V3,
    writers: WRITERS_V3,
    ..V2
};

// b3 and b3multi have the same reader but different writers.
const READERS_V2: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    ("b3", |arrived| b3(arrived, padded)),
    ("b3multi", |arrived| b3(arrived, padded)),
    ("xray", xray),
    ("jaeger", jaeger),
    ("ottrace", ot_trace),
];

// Jaeger and OpenTracing were not measured with version 3.
const READERS_V3: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    ("b3", |arrived| b3(arrived, whole)),
    ("b3multi", |arrived| b3(arrived, whole)),
    ("xray", xray),
];

/// Version 2 pads a trace id of any length with zeros (`c.w3c+badb3m-short`).
fn padded(trace_id: &str) -> Option<u128> {
    digits::up_to(trace_id, 32)
}

/// Version 3 only pads trace ids of 16 digits.
fn whole(trace_id: &str) -> Option<u128> {
    digits::any_case(trace_id, 16).or_else(|| digits::any_case(trace_id, 32))
}

const WRITERS_V3: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_with_flags),
    ("b3", sends::b3_single_javascript),
    ("b3multi", sends::b3_multi_javascript),
    ("xray", sends::xray),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_with_flags),
    ("b3", sends::b3_single_javascript),
    ("b3multi", sends::b3_multi_javascript),
    ("xray", sends::xray),
    ("jaeger", sends::jaeger),
    ("ottrace", sends::ot_trace),
];

/// Matches `^\s?(version)-(trace id)-(span id)-(flags)(-.*)?\s?$` in lower case. Two headers arrive
/// joined, so they do not match (`d.two-headers-same`).
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent::read(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    found.tracestate = arrived
        .first("tracestate")
        .map(tracestate::javascript)
        .unwrap_or_default();
    found.checked(Read::Refused)
}

/// If `b3` is not empty, only that header is read. `X-B3-*` is ignored even if `b3` is malformed.
fn b3(arrived: &Arrived<'_>, trace_id: fn(&str) -> Option<u128>) -> Read {
    match arrived.filled("b3") {
        Some(value) => b3_single(value),
        None => b3_multi(arrived, trace_id),
    }
}

/// The pattern has no anchors, so it matches within any text (`f.b3-embedded`,
/// `f.b3-prefix-garbage`, `f.b3-comma`).
fn b3_single(value: &str) -> Read {
    let Some((trace, span, rest)) = (0..value.len()).find_map(|start| ids(value, start)) else {
        return Read::Refused("no traceid-spanid in lower case is in it");
    };
    let state = rest.strip_prefix('-').and_then(|state| {
        let mut letters = state.chars();
        let sampling = letters.next().filter(|letter| "01d".contains(*letter))?;
        let alone = !letters
            .next()
            .is_some_and(|next| next.is_ascii_digit() || ('a'..='f').contains(&next));
        alone.then_some(sampling)
    });
    // A missing or unknown sampling state means "not sampled" (`a.b3.absent`, `f.b3-sampled-x`).
    let mut found = Found::new(trace, span, Some(matches!(state, Some('1' | 'd'))));
    found.debug = state == Some('d');
    found.checked(Read::Refused)
}

/// The ids at `start`, trying 32 digits before 16, and the text after them.
fn ids(value: &str, start: usize) -> Option<(u128, u128, &str)> {
    [32, 16].into_iter().find_map(|width| {
        let trace = digits::lower(value.get(start..start + width)?, width)?;
        let rest = value.get(start + width..)?.strip_prefix('-')?;
        let span = digits::lower(rest.get(..16)?, 16)?;
        Some((trace, span, &rest[16..]))
    })
}

/// Ids may be in either case (`a.b3m.upper`). An unknown sampling state invalidates all headers
/// (`a.b3m.TRUE`).
fn b3_multi(arrived: &Arrived<'_>, trace_id: fn(&str) -> Option<u128>) -> Read {
    let (Some(trace), Some(span)) = (arrived.first("x-b3-traceid"), arrived.first("x-b3-spanid"))
    else {
        return Read::Absent;
    };
    let debug = arrived.first("x-b3-flags") == Some("1");
    let sampled = match arrived.first("x-b3-sampled") {
        _ if debug => true,
        Some("1" | "true" | "True") => true,
        None | Some("0" | "false" | "False") => false,
        Some(_) => return Read::Refused("X-B3-Sampled has an unknown value"),
    };
    let (Some(trace), Some(span)) = (trace_id(trace), digits::any_case(span, 16)) else {
        return Read::Refused("an id is not hexadecimal or has a wrong length");
    };
    let mut found = Found::new(trace, span, Some(sampled));
    found.debug = debug;
    found.debug_in_flags = debug;
    found.checked(Read::Refused)
}

/// `Sampled` must be present and be 0 or 1 (`a.xray.absent`, `a.xray.q`). The `tracestate` of an
/// earlier format is kept (`b.w3c+xray.trace-ts`).
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.filled("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let (mut trace, mut span, mut sampled) = (0, 0, None);
    for part in header.split(';').map(str::trim) {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        if part.starts_with("Root") {
            trace = digits::xray_root(value, digits::any_case).unwrap_or_default();
        } else if part.starts_with("Parent") {
            span = digits::any_case(value, 16).unwrap_or_default();
        } else if part.starts_with("Sampled") {
            sampled = match value {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            };
        }
    }
    if sampled.is_none() {
        return Read::Refused("Sampled is missing or neither 0 nor 1");
    }
    let mut found = Found::new(trace, span, sampled);
    found.keeps_tracestate = true;
    found.checked(Read::Refused)
}

/// Ids are not checked, so an invalid context replaces a valid one (`c.w3c+jaeger-zero`). Flags
/// that are not hexadecimal mean sampled.
fn jaeger(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("uber-trace-id") else {
        return Read::Absent;
    };
    let Some(decoded) = digits::percent_decoded(value) else {
        return Read::Refused("it is not percent-encoded as it should be");
    };
    let parts: Vec<&str> = decoded.split(':').collect();
    let [trace, span, _, flags] = parts[..] else {
        return Read::Refused("it does not have four parts");
    };
    let sampled = digits::up_to(flags, 2).is_none_or(|flags| flags & 1 == 1);
    let (Some(trace), Some(span)) = (digits::up_to(trace, 32), digits::up_to(span, 16)) else {
        return Read::Void("an id is not hexadecimal but is kept");
    };
    Found::new(trace, span, Some(sampled)).checked(Read::Void)
}

fn ot_trace(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (
        arrived.filled("ot-tracer-traceid"),
        arrived.filled("ot-tracer-spanid"),
    ) else {
        return Read::Absent;
    };
    let sampled = arrived.first("ot-tracer-sampled") == Some("true");
    let trace = digits::any_case(trace, 16).or_else(|| digits::any_case(trace, 32));
    match (trace, digits::any_case(span, 16)) {
        (Some(trace), Some(span)) => Found::new(trace, span, Some(sampled)).checked(Read::Refused),
        _ => Read::Refused("an id has a wrong length or is not hexadecimal"),
    }
}
