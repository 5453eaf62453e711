//! The output of OpenTelemetry's console exporter for Ruby, which prints each span with `pp`.
//!
//! (<https://github.com/open-telemetry/opentelemetry-ruby/blob/main/sdk/lib/opentelemetry/sdk/trace/export/console_span_exporter.rb>)
//! A span is Ruby's text for a struct, with ids as strings of bytes. Other lines are skipped.

mod value;

use std::io::BufRead;

use baton_propagators::{SpanId, TraceId};

use self::value::{Balance, Value};
use super::input::lines::{LineError, Lines};
use super::json::{Fault, MAX_VALUE_BYTES, ended};
use super::tags;
use crate::span::{
    AnyValue, Attribute, Link, Span, SpanEvent, SpanReference, StatusCode, UnixTime, Want,
};

/// What begins a span.
const SPAN: &str = "#<struct OpenTelemetry::SDK::Trace::SpanData";

/// Whether the text contains a span in this form.
pub(super) fn is_in(text: &str) -> bool {
    text.contains(SPAN)
}

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut lines = Lines::new(input, MAX_VALUE_BYTES);
    let mut text = String::new();
    let mut balance = Balance::default();
    let mut first = 0;
    loop {
        let number = lines.number() + 1;
        let too_long = |line| Fault::Problem {
            line,
            problem: format!("one span is longer than {MAX_VALUE_BYTES} bytes"),
        };
        let line = match lines.next_line() {
            Ok(None) if text.is_empty() => return Ok(()),
            Ok(None) => return Err(ended()),
            Ok(Some(line)) => String::from_utf8_lossy(line),
            Err(LineError::Input(error)) => return Err(Fault::Input(error)),
            Err(LineError::TooLong) => return Err(too_long(number)),
        };
        if text.is_empty() {
            let Some(start) = line.find(SPAN) else {
                continue;
            };
            (first, balance) = (number, Balance::default());
            text.push_str(&line[start..]);
        } else {
            text.push('\n');
            text.push_str(&line);
        }
        if text.len() > MAX_VALUE_BYTES {
            return Err(too_long(first));
        }
        if balance.is_closed_by(&text) {
            let read = Value::parse(&text).ok_or_else(|| {
                "found: a span that is not written as Ruby's pp writes it".to_owned()
            });
            let read = read.and_then(|span| hand_over(&span, want, each));
            read.map_err(|problem| Fault::Problem {
                line: first,
                problem,
            })?;
            text.clear();
        }
    }
}

/// Passes the span on. An error says what is wrong with it.
fn hand_over(fields: &Value, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
    let reference = reference(fields, "")
        .ok_or("found: a span without a trace_id of 16 bytes or a span_id of 8 bytes")?;
    let resource = attributes(fields.get("resource").and_then(|it| it.get("@attributes")));
    let mut span = tags::span_in(reference, &resource);
    span.parent_span_id = fields.get("parent_span_id").and_then(span_id);
    span.parent_is_remote = match fields.get("parent_span_is_remote") {
        Some(Value::Boolean(remote)) => span.parent_span_id.and(Some(*remote)),
        _ => None,
    };
    span.name = text(fields.get("name")).into();
    span.kind = tags::kind_named(&text(fields.get("kind"))).unwrap_or_default();
    span.start = fields.get("start_timestamp").and_then(time);
    span.end = fields.get("end_timestamp").and_then(time);
    span.trace_state = trace_state(fields.get("tracestate")).into();
    if let Some(status) = fields.get("status") {
        span.status.code = match status.get("@code") {
            Some(Value::Integer(0)) => StatusCode::Ok,
            Some(Value::Integer(2)) => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        span.status.message = text(status.get("@description")).into();
    }
    for (name, value) in attributes(fields.get("attributes")) {
        tags::add_attribute(&mut span, want, name, value);
    }
    span.links = list(fields.get("links")).iter().filter_map(link).collect();
    if want == Want::Everything {
        span.events = list(fields.get("events")).iter().map(event).collect();
        span.resource_attributes = &resource;
    }
    each(&span);
    Ok(())
}

/// The ids of a span or of a link's context, whose names begin with `@`.
fn reference(fields: &Value, prefix: &str) -> Option<SpanReference> {
    let bytes = fields.get(&format!("{prefix}trace_id"))?.bytes()?;
    Some(SpanReference {
        trace_id: TraceId::from_bytes(bytes.try_into().ok()?)?,
        span_id: span_id(fields.get(&format!("{prefix}span_id"))?)?,
    })
}

fn span_id(value: &Value) -> Option<SpanId> {
    SpanId::from_bytes(value.bytes()?.try_into().ok()?)
}

fn link(value: &Value) -> Option<Link<'static>> {
    let context = value.get("@span_context")?;
    Some(Link {
        to: reference(context, "@")?,
        trace_state: trace_state(context.get("@tracestate")).into(),
        attributes: attributes(value.get("@attributes")),
    })
}

fn event(value: &Value) -> SpanEvent<'static> {
    SpanEvent {
        time: value.get("timestamp").and_then(time),
        name: text(value.get("name")).into(),
        attributes: attributes(value.get("attributes")),
    }
}

/// A time in nanoseconds since the epoch.
fn time(value: &Value) -> Option<UnixTime> {
    match value {
        Value::Integer(nanoseconds) => UnixTime::from_nanoseconds((*nanoseconds).try_into().ok()?),
        _ => None,
    }
}

/// `tracestate` as in the header.
fn trace_state(value: Option<&Value>) -> String {
    let members = attributes(value.and_then(|value| value.get("@hash")));
    let members = members.iter().filter_map(|(key, value)| match value {
        AnyValue::Text(value) => Some(format!("{key}={value}")),
        _ => None,
    });
    members.collect::<Vec<_>>().join(",")
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::Word(word)) => word.clone(),
        _ => String::new(),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::List(values)) => values,
        _ => &[],
    }
}

fn attributes(value: Option<&Value>) -> Vec<Attribute<'static>> {
    let Some(Value::Members(members)) = value else {
        return Vec::new();
    };
    let members = members.iter();
    let attribute = |(name, value): &(String, Value)| (name.clone().into(), any_value(value));
    members.map(attribute).collect()
}

fn any_value(value: &Value) -> AnyValue<'static> {
    match value {
        Value::Nothing | Value::Members(_) => AnyValue::Empty,
        Value::Boolean(value) => AnyValue::Boolean(*value),
        Value::Integer(number) => match i64::try_from(*number) {
            Ok(number) => AnyValue::Integer(number),
            Err(_) => AnyValue::Double(*number as f64),
        },
        Value::Double(number) => AnyValue::Double(*number),
        Value::Bytes(_) | Value::Word(_) => AnyValue::Text(text(Some(value)).into()),
        Value::List(values) => AnyValue::List(values.iter().map(any_value).collect()),
    }
}
