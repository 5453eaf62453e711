//! What AWS X-Ray's `BatchGetTraces` answers: traces of segments, each a JSON document in a string.
//!
//! A segment is a service's part of a trace, and its subsegments are what happened within it
//! (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>). X-Ray has no span kinds: they
//! are told from what a segment says it did. Names of annotations have underscores where attributes have dots.

use std::io::BufRead;

use baton_propagators::id::{SpanId, TraceId};
use serde::Deserialize;

use super::json::{Fault, JsonReader};
use super::plain::Plain;
use super::text::Text;
use super::{json_problem, parse_json, span_id, tags, trace_id};
use crate::span::{
    AnyValue, Key, Kind, Link, Span, SpanReference, StatusCode, UnixTime, Value, Want,
};

/// Hands every segment and subsegment of `input` to `each`, as a span.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    while let Some(byte) = json.peek()? {
        match byte {
            b'[' => json.array(|json| answer_or_trace(json, want, each))?,
            _ => answer_or_trace(&mut json, want, each)?,
        }
    }
    Ok(())
}

/// `{"Traces": [TRACE, …]}`, or a trace alone.
fn answer_or_trace<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut id = None;
    json.object(|json, name| match name {
        "Id" => {
            id = json.parse::<Option<String>>()?;
            Ok(())
        }
        "Traces" => json.array(|json| answer_or_trace(json, want, each)),
        "Segments" => json.array(|json| {
            let line = json.line();
            let segment: Segment = json.parse()?;
            let read = segment.hand_over(id.as_deref(), want, each);
            read.map_err(|problem| Fault::Problem { line, problem })
        }),
        _ => json.skip(),
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an X-Ray Segment object")]
struct Segment {
    #[serde(rename = "Document")]
    document: String,
}

impl Segment {
    /// Hands its document over; `id` is that of the trace, which need not stand in the document too.
    fn hand_over(
        self,
        id: Option<&str>,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let document: Document<'_> = parse_json(self.document.as_bytes())
            .map_err(|error| format!("in a segment's document, {}", json_problem(&error)))?;
        let own = Some(&*document.trace_id.0).filter(|id| !id.is_empty());
        let trace_id = own.or(id).and_then(xray_trace_id).ok_or_else(|| {
            invalid(
                "trace id 1-<8 hex digits>-<24 hex digits>",
                &document.trace_id,
            )
        })?;
        let service = document.name.0.clone();
        document.hand_over(trace_id, None, &service, want, each)
    }
}

fn invalid(expected: &str, found: &Text<'_>) -> String {
    let start: String = found.0.chars().take(40).collect();
    format!("found: {start:?}, expected a {expected}")
}

/// X-Ray writes the first 32 bits, which are a time, apart from the others.
fn xray_trace_id(text: &str) -> Option<TraceId> {
    let (time, rest) = text.strip_prefix("1-")?.split_once('-')?;
    (time.len() == 8).then(|| trace_id(&format!("{time}{rest}")))?
}

#[derive(Deserialize)]
#[serde(expecting = "an X-Ray segment document")]
struct Document<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    parent_id: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    start_time: Option<f64>,
    #[serde(default)]
    end_time: Option<f64>,
    /// Of a subsegment: `aws` or `remote` where another service was called.
    #[serde(borrow, default)]
    namespace: Text<'a>,
    /// Made up by X-Ray for a service that sends no segments.
    #[serde(default)]
    inferred: Option<bool>,
    #[serde(default)]
    error: Option<bool>,
    #[serde(default)]
    fault: Option<bool>,
    #[serde(default)]
    throttle: Option<bool>,
    #[serde(borrow, default)]
    http: Option<Http<'a>>,
    #[serde(borrow, default)]
    annotations: Plain<'a>,
    #[serde(borrow, default)]
    metadata: Plain<'a>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
    #[serde(borrow, default)]
    subsegments: Option<Vec<Document<'a>>>,
}

#[derive(Deserialize)]
struct Http<'a> {
    #[serde(borrow, default)]
    request: Plain<'a>,
    #[serde(borrow, default)]
    response: Plain<'a>,
}

#[derive(Deserialize)]
struct LinkFields<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
}

impl<'a> Document<'a> {
    /// Hands it and its subsegments over; `parent` is that of a subsegment.
    fn hand_over(
        mut self,
        trace_id: TraceId,
        parent: Option<SpanId>,
        service: &str,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let subsegments = self.subsegments.take().unwrap_or_default();
        let span_id = span_id(&self.id.0)
            .ok_or_else(|| invalid("segment id of 16 hex digits, not all zero", &self.id))?;
        let reference = SpanReference { trace_id, span_id };
        each(&self.into_span(reference, parent, service, want));
        for subsegment in subsegments {
            subsegment.hand_over(trace_id, Some(span_id), service, want, each)?;
        }
        Ok(())
    }

    fn into_span<'s>(
        self,
        reference: SpanReference,
        parent: Option<SpanId>,
        service: &'s str,
        want: Want,
    ) -> Span<'s>
    where
        'a: 's,
    {
        let mut span = Span::new(reference, service);
        span.parent_span_id = parent.or_else(|| span_id(&self.parent_id.0));
        span.name = self.name.0;
        span.start = self.start_time.and_then(time);
        span.end = self.end_time.and_then(time);
        let failed = [self.error, self.fault, self.throttle].contains(&Some(true));
        if failed {
            span.status.code = StatusCode::Error;
        }
        let is_request = self.http.is_some();
        if let Some(http) = self.http {
            for (name, value) in http.response.into_members() {
                if let ("status", AnyValue::Integer(status)) = (&*name, &value) {
                    span.attributes
                        .set(Key::StatusCode, Value::Integer(*status));
                }
            }
            for (name, value) in http.request.into_members() {
                let name = format!("http.request.{name}");
                tags::add(&mut span, want, name.into(), value);
            }
        }
        for (name, value) in self.annotations.into_members() {
            let name = attribute_name(&name).map_or(name, Into::into);
            tags::add(&mut span, want, name, value);
        }
        for (_, values) in self.metadata.into_members() {
            for (name, value) in Plain(values).into_members() {
                tags::add(&mut span, want, name, value);
            }
        }
        if span.kind == Kind::Unspecified && self.inferred != Some(true) {
            let calls = matches!(&*self.namespace.0, "aws" | "remote");
            span.kind = kind(&span, parent.is_some(), calls, is_request);
        }
        let links = self.links.unwrap_or_default().into_iter();
        span.links = links.filter_map(LinkFields::into_link).collect();
        span
    }
}

/// The name of the attribute that an annotation stands for.
fn attribute_name(annotation: &str) -> Option<&'static str> {
    let names = Key::ALL.into_iter().map(Key::name);
    names
        .into_iter()
        .find(|name| name.replace('.', "_") == annotation)
}

/// The kind of a segment or subsegment, by what it says it did.
fn kind(span: &Span<'_>, is_subsegment: bool, calls: bool, is_request: bool) -> Kind {
    match span.attributes.text(Key::OperationType) {
        Some("send" | "publish" | "create") => Kind::Producer,
        Some("process" | "receive" | "deliver") => Kind::Consumer,
        _ if calls => Kind::Client,
        _ if is_subsegment => Kind::Internal,
        _ if is_request => Kind::Server,
        // it may have been called by another service, and does not say how
        _ => Kind::Unspecified,
    }
}

/// A moment in seconds since the epoch. A double tells microseconds apart, and no less.
fn time(seconds: f64) -> Option<UnixTime> {
    let microseconds = (seconds * 1e6).round();
    // What is no number, or negative, becomes 0: no time.
    UnixTime::from_nanoseconds((microseconds as u64).saturating_mul(1000))
}

impl LinkFields<'_> {
    fn into_link(self) -> Option<Link<'static>> {
        let to = SpanReference {
            trace_id: xray_trace_id(&self.trace_id.0).or_else(|| trace_id(&self.trace_id.0))?,
            span_id: span_id(&self.id.0)?,
        };
        Some(Link {
            to,
            trace_state: "".into(),
        })
    }
}
