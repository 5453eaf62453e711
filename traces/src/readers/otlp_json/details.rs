//! What judging skips of an `ExportTraceServiceRequest`: all attributes, status and events.
//!
//! These shapes are read from the same text as those of [`super::decode`] and in the same order, so that judging
//! pays nothing for them.

use serde::Deserialize;
use serde::de::Deserializer;

use super::decode::{Number, or_default};
use crate::readers::text::Text;
use crate::span::{AnyValue, Attribute, Key, Span, SpanEvent, Status, StatusCode, UnixTime};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestDetails<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) resource_spans: Vec<ResourceDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceDetails<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) resource: AttributesField<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) scope_spans: Vec<ScopeDetails<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeDetails<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(super) spans: Vec<SpanDetails<'a>>,
}

/// A resource, or a map as a value: both are attributes under one name.
#[derive(Default, Deserialize)]
pub(super) struct AttributesField<'a> {
    #[serde(borrow, default, alias = "values", deserialize_with = "all_attributes")]
    pub(super) attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
pub(super) struct SpanDetails<'a> {
    #[serde(borrow, default, deserialize_with = "all_attributes")]
    attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: StatusFields<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    events: Vec<EventFields<'a>>,
}

impl<'a> SpanDetails<'a> {
    /// Completes `span`, whose own fields were read from the same text.
    pub(super) fn complete(self, span: &mut Span<'a>) {
        span.status = Status {
            code: match self.status.code {
                CodeField::Number(1) => StatusCode::Ok,
                CodeField::Number(2) => StatusCode::Error,
                CodeField::Name("STATUS_CODE_OK") => StatusCode::Ok,
                CodeField::Name("STATUS_CODE_ERROR") => StatusCode::Error,
                _ => StatusCode::Unset,
            },
            message: self.status.message.0,
        };
        span.other_attributes = self.attributes;
        span.other_attributes.retain(|(name, value)| {
            let judged = matches!(
                value,
                AnyValue::Text(_) | AnyValue::Integer(_) | AnyValue::Boolean(_)
            );
            !judged || Key::from_name(name).is_none()
        });
        let events = self.events.into_iter();
        span.events = events.map(EventFields::into_event).collect();
    }
}

#[derive(Default, Deserialize)]
struct StatusFields<'a> {
    #[serde(borrow, default)]
    code: CodeField<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
}

/// The number that OTLP/JSON prescribes, or the enum's name, as other protobuf writers put it.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum CodeField<'a> {
    Number(u64),
    Name(&'a str),
    #[default]
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventFields<'a> {
    #[serde(default)]
    time_unix_nano: Number,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "all_attributes")]
    attributes: Vec<Attribute<'a>>,
}

impl<'a> EventFields<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        let nanoseconds = self.time_unix_nano.unsigned();
        SpanEvent {
            time: nanoseconds.and_then(UnixTime::from_nanoseconds),
            name: self.name.0,
            attributes: self.attributes,
        }
    }
}

#[derive(Deserialize)]
struct AnyKeyValue<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    value: Option<AnyValueFields<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an AnyValue object")]
struct AnyValueFields<'a> {
    #[serde(borrow, default)]
    string_value: Option<Text<'a>>,
    #[serde(default)]
    int_value: Number,
    #[serde(default)]
    double_value: Option<DoubleField>,
    #[serde(default)]
    bool_value: Option<bool>,
    #[serde(borrow, default)]
    bytes_value: Option<Text<'a>>,
    #[serde(borrow, default)]
    array_value: Option<ListField<'a>>,
    #[serde(borrow, default)]
    kvlist_value: Option<AttributesField<'a>>,
}

#[derive(Deserialize)]
struct ListField<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    values: Vec<AnyValueFields<'a>>,
}

/// A number, or text that is one: JSON has no `NaN` and no `Infinity`.
#[derive(Deserialize)]
#[serde(untagged)]
enum DoubleField {
    Number(f64),
    Text(String),
}

impl<'a> AnyValueFields<'a> {
    fn into_value(self) -> AnyValue<'a> {
        let integer = || self.int_value.signed().map(AnyValue::Integer);
        let double = |field| match field {
            DoubleField::Number(number) => number,
            DoubleField::Text(text) => text.parse().unwrap_or(f64::NAN),
        };
        let list = |list: ListField<'a>| {
            let values = list.values.into_iter();
            AnyValue::List(values.map(AnyValueFields::into_value).collect())
        };
        let text = self.string_value.map(|text| AnyValue::Text(text.0));
        text.or_else(integer)
            .or_else(|| self.bool_value.map(AnyValue::Boolean))
            .or_else(|| self.double_value.map(double).map(AnyValue::Double))
            .or_else(|| self.bytes_value.map(|bytes| AnyValue::Bytes(bytes.0)))
            .or_else(|| self.array_value.map(list))
            .or_else(|| self.kvlist_value.map(|map| AnyValue::Map(map.attributes)))
            .unwrap_or(AnyValue::Empty)
    }
}

/// A list of `KeyValue`, all of it.
fn all_attributes<'de: 'a, 'a, D>(deserializer: D) -> Result<Vec<Attribute<'a>>, D::Error>
where
    D: Deserializer<'de>,
{
    let list: Vec<AnyKeyValue<'a>> = or_default(deserializer)?;
    let attributes = list.into_iter().map(|AnyKeyValue { key, value }| {
        let value = value.map_or(AnyValue::Empty, AnyValueFields::into_value);
        (key.0, value)
    });
    Ok(attributes.collect())
}
