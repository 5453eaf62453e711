//! The attributes that judging uses.

use std::borrow::Cow;

/// The attributes for judging. All others are skipped, or are kept in
/// [`Span::other_attributes`](super::Span::other_attributes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Key {
    /// `service.name`, from the resource.
    ServiceName,
    /// `aws.request_id`: the API's id of the request, which both sides have.
    RequestId,
    /// `messaging.message.id`: the sequence number that Kinesis gave the record.
    MessageId,
    /// `messaging.destination.name`: the stream.
    Destination,
    /// `messaging.destination.partition.id`: the shard.
    Partition,
    /// `messaging.operation.type`: `send`, `process`, …
    OperationType,
    /// `http.response.status_code`
    StatusCode,
    /// `error.type`: present if the operation failed.
    ErrorType,
    /// `rpc.system`: present on requests of an AWS SDK.
    RpcSystem,
    /// `baton.carrier_bytes`: the size of the JSON object that carries the context in the record,
    /// with its braces.
    CarrierBytes,
    /// `baton.context.debug`: the context arrived or was sent with its debug flag.
    ContextDebug,
    /// `baton.context.deferred`: the context was sent with an open sampling decision.
    ContextDeferred,
    /// `baton.baggage.entries`: how many baggage entries arrived or were sent.
    BaggageEntries,
    /// `baton.span.format`: the original form of the span, if it was not OTLP; see
    /// [`SpanFormat`](super::SpanFormat).
    SpanFormat,
}

impl Key {
    /// Every key, in the order of their declaration.
    pub const ALL: [Key; 14] = [
        Key::ServiceName,
        Key::RequestId,
        Key::MessageId,
        Key::Destination,
        Key::Partition,
        Key::OperationType,
        Key::StatusCode,
        Key::ErrorType,
        Key::RpcSystem,
        Key::CarrierBytes,
        Key::ContextDebug,
        Key::ContextDeferred,
        Key::BaggageEntries,
        Key::SpanFormat,
    ];

    /// The attribute's name.
    pub fn name(self) -> &'static str {
        match self {
            Key::ServiceName => "service.name",
            Key::RequestId => "aws.request_id",
            Key::MessageId => "messaging.message.id",
            Key::Destination => "messaging.destination.name",
            Key::Partition => "messaging.destination.partition.id",
            Key::OperationType => "messaging.operation.type",
            Key::StatusCode => "http.response.status_code",
            Key::ErrorType => "error.type",
            Key::RpcSystem => "rpc.system",
            Key::CarrierBytes => "baton.carrier_bytes",
            Key::ContextDebug => "baton.context.debug",
            Key::ContextDeferred => "baton.context.deferred",
            Key::BaggageEntries => "baton.baggage.entries",
            Key::SpanFormat => "baton.span.format",
        }
    }

    /// The key of the attribute `name`; `None` for an attribute that judging does not use.
    pub fn from_name(name: &str) -> Option<Key> {
        Some(match name {
            "service.name" => Key::ServiceName,
            "aws.request_id" => Key::RequestId,
            "messaging.message.id" => Key::MessageId,
            "messaging.destination.name" => Key::Destination,
            "messaging.destination.partition.id" => Key::Partition,
            "messaging.operation.type" => Key::OperationType,
            "http.response.status_code" => Key::StatusCode,
            "error.type" => Key::ErrorType,
            "rpc.system" => Key::RpcSystem,
            "baton.carrier_bytes" => Key::CarrierBytes,
            "baton.context.debug" => Key::ContextDebug,
            "baton.context.deferred" => Key::ContextDeferred,
            "baton.baggage.entries" => Key::BaggageEntries,
            "baton.span.format" => Key::SpanFormat,
            _ => return None,
        })
    }
}

/// An attribute's value, of a type that judging uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl Value<'_> {
    /// The value as text.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Integer(number) => Cow::Owned(number.to_string()),
            Value::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        }
    }
}

/// The attributes of one span or resource, with one entry for each [`Key`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes<'a> {
    values: [Option<Value<'a>>; Key::ALL.len()],
}

impl<'a> Attributes<'a> {
    /// Sets `key` to `value` and replaces an earlier value.
    pub fn set(&mut self, key: Key, value: Value<'a>) {
        self.values[key as usize] = Some(value);
    }

    /// The value of `key`, whatever its type.
    pub fn get(&self, key: Key) -> Option<&Value<'a>> {
        self.values[key as usize].as_ref()
    }

    /// Every attribute that is present, in the order of [`Key::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Value<'a>)> {
        let keys = Key::ALL.into_iter().zip(&self.values);
        keys.filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// The value of `key`, if it is text and not empty.
    pub fn text(&self, key: Key) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The value of `key`, if it is a whole number, or text with one, as some exporters write it.
    pub fn integer(&self, key: Key) -> Option<i64> {
        match self.get(key)? {
            Value::Integer(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            Value::Boolean(_) => None,
        }
    }

    /// The value of `key`, if it is a boolean, or text with one.
    pub fn boolean(&self, key: Key) -> Option<bool> {
        match self.get(key)? {
            Value::Boolean(value) => Some(*value),
            Value::Text(text) => text.parse().ok(),
            Value::Integer(_) => None,
        }
    }
}
