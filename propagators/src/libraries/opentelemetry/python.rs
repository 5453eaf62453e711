//! OpenTelemetry for Python.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Found, Read, last};
use super::super::sends::{self, Writer};
use super::super::{Library, Reader, Undecided};
use super::super::{traceparent, tracestate};

pub(in super::super) static LIBRARY: Library = Library {
    name: "otel-python",
    title: "OpenTelemetry for Python",
    version: "1.45.2",
    delivery: Delivery::Multimap,
    readers: READERS,
    choose: last,
    undecided: Undecided::NotSampled,
    one_format: false,
    opened: sends::takes_all,
    writers: WRITERS,
};

const READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    // Both read the same headers but write different ones.
    ("b3", b3),
    ("b3multi", b3),
    ("xray", xray),
    ("jaeger", jaeger),
    ("ottrace", ot_trace),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_with_flags),
    ("b3", sends::b3_single_without_debug),
    ("b3multi", sends::b3_multi_without_debug),
    ("xray", sends::xray),
    ("jaeger", sends::jaeger_python),
    ("ottrace", sends::ot_trace_python),
];

/// Matches `^[ \t]*version-traceid-spanid-flags(-.*)?[ \t]*$` in lower case, in the first header
/// that arrived.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent::read(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    found.tracestate = tracestate::python(arrived.all("tracestate"));
    found.checked(Read::Refused)
}

/// If `b3` is not empty, only that header is read. Ids may be in upper case (`a.b3.upper`). An id
/// of zeros is accepted, and the invalid context replaces a valid one (`c.w3c+badb3-zerotrace`).
fn b3(arrived: &Arrived<'_>) -> Read {
    let (trace, span, sampled) = match arrived.filled("b3") {
        Some(value) => match value.split('-').collect::<Vec<_>>()[..] {
            // In the single header, a missing sampling state means sampled (`a.b3.absent`).
            [trace, span] => (trace, span, "1"),
            [trace, span, sampled] | [trace, span, sampled, _] => (trace, span, sampled),
            _ => return Read::Refused("it does not have two to four parts"),
        },
        None => {
            let (Some(trace), Some(span)) = (
                arrived.filled("x-b3-traceid"),
                arrived.filled("x-b3-spanid"),
            ) else {
                return Read::Absent;
            };
            let debug = arrived.first("x-b3-flags") == Some("1");
            let sampled = arrived.filled("x-b3-sampled").unwrap_or("0");
            (trace, span, if debug { "1" } else { sampled })
        }
    };
    let length = |text: &str, allowed: &[usize]| allowed.contains(&text.chars().count());
    let hexadecimal = |text: &str| {
        text.chars()
            .all(|letter| digits::ascii_digit(letter).is_some())
    };
    if !length(trace, &[16, 32])
        || !length(span, &[16])
        || !hexadecimal(trace)
        || !hexadecimal(span)
    {
        return Read::Refused("an id has a wrong length or is not hexadecimal");
    }
    let (Some(trace), Some(span)) = (digits::python(trace), digits::python(span)) else {
        return Read::Refused("an id is not hexadecimal");
    };
    let sampled = matches!(sampled, "1" | "True" | "true" | "d");
    Found::new(trace, span, Some(sampled)).checked(Read::Void)
}

/// Every part must be `key=value`. `Sampled` must be 0 or 1 if it is present (`a.xray.q`).
fn xray(arrived: &Arrived<'_>) -> Read {
    let [header] = arrived.all("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let (mut trace, mut span, mut sampled) = (0, 0, false);
    for part in header.split(';') {
        let Some((key, value)) = part
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
        else {
            return Read::Refused("a part of it is not key=value");
        };
        let value = value.trim();
        match key.trim() {
            "Root" => match digits::xray_root(value, digits::any_case) {
                Some(id) => trace = id,
                None => return Read::Refused("Root is not 1-8digits-24digits"),
            },
            "Parent" => match digits::any_case(value, 16) {
                Some(id) => span = id,
                None => return Read::Refused("Parent does not have 16 hexadecimal digits"),
            },
            "Sampled" => match value {
                "1" => sampled = true,
                "0" => sampled = false,
                _ => return Read::Refused("Sampled is neither 0 nor 1"),
            },
            _ => {}
        }
    }
    Found::new(trace, span, Some(sampled)).checked(Read::Refused)
}

/// Ids are read with `int(…, 16)`, which accepts any length. Percent signs are not decoded
/// (`a.jaeger.urlenc`).
fn jaeger(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("uber-trace-id") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split(':').collect();
    let [trace, span, _, flags] = parts[..] else {
        return Read::Refused(match value.contains('%') {
            true => "it is percent-encoded",
            false => "it does not have four parts",
        });
    };
    let Some(flags) = digits::python(flags) else {
        return Read::Refused("its flags are not hexadecimal");
    };
    let trace = digits::python(trace).unwrap_or_default();
    let span = digits::python(span).unwrap_or_default();
    let wide = digits::python_exceeds(parts[0], 128) || digits::python_exceeds(parts[1], 64);
    if wide && parts[..2].iter().all(|id| is_number(id)) {
        return Read::Void("an id is negative or has too many digits, but is kept");
    }
    Found::new(trace, span, Some(flags & 1 == 1)).checked(Read::Refused)
}

/// Whether `int(…, 16)` gives a number that is not zero.
fn is_number(id: &str) -> bool {
    digits::python_exceeds(id, 64) || digits::python(id).is_some_and(|id| id != 0)
}

fn ot_trace(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (
        arrived.first("ot-tracer-traceid"),
        arrived.first("ot-tracer-spanid"),
    ) else {
        return Read::Absent;
    };
    let sampled = arrived.first("ot-tracer-sampled") == Some("true");
    match (
        digits::lower_up_to(trace, 32),
        digits::lower_up_to(span, 16),
    ) {
        (Some(trace), Some(span)) => Found::new(trace, span, Some(sampled)).checked(Read::Refused),
        _ => Read::Refused("an id is not hexadecimal in lower case"),
    }
}
