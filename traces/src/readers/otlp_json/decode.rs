//! The fields of an `ExportTraceServiceRequest` that a [`Span`] needs, decoded without copying text.

use std::fmt;

use baton_propagators::id::{SpanId, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

use crate::readers::text::Text;
use crate::readers::{span_id, trace_id};
use crate::span::{Attributes, Key, Kind, Link, Span, SpanReference, Status, UnixTime, Value};

/// The flags' bit that says whether the next one means anything (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`).
const HAS_IS_REMOTE: u64 = 0x100;
/// The flags' bit for a parent in another process (`SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`).
const IS_REMOTE: u64 = 0x200;
/// The sampled bit among the W3C trace flags, the low eight.
const SAMPLED: u64 = 0x01;

#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    expecting = "an ExportTraceServiceRequest object"
)]
pub(super) struct Request<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a ResourceSpans object")]
pub(super) struct ResourceSpans<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) resource: Resource<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "a Resource object")]
pub(super) struct Resource<'a> {
    #[serde(borrow, default, deserialize_with = "attributes")]
    pub(super) attributes: Attributes<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "a ScopeSpans object")]
pub(super) struct ScopeSpans<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) spans: Vec<SpanFields<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Span object")]
pub(super) struct SpanFields<'a> {
    #[serde(deserialize_with = "required_trace_id")]
    trace_id: TraceId,
    #[serde(deserialize_with = "required_span_id")]
    span_id: SpanId,
    #[serde(default, deserialize_with = "parent_span_id")]
    parent_span_id: Option<SpanId>,
    #[serde(default)]
    flags: Number,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    kind: KindField,
    #[serde(default)]
    start_time_unix_nano: Number,
    #[serde(default)]
    end_time_unix_nano: Number,
    #[serde(borrow, default, deserialize_with = "attributes")]
    attributes: Attributes<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    links: Vec<LinkFields<'a>>,
}

impl<'a> SpanFields<'a> {
    pub(super) fn into_span<'s>(self, service: &'s str) -> Span<'s>
    where
        'a: 's,
    {
        let flags = self.flags.unsigned().unwrap_or_default();
        let says_flags = flags & HAS_IS_REMOTE != 0;
        Span {
            reference: SpanReference {
                trace_id: self.trace_id,
                span_id: self.span_id,
            },
            parent_span_id: self.parent_span_id,
            parent_is_remote: says_flags.then_some(flags & IS_REMOTE != 0),
            sampled: says_flags.then_some(flags & SAMPLED != 0),
            trace_state: self.trace_state.0,
            name: self.name.0,
            service,
            kind: self.kind.0,
            start: time(self.start_time_unix_nano),
            end: time(self.end_time_unix_nano),
            attributes: self.attributes,
            status: Status::default(),
            other_attributes: Vec::new(),
            events: Vec::new(),
            resource_attributes: &[],
            links: self
                .links
                .into_iter()
                .filter_map(LinkFields::into_link)
                .collect(),
        }
    }
}

fn time(number: Number) -> Option<UnixTime> {
    number.unsigned().and_then(UnixTime::from_nanoseconds)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Link object")]
struct LinkFields<'a> {
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
}

impl<'a> LinkFields<'a> {
    /// A link to an invalid context points nowhere and is left out.
    fn into_link(self) -> Option<Link<'a>> {
        Some(Link {
            to: SpanReference {
                trace_id: trace_id(&self.trace_id.0)?,
                span_id: span_id(&self.span_id.0)?,
            },
            trace_state: self.trace_state.0,
        })
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a KeyValue object")]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    value: Option<AnyValue<'a>>,
}

/// The types of value that are looked at; a double, bytes, an array or a map is skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an AnyValue object")]
struct AnyValue<'a> {
    #[serde(borrow, default)]
    string_value: Option<Text<'a>>,
    #[serde(default)]
    int_value: Number,
    #[serde(default)]
    bool_value: Option<bool>,
}

impl<'a> AnyValue<'a> {
    fn into_value(self) -> Option<Value<'a>> {
        let text = self.string_value.map(|text| Value::Text(text.0));
        text.or_else(|| self.int_value.signed().map(Value::Integer))
            .or_else(|| self.bool_value.map(Value::Boolean))
    }
}

/// A whole number, written as one or as a decimal string.
#[derive(Clone, Copy, Default)]
pub(super) struct Number(Option<i128>);

impl Number {
    pub(super) fn unsigned(self) -> Option<u64> {
        self.0.and_then(|number| u64::try_from(number).ok())
    }

    pub(super) fn signed(self) -> Option<i64> {
        self.0.and_then(|number| i64::try_from(number).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of 64 bits, or a string that holds one")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number.into())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number.into())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                // Some writers put nanoseconds into a double: 1.7e18.
                if number.fract() == 0.0 && number.abs() < 2f64.powi(64) {
                    Ok(Number(Some(number as i128)))
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                if let Ok(number) = text.parse::<u64>() {
                    Ok(Number(Some(number.into())))
                } else if let Ok(number) = text.parse::<i64>() {
                    Ok(Number(Some(number.into())))
                } else {
                    Err(E::invalid_value(Unexpected::Str(text), &self))
                }
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A span kind: the number OTLP/JSON prescribes, or the enum's name, as other protobuf writers put it.
#[derive(Clone, Copy, Default)]
struct KindField(Kind);

impl<'de> Deserialize<'de> for KindField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindVisitor;

        impl Visitor<'_> for KindVisitor {
            type Value = KindField;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a span kind, 0 to 5")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<KindField, E> {
                Ok(KindField(match number {
                    1 => Kind::Internal,
                    2 => Kind::Server,
                    3 => Kind::Client,
                    4 => Kind::Producer,
                    5 => Kind::Consumer,
                    _ => Kind::Unspecified,
                }))
            }

            fn visit_i64<E: Error>(self, _number: i64) -> Result<KindField, E> {
                Ok(KindField(Kind::Unspecified))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<KindField, E> {
                Ok(KindField(match name {
                    "SPAN_KIND_INTERNAL" => Kind::Internal,
                    "SPAN_KIND_SERVER" => Kind::Server,
                    "SPAN_KIND_CLIENT" => Kind::Client,
                    "SPAN_KIND_PRODUCER" => Kind::Producer,
                    "SPAN_KIND_CONSUMER" => Kind::Consumer,
                    _ => Kind::Unspecified,
                }))
            }

            fn visit_unit<E: Error>(self) -> Result<KindField, E> {
                Ok(KindField::default())
            }
        }

        deserializer.deserialize_any(KindVisitor)
    }
}

/// `null` stands for a field's default in protobuf's JSON mapping.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn required_trace_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TraceId, D::Error> {
    let text = Text::deserialize(deserializer)?.0;
    trace_id(&text).ok_or_else(|| invalid_id(&text, "a trace id of 32 hex digits, not all zero"))
}

fn required_span_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SpanId, D::Error> {
    let text = Text::deserialize(deserializer)?.0;
    span_id(&text).ok_or_else(|| invalid_id(&text, "a span id of 16 hex digits, not all zero"))
}

/// A root has an empty parent id, or none, or one of zeros.
fn parent_span_id<'de, D>(deserializer: D) -> Result<Option<SpanId>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Text::deserialize(deserializer)?.0;
    if text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    match span_id(&text) {
        Some(id) => Ok(Some(id)),
        None => Err(invalid_id(&text, "a parent span id of 16 hex digits")),
    }
}

fn invalid_id<E: Error>(text: &str, expected: &'static str) -> E {
    E::invalid_value(Unexpected::Str(text), &expected)
}

/// A list of `KeyValue`; attributes without a [`Key`] are skipped, and of a repeated one the last holds.
fn attributes<'de: 'a, 'a, D>(deserializer: D) -> Result<Attributes<'a>, D::Error>
where
    D: Deserializer<'de>,
{
    struct AttributesVisitor;

    impl<'de> Visitor<'de> for AttributesVisitor {
        type Value = Attributes<'de>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of attributes")
        }

        fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Attributes<'de>, S::Error> {
            let mut attributes = Attributes::default();
            while let Some(KeyValue { key, value }) = list.next_element()? {
                let key = Key::from_name(&key.0);
                let value = value.and_then(AnyValue::into_value);
                if let (Some(key), Some(value)) = (key, value) {
                    attributes.set(key, value);
                }
            }
            Ok(attributes)
        }

        fn visit_unit<E: Error>(self) -> Result<Attributes<'de>, E> {
            Ok(Attributes::default())
        }
    }

    deserializer.deserialize_any(AttributesVisitor)
}
