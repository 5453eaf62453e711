//! Jaeger's JSON: what its query API answers and its UI downloads, one trace, or a list of traces or spans.
//!
//! Ids have no leading zeros, times are in microseconds, the parent is a reference, and the service is in the trace's
//! `processes` (<https://www.jaegertracing.io/docs/latest/architecture/apis/#internal-http-json>). What its API v3
//! answers is OTLP/JSON. A trace is held in memory whole, because its processes may come after its spans.

use std::collections::HashMap;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json::{Fault, JsonReader};
use super::number::Number;
use super::plain::Plain;
use super::text::Text;
use super::{json_problem, parse_json, short_reference, short_span_id, tags, times};
use crate::span::{
    AnyValue, Attribute, Key, Link, Span, SpanEvent, SpanReference, UnixTime, Value, Want,
};

/// The flags' bit for a span whose context had the debug flag.
const DEBUG: u64 = 0x02;

/// Hands every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    while let Some(byte) = json.peek()? {
        match byte {
            b'[' => json.array(|json| trace_or_span(json, want, each))?,
            _ => answer_or_trace(&mut json, want, each)?,
        }
    }
    Ok(())
}

/// `{"data": [TRACE, …]}`, or a trace alone.
fn answer_or_trace<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let line = json.line();
    let (mut spans, mut processes, mut errors) = (None, None, None);
    let mut is_empty = true;
    json.object(|json, name| match name {
        "data" => json.array(|json| {
            is_empty = false;
            trace_or_span(json, want, each)
        }),
        "errors" => {
            errors = Some(json.value()?.to_vec());
            Ok(())
        }
        "spans" => {
            spans = Some(json.value()?.to_vec());
            Ok(())
        }
        "processes" => {
            processes = Some(json.value()?.to_vec());
            Ok(())
        }
        _ => json.skip(),
    })?;
    let problem = |problem| Fault::Problem { line, problem };
    let Some(spans) = spans else {
        let said = errors.filter(|_| is_empty).and_then(|errors| said(&errors));
        return said.map_or(Ok(()), |said| {
            Err(problem(format!("Jaeger answers with an error: {said}")))
        });
    };
    let decoded = |error: serde_json::Error| problem(json_problem(&error));
    let trace = TraceFields {
        spans: parse_json(&spans).map_err(decoded)?,
        processes: match &processes {
            Some(processes) => parse_json(processes).map_err(decoded)?,
            None => None,
        },
    };
    trace.hand_over(want, each).map_err(problem)
}

/// The first of the errors that an answer holds.
fn said(errors: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        msg: String,
    }
    let errors: Option<Vec<Error>> = serde_json::from_slice(errors).ok()?;
    errors?.into_iter().next().map(|error| error.msg)
}

fn trace_or_span<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let line = json.line();
    let text = json.value()?;
    let problem = |problem| Fault::Problem { line, problem };
    let decoded = |error: serde_json::Error| problem(json_problem(&error));
    let marker: TraceMarker = parse_json(text).map_err(decoded)?;
    let trace = match marker.spans {
        Some(_) => parse_json(text).map_err(decoded)?,
        None => TraceFields {
            spans: Some(vec![parse_json(text).map_err(decoded)?]),
            processes: None,
        },
    };
    trace.hand_over(want, each).map_err(problem)
}

/// What tells a trace from a span.
#[derive(Deserialize)]
#[serde(expecting = "a Jaeger trace or span object")]
struct TraceMarker {
    #[serde(default)]
    spans: Option<IgnoredAny>,
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
        (self.service_name, tags.map(Tag::into_attribute).collect())
    }
}

impl<'a> SpanFields<'a> {
    fn into_span<'s>(self, service: &'s str, want: Want) -> Result<Span<'s>, String>
    where
        'a: 's,
    {
        let reference = short_reference(&self.trace_id.0, &self.span_id.0)?;
        let mut span = Span::new(reference, service);
        span.name = self.operation_name.0;
        (span.start, span.end) = times(self.start_time.unsigned(), self.duration.unsigned());
        if self.flags.unsigned().unwrap_or_default() & DEBUG != 0 {
            span.attributes.set(Key::ContextDebug, Value::Boolean(true));
        }
        let (parent, links) = relatives(reference, self.references.unwrap_or_default());
        span.parent_span_id = parent.or_else(|| short_span_id(&self.parent_span_id.0));
        span.links = links;
        for tag in self.tags.unwrap_or_default() {
            let (name, value) = tag.into_attribute();
            tags::add(&mut span, want, name, value);
        }
        if want == Want::Everything {
            let logs = self.logs.unwrap_or_default().into_iter();
            span.events = logs.map(Log::into_event).collect();
        }
        Ok(span)
    }
}

/// The parent, and the spans that are linked to: the first reference to a span of the same trace is the parent, one that
/// says `CHILD_OF` before one that says `FOLLOWS_FROM`.
fn relatives(
    span: SpanReference,
    references: Vec<Reference<'_>>,
) -> (Option<baton_propagators::id::SpanId>, Vec<Link<'static>>) {
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
    });
    (parent, links.collect())
}

impl<'a> Tag<'a> {
    /// Some storages give every value as text, whatever its type.
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
    /// The event's name is in the field that OpenTelemetry (`message`) or OpenTracing (`event`) put it in.
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
