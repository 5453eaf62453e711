//! A span from any source: the fields for judging, and on demand all others ([`Want`]).
//!
//! Text borrows from the reader, so a span only lives during the call that receives it.

pub(crate) mod attributes;
mod class;
mod format;
mod judged;
mod time;

use std::borrow::Cow;
use std::time::Duration;

use baton_propagators::{SpanId, TraceId};
use serde::{Deserialize, Serialize};

pub(crate) use self::class::Class;
pub use self::format::{FORMAT_ZIPKIN, SpanFormat};
pub use self::judged::{Attributes, Key, Value};
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
