//! A span of any form as OTLP has it.

use baton_traces::span::{
    AnyValue, Attribute, Key, Kind, Link, Span, SpanEvent, StatusCode, UnixTime, Value,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtlpValue;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue as OtlpAnyValue, ArrayValue, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link as OtlpLink, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as OtlpStatusCode;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as OtlpSpan, Status as OtlpStatus,
};

/// The spans of one service.
pub(super) fn resource_spans(service: String, spans: Vec<OtlpSpan>) -> ResourceSpans {
    let service = OtlpValue::StringValue(service);
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![key_value(Key::ServiceName.name(), service)],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

/// All that `span` says, and one text attribute more. What it does not know stays out, its trace
/// flags above all.
pub(super) fn span_with(span: &Span<'_>, name: &str, value: &str) -> OtlpSpan {
    let known = span.attributes.iter();
    let known = known.map(|(key, value)| key_value(key.name(), known_value(value)));
    let others = attributes(&span.other_attributes);
    let added = key_value(name, OtlpValue::StringValue(value.to_owned()));
    OtlpSpan {
        trace_id: span.reference.trace_id.to_bytes().to_vec(),
        span_id: span.reference.span_id.to_bytes().to_vec(),
        trace_state: span.trace_state.to_string(),
        parent_span_id: span
            .parent_span_id
            .map(|parent| parent.to_bytes().to_vec())
            .unwrap_or_default(),
        name: span.name.to_string(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: nanoseconds(span.start),
        end_time_unix_nano: nanoseconds(span.end),
        attributes: known.chain(others).chain([added]).collect(),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        status: Some(OtlpStatus {
            code: match span.status.code {
                StatusCode::Unset => OtlpStatusCode::Unset,
                StatusCode::Ok => OtlpStatusCode::Ok,
                StatusCode::Error => OtlpStatusCode::Error,
            }
            .into(),
            message: span.status.message.to_string(),
        }),
        ..OtlpSpan::default()
    }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Unspecified => SpanKind::Unspecified,
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn event(event: &SpanEvent<'_>) -> Event {
    Event {
        time_unix_nano: nanoseconds(event.time),
        name: event.name.to_string(),
        attributes: attributes(&event.attributes).collect(),
        ..Event::default()
    }
}

fn link(link: &Link<'_>) -> OtlpLink {
    OtlpLink {
        trace_id: link.to.trace_id.to_bytes().to_vec(),
        span_id: link.to.span_id.to_bytes().to_vec(),
        trace_state: link.trace_state.to_string(),
        ..OtlpLink::default()
    }
}

/// An unknown time is 0 in OTLP.
fn nanoseconds(time: Option<UnixTime>) -> u64 {
    time.map_or(0, UnixTime::as_nanoseconds)
}

fn attributes(attributes: &[Attribute<'_>]) -> impl Iterator<Item = KeyValue> {
    let attributes = attributes.iter();
    attributes.map(|(name, value)| KeyValue {
        key: name.to_string(),
        value: Some(any_value(value)),
        ..KeyValue::default()
    })
}

fn key_value(name: &str, value: OtlpValue) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(OtlpAnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn known_value(value: &Value<'_>) -> OtlpValue {
    match value {
        Value::Text(text) => OtlpValue::StringValue(text.to_string()),
        Value::Integer(number) => OtlpValue::IntValue(*number),
        Value::Boolean(value) => OtlpValue::BoolValue(*value),
    }
}

fn any_value(value: &AnyValue<'_>) -> OtlpAnyValue {
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::Text(text) | AnyValue::Bytes(text) => {
            Some(OtlpValue::StringValue(text.to_string()))
        }
        AnyValue::Integer(number) => Some(OtlpValue::IntValue(*number)),
        AnyValue::Double(number) => Some(OtlpValue::DoubleValue(*number)),
        AnyValue::Boolean(value) => Some(OtlpValue::BoolValue(*value)),
        AnyValue::List(values) => Some(OtlpValue::ArrayValue(ArrayValue {
            values: values.iter().map(any_value).collect(),
        })),
        AnyValue::Map(members) => Some(OtlpValue::KvlistValue(KeyValueList {
            values: attributes(members).collect(),
        })),
    };
    OtlpAnyValue { value }
}
