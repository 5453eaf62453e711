//! Brave, Zipkin's tracer, which reads one format. Spring Boot uses its readers of B3 too.

use super::arrived::{Arrived, Delivery};
use super::digits;
use super::read::{Decision, Found, Read, first};
use super::sends::{self, Writer};
use super::{Library, Reader, Undecided};

pub(super) static LIBRARY: Library = Library {
    name: "brave",
    title: "Brave",
    version: "6.3.1",
    delivery: Delivery::Multimap,
    readers: READERS,
    choose: first,
    undecided: Undecided::Sampled,
    one_format: true,
    opened: sends::takes_all,
    writers: WRITERS,
};

const READERS: &[(&str, Reader)] = &[
    ("b3", b3),
    ("b3multi", b3),
    ("tracecontext", trace_context),
    ("xray", xray),
];

const WRITERS: &[(&str, Writer)] = &[
    ("b3", sends::b3_brave),
    ("b3multi", sends::b3_multi_brave),
    ("tracecontext", sends::traceparent_brave),
    ("xray", sends::xray),
];

/// The longest single header: two ids of 128 and 64 bits, a state and a parent.
const MAX_SINGLE: usize = 68;

/// Reads the single header first. If it is refused, the multiple headers are read
/// (`b.b3+b3m.b3empty`).
pub(super) fn b3(arrived: &Arrived<'_>) -> Read {
    let single = arrived.first("b3").map_or(Read::Absent, b3_single);
    if let Read::Context(_) | Read::Decision(_) = single {
        return single;
    }
    match b3_multi(arrived) {
        Read::Absent => single,
        read => read,
    }
}

/// A sampling state without ids decides for the new trace (`f.b3-only-0`). A parent may follow
/// without a state (`f.b3-parent-no-sampled`), and must be hexadecimal.
fn b3_single(value: &str) -> Read {
    if let Some(decision) = decision(value) {
        return Read::Decision(decision);
    }
    let parts: Vec<&str> = value.split('-').collect();
    let (trace, span, state, parent) = match parts[..] {
        [trace, span] => (trace, span, None, None),
        [trace, span, parent] if parent.len() > 1 => (trace, span, None, Some(parent)),
        [trace, span, state] => (trace, span, Some(state), None),
        [trace, span, state, parent] => (trace, span, Some(state), Some(parent)),
        _ => return Read::Refused("it does not have two to four parts"),
    };
    let trace = digits::lower(trace, 16).or_else(|| digits::lower(trace, 32));
    let (Some(trace), Some(span)) = (trace, digits::lower(span, 16)) else {
        return Read::Refused("an id has a wrong length or is not in lower case");
    };
    let decided = state.map(decision);
    if decided == Some(None) || value.len() > MAX_SINGLE {
        return Read::Refused("its state is none of 0, 1 and d");
    }
    if parent.is_some_and(|parent| digits::lower(parent, 16).is_none()) {
        return Read::Refused("its parent span id is malformed");
    }
    context(trace, span, decided.flatten())
}

fn decision(state: &str) -> Option<Decision> {
    match state {
        "0" | "1" => Some(Decision {
            sampled: state == "1",
            debug: false,
        }),
        "d" => Some(Decision {
            sampled: true,
            debug: true,
        }),
        _ => None,
    }
}

fn context(trace: u128, span: u128, decision: Option<Decision>) -> Read {
    let mut found = Found::new(trace, span, decision.map(|decision| decision.sampled));
    found.debug = decision.is_some_and(|decision| decision.debug);
    found.checked(Read::Refused)
}

/// Ids may be shorter than specified (`f.b3m-short-span`). An unknown sampling state or a malformed
/// parent invalidates all headers.
fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let debug = arrived.first("x-b3-flags") == Some("1");
    let state = match arrived.first("x-b3-sampled") {
        None => None,
        Some("1") => Some(true),
        Some("0") => Some(false),
        Some(state) if state.eq_ignore_ascii_case("true") => Some(true),
        Some(state) if state.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => return Read::Refused("X-B3-Sampled has an unknown value"),
    };
    let decision = match (debug, state) {
        (true, _) => Some(Decision {
            sampled: true,
            debug,
        }),
        (false, state) => state.map(|sampled| Decision { sampled, debug }),
    };
    let Some(trace) = arrived.first("x-b3-traceid") else {
        return decision.map_or(Read::Absent, Read::Decision);
    };
    let id = |text: &str, most| digits::lower_up_to(text, most).filter(|_| text.len() > 1);
    let span = arrived.first("x-b3-spanid").and_then(|span| id(span, 16));
    let (Some(trace), Some(span)) = (id(trace, 32), span) else {
        return Read::Refused("an id is missing, too long or not in lower case");
    };
    let parent = arrived.first("x-b3-parentspanid");
    if parent.is_some_and(|parent| id(parent, 16).is_none_or(|id| id == 0)) {
        return Read::Refused("X-B3-ParentSpanId is malformed");
    }
    context(trace, span, decision)
}

/// The contributed W3C propagation reads nothing without `tracestate` (`a.w3c.sampled`). If
/// `tracestate` has a `b3` member, the context comes from that.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let Some(tracestate) = arrived.first("tracestate") else {
        return Read::Refused("it comes without tracestate");
    };
    let read = traceparent(value);
    let Read::Context(mut found) = read else {
        return read;
    };
    match members(tracestate) {
        None => Read::Refused("its tracestate is malformed"),
        Some(members) => match members.iter().find(|(key, _)| *key == "b3") {
            Some((_, b3)) => b3_single(b3),
            None => {
                found.tracestate = tracestate.to_owned();
                Read::Context(found)
            }
        },
    }
}

/// Lower case, with fields of exact length. Version 00 may only have flags 00 and 01, so the random
/// flag is refused (`a.w3c.random`).
pub(super) fn traceparent(value: &str) -> Read {
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace, span, flags, ref more @ ..] = parts[..] else {
        return Read::Refused("it has fewer than four parts");
    };
    let (Some(version), Some(trace), Some(span), Some(flags)) = (
        digits::lower(version, 2),
        digits::lower(trace, 32),
        digits::lower(span, 16),
        digits::lower(flags, 2),
    ) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    if version == 0xff || (version == 0 && !more.is_empty()) {
        return Read::Refused("its version is ff, or version 00 has more than four parts");
    }
    if version == 0 && flags > 1 {
        return Read::Refused("its flags are neither 00 nor 01, in version 00");
    }
    Found::new(trace, span, Some(flags & 1 == 1)).checked(Read::Refused)
}

/// The members of a `tracestate`; `None` if one is malformed. More than 32 are accepted. A comma at
/// the end counts as part of the last value, which is then malformed (`e.emptymember`).
fn members(list: &str) -> Option<Vec<(&str, &str)>> {
    let key_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@_-*/".contains(&byte);
    let value_byte = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b',' && byte != b'=';
    let mut members = Vec::new();
    let spoiled =
        list.ends_with(',') && !list.trim_end_matches(',').is_empty() && !list.ends_with(",,");
    if spoiled {
        return None;
    }
    for member in list.split(',') {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        let starts = key.bytes().next()?;
        // A longer key that begins with b3 makes Brave throw an exception.
        let throws = key.len() > 2 && key.starts_with("b3");
        let known =
            (starts.is_ascii_lowercase() || starts.is_ascii_digit()) && key.bytes().all(key_byte);
        if !known || throws || key.len() > 256 {
            return None;
        }
        if value.is_empty() || value.len() > 256 || !value.bytes().all(value_byte) {
            return None;
        }
        members.push((key, value));
    }
    Some(members)
}

/// Spaces are skipped anywhere. Without `Parent`, only the trace id is kept, and the next span is a
/// root of that trace (`xray.rootonly.1`). A malformed part ends the reading. Without `Sampled`, the
/// decision is open.
fn xray(arrived: &Arrived<'_>) -> Read {
    let Some(header) = arrived.first("x-amzn-trace-id") else {
        return Read::Absent;
    };
    let header = header.replace(' ', "");
    let (mut trace, mut span, mut sampled) = (None, None, None);
    for (key, value) in header.split(';').filter_map(|part| part.split_once('=')) {
        if key.starts_with("Root") {
            trace = value
                .get(..35)
                .and_then(|root| digits::xray_root(root, digits::lower));
            if trace.is_none() {
                break;
            }
        } else if key.starts_with("Parent") {
            span = value.get(..16).and_then(|id| digits::lower(id, 16));
            if span.is_none() {
                break;
            }
        } else if key.starts_with("Sampled") {
            sampled = match value.as_bytes().first() {
                Some(b'1') => Some(true),
                Some(b'0') => Some(false),
                _ => sampled,
            };
        }
    }
    match (trace, span, sampled) {
        (Some(trace), Some(span), sampled) => {
            Found::new(trace, span, sampled).checked(Read::Refused)
        }
        (Some(trace), None, sampled) => Read::Context(Found::new(trace, 0, sampled)),
        (_, _, Some(sampled)) => Read::Decision(Decision {
            sampled,
            debug: false,
        }),
        _ => Read::Refused("it has no Root"),
    }
}
