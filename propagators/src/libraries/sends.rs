//! What libraries write for the next hop: one function for each way to write a format.

use crate::carrier::{HeaderList, Setter};
use crate::context::{SpanId, TraceId};

use super::Continuation;
use b3::single_brave;

mod b3;

pub(super) use b3::{
    b3_brave, b3_datadog, b3_datadog_debug, b3_datadog_javascript, b3_multi, b3_multi_brave,
    b3_multi_datadog, b3_multi_datadog_debug, b3_multi_datadog_javascript,
    b3_multi_debug_and_sampled, b3_multi_javascript, b3_multi_without_debug, b3_single,
    b3_single_and_multi, b3_single_javascript, b3_single_without_debug,
};

/// The span whose context a service sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent's id; `None` for a root.
    pub parent_id: Option<SpanId>,
    /// Whether it is sampled; `None` if the decision is open.
    pub sampled: Option<bool>,
    /// Whether the debug state is passed on.
    pub debug: bool,
    /// Whether the debug state came in `X-B3-Flags`.
    debug_in_flags: bool,
    /// Whether B3 carries no decision, although there is one.
    open: bool,
    /// Whether W3C's random flag is passed on.
    pub random: bool,
    /// The `tracestate` that is passed on.
    pub tracestate: String,
}

impl Sending {
    /// A context that is sent as it was read, except for the span's id. The context of a new span
    /// may differ: see [`Library::sending`][super::Library::sending].
    pub fn under(continued: &Continuation, span_id: SpanId) -> Self {
        Sending {
            trace_id: continued.trace_id,
            span_id,
            parent_id: continued.span_id,
            sampled: continued.sampled,
            debug: continued.debug,
            debug_in_flags: continued.debug_in_flags,
            open: continued.open,
            random: continued.random,
            tracestate: continued.tracestate.clone(),
        }
    }

    fn is_sampled(&self) -> bool {
        self.sampled == Some(true)
    }

    /// The sampling state as a digit.
    fn digit(&self) -> &'static str {
        if self.is_sampled() { "1" } else { "0" }
    }

    /// The trace id for libraries that write 64-bit ids to B3 as 16 digits.
    fn short_trace_id(&self) -> String {
        let digits = self.trace_id.to_string();
        let start = if self.trace_id.is_64_bit() { 16 } else { 0 };
        digits[start..].to_owned()
    }
}

/// A new span inherits everything from its parent context.
pub(super) fn takes_all(_: &mut Sending) {}

/// OpenTelemetry for JavaScript: a new span only keeps the sampled flag.
pub(super) fn drops_random(sending: &mut Sending) {
    sending.random = false;
}

/// OpenTelemetry for Rust: a span that is not sampled loses the flags for debug and for an open
/// decision.
pub(super) fn drops_flags_unsampled(sending: &mut Sending) {
    sending.debug &= sending.is_sampled();
    sending.open &= sending.is_sampled();
}

/// Writes the context of a span in one format.
pub(super) type Writer = fn(&Sending, &mut HeaderList);

fn traceparent(sending: &Sending, flags: u8) -> String {
    format!("00-{}-{}-{flags:02x}", sending.trace_id, sending.span_id)
}

/// Writes the sampled and random flags, and `tracestate` if it is not empty.
pub(super) fn traceparent_with_flags(sending: &Sending, headers: &mut HeaderList) {
    let flags = u8::from(sending.is_sampled()) | u8::from(sending.random) << 1;
    headers.set("traceparent", &traceparent(sending, flags));
    if !sending.tracestate.is_empty() {
        headers.set("tracestate", &sending.tracestate);
    }
}

/// OpenTelemetry for Rust writes only the sampled flag, and always a `tracestate`, even an empty
/// one.
pub(super) fn traceparent_and_any_tracestate(sending: &Sending, headers: &mut HeaderList) {
    let flags = u8::from(sending.is_sampled());
    headers.set("traceparent", &traceparent(sending, flags));
    headers.set("tracestate", &sending.tracestate);
}

/// Micrometer on Brave writes the sampled flag and no `tracestate`.
pub(super) fn traceparent_micrometer(sending: &Sending, headers: &mut HeaderList) {
    let flags = u8::from(sending.is_sampled());
    headers.set("traceparent", &traceparent(sending, flags));
}

/// Brave repeats the whole context as a `b3` member at the front of `tracestate`.
pub(super) fn traceparent_brave(sending: &Sending, headers: &mut HeaderList) {
    traceparent_micrometer(sending, headers);
    let mut tracestate = format!("b3={}", single_brave(sending));
    if !sending.tracestate.is_empty() {
        tracestate.push(',');
        tracestate.push_str(&sending.tracestate);
    }
    headers.set("tracestate", &tracestate);
}

/// Datadog writes the sampled flag, and a `dd` member with the priority at the front of
/// `tracestate`. Other parts of that member depend on the tracer's settings and are left out.
pub(super) fn traceparent_datadog(sending: &Sending, headers: &mut HeaderList) {
    traceparent_micrometer(sending, headers);
    let others = sending.tracestate.split(',').map(str::trim);
    let others = others.filter(|member| !member.is_empty() && !member.starts_with("dd="));
    let mut members = Vec::new();
    if sending.sampled.is_some() {
        members.push(format!("dd=s:{};p:{}", priority(sending), sending.span_id));
    }
    members.extend(others.map(str::to_owned));
    if !members.is_empty() {
        headers.set("tracestate", &members.join(","));
    }
}

fn priority(sending: &Sending) -> i8 {
    match (sending.debug, sending.is_sampled()) {
        (true, _) => 2,
        (false, sampled) => i8::from(sampled),
    }
}

/// Datadog's own headers: ids in decimal, and the high half of the trace id as a tag.
pub(super) fn datadog(sending: &Sending, headers: &mut HeaderList) {
    let low = u64::from_be_bytes(sending.trace_id.low_64());
    let span = u64::from_be_bytes(sending.span_id.to_bytes());
    headers.set("x-datadog-trace-id", &low.to_string());
    headers.set("x-datadog-parent-id", &span.to_string());
    if sending.sampled.is_some() {
        headers.set(
            "x-datadog-sampling-priority",
            &priority(sending).to_string(),
        );
    }
    if !sending.trace_id.is_64_bit() {
        let digits = sending.trace_id.to_string();
        headers.set("x-datadog-tags", &format!("_dd.p.tid={}", &digits[..16]));
    }
}

/// X-Ray's root, parent and decision.
pub(super) fn xray(sending: &Sending, headers: &mut HeaderList) {
    let digits = sending.trace_id.to_string();
    let (epoch, unique) = digits.split_at(8);
    let value = format!(
        "Root=1-{epoch}-{unique};Parent={};Sampled={}",
        sending.span_id,
        sending.digit()
    );
    headers.set("x-amzn-trace-id", &value);
}

/// OpenTelemetry for Rust writes `?` for an open decision, and then the members of `tracestate`.
pub(super) fn xray_rust(sending: &Sending, headers: &mut HeaderList) {
    let digits = sending.trace_id.to_string();
    let (epoch, unique) = digits.split_at(8);
    let state = if sending.open { "?" } else { sending.digit() };
    let mut value = format!(
        "Root=1-{epoch}-{unique};Parent={};Sampled={state}",
        sending.span_id
    );
    for (key, member) in sending
        .tracestate
        .split(',')
        .filter_map(|member| member.split_once('='))
    {
        let (first, rest) = key.split_at(key.len().min(1));
        value.push_str(&format!(";{}{rest}={member}", first.to_ascii_uppercase()));
    }
    headers.set("x-amzn-trace-id", &value);
}

/// Datadog for Java writes the low half of the trace id after eight zeros, and the time of sending,
/// which is unknown here.
pub(super) fn xray_datadog_java(sending: &Sending, headers: &mut HeaderList) {
    let digits = sending.trace_id.to_string();
    let mut value = format!(
        "Root=1-<time>-00000000{};Parent={}",
        &digits[16..],
        sending.span_id
    );
    if sending.sampled.is_some() {
        value.push_str(&format!(";Sampled={}", sending.digit()));
    }
    headers.set("x-amzn-trace-id", &value);
}

fn uber_trace_id(sending: &Sending, parent: &str, flags: &str) -> String {
    format!("{}:{}:{parent}:{flags}", sending.trace_id, sending.span_id)
}

/// OpenTelemetry for JavaScript: two digits of flags.
pub(super) fn jaeger(sending: &Sending, headers: &mut HeaderList) {
    let flags = format!(
        "0{}",
        u8::from(sending.is_sampled()) | u8::from(sending.random) << 1
    );
    headers.set("uber-trace-id", &uber_trace_id(sending, "0", &flags));
}

/// OpenTelemetry for Java: one digit of flags.
pub(super) fn jaeger_short(sending: &Sending, headers: &mut HeaderList) {
    headers.set(
        "uber-trace-id",
        &uber_trace_id(sending, "0", sending.digit()),
    );
}

/// OpenTelemetry for Go and Rust: one digit of flags, 3 for debug.
pub(super) fn jaeger_short_debug(sending: &Sending, headers: &mut HeaderList) {
    let flags = if sending.debug && sending.is_sampled() {
        "3"
    } else {
        sending.digit()
    };
    headers.set("uber-trace-id", &uber_trace_id(sending, "0", flags));
}

/// OpenTelemetry for Python writes the parent in 16 digits, and sets debug whenever the span is
/// sampled.
pub(super) fn jaeger_python(sending: &Sending, headers: &mut HeaderList) {
    let parent = sending
        .parent_id
        .map_or_else(|| "0".repeat(16), |id| id.to_string());
    let flags = if sending.is_sampled() { "03" } else { "00" };
    headers.set("uber-trace-id", &uber_trace_id(sending, &parent, flags));
}

/// OpenTelemetry for Python writes "sampled" only if no other flag is set.
pub(super) fn ot_trace_python(sending: &Sending, headers: &mut HeaderList) {
    ot_trace(sending, headers);
    if sending.random {
        headers.set("ot-tracer-sampled", "false");
    }
}

/// OpenTracing's headers, with only the low half of the trace id.
pub(super) fn ot_trace(sending: &Sending, headers: &mut HeaderList) {
    let digits = sending.trace_id.to_string();
    headers.set("ot-tracer-traceid", &digits[16..]);
    headers.set("ot-tracer-spanid", &sending.span_id.to_string());
    let sampled = if sending.is_sampled() {
        "true"
    } else {
        "false"
    };
    headers.set("ot-tracer-sampled", sampled);
}
