//! The fields of Jaeger's traces and spans, and the spans that they make.

use std::borrow::Cow;
use std::collections::HashMap;

use baton_propagators::SpanId;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::readers::ids::{short_reference, short_span_id};
use crate::readers::json::number::Number;
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::readers::{tags, times};
use crate::span::{
    AnyValue, Attribute, Key, Link, Span, SpanEvent, SpanFormat, SpanReference, UnixTime, Value,
    Want,
};

/// The bit of `flags` for a span whose context had the debug flag.
const DEBUG: u64 = 0x02;

/// The members that tell a trace from a span.
#[derive(Deserialize)]
#[serde(expecting = "a Jaeger trace or span object")]
pub(super) struct TraceMarker {
    #[serde(default)]
    pub(super) spans: Option<IgnoredAny>,
    #[serde(default, rename = "spanID")]
    pub(super) span_id: Option<IgnoredAny>,
    #[serde(default, rename = "traceID")]
    pub(super) trace_id: Option<IgnoredAny>,
    #[serde(default, rename = "operationName")]
    pub(super) operation: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "a Jaeger trace object")]
pub(super) struct TraceFields<'a> {
    #[serde(borrow, default)]
    pub(super) spans: Option<Vec<SpanFields<'a>>>,
    #[serde(borrow, default)]
    pub(super) processes: Option<HashMap<String, Process<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Jaeger process object")]
pub(super) struct Process<'a> {
    #[serde(borrow, default)]
    service_name: Text<'a>,
    #[serde(borrow, default)]
    tags: Option<Vec<Tag<'a>>>,
    /// As [`SpanFields::tag`].
    #[serde(borrow, default)]
    tag: Plain<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Jaeger span object")]
pub(super) struct SpanFields<'a> {
    #[serde(borrow, rename = "traceID")]
    trace_id: Text<'a>,
    #[serde(borrow, rename = "spanID")]
    span_id: Text<'a>,
    #[serde(borrow, default, rename = "parentSpanID")]
    parent_span_id: Text<'a>,
    #[serde(default)]
    flags: Number,
    #[serde(borrow, default)]
    operation_name: Text<'a>,
    #[serde(borrow, default)]
    references: Option<Vec<Reference<'a>>>,
    #[serde(default)]
    start_time: Number,
    #[serde(default)]
    duration: Number,
    #[serde(borrow, default)]
    tags: Option<Vec<Tag<'a>>>,
    /// Tags in the form that Elasticsearch can search: an object whose names have `@` for each dot.
    #[serde(borrow, default)]
    tag: Plain<'a>,
    #[serde(borrow, default)]
    logs: Option<Vec<Log<'a>>>,
    #[serde(borrow, default, rename = "processID")]
    process_id: Text<'a>,
    #[serde(borrow, default)]
    process: Option<Process<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a Jaeger reference object")]
struct Reference<'a> {
    #[serde(borrow, default, rename = "refType")]
    kind: Text<'a>,
    #[serde(borrow, default, rename = "traceID")]
    trace_id: Text<'a>,
    #[serde(borrow, default, rename = "spanID")]
    span_id: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "a Jaeger log object")]
struct Log<'a> {
    #[serde(default)]
    timestamp: Number,
    #[serde(borrow, default)]
    fields: Option<Vec<Tag<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a Jaeger tag object")]
struct Tag<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    value: Plain<'a>,
}

impl<'a> TraceFields<'a> {
    pub(super) fn hand_over(
        self,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let processes = self.processes.unwrap_or_default();
        let processes: HashMap<_, _> = processes
            .into_iter()
            .map(|(id, process)| (id, process.into_resource()))
            .collect();
        for mut fields in self.spans.unwrap_or_default() {
            let own = fields.process.take().map(Process::into_resource);
            let process = own
                .as_ref()
                .or_else(|| processes.get(&*fields.process_id.0));
            let (service, resource) = match process {
                Some((service, resource)) => (&*service.0, resource.as_slice()),
                None => ("", &[][..]),
            };
            let mut span = fields.into_span(service, want)?;
            span.namespace = Cow::Borrowed(tags::namespace(resource));
            if want == Want::Everything {
                span.resource_attributes = resource;
            }
            each(&span);
        }
        Ok(())
    }
}

impl<'a> Process<'a> {
    fn into_resource(self) -> (Text<'a>, Vec<Attribute<'a>>) {
        let tags = self.tags.unwrap_or_default().into_iter();
        let tags = tags.map(Tag::into_attribute).chain(with_dots(self.tag));
        (self.service_name, tags.collect())
    }
}

impl<'a> SpanFields<'a> {
    fn into_span<'s>(self, service: &'s str, want: Want) -> Result<Span<'s>, String>
    where
        'a: 's,
    {
        let reference = short_reference(&self.trace_id.0, &self.span_id.0)?;
        let mut span = Span::new(reference, service);
        span.read_as = Some(SpanFormat::Jaeger);
        span.name = self.operation_name.0;
        (span.start, span.end) = times(self.start_time.unsigned(), self.duration.unsigned());
        if self.flags.unsigned().unwrap_or_default() & DEBUG != 0 {
            span.attributes.set(Key::ContextDebug, Value::Boolean(true));
        }
        let (parent, links) = relatives(reference, self.references.unwrap_or_default());
        span.parent_span_id = parent.or_else(|| short_span_id(&self.parent_span_id.0));
        span.links = links;
        let own = self.tags.unwrap_or_default().into_iter();
        let own = own.map(Tag::into_attribute).chain(with_dots(self.tag));
        for (name, value) in own {
            tags::add(&mut span, want, name, value);
        }
        if want == Want::Everything {
            let logs = self.logs.unwrap_or_default().into_iter();
            span.events = logs.map(Log::into_event).collect();
        }
        Ok(span)
    }
}

/// The parent and the links. The parent is the first reference to a span of the same trace;
/// `CHILD_OF` takes precedence over `FOLLOWS_FROM`.
fn relatives(
    span: SpanReference,
    references: Vec<Reference<'_>>,
) -> (Option<SpanId>, Vec<Link<'static>>) {
    let mut known: Vec<(bool, SpanReference)> = references
        .iter()
        .filter_map(|reference| {
            let to = short_reference(&reference.trace_id.0, &reference.span_id.0).ok()?;
            Some((reference.kind.0 != "FOLLOWS_FROM", to))
        })
        .collect();
    let same_trace = |(_, to): &(bool, SpanReference)| to.trace_id == span.trace_id;
    let parent = known
        .iter()
        .position(|reference| reference.0 && same_trace(reference))
        .or_else(|| known.iter().position(same_trace));
    let parent = parent.map(|place| known.remove(place).1.span_id);
    let links = known.into_iter().map(|(_, to)| Link {
        to,
        trace_state: "".into(),
        attributes: Vec::new(),
    });
    (parent, links.collect())
}

/// Attributes with dots in their names again.
fn with_dots(tag: Plain<'_>) -> impl Iterator<Item = Attribute<'_>> {
    let members = tag.into_members().into_iter();
    members.map(|(name, value)| (name.replace('@', ".").into(), value))
}

impl<'a> Tag<'a> {
    /// Converts the tag. Some storages give every value as text, whatever its type.
    fn into_attribute(self) -> Attribute<'a> {
        let value = match (&*self.kind.0, self.value.0) {
            ("binary", AnyValue::Text(base64)) => AnyValue::Bytes(base64),
            ("bool", AnyValue::Text(text)) => match text.parse() {
                Ok(value) => AnyValue::Boolean(value),
                Err(_) => AnyValue::Text(text),
            },
            ("int64", AnyValue::Text(text)) => match text.parse() {
                Ok(number) => AnyValue::Integer(number),
                Err(_) => AnyValue::Text(text),
            },
            ("float64", AnyValue::Text(text)) => match text.parse() {
                Ok(number) => AnyValue::Double(number),
                Err(_) => AnyValue::Text(text),
            },
            (_, value) => value,
        };
        (self.key.0, value)
    }
}

impl<'a> Log<'a> {
    /// Converts the event. Its name is in the field `message` (OpenTelemetry) or `event`
    /// (OpenTracing).
    fn into_event(self) -> SpanEvent<'a> {
        let fields = self.fields.unwrap_or_default().into_iter();
        let mut attributes: Vec<_> = fields.map(Tag::into_attribute).collect();
        let named = attributes.iter().position(|(name, value)| {
            matches!(&**name, "event" | "message") && matches!(value, AnyValue::Text(_))
        });
        let name = match named.map(|place| attributes.remove(place)) {
            Some((_, AnyValue::Text(name))) => name,
            _ => "".into(),
        };
        let nanoseconds = self.timestamp.unsigned().map(|at| at.saturating_mul(1000));
        SpanEvent {
            time: nanoseconds.and_then(UnixTime::from_nanoseconds),
            name,
            attributes,
        }
    }
}
