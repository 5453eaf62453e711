//! Computes how much memory a message will take when it is decoded, without decoding it.
//!
//! A message of two bytes becomes a struct of several hundred, so a short body can fill the
//! memory. These functions walk through the bytes and allocate nothing.

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;

/// The number of the spans of a scope in `ResourceSpans` before version 0.20 of OTLP.
pub(super) const INSTRUMENTATION_LIBRARY_SPANS: u64 = 1000;

/// How deep prost decodes. Deeper messages are refused by it.
const MAX_DEPTH: usize = 100;

/// The messages of a trace request in OTLP that may repeat.
#[derive(Clone, Copy)]
enum Message {
    Request,
    ResourceSpans,
    Resource,
    EntityRef,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    Status,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
}

impl Message {
    /// The message in field `number` of this message
    /// (<https://github.com/open-telemetry/opentelemetry-proto>).
    fn field(self, number: u64) -> Option<Message> {
        Some(match (self, number) {
            (Message::Request, 1) => Message::ResourceSpans,
            (Message::ResourceSpans, 1) => Message::Resource,
            (Message::ResourceSpans, 2 | INSTRUMENTATION_LIBRARY_SPANS) => Message::ScopeSpans,
            (Message::Resource, 1) | (Message::Scope | Message::Event, 3) => Message::KeyValue,
            (Message::Resource, 3) => Message::EntityRef,
            (Message::ScopeSpans, 1) => Message::Scope,
            (Message::ScopeSpans, 2) => Message::Span,
            (Message::Span, 9) | (Message::Link, 4) => Message::KeyValue,
            (Message::Span, 11) => Message::Event,
            (Message::Span, 13) => Message::Link,
            (Message::Span, 15) => Message::Status,
            (Message::KeyValue, 2) | (Message::ArrayValue, 1) => Message::AnyValue,
            (Message::AnyValue, 5) => Message::ArrayValue,
            (Message::AnyValue, 6) => Message::KeyValueList,
            (Message::KeyValueList, 1) => Message::KeyValue,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Message::Request => 0,
            Message::ResourceSpans => size_of::<trace::ResourceSpans>(),
            Message::Resource => size_of::<resource::Resource>(),
            Message::EntityRef => size_of::<common::EntityRef>(),
            Message::ScopeSpans => size_of::<trace::ScopeSpans>(),
            Message::Scope => size_of::<common::InstrumentationScope>(),
            Message::Span => size_of::<trace::Span>(),
            Message::Event => size_of::<trace::span::Event>(),
            Message::Link => size_of::<trace::span::Link>(),
            Message::Status => size_of::<trace::Status>(),
            Message::KeyValue => size_of::<common::KeyValue>(),
            Message::AnyValue => size_of::<common::AnyValue>(),
            Message::ArrayValue => size_of::<common::ArrayValue>(),
            Message::KeyValueList => size_of::<common::KeyValueList>(),
        }
    }
}

/// Whether the decoded `ExportTraceServiceRequest` in `bytes` takes more than about `limit` bytes
/// of memory. For bytes that are not such a message, only the part before the fault counts, and the
/// decoder says what is wrong with them.
pub fn request_exceeds(bytes: &[u8], limit: usize) -> bool {
    exceeds(Message::Request, bytes, limit)
}

/// The same for one `ResourceSpans`.
pub(super) fn resource_spans_exceeds(bytes: &[u8], limit: usize) -> bool {
    exceeds(Message::ResourceSpans, bytes, limit)
}

fn exceeds(message: Message, bytes: &[u8], limit: usize) -> bool {
    let left = limit.checked_sub(bytes.len());
    left.is_none_or(|mut left| take(message, bytes, 0, &mut left).is_none())
}

/// Takes the memory of everything in a message from `left`; `None` if that is not enough.
fn take(message: Message, mut bytes: &[u8], depth: usize, left: &mut usize) -> Option<()> {
    while let Some(tag) = varint(&mut bytes) {
        let length = match tag & 7 {
            0 => varint(&mut bytes).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut bytes),
            5 => Some(4),
            _ => None,
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some((field, rest)) = length.and_then(|length| bytes.split_at_checked(length)) else {
            break;
        };
        bytes = rest;
        let inner = message.field(tag >> 3).filter(|_| tag & 7 == 2);
        if let Some(inner) = inner.filter(|_| depth < MAX_DEPTH) {
            *left = left.checked_sub(inner.size())?;
            take(inner, field, depth + 1, left)?;
        }
    }
    Some(())
}

/// A varint at the beginning of `bytes`, which is stepped over
/// (<https://protobuf.dev/programming-guides/encoding/#varints>).
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Whether JSON has more objects, or more members in all objects together.
pub fn json_exceeds(json: &[u8], max_objects: usize, max_members: usize) -> bool {
    let (mut objects, mut members) = (0, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => objects += 1,
            b':' => members += 1,
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => continue,
        }
        if objects > max_objects || members > max_members {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message as _;

    use super::*;

    #[test]
    fn empty_messages_are_counted_with_the_memory_that_they_take() {
        let empty_resource_spans = [0x0a, 0x00].repeat(1000);
        let decoded = ExportTraceServiceRequest::decode(empty_resource_spans.as_slice());
        assert_eq!(decoded.expect("a message").resource_spans.len(), 1000);
        let memory = 2000 + 1000 * size_of::<trace::ResourceSpans>();
        assert!(!request_exceeds(&empty_resource_spans, memory));
        assert!(request_exceeds(&empty_resource_spans, memory - 1));
    }

    #[test]
    fn what_is_nested_is_counted_too() {
        let attribute = common::KeyValue::default();
        let span = trace::Span {
            attributes: vec![attribute; 100],
            ..trace::Span::default()
        };
        let scope = trace::ScopeSpans {
            spans: vec![span; 10],
            ..trace::ScopeSpans::default()
        };
        let spans = trace::ResourceSpans {
            scope_spans: vec![scope],
            ..trace::ResourceSpans::default()
        };
        let bytes = ExportTraceServiceRequest {
            resource_spans: vec![spans],
        };
        let at_least = 10 * size_of::<trace::Span>() + 1000 * size_of::<common::KeyValue>();
        assert!(request_exceeds(&bytes.encode_to_vec(), at_least));
        assert!(!request_exceeds(b"\xff\xff", 2), "no message, no panic");
    }

    #[test]
    fn what_is_in_a_string_is_not_an_object() {
        let json = br#"[{"a":"{:\"{","b":{}},{}]"#;
        assert!(!json_exceeds(json, 3, 2));
        assert!(json_exceeds(json, 2, 2) && json_exceeds(json, 3, 1));
    }
}
