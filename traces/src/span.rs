//! A span from any source: the fields for judging, and on demand all others ([`Want`]).
//!
//! Text borrows from the reader, so a span only lives during the call that receives it.

pub(crate) mod attributes;
mod class;
mod format;
mod time;

use std::borrow::Cow;
use std::time::Duration;

use baton_propagators::id::{SpanId, TraceId};
use serde::{Deserialize, Serialize};

pub(crate) use self::class::Class;
pub use self::format::{FORMAT_ZIPKIN, SpanFormat};
pub use self::time::UnixTime;

/// The resource attribute with the namespace of a service.
pub(crate) const SERVICE_NAMESPACE: &str = "service.namespace";

/// How much of each span a reader decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// The fields for judging. All others are skipped, which is much faster.
    Judging,
    /// The fields for judging hand-offs between any services ([`crate::audit`]): every attribute
    /// that may help, whatever its name, and the status.
    HandOffs,
    /// All fields, including every attribute and the events. Waterfalls and comparisons
    /// of traces show them.
    Everything,
}

impl Want {
    /// Whether an attribute with a name of this class is read.
    pub(crate) fn takes(self, class: &Class) -> bool {
        match self {
            Want::Everything => true,
            Want::Judging => class.key.is_some(),
            Want::HandOffs => class.key.is_some() || class.is_of_use(),
        }
    }
}

/// The two ids that identify a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpanReference {
    /// The trace of the span.
    #[cfg_attr(test, schemars(with = "String"))]
    pub trace_id: TraceId,
    /// The span itself.
    #[cfg_attr(test, schemars(with = "String"))]
    pub span_id: SpanId,
}

/// The span's role in its trace (OTLP `Span.SpanKind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Unspecified (0), or a number that this version of the specification does not define.
    #[default]
    Unspecified,
    /// Work inside a service (1).
    Internal,
    /// Handling of a request (2).
    Server,
    /// A request to another service (3).
    Client,
    /// Handing a message over (4).
    Producer,
    /// Handling of a message (5).
    Consumer,
}

impl Kind {
    /// Whether the span calls or sends. In B3, this distinguishes the two halves of a call that
    /// share an id.
    pub fn is_sender(self) -> bool {
        matches!(self, Kind::Client | Kind::Producer)
    }

    /// Whether the span answers a call or handles a message.
    pub(crate) fn is_receiver(self) -> bool {
        matches!(self, Kind::Server | Kind::Consumer)
    }
}

/// The attributes for judging. All others are skipped, or are kept in [`Span::other_attributes`].
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
    /// `baton.span.format`: the original form of the span, if it was not OTLP; see [`SpanFormat`].
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

/// An attribute's value, of any type in OpenTelemetry.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyValue<'a> {
    /// No value.
    Empty,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Bytes, as base64.
    Bytes(Cow<'a, str>),
    /// A list.
    List(Vec<AnyValue<'a>>),
    /// A map, in the order it was written.
    Map(Vec<Attribute<'a>>),
}

impl AnyValue<'_> {
    /// The same value, without borrowed text.
    pub(crate) fn into_owned(self) -> AnyValue<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            AnyValue::Empty => AnyValue::Empty,
            AnyValue::Text(text) => AnyValue::Text(owned(text)),
            AnyValue::Integer(number) => AnyValue::Integer(number),
            AnyValue::Double(number) => AnyValue::Double(number),
            AnyValue::Boolean(value) => AnyValue::Boolean(value),
            AnyValue::Bytes(bytes) => AnyValue::Bytes(owned(bytes)),
            AnyValue::List(values) => {
                AnyValue::List(values.into_iter().map(AnyValue::into_owned).collect())
            }
            AnyValue::Map(members) => {
                let members = members.into_iter();
                let owned = members.map(|(name, value)| (owned(name), value.into_owned()));
                AnyValue::Map(owned.collect())
            }
        }
    }
}

/// An attribute of any name: the name and the value.
pub type Attribute<'a> = (Cow<'a, str>, AnyValue<'a>);

/// Whether an operation succeeded (OTLP `Status.StatusCode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusCode {
    /// Unset (0).
    #[default]
    Unset,
    /// The service's author marked it as successful (1).
    Ok,
    /// It failed (2).
    Error,
}

/// How an operation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status<'a> {
    /// Whether it succeeded.
    pub code: StatusCode,
    /// What went wrong; empty if the exporter did not say.
    pub message: Cow<'a, str>,
}

/// Something that happened at one moment of a span. Zipkin's annotations and Jaeger's logs become
/// events too.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanEvent<'a> {
    /// When it happened.
    pub time: Option<UnixTime>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its attributes.
    pub attributes: Vec<Attribute<'a>>,
}

/// A link from one span to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Link<'a> {
    /// The span it points to.
    pub to: SpanReference,
    /// The `tracestate` of the linked context; empty if there is none.
    pub trace_state: Cow<'a, str>,
    /// Its attributes. OTLP's are read unless only [`Want::Judging`] is needed. In a batch, they
    /// may have the id of the message that was sent by the linked span.
    pub attributes: Vec<Attribute<'a>>,
}

/// One finished span.
#[derive(Clone, Debug)]
pub struct Span<'a> {
    /// Its trace id and span id.
    pub reference: SpanReference,
    /// The parent's id; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent is in another process; `None` if the exporter did not say.
    pub parent_is_remote: Option<bool>,
    /// The sampled bit of the span's trace flags; `None` if the exporter did not say.
    pub sampled: Option<bool>,
    /// The `tracestate` of its context; empty if there is none.
    pub trace_state: Cow<'a, str>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// The service that it ran in (`service.name`); empty if the exporter did not say.
    pub service: &'a str,
    /// The namespace of that service (`service.namespace`); empty if the exporter did not say.
    /// Services of one name in two namespaces are two services.
    pub namespace: Cow<'a, str>,
    /// Its role.
    pub kind: Kind,
    /// When it started.
    pub start: Option<UnixTime>,
    /// When it ended.
    pub end: Option<UnixTime>,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// The spans it links to.
    pub links: Vec<Link<'a>>,
    /// How it ended. This field and the following ones are only read for [`Want::Everything`].
    pub status: Status<'a>,
    /// The attributes without a [`Key`], and those whose value is of another type.
    pub other_attributes: Vec<Attribute<'a>>,
    /// What happened during it, in the order it was written.
    pub events: Vec<SpanEvent<'a>>,
    /// The attributes of its resource, `service.name` among them.
    pub resource_attributes: &'a [Attribute<'a>],
    /// The form that it was read in, if that cannot hold everything; `None` for OTLP.
    pub read_as: Option<SpanFormat>,
}

impl<'a> Span<'a> {
    /// A root with these ids in `service`, without any other fields.
    pub fn new(reference: SpanReference, service: &'a str) -> Span<'a> {
        Span {
            reference,
            parent_span_id: None,
            parent_is_remote: None,
            sampled: None,
            trace_state: Cow::Borrowed(""),
            name: Cow::Borrowed(""),
            service,
            namespace: Cow::Borrowed(""),
            kind: Kind::default(),
            start: None,
            end: None,
            attributes: Attributes::default(),
            links: Vec::new(),
            status: Status::default(),
            other_attributes: Vec::new(),
            events: Vec::new(),
            resource_attributes: &[],
            read_as: None,
        }
    }

    /// How long it took; `None` if a time is missing, or if it ended before it started.
    pub fn duration(&self) -> Option<Duration> {
        self.end?.since(self.start?)
    }

    /// The original form of a span that was converted; `None` for OTLP, which has fields for
    /// everything.
    pub fn format(&self) -> Option<SpanFormat> {
        SpanFormat::from_name(self.attributes.text(Key::SpanFormat)?)
    }

    /// The form in which it arrived, now or before it was converted; `None` for OTLP.
    pub(crate) fn came_as(&self) -> Option<SpanFormat> {
        self.read_as.or_else(|| self.format())
    }
}

#[cfg(test)]
mod tests;
