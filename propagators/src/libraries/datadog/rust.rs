//! Datadog for Rust. Numbers are read with `from_str_radix`, so short ids are accepted.

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Decision, Found, Read, Readings};
use super::super::sends::{self, Writer};
use super::super::{Library, Reader, Undecided};
use super::super::{traceparent, tracestate};

pub(in super::super) static LIBRARY: Library = Library {
    name: "datadog-rust",
    title: "Datadog for Rust",
    version: "0.6.0",
    delivery: Delivery::HeaderMap,
    readers: READERS,
    choose,
    undecided: Undecided::Sampled,
    one_format: false,
    opened: sends::takes_all,
    writers: WRITERS,
};

const READERS: &[(&str, Reader)] = &[
    ("tracecontext", trace_context),
    ("b3", b3_single),
    ("b3multi", b3_multi),
    ("datadog", datadog),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_datadog),
    ("b3", sends::b3_datadog_debug),
    ("b3multi", sends::b3_multi_datadog_debug),
    ("datadog", sends::datadog),
];

fn choose(readings: &Readings) -> Chosen {
    super::choose(
        readings,
        &super::Rules {
            decision_blocks: true,
            fills_decision: false,
            span_needs_datadog: false,
            same_trace: super::equal,
        },
    )
}

/// Lower case only. In version 00, flags above 02 are refused, and so is 03, "sampled and random"
/// (`a.w3c.random`).
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let value = match arrived.all("traceparent") {
        [] => return Read::Absent,
        [value] => value.as_ref(),
        _ => return Read::Refused("traceparent came more than once"),
    };
    let Some(mut found) = traceparent::read(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    let flags = value
        .trim()
        .get(53..55)
        .and_then(|flags| digits::lower(flags, 2));
    if value.trim().starts_with("00-") && flags.is_some_and(|flags| flags > 2) {
        return Read::Refused("its flags are above 02 in version 00");
    }
    found.random = false;
    found.tracestate = tracestate::datadog_rust(arrived.all("tracestate"));
    found.checked(Read::Refused)
}

/// A sampling state without ids is a context without ids, and prevents later styles from being
/// continued (`b.w3c+b3.only0`). Text after the state is ignored.
fn b3_single(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("b3") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split('-').collect();
    match parts[..] {
        [state] => match sampled(state) {
            Some(decided) => Read::Decision(Decision {
                sampled: decided,
                debug: state == "d",
            }),
            None => Read::Refused("it has no ids and no state"),
        },
        [trace, span, ref rest @ ..] => {
            let state = rest.first().copied().unwrap_or_default();
            context(trace, Some(span), sampled(state), state == "d")
        }
        [] => Read::Absent,
    }
}

fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let Some(trace) = arrived.first("x-b3-traceid") else {
        return Read::Absent;
    };
    let debug = arrived.first("x-b3-flags") == Some("1");
    let state = arrived.first("x-b3-sampled").filter(|state| *state != "d");
    let sampled = if debug {
        Some(true)
    } else {
        state.and_then(sampled)
    };
    context(trace, arrived.first("x-b3-spanid"), sampled, debug)
}

fn sampled(state: &str) -> Option<bool> {
    match state {
        "0" => Some(false),
        "1" | "d" => Some(true),
        _ => None,
    }
}

fn context(trace: &str, span: Option<&str>, sampled: Option<bool>, debug: bool) -> Read {
    let number = |text: &str, most| digits::rust(text).filter(|_| text.len() <= most);
    let span = span.map_or(Some(0), |span| number(span, 16));
    let (Some(trace), Some(span)) = (number(trace, 32).filter(|id| *id != 0), span) else {
        return Read::Refused("an id is too long, zero or not hexadecimal");
    };
    let mut found = Found::new(trace, span, sampled);
    found.debug = debug;
    Read::Context(found)
}

/// Ids are decimal; the high half of the trace id comes from `_dd.p.tid`. A priority that is not a
/// number leaves the decision open.
fn datadog(arrived: &Arrived<'_>) -> Read {
    let Some(trace) = arrived.first("x-datadog-trace-id") else {
        return Read::Absent;
    };
    let Some(low) = trace.parse::<u64>().ok().filter(|id| *id != 0) else {
        return Read::Refused("its trace id is not a number from 1 to 2⁶⁴ - 1");
    };
    let span = arrived
        .first("x-datadog-parent-id")
        .and_then(|id| id.parse::<u64>().ok())
        .unwrap_or_default();
    let priority = arrived
        .first("x-datadog-sampling-priority")
        .and_then(|priority| priority.parse::<i8>().ok());
    let high = arrived
        .filled("x-datadog-tags")
        .and_then(|tags| super::tid(tags, |_, _| true))
        .filter(|tid| tid.len() == 16)
        .and_then(digits::rust);
    let mut found = Found::new(
        super::whole_trace(low, high),
        span.into(),
        priority.map(|priority| priority > 0),
    );
    found.debug = super::asks_to_keep(priority.map(i64::from));
    Read::Context(found)
}
