//! Datadog for Python.

use crate::formats::{datadog, tracecontext};

use super::super::arrived::{Arrived, Delivery};
use super::super::digits;
use super::super::read::{Chosen, Decision, Found, Read, Readings};
use super::super::sends::{self, Writer};
use super::super::{Library, Reader, Undecided};
use super::super::{traceparent, tracestate};

pub(in super::super) static LIBRARY: Library = Library {
    name: "datadog-python",
    title: "Datadog for Python",
    version: "4.16.0",
    delivery: Delivery::Dict,
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
    ("datadog", datadog_headers),
];

const WRITERS: &[(&str, Writer)] = &[
    ("tracecontext", sends::traceparent_datadog),
    ("b3", sends::b3_datadog_debug),
    ("b3multi", sends::b3_multi_datadog_debug),
    ("datadog", sends::datadog),
];

/// If Datadog's headers have no parent and a later `traceparent` is of the same trace, the tracer
/// fails while it writes the missing parent down, and continues nothing (`dd.parent.0+w3c`). A `p` in
/// the `dd` member of `tracestate` prevents that.
fn choose(readings: &Readings) -> Chosen {
    if let Some(fault) = missing_parent(readings) {
        return Chosen {
            blocked: Some((datadog::NAME, fault)),
            ..Chosen::default()
        };
    }
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

fn missing_parent(readings: &Readings) -> Option<&'static str> {
    let mut contexts = readings.iter().filter_map(|(format, read)| match read {
        Read::Context(found) => Some((*format, found)),
        _ => None,
    });
    let (first, found) = contexts.next()?;
    let (_, w3c) = contexts.find(|(format, _)| *format == tracecontext::NAME)?;
    let fails = first == datadog::NAME
        && found.span == 0
        && found.trace == w3c.trace
        && tracestate::dd_member(&w3c.tracestate, "p").is_none();
    fails.then_some("it has no parent, which the tracer needs beside a traceparent")
}

/// Lower case only. A dash after the flags must be followed by more text (`d.vcc-trailingdash`). A
/// `dd` member with origin `rum` and without a priority leaves the decision open.
fn trace_context(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.first("traceparent") else {
        return Read::Absent;
    };
    let Some(mut found) = traceparent::read(value) else {
        return Read::Refused("it is not version-traceid-spanid-flags in lower case");
    };
    if value.trim().ends_with('-') && value.matches('-').count() == 4 {
        return Read::Refused("nothing follows its last dash");
    }
    found.random = false;
    found.tracestate = tracestate::datadog_python(arrived.first("tracestate").unwrap_or_default());
    let priority = tracestate::dd_priority(&found.tracestate);
    found.debug = found.sampled == Some(true) && super::asks_to_keep(priority);
    if tracestate::dd_member(&found.tracestate, "o") == Some("rum") {
        match tracestate::dd_member(&found.tracestate, "s").map(digits::python_decimal) {
            None => found.sampled = None,
            Some(Some(0)) => found.sampled = Some(false),
            Some(_) => {}
        }
    }
    found.checked(Read::Refused)
}

/// Ids are read with `int(…, 16)`, which accepts any length. So short ids and ids of more than 64
/// bits pass (`f.b3-short-span`, `f.b3-trace-31`).
fn b3_single(arrived: &Arrived<'_>) -> Read {
    let Some(value) = arrived.filled("b3") else {
        return Read::Absent;
    };
    let parts: Vec<&str> = value.split('-').collect();
    match parts[..] {
        [state] => context(None, None, state, false),
        [trace, span] => context(Some(trace), Some(span), "", false),
        [trace, span, state, ..] => context(Some(trace), Some(span), state, state == "d"),
        [] => Read::Absent,
    }
}

fn b3_multi(arrived: &Arrived<'_>) -> Read {
    let Some(trace) = arrived.first("x-b3-traceid") else {
        return Read::Absent;
    };
    let state = arrived.first("x-b3-sampled").unwrap_or_default();
    let state = if state == "d" { "" } else { state };
    let debug = arrived.first("x-b3-flags") == Some("1");
    context(Some(trace), arrived.first("x-b3-spanid"), state, debug)
}

/// An unknown sampling state leaves the decision open. A context without an id still counts as a
/// context, and prevents later styles from being continued (`f.b3-only-0`).
fn context(trace: Option<&str>, span: Option<&str>, state: &str, debug: bool) -> Read {
    let sampled = match state {
        _ if debug => Some(true),
        "0" => Some(false),
        "1" | "d" => Some(true),
        _ => None,
    };
    let number = |text: Option<&str>| text.map_or(Some(0), digits::python);
    let (Some(trace_id), Some(span_id)) = (number(trace), number(span)) else {
        return Read::Refused("an id is not hexadecimal");
    };
    if let (None, Some(sampled)) = (trace, sampled) {
        return Read::Decision(Decision {
            sampled,
            debug: state == "d",
        });
    }
    let mut found = Found::new(trace_id, span_id, sampled);
    found.debug = debug;
    Read::Context(found)
}

/// Ids are decimal. The high half of the trace id comes from `_dd.p.tid`, in lower case and not
/// zero.
fn datadog_headers(arrived: &Arrived<'_>) -> Read {
    let Some(trace) = arrived.first("x-datadog-trace-id") else {
        return Read::Absent;
    };
    let whole = |text: &str| digits::python_decimal(text);
    let low = whole(trace).and_then(|id| u64::try_from(id).ok());
    let Some(low) = low.filter(|id| *id != 0) else {
        return Read::Refused("its trace id is not a number from 1 to 2⁶⁴ - 1");
    };
    let span = arrived.first("x-datadog-parent-id").unwrap_or("0");
    let priority = arrived.first("x-datadog-sampling-priority").map(whole);
    let (Some(span), None | Some(Some(_))) = (whole(span), priority) else {
        return Read::Refused("its parent id or its priority is not a number");
    };
    let priority = priority
        .flatten()
        .and_then(|priority| i64::try_from(priority).ok());
    let span = u64::try_from(span).unwrap_or_default();
    let high = arrived
        .filled("x-datadog-tags")
        .and_then(|tags| {
            super::tid(
                tags.strip_suffix(',').unwrap_or(tags),
                super::is_visible_tag,
            )
        })
        .and_then(|tid| digits::lower(tid, 16))
        .filter(|high| *high != 0);
    let mut found = Found::new(
        super::whole_trace(low, high),
        span.into(),
        priority.map(|priority| priority > 0),
    );
    found.debug = super::asks_to_keep(priority);
    Read::Context(found)
}
