//! Jaeger's JSON, from its query API or a download in its UI: one trace, or a list of traces or
//! spans.
//!
//! Ids may lack leading zeros, times are in microseconds, the parent is a reference, and the
//! service is in the trace's `processes`
//! (<https://www.jaegertracing.io/docs/latest/architecture/apis/#internal-http-json>). API v3
//! answers in OTLP/JSON, which another reader reads. Documents from Elasticsearch or OpenSearch are
//! spans, each with its own `process`. They are read alone, in the answer to a search (`hits`), or
//! as `elasticdump` writes them (`_source`). A whole trace is held in memory, because its processes
//! may come after its spans.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ids::{short_reference, short_span_id};
use super::json::number::Number;
use super::json::plain::Plain;
use super::json::text::Text;
use super::json::{Fault, JsonReader, json_problem, parse_json};
use super::skipped::{Place, Skipped};
use super::{tags, times};
use crate::span::{
    AnyValue, Attribute, Key, Link, Span, SpanEvent, SpanFormat, SpanReference, UnixTime, Value,
    Want,
};

/// The bit of `flags` for a span whose context had the debug flag.
const DEBUG: u64 = 0x02;

/// An answer, a trace, a span, or Elasticsearch's wrapper around a span.
static ANSWER: Place = Place {
    name: "an answer of Jaeger or Elasticsearch",
    members: &[
        "data",
        "errors",
        "hits",
        "_source",
        "spans",
        "processes",
        "spanID",
    ],
    others: &[],
};

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    let mut walk = Walk {
        want,
        each,
        skipped,
    };
    json.documents(|json| walk.object(json, 0).map(|_| ()))
}

/// How many objects may be around a span. Elasticsearch's answer has three: its outer `hits`, a
/// hit, and the hit's `_source`.
const MAX_DEPTH: usize = 4;

struct Walk<'a> {
    want: Want,
    each: &'a mut dyn FnMut(&Span<'_>),
    skipped: &'a mut Skipped,
}

impl Walk<'_> {
    /// Reads `{"data": [TRACE, …]}`, a trace, a span, or Elasticsearch's wrapper around a span.
    /// Returns whether it was a trace or a span. `depth` counts the wrappers around it.
    fn object<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        depth: usize,
    ) -> Result<bool, Fault> {
        let line = json.line();
        if depth > MAX_DEPTH {
            let problem = format!("found: more than {MAX_DEPTH} objects around a span");
            return Err(Fault::Problem { line, problem });
        }
        let mut own = Vec::new();
        let mut errors = None;
        let mut is_empty = true;
        json.object(|json, name| match name {
            "data" => json.array(|json| {
                is_empty = false;
                let line = json.line();
                match in_memory(json.value()?, line, self.want, self.each)? {
                    true => Ok(()),
                    false => Err(Fault::Problem {
                        line,
                        problem: "found: an object that is neither a trace nor a span".to_owned(),
                    }),
                }
            }),
            // The outer `hits` holds the number of hits; the inner one is the list.
            "hits" if json.peek()? == Some(b'[') => {
                json.array(|json| self.object(json, depth + 1).map(|_| ()))
            }
            "hits" => self.object(json, depth + 1).map(|_| ()),
            "_source" => match self.object(json, depth + 1)? {
                true => Ok(()),
                false => Err(Fault::Problem {
                    line,
                    problem: "found: a document of Elasticsearch that is not a Jaeger span; \
                              save OTLP with the Collector's file exporter instead"
                        .to_owned(),
                }),
            },
            "errors" => {
                errors = Some(json.value()?.to_vec());
                Ok(())
            }
            _ if is_of_trace_or_span(name) => {
                own.push(if own.is_empty() { b'{' } else { b',' });
                own.extend_from_slice(format!("\"{name}\":").as_bytes());
                own.extend_from_slice(json.value()?);
                Ok(())
            }
            _ => {
                self.skipped.line = json.line();
                let beginning = json.skip_showing()?;
                if ANSWER.misses(name, &beginning) {
                    self.skipped.add(&ANSWER, name);
                }
                Ok(())
            }
        })?;
        if !own.is_empty() {
            own.push(b'}');
            return in_memory(&own, line, self.want, self.each);
        }
        let said = errors.filter(|_| is_empty).and_then(|errors| said(&errors));
        said.map_or(Ok(false), |said| {
            let problem = format!("Jaeger answers with an error: {said}");
            Err(Fault::Problem { line, problem })
        })
    }
}

/// Whether `name` is a member of [`TraceFields`] or of [`SpanFields`].
fn is_of_trace_or_span(name: &str) -> bool {
    matches!(
        name,
        "spans"
            | "processes"
            | "traceID"
            | "spanID"
            | "parentSpanID"
            | "flags"
            | "operationName"
            | "references"
            | "startTime"
            | "duration"
            | "tags"
            | "tag"
            | "logs"
            | "processID"
            | "process"
    )
}

/// The first error in an answer.
fn said(errors: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        msg: String,
    }
    let errors: Option<Vec<Error>> = serde_json::from_slice(errors).ok()?;
    errors?.into_iter().next().map(|error| error.msg)
}

/// Passes on the spans of a trace or of a span. Returns whether it was one, or an entry of Jaeger's
/// index of services, which has no span.
fn in_memory(
    json: &[u8],
    line: u64,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<bool, Fault> {
    let problem = |problem| Fault::Problem { line, problem };
    let decoded = |error: serde_json::Error| problem(json_problem(&error));
    let marker: TraceMarker = parse_json(json).map_err(decoded)?;
    let trace = match (marker.spans, marker.span_id) {
        (None, None) if marker.trace_id.is_none() => return Ok(marker.operation.is_some()),
        (Some(_), _) => parse_json(json).map_err(decoded)?,
        (None, _) => TraceFields {
            spans: Some(vec![parse_json(json).map_err(decoded)?]),
            processes: None,
        },
    };
    trace.hand_over(want, each).map_err(problem)?;
    Ok(true)
}

/// The members that tell a trace from a span.
#[derive(Deserialize)]
#[serde(expecting = "a Jaeger trace or span object")]
struct TraceMarker {
    #[serde(default)]
    spans: Option<IgnoredAny>,
    #[serde(default, rename = "spanID")]
    span_id: Option<IgnoredAny>,
    #[serde(default, rename = "traceID")]
    trace_id: Option<IgnoredAny>,
    #[serde(default, rename = "operationName")]
    operation: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "a Jaeger trace object")]
struct TraceFields<'a> {
    #[serde(borrow, default)]
    spans: Option<Vec<SpanFields<'a>>>,
    #[serde(borrow, default)]
    processes: Option<HashMap<String, Process<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Jaeger process object")]
struct Process<'a> {
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
struct SpanFields<'a> {
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
    fn hand_over(self, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
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
) -> (Option<baton_propagators::SpanId>, Vec<Link<'static>>) {
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
