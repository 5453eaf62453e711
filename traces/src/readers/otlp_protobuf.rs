//! OTLP in protobuf: one `ExportTraceServiceRequest` or `TracesData`, or many, each after its
//! length.
//!
//! The two messages have the same layout: a list of `ResourceSpans` in field 1. These are read one
//! at a time, so a message may have any size. The Collector's file exporter writes a message's
//! length before it as four bytes, most significant byte first. It also does so for OTLP/JSON, if
//! it compresses each message
//! (<https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter>).

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use baton_propagators::{SpanId, TraceId};
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message as _;

use super::bounds::{INSTRUMENTATION_LIBRARY_SPANS, request_exceeds, resource_spans_exceeds};
use super::form::Form;
use super::input;
use super::json::{Fault, MAX_VALUE_BYTES};
use super::skipped::Skipped;
use super::{otlp_json, tags};
use crate::span::{
    AnyValue, Attribute, Key, Kind, Link, SERVICE_NAMESPACE, Span, SpanEvent, SpanReference,
    Status, StatusCode, UnixTime, Want,
};

/// The most memory that one decoded `ResourceSpans` may take, in bytes.
const MAX_DECODED_BYTES: usize = 1 << 30;

/// The number of `resource_spans` in both messages.
const RESOURCE_SPANS: u64 = 1;

/// Passes every span in `input`, which is one message, to `each`.
pub(super) fn read_message(
    mut input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    message(&mut input, 1, want, each)
}

/// Passes every span of the messages in `input`, each after its length, to `each`.
pub(super) fn read_frames(
    mut input: impl BufRead,
    form: Form,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut frame = Vec::new();
    for number in 1.. {
        if input.fill_buf()?.is_empty() {
            break;
        }
        let length = match form {
            Form::OtlpFrames => {
                let mut length = [0; 4];
                input.read_exact(&mut length)?;
                u32::from_be_bytes(length).into()
            }
            _ => varint(&mut input, number)?,
        };
        take(&mut input, length, number, &mut frame)?;
        let mut decompressed = Vec::new();
        let unpacked = input::decompress(frame.as_slice()).and_then(|input| {
            input
                .take(MAX_VALUE_BYTES as u64 + 1)
                .read_to_end(&mut decompressed)
        });
        unpacked.map_err(|error| problem(number, error.to_string()))?;
        if decompressed.len() > MAX_VALUE_BYTES {
            return Err(problem(number, too_long()));
        }
        if decompressed.first() == Some(&b'{') {
            let read = otlp_json::read_alone(&decompressed, want, each, skipped);
            read.map_err(|found| problem(number, found))?;
        } else {
            // The message is complete, so it cannot be cut short.
            let read = message(&mut decompressed.as_slice(), number, want, each);
            read.map_err(|fault| match fault {
                Fault::Input(error) => problem(number, error.to_string()),
                fault => fault,
            })?;
        }
    }
    Ok(())
}

fn message(
    input: &mut impl BufRead,
    number: u64,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut field = Vec::new();
    while !input.fill_buf()?.is_empty() {
        let tag = varint(input, number)?;
        // The wire types: https://protobuf.dev/programming-guides/encoding/#structure
        match (tag >> 3, tag & 7) {
            (RESOURCE_SPANS, 2) => {
                let length = varint(input, number)?;
                take(input, length, number, &mut field)?;
                for resource_spans in resource_spans(&field, number)? {
                    hand_over(&resource_spans, want, each)
                        .map_err(|found| problem(number, found.to_owned()))?;
                }
            }
            (0, _) => return Err(problem(number, "it has a field of number 0".to_owned())),
            (_, 0) => {
                varint(input, number)?;
            }
            (_, 1) => take(input, 8, number, &mut field)?,
            (_, 2) => {
                let length = varint(input, number)?;
                take(input, length, number, &mut field)?;
            }
            (_, 5) => take(input, 4, number, &mut field)?,
            (_, wire_type) => {
                return Err(problem(
                    number,
                    format!("it has a field of wire type {wire_type}"),
                ));
            }
        }
    }
    Ok(())
}

/// The `ResourceSpans` in field 1 of a message. Tempo's API v2 wraps the message in another one
/// (`TraceByIDResponse`), so its field 1 holds all of them.
fn resource_spans(field: &[u8], number: u64) -> Result<Vec<proto::ResourceSpans>, Fault> {
    let error = match decode(field) {
        Ok(resource_spans) => return Ok(vec![resource_spans]),
        Err(error) => error,
    };
    if request_exceeds(field, MAX_DECODED_BYTES) {
        return Err(problem(number, too_much_memory()));
    }
    let wrapped = parts(field, RESOURCE_SPANS).unwrap_or_default().into_iter();
    let wrapped: Result<Vec<_>, _> = wrapped.map(decode).collect();
    // an empty resource could be taken for a part
    let has_spans = |resource_spans: &proto::ResourceSpans| !resource_spans.scope_spans.is_empty();
    match wrapped {
        Ok(wrapped) if wrapped.iter().any(has_spans) => Ok(wrapped),
        _ => Err(problem(number, error)),
    }
}

/// Decodes `ResourceSpans`. Before version 0.20 of OTLP, the spans of a scope were in field 1000,
/// `instrumentation_library_spans`, with the layout of `ScopeSpans`.
fn decode(bytes: &[u8]) -> Result<proto::ResourceSpans, String> {
    if resource_spans_exceeds(bytes, MAX_DECODED_BYTES) {
        return Err(too_much_memory());
    }
    let said = |error: prost::DecodeError| error.to_string();
    let mut resource_spans = proto::ResourceSpans::decode(bytes).map_err(said)?;
    for part in parts(bytes, INSTRUMENTATION_LIBRARY_SPANS).unwrap_or_default() {
        let scope_spans = proto::ScopeSpans::decode(part).map_err(said)?;
        resource_spans.scope_spans.push(scope_spans);
    }
    Ok(resource_spans)
}

fn too_much_memory() -> String {
    format!("a part of it would take more than {MAX_DECODED_BYTES} bytes of memory")
}

/// The contents of all fields with this number; `None` if `message` is not a valid message.
fn parts(message: &[u8], wanted: u64) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let tag = varint(&mut rest, 1).ok()?;
        let length = match tag & 7 {
            0 => {
                varint(&mut rest, 1).ok()?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut rest, 1).ok()?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (part, after) = rest.split_at_checked(length)?;
        if (tag >> 3, tag & 7) == (wanted, 2) {
            parts.push(part);
        }
        rest = after;
    }
    Some(parts)
}

fn problem(number: u64, problem: String) -> Fault {
    Fault::Message { number, problem }
}

fn too_long() -> String {
    format!("a part of it is longer than {MAX_VALUE_BYTES} bytes")
}

/// Reads exactly `length` bytes.
fn take(
    input: &mut impl BufRead,
    length: u64,
    number: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), Fault> {
    bytes.clear();
    if length > MAX_VALUE_BYTES as u64 {
        return Err(problem(number, too_long()));
    }
    let read = input.take(length).read_to_end(bytes)?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(Fault::Input(io::ErrorKind::UnexpectedEof.into()))
    }
}

fn varint(input: &mut impl BufRead, number: u64) -> Result<u64, Fault> {
    let mut value = 0;
    for place in 0..10 {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << (7 * place);
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(problem(
        number,
        "it has a number of more than ten bytes".to_owned(),
    ))
}

fn hand_over(
    resource_spans: &proto::ResourceSpans,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), &'static str> {
    let resource = resource_spans.resource.as_ref();
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let text_of = |wanted: &str| {
        let mut all = attributes.iter().rev();
        let found = all.find_map(
            |attribute| match attribute.value.as_ref()?.value.as_ref()? {
                Any::StringValue(text) if attribute.key == wanted => Some(text.as_str()),
                _ => None,
            },
        );
        found.unwrap_or_default()
    };
    let (service, namespace) = (text_of(Key::ServiceName.name()), text_of(SERVICE_NAMESPACE));
    let resource: Vec<_> = match want {
        Want::Judging | Want::HandOffs => Vec::new(),
        Want::Everything => attributes.iter().map(attribute).collect(),
    };
    for scope_spans in &resource_spans.scope_spans {
        for fields in &scope_spans.spans {
            let mut span = span(fields, service, want)?;
            span.namespace = Cow::Borrowed(namespace);
            span.resource_attributes = &resource;
            each(&span);
        }
    }
    Ok(())
}

fn span<'a>(
    fields: &'a proto::Span,
    service: &'a str,
    want: Want,
) -> Result<Span<'a>, &'static str> {
    let reference = reference(&fields.trace_id, &fields.span_id)
        .ok_or("a trace id has 16 bytes, a span id 8, not all of them zero")?;
    let says_flags = fields.flags & proto::SpanFlags::ContextHasIsRemoteMask as u32 != 0;
    let remote = fields.flags & proto::SpanFlags::ContextIsRemoteMask as u32 != 0;
    let sampled = fields.flags & 1 != 0;
    let mut span = Span {
        parent_span_id: span_id(&fields.parent_span_id),
        parent_is_remote: says_flags.then_some(remote),
        sampled: says_flags.then_some(sampled),
        trace_state: Cow::Borrowed(&fields.trace_state),
        name: Cow::Borrowed(&fields.name),
        kind: match fields.kind() {
            proto::span::SpanKind::Unspecified => Kind::Unspecified,
            proto::span::SpanKind::Internal => Kind::Internal,
            proto::span::SpanKind::Server => Kind::Server,
            proto::span::SpanKind::Client => Kind::Client,
            proto::span::SpanKind::Producer => Kind::Producer,
            proto::span::SpanKind::Consumer => Kind::Consumer,
        },
        start: UnixTime::from_nanoseconds(fields.start_time_unix_nano),
        end: UnixTime::from_nanoseconds(fields.end_time_unix_nano),
        links: {
            let links = fields.links.iter();
            links.filter_map(|it| link(it, want)).collect()
        },
        ..Span::new(reference, service)
    };
    for field in &fields.attributes {
        let (name, value) = attribute(field);
        tags::add_attribute(&mut span, want, name, value);
    }
    if want != Want::Judging {
        let status = fields.status.as_ref();
        span.status = Status {
            code: match status.map(proto::Status::code).unwrap_or_default() {
                proto::status::StatusCode::Unset => StatusCode::Unset,
                proto::status::StatusCode::Ok => StatusCode::Ok,
                proto::status::StatusCode::Error => StatusCode::Error,
            },
            message: Cow::Borrowed(status.map_or("", |status| &status.message)),
        };
    }
    if want == Want::Everything {
        let events = fields.events.iter().map(|event| SpanEvent {
            time: UnixTime::from_nanoseconds(event.time_unix_nano),
            name: Cow::Borrowed(&event.name),
            attributes: event.attributes.iter().map(attribute).collect(),
        });
        span.events = events.collect();
    }
    Ok(span)
}

fn reference(trace: &[u8], span: &[u8]) -> Option<SpanReference> {
    Some(SpanReference {
        trace_id: TraceId::from_bytes(trace.try_into().ok()?)?,
        span_id: span_id(span)?,
    })
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    SpanId::from_bytes(bytes.try_into().ok()?)
}

fn link(link: &proto::span::Link, want: Want) -> Option<Link<'_>> {
    Some(Link {
        to: reference(&link.trace_id, &link.span_id)?,
        trace_state: Cow::Borrowed(&link.trace_state),
        attributes: match want {
            Want::Judging => Vec::new(),
            Want::HandOffs | Want::Everything => link.attributes.iter().map(attribute).collect(),
        },
    })
}

fn attribute(attribute: &common::KeyValue) -> Attribute<'_> {
    (
        Cow::Borrowed(&attribute.key),
        any_value(attribute.value.as_ref()),
    )
}

fn any_value(value: Option<&common::AnyValue>) -> AnyValue<'_> {
    match value.and_then(|value| value.value.as_ref()) {
        None => AnyValue::Empty,
        Some(Any::StringValue(text)) => AnyValue::Text(Cow::Borrowed(text)),
        Some(Any::IntValue(number)) => AnyValue::Integer(*number),
        Some(Any::DoubleValue(number)) => AnyValue::Double(*number),
        Some(Any::BoolValue(value)) => AnyValue::Boolean(*value),
        Some(Any::BytesValue(bytes)) => AnyValue::Bytes(BASE64.encode(bytes).into()),
        Some(Any::ArrayValue(list)) => {
            let values = list.values.iter();
            AnyValue::List(values.map(|value| any_value(Some(value))).collect())
        }
        Some(Any::KvlistValue(map)) => AnyValue::Map(map.values.iter().map(attribute).collect()),
        #[allow(unreachable_patterns)]
        Some(_) => AnyValue::Empty,
    }
}
