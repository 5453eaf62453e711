//! OpenTelemetry for Java. Spring Boot's OpenTelemetry bridge uses the same readers.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Found, Read, last};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static LIBRARY: Library = Library {
    name: "otel-java",
    title: "OpenTelemetry for Java",
    version: "1.68.0",
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
    ("b3", sends::b3_single),
    ("b3multi", sends::b3_multi_debug_and_sampled),
    ("xray", sends::xray),
    ("jaeger", sends::jaeger_short),
    ("ottrace", sends::ot_trace),
];

fn trace_context(arrived: &Arrived<'_>) -> Read {
    trace_context_with(arrived, tracestate::java)
}

/// Reads by position: 55 characters, or in versions other than 00 more, after a dash. `members`
/// reads `tracestate`.
pub(in super::super) fn trace_context_with(
    arrived: &Arrived<'_>,
    members: fn(&str) -> String,
) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    found.tracestate = arrived
        .filled("tracestate")
        .map(members)
        .unwrap_or_default();
    found.checked(Read::Refused)
}

fn traceparent(value: &str) -> Option<Found> {
    let dash = |place: usize| value.get(place..place + 1) == Some("-");
    let longer = value.len() > 55;
    if value.len() < 55 || (longer && !dash(55)) || !dash(2) || !dash(35) || !dash(52) {
        return None;
    }
    let version = digits::lower(value.get(..2)?, 2)?;
    if version == 0xff || (version == 0 && longer) {
        return None;
    }
    let flags = digits::lower(value.get(53..55)?, 2)?;
    let mut found = Found::new(
        digits::lower(value.get(3..35)?, 32)?,
        digits::lower(value.get(36..52)?, 16)?,
        Some(flags & 1 == 1),
    );
    found.random = flags & 2 == 2;
    Some(found)
}

/// Reads the single header first. If it holds no ids, the multiple headers are read
/// (`b.b3+b3m.b3empty`).
pub(in super::super) fn b3(arrived: &Arrived<'_>) -> Read {
    let single = match arrived.filled("b3") {
        Some(value) => b3_single(value),
        None => Read::Absent,
    };
    if let Read::Context(_) = single {
        return single;
    }
    match b3_multi(arrived) {
        Read::Absent => single,
        read => read,
    }
}

/// Uses `String.split`, which drops empty parts at the end (`f.b3-trailingdash`).
fn b3_single(value: &str) -> Read {
    let parts: Vec<&str> = value.trim_end_matches('-').split('-').collect();
    let [trace, span, ref rest @ ..] = parts[..] else {
        return Read::Refused("it has no ids");
    };
    if rest.len() > 2 {
        return Read::Refused("it has more than four parts");
    }
    ids(
        trace,
        span,
        rest.first().copied(),
        rest.first() == Some(&"d"),
    )
}

fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (arrived.first("x-b3-traceid"), arrived.first("x-b3-spanid"))
    else {
        return Read::Absent;
    };
    let debug = arrived.first("x-b3-flags") == Some("1");
    ids(trace, span, arrived.first("x-b3-sampled"), debug)
}

/// Any sampling state but 1, true and debug means "not sampled", and so does a missing one
/// (`a.b3.absent`, `f.b3-sampled-x`).
fn ids(trace: &str, span: &str, state: Option<&str>, debug: bool) -> Read {
    let trace = digits::lower(trace, 16).or_else(|| digits::lower(trace, 32));
    let (Some(trace), Some(span)) = (trace, digits::lower(span, 16)) else {
        return Read::Refused("an id has a wrong length or is not in lower case");
    };
    let mut found = Found::new(trace, span, Some(debug || is_true(state)));
    found.debug = debug;
    found.checked(Read::Refused)
}

fn is_true(state: Option<&str>) -> bool {
    state.is_some_and(|state| state == "1" || state.eq_ignore_ascii_case("true"))
}

/// `Sampled` must be 0 or 1 if it is present. The `tracestate` of an earlier format is kept
/// (`b.w3c+xray.trace-ts`).
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.filled("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let (mut trace, mut span, mut sampled) = (0, 0, Some(false));
    for part in header.split_terminator(';').map(str::trim) {
        let Some((_, value)) = part.split_once('=') else {
            return Read::Refused("a part of it is not key=value");
        };
        if part.starts_with("Root") {
            trace = xray_root(value).unwrap_or_default();
        } else if part.starts_with("Parent") {
            span = digits::lower(value, 16).unwrap_or_default();
        } else if part.starts_with("Sampled") {
            sampled = match value {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            };
        }
    }
    if sampled.is_none() {
        return Read::Refused("Sampled is neither 0 nor 1");
    }
    let mut found = Found::new(trace, span, sampled);
    found.keeps_tracestate = true;
    found.checked(Read::Refused)
}

/// `1-8digits-24digits`; the first part may lack leading zeros.
fn xray_root(value: &str) -> Option<u128> {
    if value.len() == 35 {
        return digits::xray_root(value, digits::lower);
    }
    let (epoch, unique) = value.strip_prefix("1-")?.split_once('-')?;
    let digits = [epoch, unique.get(..24)?].concat();
    (!epoch.is_empty() && epoch.len() < 8).then(|| digits::lower_up_to(&digits, 32))?
}

/// Ids are padded with zeros. Flags are decimal.
fn jaeger(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.filled("uber-trace-id") else {
        return Read::Absent;
    };
    let decoded = match header.contains(':') {
        true => Some(header.to_owned()),
        false => digits::percent_decoded(header),
    };
    let decoded = decoded.unwrap_or_default();
    let parts: Vec<&str> = decoded.trim_end_matches(':').split(':').collect();
    let [trace, span, _, flags] = parts[..] else {
        return Read::Refused("it does not have four parts");
    };
    let flags = flags.parse::<i32>().ok().filter(|_| flags.len() <= 2);
    match (
        digits::lower_up_to(trace, 32),
        digits::lower_up_to(span, 16),
        flags,
    ) {
        (Some(trace), Some(span), Some(flags)) => {
            Found::new(trace, span, Some(flags & 1 == 1)).checked(Read::Refused)
        }
        _ => Read::Refused("an id is not hexadecimal in lower case, or the flags are not a number"),
    }
}

fn ot_trace(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (
        arrived.first("ot-tracer-traceid"),
        arrived.first("ot-tracer-spanid"),
    ) else {
        return Read::Absent;
    };
    let sampled = is_true(arrived.first("ot-tracer-sampled"));
    match (
        digits::lower_up_to(trace, 32),
        digits::lower_up_to(span, 16),
    ) {
        (Some(trace), Some(span)) => Found::new(trace, span, Some(sampled)).checked(Read::Refused),
        _ => Read::Refused("an id is not hexadecimal in lower case"),
    }
}
