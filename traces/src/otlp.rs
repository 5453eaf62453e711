//! Writes spans from any form as OTLP/JSON
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).

use serde_json::{Map, Value, json};

use crate::span::{
    self, AnyValue, Attribute, Key, Kind, Span, SpanEvent, SpanFormat, StatusCode, UnixTime,
};

/// OTLP's `SpanFlags`: whether the next bit has a meaning, whether the parent is remote, and W3C's
/// sampled flag.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
const SAMPLED: u32 = 0x01;

/// The most attributes, events and links of a span that are written. OpenTelemetry's SDKs keep 128
/// of each; a span with a million would take gigabytes of memory here.
const MAX_PER_SPAN: usize = 10_000;

/// An `ExportTraceServiceRequest` with this span and its resource. `format` is the span's original
/// form, if that was not OTLP. The span keeps it as an attribute.
pub fn request(span: &Span<'_>, format: Option<SpanFormat>) -> Value {
    let names_service = |(name, _): &&Attribute<'_>| name == Key::ServiceName.name();
    let service = match span
        .resource_attributes
        .iter()
        .any(|one| names_service(&one))
    {
        true => "",
        false => span.service,
    };
    let mut resource: Vec<Value> = span.resource_attributes.iter().map(attribute).collect();
    resource.extend(service_name(service));
    json!({"resourceSpans": [resource_spans(resource, vec![one(span, format)])]})
}

/// The `ResourceSpans` of one service. [`one`] makes each of `spans`.
pub fn of_service(service: &str, spans: Vec<Value>) -> Value {
    resource_spans(service_name(service).into_iter().collect(), spans)
}

fn resource_spans(resource: Vec<Value>, spans: Vec<Value>) -> Value {
    json!({"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]})
}

/// The attribute that names a service; `None` if it has no name.
fn service_name(service: &str) -> Option<Value> {
    let attribute = || json!({"key": Key::ServiceName.name(), "value": {"stringValue": service}});
    (!service.is_empty()).then(attribute)
}

/// Makes one `Span`, for a [`request`] or [`of_service`].
pub fn one(span: &Span<'_>, format: Option<SpanFormat>) -> Value {
    let known = span.attributes.iter().map(|(key, value)| {
        let value = match value {
            span::Value::Text(text) => json!({"stringValue": text}),
            span::Value::Integer(number) => json!({"intValue": number.to_string()}),
            span::Value::Boolean(value) => json!({"boolValue": value}),
        };
        json!({"key": key.name(), "value": value})
    });
    // a span that was converted before keeps its original form
    let format = format.filter(|_| span.attributes.get(Key::SpanFormat).is_none());
    let mark = format.map(
        |format| json!({"key": Key::SpanFormat.name(), "value": {"stringValue": format.name()}}),
    );
    let attribute_count =
        span.attributes.iter().count() + span.other_attributes.len() + usize::from(mark.is_some());
    let others = span.other_attributes.iter().map(attribute);
    let attributes = known.chain(mark).chain(others);
    let links = span.links.iter().map(|link| {
        let mut fields = json!({
            "traceId": link.to.trace_id.to_string(),
            "spanId": link.to.span_id.to_string(),
            "traceState": link.trace_state,
        });
        if !link.attributes.is_empty() {
            let attributes = link.attributes.iter().take(MAX_PER_SPAN);
            fields["attributes"] = attributes.map(attribute).collect();
        }
        fields
    });
    let mut fields = Map::new();
    let mut field = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    field("traceId", span.reference.trace_id.to_string().into());
    field("spanId", span.reference.span_id.to_string().into());
    if let Some(parent) = span.parent_span_id {
        field("parentSpanId", parent.to_string().into());
    }
    if !span.trace_state.is_empty() {
        field("traceState", json!(span.trace_state));
    }
    field("flags", flags(span).into());
    field("name", json!(span.name));
    field("kind", kind(span.kind).into());
    field("startTimeUnixNano", time(span.start));
    field("endTimeUnixNano", time(span.end));
    field("attributes", attributes.take(MAX_PER_SPAN).collect());
    let events = span.events.iter().map(event);
    field("events", events.take(MAX_PER_SPAN).collect());
    field("links", links.take(MAX_PER_SPAN).collect());
    for (name, count) in [
        ("droppedAttributesCount", attribute_count),
        ("droppedEventsCount", span.events.len()),
        ("droppedLinksCount", span.links.len()),
    ] {
        if count > MAX_PER_SPAN {
            field(name, (count - MAX_PER_SPAN).into());
        }
    }
    field(
        "status",
        json!({"code": status(span.status.code), "message": span.status.message}),
    );
    Value::Object(fields)
}

/// The flags. They are 0 if it is unknown whether the parent is remote, because a reader then
/// ignores the sampled flag.
fn flags(span: &Span<'_>) -> u32 {
    let Some(is_remote) = span.parent_is_remote else {
        return 0;
    };
    let bit = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
    HAS_IS_REMOTE | bit(is_remote, IS_REMOTE) | bit(span.sampled == Some(true), SAMPLED)
}

fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Unspecified => 0,
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

fn status(code: StatusCode) -> u8 {
    match code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    }
}

/// OTLP/JSON writes 64-bit numbers as text. An unknown time is 0.
fn time(time: Option<UnixTime>) -> Value {
    time.map_or(0, UnixTime::as_nanoseconds).to_string().into()
}

fn event(event: &SpanEvent<'_>) -> Value {
    json!({
        "timeUnixNano": time(event.time),
        "name": event.name,
        "attributes": event.attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}

fn attribute((name, value): &Attribute<'_>) -> Value {
    json!({"key": name, "value": any_value(value)})
}

fn any_value(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Empty => json!({}),
        AnyValue::Text(text) => json!({"stringValue": text}),
        AnyValue::Integer(number) => json!({"intValue": number.to_string()}),
        AnyValue::Double(number) if number.is_finite() => json!({"doubleValue": number}),
        // protobuf's JSON mapping writes these as strings, because JSON has no such numbers
        AnyValue::Double(number) if number.is_nan() => json!({"doubleValue": "NaN"}),
        AnyValue::Double(number) if *number > 0.0 => json!({"doubleValue": "Infinity"}),
        AnyValue::Double(_) => json!({"doubleValue": "-Infinity"}),
        AnyValue::Boolean(value) => json!({"boolValue": value}),
        AnyValue::Bytes(base64) => json!({"bytesValue": base64}),
        AnyValue::List(values) => {
            json!({"arrayValue": {"values": values.iter().map(any_value).collect::<Vec<_>>()}})
        }
        AnyValue::Map(members) => {
            json!({"kvlistValue": {"values": members.iter().map(attribute).collect::<Vec<_>>()}})
        }
    }
}
