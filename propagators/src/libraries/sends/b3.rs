//! The single header and the multiple headers of B3, as libraries write them.

use crate::carrier::{HeaderList, Setter};

use super::Sending;

fn single(sending: &Sending, state: &str) -> String {
    format!("{}-{}-{state}", sending.trace_id, sending.span_id)
}

/// Writes ids of full length and the sampling state, with `d` for debug.
pub(in crate::libraries) fn b3_single(sending: &Sending, headers: &mut HeaderList) {
    let value = match (sending.debug, sending.open) {
        (true, _) => single(sending, "d"),
        (false, true) => format!("{}-{}", sending.trace_id, sending.span_id),
        (false, false) => single(sending, sending.digit()),
    };
    headers.set("b3", &value);
}

/// OpenTelemetry for JavaScript passes debug on only in the encoding in which it arrived. In the
/// other encoding it becomes "sampled".
pub(in crate::libraries) fn b3_single_javascript(sending: &Sending, headers: &mut HeaderList) {
    let debug = sending.debug && !sending.debug_in_flags;
    headers.set(
        "b3",
        &single(sending, if debug { "d" } else { sending.digit() }),
    );
}

/// Like [`b3_single_javascript`], in multiple headers.
pub(in crate::libraries) fn b3_multi_javascript(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.trace_id.to_string());
    match sending.debug && sending.debug_in_flags {
        true => headers.set("x-b3-flags", "1"),
        false => headers.set("x-b3-sampled", sending.digit()),
    }
}

/// OpenTelemetry for Python writes debug as "sampled".
pub(in crate::libraries) fn b3_single_without_debug(sending: &Sending, headers: &mut HeaderList) {
    headers.set("b3", &single(sending, sending.digit()));
}

/// OpenTelemetry for Rust writes the single header and the multiple ones.
pub(in crate::libraries) fn b3_single_and_multi(sending: &Sending, headers: &mut HeaderList) {
    b3_single(sending, headers);
    b3_multi(sending, headers);
}

fn multi(sending: &Sending, headers: &mut HeaderList, trace_id: &str) {
    headers.set("x-b3-traceid", trace_id);
    headers.set("x-b3-spanid", &sending.span_id.to_string());
}

/// Writes flags for debug, otherwise the sampling state.
pub(in crate::libraries) fn b3_multi(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.trace_id.to_string());
    match (sending.debug, sending.open) {
        (true, _) => headers.set("x-b3-flags", "1"),
        (false, true) => {}
        (false, false) => headers.set("x-b3-sampled", sending.digit()),
    }
}

/// OpenTelemetry for Java writes flags and the sampling state.
pub(in crate::libraries) fn b3_multi_debug_and_sampled(
    sending: &Sending,
    headers: &mut HeaderList,
) {
    multi(sending, headers, &sending.trace_id.to_string());
    if sending.debug {
        headers.set("x-b3-flags", "1");
    }
    let state = if sending.debug { "1" } else { sending.digit() };
    headers.set("x-b3-sampled", state);
}

/// OpenTelemetry for Python writes only the sampling state.
pub(in crate::libraries) fn b3_multi_without_debug(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.trace_id.to_string());
    headers.set("x-b3-sampled", sending.digit());
}

pub(super) fn single_brave(sending: &Sending) -> String {
    let mut value = format!("{}-{}", sending.short_trace_id(), sending.span_id);
    if sending.debug {
        value.push_str("-d");
    } else if sending.sampled.is_some() {
        value.push('-');
        value.push_str(sending.digit());
    }
    if let Some(parent) = sending.parent_id {
        value.push_str(&format!("-{parent}"));
    }
    value
}

/// Brave: a 64-bit trace id keeps its 16 digits, and the parent's id is sent too.
pub(in crate::libraries) fn b3_brave(sending: &Sending, headers: &mut HeaderList) {
    headers.set("b3", &single_brave(sending));
}

/// Like [`b3_brave`], in multiple headers.
pub(in crate::libraries) fn b3_multi_brave(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.short_trace_id());
    if let Some(parent) = sending.parent_id {
        headers.set("x-b3-parentspanid", &parent.to_string());
    }
    if sending.debug {
        headers.set("x-b3-flags", "1");
    } else if sending.sampled.is_some() {
        headers.set("x-b3-sampled", sending.digit());
    }
}

/// Datadog for Go and Java: a 64-bit trace id keeps its 16 digits, and debug becomes "sampled".
pub(in crate::libraries) fn b3_datadog(sending: &Sending, headers: &mut HeaderList) {
    let mut value = format!("{}-{}", sending.short_trace_id(), sending.span_id);
    if sending.sampled.is_some() {
        value.push('-');
        value.push_str(sending.digit());
    }
    headers.set("b3", &value);
}

/// Like [`b3_datadog`], in multiple headers.
pub(in crate::libraries) fn b3_multi_datadog(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.short_trace_id());
    if sending.sampled.is_some() {
        headers.set("x-b3-sampled", sending.digit());
    }
}

/// Datadog for Python and Rust write priority 2 as debug.
pub(in crate::libraries) fn b3_datadog_debug(sending: &Sending, headers: &mut HeaderList) {
    let mut value = format!("{}-{}", sending.short_trace_id(), sending.span_id);
    if sending.debug {
        value.push_str("-d");
    } else if sending.sampled.is_some() {
        value.push('-');
        value.push_str(sending.digit());
    }
    headers.set("b3", &value);
}

/// Like [`b3_datadog_debug`], in multiple headers.
pub(in crate::libraries) fn b3_multi_datadog_debug(sending: &Sending, headers: &mut HeaderList) {
    multi(sending, headers, &sending.short_trace_id());
    if sending.debug {
        headers.set("x-b3-flags", "1");
    } else if sending.sampled.is_some() {
        headers.set("x-b3-sampled", sending.digit());
    }
}

/// Datadog for JavaScript always writes a sampling state, writes debug as "sampled", and sends the
/// parent's id.
pub(in crate::libraries) fn b3_datadog_javascript(sending: &Sending, headers: &mut HeaderList) {
    let mut value = format!(
        "{}-{}-{}",
        sending.short_trace_id(),
        sending.span_id,
        sending.digit()
    );
    if let Some(parent) = sending.parent_id {
        value.push_str(&format!("-{parent}"));
    }
    headers.set("b3", &value);
}

/// Like [`b3_datadog_javascript`], in multiple headers, which carry debug beside the sampling
/// state.
pub(in crate::libraries) fn b3_multi_datadog_javascript(
    sending: &Sending,
    headers: &mut HeaderList,
) {
    multi(sending, headers, &sending.short_trace_id());
    headers.set("x-b3-sampled", sending.digit());
    if sending.debug {
        headers.set("x-b3-flags", "1");
    }
    if let Some(parent) = sending.parent_id {
        headers.set("x-b3-parentspanid", &parent.to_string());
    }
}
