//! Datadog for JavaScript. Versions 5 and 6 read alike, but name B3 differently: `b3` means the
//! multiple headers in version 5 and the single header in version 6. In version 5 the single header
//! is called `b3 single header`.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Decision, Found, Read, Readings};
use super::super::sends::{self, Writer};
use super::super::tracestate;
use super::super::{Library, Reader, Undecided};

pub(in super::super) static V5: Library =
    library("datadog-js@5", "Datadog for JavaScript 5", "5.132.0");
pub(in super::super) static V6: Library =
    library("datadog-js@6", "Datadog for JavaScript 6", "6.21.0");

const fn library(name: &'static str, title: &'static str, version: &'static str) -> Library {
    Library {
        name,
        title,
        version,
        delivery: Delivery::Node,
        readers: READERS,
        choose,
        undecided: Undecided::Sampled,
        one_format: false,
        opened: sends::takes_all,
        writers: WRITERS,
    }
}

const READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    ("b3", b3_single),
    ("b3multi", b3_multi),
    ("datadog", datadog),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_datadog),
    ("b3", sends::b3_datadog_javascript),
    ("b3multi", sends::b3_multi_datadog_javascript),
    ("datadog", sends::datadog),
];

fn choose(readings: &Readings) -> Chosen {
    super::choose(
        readings,
        &super::Rules {
            decision_blocks: true,
            fills_decision: true,
            span_needs_datadog: false,
            same_trace: super::equal,
        },
    )
}

/// Either case is accepted, even in the version: `FF` does not count as the forbidden version
/// (`d.ver-FF`, `d.span-upper`).
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent(value.trim()) else {
        return Read::Refused("it is not version-traceid-spanid-flags");
    };
    found.tracestate = arrived
        .first("tracestate")
        .map(tracestate::datadog_javascript)
        .unwrap_or_default();
    let priority = tracestate::dd_priority(&found.tracestate);
    found.debug = found.sampled == Some(true) && super::asks_to_keep(priority);
    found.checked(Read::Refused)
}

fn traceparent(value: &str) -> Option<Found> {
    let (version, rest) = value.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, rest) = rest.split_once('-')?;
    let (flags, more) = match rest.split_once('-') {
        Some((flags, _)) => (flags, true),
        None => (rest, false),
    };
    digits::any_case(version, 2)?;
    if version == "ff" || (version == "00" && more) {
        return None;
    }
    let flags = digits::any_case(flags, 2)?;
    Some(Found::new(
        digits::any_case(trace, 32)?,
        digits::any_case(span, 16)?,
        Some(flags & 1 == 1),
    ))
}

/// Accepts the whole header in either case, or a sampling state without ids (`f.b3-only-0`). An
/// upper-case `D` means "sampled", not debug.
fn b3_single(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("b3") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split('-').collect();
    let state = |state: &str| ["0", "1", "d", "D"].contains(&state);
    let (trace, span, sampled) = match parts[..] {
        [alone] if state(alone) => return decision(alone == "d", Some(alone)),
        [trace, span] => (trace, span, None),
        [trace, span, sampled] if state(sampled) => (trace, span, Some(sampled)),
        [trace, span, sampled, parent]
            if state(sampled) && digits::any_case(parent, 16).is_some() =>
        {
            (trace, span, Some(sampled))
        }
        _ => return Read::Refused("it is neither a state nor traceid-spanid-state-parent"),
    };
    let trace = digits::any_case(trace, 16).or_else(|| digits::any_case(trace, 32));
    let (Some(trace), Some(span)) = (trace, digits::any_case(span, 16)) else {
        return Read::Refused("an id has a wrong length or is not hexadecimal");
    };
    context(
        trace,
        span,
        sampled == Some("d"),
        sampled.map(|sampled| if sampled == "0" { "0" } else { "1" }),
    )
}

/// Ids of a wrong length are ignored, but the sampling decision beside them still counts
/// (`c.w3c+badb3m-short`).
fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let sampled = arrived.filled("x-b3-sampled");
    let debug = arrived.first("x-b3-flags") == Some("1");
    let (Some(trace), Some(span)) = (
        arrived.filled("x-b3-traceid"),
        arrived.filled("x-b3-spanid"),
    ) else {
        return decision(debug, sampled);
    };
    let trace = digits::any_case(trace, 16).or_else(|| digits::any_case(trace, 32));
    match (trace, digits::any_case(span, 16)) {
        (Some(trace), Some(span)) => context(trace, span, debug, sampled),
        _ => match decision(debug, sampled) {
            Read::Absent => Read::Refused("an id has a wrong length or is not hexadecimal"),
            decision => decision,
        },
    }
}

fn priority(debug: bool, sampled: Option<&str>) -> Option<bool> {
    match sampled {
        _ if debug => Some(true),
        Some("1") => Some(true),
        Some("0") => Some(false),
        _ => None,
    }
}

fn decision(debug: bool, sampled: Option<&str>) -> Read {
    priority(debug, sampled).map_or(Read::Absent, |sampled| {
        Read::Decision(Decision { sampled, debug })
    })
}

/// A trace id of zeros leaves only the decision. A span id of zeros is accepted.
fn context(trace: u128, span: u128, debug: bool, sampled: Option<&str>) -> Read {
    if trace == 0 {
        return decision(debug, sampled);
    }
    let mut found = Found::new(trace, span, priority(debug, sampled));
    found.debug = debug;
    Read::Context(found)
}

/// Ids are decimal. A `traceparent` with the same low 64 bits supplies a missing decision, even if
/// its style is not in the list.
fn datadog(arrived: &Arrived<'_>) -> Read {
    let (Some(trace), Some(span)) = (
        arrived.filled("x-datadog-trace-id"),
        arrived.filled("x-datadog-parent-id"),
    ) else {
        return Read::Absent;
    };
    if trace.bytes().all(|byte| byte == b'0') {
        return Read::Refused("its trace id is zero");
    }
    let priority = arrived
        .first("x-datadog-sampling-priority")
        .and_then(leading_integer);
    let high = arrived
        .filled("x-datadog-tags")
        .and_then(|tags| super::tid(tags, is_tag))
        .and_then(|tid| digits::any_case(tid, 16));
    let low = wrapping_decimal(trace);
    let mut found = Found::new(
        super::whole_trace(low, high),
        wrapping_decimal(span).into(),
        priority.map(|priority| priority > 0),
    );
    found.debug = super::asks_to_keep(priority);
    if let Read::Context(w3c) = trace_context(arrived)
        && w3c.trace as u64 == low
    {
        found.tracestate = w3c.tracestate;
        found.sampled = found.sampled.or(w3c.sampled);
    }
    Read::Context(found)
}

/// Whether a tag is passed on. Any other tag invalidates all tags.
fn is_tag(key: &str, value: &str) -> bool {
    let name = key.strip_prefix("_dd.p.").unwrap_or_default();
    let visible = |byte: u8| (b'!'..=b'~').contains(&byte);
    let printed = |byte: u8| (b' '..=b'~').contains(&byte);
    !name.is_empty() && name.bytes().all(visible) && value.bytes().all(printed)
}

/// Decimal digits up to the first other character, modulo 2⁶⁴.
fn wrapping_decimal(text: &str) -> u64 {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let value = digits.fold(0_u64, |value, digit| {
        value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
    });
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

/// JavaScript's `parseInt`: white space, a sign, digits, and anything after them.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.trim_start_matches(['-', '+']);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    let value: i64 = digits.get(..end)?.parse().ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}
