//! OpenTelemetry for Go.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Decision, Found, Read, last};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static LIBRARY: Library = Library {
    name: "otel-go",
    title: "OpenTelemetry for Go",
    version: "1.47.0",
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
    ("b3multi", sends::b3_multi),
    ("xray", sends::xray),
    ("jaeger", sends::jaeger_short_debug),
    ("ottrace", sends::ot_trace),
];

/// Each part must have its exact length. In version 00, flags above 03 are refused (`d.flags-ff`).
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("traceparent") else {
        return Read::Absent;
    };
    let mut rest = value;
    let mut part = |count| {
        let (part, left) = rest.split_once('-').unwrap_or((rest, ""));
        rest = left;
        digits::lower(part, count)
    };
    let (Some(version), Some(trace), Some(span), Some(flags)) =
        (part(2), part(32), part(16), part(2))
    else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    if version == 0xff {
        return Read::Refused("version ff is forbidden");
    }
    if version == 0 && !rest.is_empty() {
        return Read::Refused("version 00 has nothing after the flags");
    }
    if version == 0 && flags > 3 {
        return Read::Refused("version 00 has no flags but sampled and random");
    }
    let mut found = Found::new(trace, span, Some(flags & 1 == 1));
    found.random = flags & 2 == 2;
    found.tracestate = tracestate::go(arrived.first("tracestate").unwrap_or_default());
    found.checked(Read::Refused)
}

/// Reads the single header first. If it is refused, the multiple headers are read
/// (`b.b3+b3m.b3empty`).
fn b3(arrived: &Arrived<'_>) -> Read {
    let single = arrived.filled("b3").map_or(Read::Absent, b3_single);
    if let Read::Context(_) = single {
        return single;
    }
    match b3_multi(arrived) {
        Read::Absent => single,
        read => read,
    }
}

/// Reads by length. One character is a sampling state without ids, of which only debug has an
/// effect. Otherwise there are ids, a state, and a parent that must be valid (`f.b3-bad-parent`,
/// `f.b3-parent-no-sampled`).
fn b3_single(value: &str) -> Read {
    let debug = value == "d";
    if value.len() == 1 {
        return match value {
            // The debug state stays in the context although there are no ids (`b.w3c+b3.onlyd`).
            "0" | "1" | "d" => Read::Decision(Decision {
                sampled: value != "0",
                debug,
            }),
            _ => Read::Refused("its state is none of 0, 1 and d"),
        };
    }
    let parts: Vec<&str> = value.split('-').collect();
    let [trace, span, ref rest @ ..] = parts[..] else {
        return Read::Refused("it has no ids");
    };
    let trace = digits::lower(trace, 16).or_else(|| digits::lower(trace, 32));
    let (Some(trace), Some(span)) = (trace, digits::lower(span, 16)) else {
        return Read::Refused("an id has a wrong length or is not in lower case");
    };
    let parent = match *rest {
        [] | [_] => true,
        [_, parent] => digits::lower(parent, 16).is_some_and(|id| id != 0),
        _ => return Read::Refused("it has more than four parts"),
    };
    if !parent {
        return Read::Refused("its parent span id is malformed");
    }
    let (sampled, debug) = match rest.first().copied() {
        None | Some("0") => (false, false),
        Some("1") => (true, false),
        Some("d") => (true, true),
        Some(_) => return Read::Refused("its state is none of 0, 1 and d"),
    };
    let mut found = Found::new(trace, span, Some(sampled));
    found.debug = debug;
    found.open = rest.is_empty();
    found.checked(Read::Refused)
}

/// Sampling states may be in either case (`a.b3m.TRUE`). A malformed parent invalidates the
/// context.
fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let (trace, span) = (
        arrived.filled("x-b3-traceid"),
        arrived.filled("x-b3-spanid"),
    );
    let state = arrived
        .first("x-b3-sampled")
        .unwrap_or_default()
        .to_lowercase();
    let sampled = match state.as_str() {
        "" | "0" | "false" => false,
        "1" | "true" => true,
        _ => return Read::Refused("X-B3-Sampled has an unknown value"),
    };
    let debug = arrived.first("x-b3-flags") == Some("1");
    let (Some(trace), Some(span)) = (trace, span) else {
        if debug {
            return Read::Decision(Decision {
                sampled: true,
                debug,
            });
        }
        return Read::Absent;
    };
    let trace = digits::lower(trace, 16).or_else(|| digits::lower(trace, 32));
    let (Some(trace), Some(span)) = (trace, digits::lower(span, 16)) else {
        return Read::Refused("an id has a wrong length or is not in lower case");
    };
    let parent = arrived.filled("x-b3-parentspanid");
    if parent.is_some_and(|parent| digits::lower(parent, 16).is_none_or(|id| id == 0)) {
        return Read::Refused("X-B3-ParentSpanId is malformed");
    }
    let mut found = Found::new(trace, span, Some(sampled || debug));
    found.debug = debug;
    found.open = state.is_empty() && !debug;
    found.checked(Read::Refused)
}

/// White space is trimmed only at the end of the last part. Any `Sampled` other than 1 means "not
/// sampled" (`a.xray.spaces`, `a.xray.q`).
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.filled("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let (mut trace, mut span, mut sampled) = (0, 0, false);
    let last = header.rfind(';').map_or(0, |place| place + 1);
    let mut start = 0;
    for part in header.split_terminator(';') {
        let end = start == last;
        start += part.len() + 1;
        let part = if end { part.trim() } else { part };
        let Some((_, value)) = part.split_once('=') else {
            return Read::Refused("a part of it is not key=value");
        };
        if part.starts_with("Root") {
            match digits::xray_root(value, digits::lower) {
                Some(id) => trace = id,
                None => return Read::Refused("Root is not 1-8digits-24digits"),
            }
        } else if part.starts_with("Parent") {
            match digits::lower(value, 16) {
                Some(id) => span = id,
                None => return Read::Refused("Parent does not have 16 digits in lower case"),
            }
        } else if part.starts_with("Sampled") {
            sampled = value == "1";
        }
    }
    Found::new(trace, span, Some(sampled)).checked(Read::Refused)
}

/// Ids are padded with zeros. Flags are hexadecimal.
fn jaeger(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("uber-trace-id") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split(':').collect();
    let [trace, span, _, flags] = parts[..] else {
        return Read::Refused(match value.contains('%') {
            true => "it is percent-encoded",
            false => "it does not have four parts",
        });
    };
    let flags = match flags {
        "" => Some(0),
        flags => i64::from_str_radix(flags, 16).ok(),
    };
    match (
        digits::lower_up_to(trace, 32),
        digits::lower_up_to(span, 16),
        flags,
    ) {
        (Some(trace), Some(span), Some(flags)) => {
            let mut found = Found::new(trace, span, Some(flags & 1 == 1));
            found.debug = flags & 3 == 3;
            found.checked(Read::Refused)
        }
        _ => Read::Refused("an id or the flags are not hexadecimal in lower case"),
    }
}

fn ot_trace(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (
        arrived.filled("ot-tracer-traceid"),
        arrived.filled("ot-tracer-spanid"),
    ) else {
        return Read::Absent;
    };
    let state = arrived
        .first("ot-tracer-sampled")
        .unwrap_or_default()
        .to_lowercase();
    let sampled = match state.as_str() {
        "" | "0" | "false" => false,
        "1" | "true" => true,
        _ => return Read::Refused("ot-tracer-sampled has an unknown value"),
    };
    let trace = digits::lower(trace, 16).or_else(|| digits::lower(trace, 32));
    match (trace, digits::lower(span, 16)) {
        (Some(trace), Some(span)) => Found::new(trace, span, Some(sampled)).checked(Read::Refused),
        _ => Read::Refused("an id has a wrong length or is not in lower case"),
    }
}
