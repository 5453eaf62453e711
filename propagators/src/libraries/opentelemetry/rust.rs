//! OpenTelemetry for Rust. Numbers are read with `from_str_radix`, so most lengths are accepted.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Found, Read, Readings, last};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static LIBRARY: Library = Library {
    name: "otel-rust",
    title: "OpenTelemetry for Rust",
    version: "0.33.1",
    delivery: Delivery::HeaderMap,
    readers: READERS,
    choose,
    undecided: Undecided::NotSampled,
    one_format: false,
    opened: sends::drops_flags_unsampled,
    writers: WRITERS,
};

const READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    ("b3", |arrived| b3(arrived, Encoding::Single)),
    ("b3multi", |arrived| b3(arrived, Encoding::Multi)),
    ("xray", xray),
    ("jaeger", jaeger),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_and_any_tracestate),
    // It never writes the single header without the multiple ones.
    ("b3", sends::b3_single_and_multi),
    ("b3multi", sends::b3_multi),
    ("xray", sends::xray_rust),
    ("jaeger", sends::jaeger_short_debug),
];

/// Debug is a flag of the context itself, and is lost when another context replaces it.
fn choose(readings: &Readings) -> Chosen {
    Chosen {
        leaked_debug: None,
        ..last(readings)
    }
}

/// The encoding that the B3 propagator was configured to write. It also changes how it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Single,
    Multi,
}

/// Accepts any number of digits, plus signs, and any version but ff (`d.trace-1`, `d.flags-plus1`).
/// The random flag is dropped.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.trim().split_terminator('-').collect();
    let [version, trace, span, flags, ref more @ ..] = parts[..] else {
        return Read::Refused("it has fewer than four parts");
    };
    let version = u8::from_str_radix(version, 16)
        .ok()
        .filter(|version| *version < 0xff);
    if version.is_none() || (version == Some(0) && !more.is_empty()) {
        return Read::Refused("its version is not one, or version 00 has more than four parts");
    }
    if ![trace, span, flags].into_iter().all(digits::is_lower) {
        return Read::Refused("it is not in lower case");
    }
    let flags = u8::from_str_radix(flags, 16).ok();
    match (
        digits::rust(trace),
        u64::from_str_radix(span, 16).ok(),
        flags,
    ) {
        (Some(trace), Some(span), Some(flags)) => {
            let mut found = Found::new(trace, span.into(), Some(flags & 1 == 1));
            found.tracestate = tracestate::rust(arrived.first("tracestate").unwrap_or_default());
            found.checked(Read::Refused)
        }
        _ => Read::Refused("a part of it is not hexadecimal"),
    }
}

/// Reads the single header first. If it is refused, the multiple headers are read.
fn b3(arrived: &Arrived<'_>, encoding: Encoding) -> Read {
    let single = arrived
        .filled("b3")
        .map_or(Read::Absent, |value| b3_single(value, encoding));
    if let Read::Context(_) = single {
        return single;
    }
    match b3_multi(arrived, encoding) {
        Read::Absent => single,
        read => read,
    }
}

fn b3_single(value: &str, encoding: Encoding) -> Read {
    let parts: Vec<&str> = value.split_terminator('-').collect();
    let [trace, span, ref rest @ ..] = parts[..] else {
        return Read::Refused("it has no ids");
    };
    let state = rest.first().map(|state| sampled(state, encoding));
    let parent = rest
        .get(1)
        .is_none_or(|parent| b3_id(parent, &[16]).is_some());
    if rest.len() > 2 || state == Some(None) || !parent {
        return Read::Refused(
            "its state or its parent span id is malformed, or it has more than four parts",
        );
    }
    b3_context(trace, span, state.flatten().unwrap_or(State::Deferred))
}

fn b3_multi(arrived: &Arrived<'_>, encoding: Encoding) -> Read {
    let (Some(trace), Some(span)) = (arrived.first("x-b3-traceid"), arrived.first("x-b3-spanid"))
    else {
        return Read::Absent;
    };
    // Flags take precedence over X-B3-Sampled, even if they are 0 (`a.b3m.flags0-sampled1`).
    let state = match (arrived.first("x-b3-flags"), arrived.first("x-b3-sampled")) {
        (Some("1"), _) => State::DebugAndSampled,
        (Some("0"), _) => State::Drop,
        (_, None) => State::Deferred,
        (_, Some(state)) => match sampled(state, encoding) {
            Some(state) => state,
            None => return Read::Refused("X-B3-Sampled has an unknown value"),
        },
    };
    b3_context(trace, span, state)
}

/// How it reads a sampling state. Debug in the single header becomes "not sampled" (`a.b3.d`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Deferred,
    Drop,
    Keep,
    Debug,
    DebugAndSampled,
}

fn sampled(state: &str, encoding: Encoding) -> Option<State> {
    match state {
        "0" | "false" => Some(State::Drop),
        "1" => Some(State::Keep),
        "true" if encoding == Encoding::Multi => Some(State::Keep),
        "d" if encoding == Encoding::Single => Some(State::Debug),
        _ => None,
    }
}

fn b3_context(trace: &str, span: &str, state: State) -> Read {
    let (Some(trace), Some(span)) = (b3_id(trace, &[16, 32]), b3_id(span, &[16])) else {
        return Read::Refused("an id has a wrong length or is not in lower case");
    };
    let sampled = matches!(state, State::Keep | State::DebugAndSampled);
    let mut found = Found::new(trace, span, Some(sampled));
    found.debug = matches!(state, State::Debug | State::DebugAndSampled);
    found.open = state == State::Deferred;
    found.checked(Read::Refused)
}

fn b3_id(text: &str, lengths: &[usize]) -> Option<u128> {
    let fits = lengths.contains(&text.len()) && digits::is_lower(text);
    fits.then(|| digits::rust(text)).flatten()
}

/// Unknown parts go into `tracestate`. If one has white space before its key, the whole
/// `tracestate` is dropped (`a.xray.spaces`). Without `Parent`, the invalid context replaces a
/// valid one (`c.w3c+xray-rootonly`).
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.first("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let (mut trace, mut span, mut sampled, mut open) = (0, 0, false, true);
    let mut others = Vec::new();
    for (key, value) in header
        .trim()
        .split_terminator(';')
        .filter_map(|part| part.split_once('='))
    {
        let value = value.trim_start_matches('=');
        match key {
            "Root" => {
                let parts: Vec<&str> = value.split_terminator('-').collect();
                let root = match parts[..] {
                    [_, epoch, unique] => digits::rust(&[epoch, unique].concat()),
                    _ => None,
                };
                match root.filter(|id| *id != 0) {
                    Some(id) => trace = id,
                    None => return Read::Refused("Root is not three parts of hexadecimal"),
                }
            }
            "Parent" => span = u64::from_str_radix(value, 16).unwrap_or_default(),
            "Sampled" => {
                sampled = value == "1";
                open = !matches!(value, "0" | "1");
            }
            _ => others.push((key.to_ascii_lowercase(), value)),
        }
    }
    let Some(tracestate) = tracestate::rust_members(&others) else {
        return Read::Refused("a part that it does not know is not a member of tracestate");
    };
    if trace == 0 {
        return Read::Refused("it has no Root");
    }
    let mut found = Found::new(trace, span.into(), Some(sampled));
    found.open = open;
    found.tracestate = tracestate;
    found.checked(Read::Void)
}

/// Flags are decimal. Ids are not checked, so an invalid context replaces a valid one
/// (`c.w3c+jaeger-zero`).
fn jaeger(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.first("uber-trace-id") else {
        return Read::Absent;
    };
    let decoded = match header.contains(':') {
        true => header.to_owned(),
        false => header.replace("%3A", ":"),
    };
    let parts: Vec<&str> = decoded.split_terminator(':').collect();
    let [trace, span, _, flags] = parts[..] else {
        return Read::Refused("it does not have four parts");
    };
    let flags = flags.parse::<u8>().ok().filter(|_| flags.len() <= 2);
    let short = trace.len() <= 32 && span.len() <= 16;
    let baggage: Vec<(String, &str)> = arrived
        .names()
        .filter(|name| name.starts_with("uberctx-"))
        .filter_map(|name| Some((name.to_owned(), arrived.first(name)?)))
        .collect();
    let Some(tracestate) = tracestate::rust_members(&baggage) else {
        return Read::Refused("its baggage is not a member of tracestate");
    };
    match (digits::rust(trace), digits::rust(span), flags) {
        (Some(trace), Some(span), Some(flags)) if short => {
            let mut found = Found::new(trace, span, Some(flags & 1 == 1));
            found.debug = flags & 3 == 3;
            found.tracestate = tracestate;
            found.checked(Read::Void)
        }
        _ => Read::Refused("an id is not hexadecimal, or the flags are not a decimal number"),
    }
}
