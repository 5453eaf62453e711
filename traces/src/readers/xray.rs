//! AWS X-Ray's segment documents, alone or inside the wrappers of its API, console and daemon.
//!
//! A segment is a service's part of a trace. Its subsegments are the operations within it
//! (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>). A document
//! is an object, or a string that contains one. baton reads it
//! - in the answer of `BatchGetTraces` (`{"Traces": [{"Id", "Segments": [{"Document"}]}]}`), or in
//!   one trace of that answer, which the console shows as raw data,
//! - in the answer of `ListRetrievedTraces` (`{"Traces": [{"Id", "Spans": [{"Document"}]}]}`),
//! - in a call of `PutTraceSegments` (`{"TraceSegmentDocuments": […]}`),
//! - after the daemon's UDP header (`{"format": "json", "version": 1}`),
//! - alone, even if it is a subsegment that was sent separately or a segment in progress.
//!
//! X-Ray has no span kinds, so they are derived from a segment's other fields. Names of annotations
//! have underscores where attributes have dots.

mod walk;

use std::borrow::Cow;
use std::io::BufRead;

use baton_propagators::{SpanId, TraceId};
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::walk::Walk;
use super::ids::{span_id, xray_trace_id};
use super::json::plain::Plain;
use super::json::text::Text;
use super::json::{Fault, JsonReader};
use super::skipped::{Place, Skipped};
use super::tags;
use crate::span::{
    AnyValue, Key, Kind, Link, Span, SpanFormat, SpanReference, StatusCode, UnixTime, Value, Want,
};

/// A wrapper around documents.
static WRAPPER: Place = Place {
    name: "an X-Ray trace",
    members: &[
        "Traces",
        "Segments",
        "Spans",
        "TraceSegmentDocuments",
        "Document",
    ],
    others: &[],
};

/// Passes every segment and subsegment of `input` to `each`, as a span.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    let mut walk = Walk::new(want, each, skipped);
    let mut read = Ok(true);
    while let Ok(true) = read {
        read = walk.next(&mut json);
    }
    walk.finish()?;
    read.map(|_| ())
}

fn invalid(expected: &str, found: &Text<'_>) -> String {
    let start: String = found.0.chars().take(40).collect();
    format!("found: {start:?}, expected a {expected}")
}

#[derive(Deserialize)]
#[serde(expecting = "an X-Ray segment document")]
struct Document<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    /// Only in the daemon's header.
    #[serde(borrow, default)]
    format: Text<'a>,
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
    /// Only in a span of OpenTelemetry.
    #[serde(borrow, default, rename = "spanId")]
    span_id: Text<'a>,
    /// Present instead of an end.
    #[serde(default)]
    in_progress: Option<bool>,
    /// In a subsegment that called another service: `aws` or `remote`.
    #[serde(borrow, default)]
    namespace: Text<'a>,
    /// Set if X-Ray inferred the segment, for a service that sends none.
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
    /// What a subsegment of the namespace `aws` asked for.
    #[serde(borrow, default)]
    aws: Plain<'a>,
    /// Present if a subsegment calls a database.
    #[serde(default)]
    sql: Option<IgnoredAny>,
    #[serde(borrow, default)]
    annotations: Plain<'a>,
    #[serde(borrow, default)]
    metadata: Plain<'a>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
    #[serde(borrow, default)]
    subsegments: Option<Vec<Document<'a>>>,
    /// `subsegment` if it was sent separately, before its segment ended.
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
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
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

impl<'a> Document<'a> {
    fn is_header(&self) -> bool {
        self.id.0.is_empty() && self.trace_id.0.is_empty() && !self.format.0.is_empty()
    }

    fn is_of_opentelemetry(&self) -> bool {
        self.id.0.is_empty() && !self.span_id.0.is_empty()
    }

    /// The service of a segment. A subsegment that was sent separately has only the name of the
    /// service that it called, so its own service is unknown.
    fn service(&self) -> Cow<'a, str> {
        match &*self.kind.0 {
            "subsegment" => Cow::Borrowed(""),
            _ => self.name.0.clone(),
        }
    }

    /// Passes on the segment and its subsegments. `parent` is the parent of a subsegment.
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
        span.read_as = Some(SpanFormat::XRay);
        span.parent_span_id = parent.or_else(|| span_id(&self.parent_id.0));
        span.name = self.name.0;
        span.start = self.start_time.and_then(time);
        span.end = self.end_time.and_then(time);
        let failed = [self.error, self.fault, self.throttle].contains(&Some(true));
        if failed {
            span.status.code = StatusCode::Error;
        }
        let is_request = self.http.is_some();
        let is_subsegment = parent.is_some() || self.kind.0 == "subsegment";
        // its parent is its segment, or another subsegment of it
        span.parent_is_remote = is_subsegment.then_some(false);
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
        let calls_aws = self.namespace.0 == "aws";
        if calls_aws {
            add_call_of_aws(&mut span, want, self.aws);
        }
        if self.sql.is_some() {
            tags::add(
                &mut span,
                want,
                "db.system".into(),
                AnyValue::Text("sql".into()),
            );
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
            let calls = calls_aws || self.namespace.0 == "remote";
            span.kind = kind(&span, is_subsegment, calls, is_request);
        }
        let links = self.links.unwrap_or_default().into_iter();
        span.links = links.filter_map(LinkFields::into_link).collect();
        span
    }
}

/// Adds the attributes that OpenTelemetry has for a call of AWS's APIs. The subsegment has the name
/// of the service.
fn add_call_of_aws<'a>(span: &mut Span<'a>, want: Want, aws: Plain<'a>) {
    let service = span.name.clone();
    let system = match &*service {
        "SQS" => Some("aws_sqs"),
        "SNS" => Some("aws_sns"),
        "Kinesis" => Some("aws_kinesis"),
        _ => None,
    };
    let system = system.map(|system| ("messaging.system", AnyValue::Text(system.into())));
    let called = aws.into_members().into_iter().filter_map(|(name, value)| {
        let name = match &*name {
            "operation" => "rpc.method",
            "queue_url" => "aws.queue.url",
            "topic_arn" => "aws.sns.topic.arn",
            "stream_name" => "aws.stream.name",
            _ => return None,
        };
        Some((name, value))
    });
    let all = [
        ("rpc.system", AnyValue::Text("aws-api".into())),
        ("rpc.service", AnyValue::Text(service)),
    ];
    for (name, value) in all.into_iter().chain(called).chain(system) {
        tags::add(span, want, name.into(), value);
    }
}

/// The attribute's name for an annotation.
fn attribute_name(annotation: &str) -> Option<&'static str> {
    let names = Key::ALL.into_iter().map(Key::name);
    names
        .into_iter()
        .find(|name| name.replace('.', "_") == annotation)
}

/// The kind of a segment or subsegment, derived from its other fields.
fn kind(span: &Span<'_>, is_subsegment: bool, calls: bool, is_request: bool) -> Kind {
    match span.attributes.text(Key::OperationType) {
        Some("send" | "publish" | "create") => Kind::Producer,
        Some("process" | "receive" | "deliver") => Kind::Consumer,
        _ if calls => Kind::Client,
        _ if is_subsegment => Kind::Internal,
        _ if is_request => Kind::Server,
        // Another service may have called it, but the segment does not say how.
        _ => Kind::Unspecified,
    }
}

/// A time in seconds since the epoch. A double is exact to a microsecond.
fn time(seconds: f64) -> Option<UnixTime> {
    let microseconds = (seconds * 1e6).round();
    // NaN and negative numbers become 0, which means an unknown time.
    UnixTime::from_nanoseconds((microseconds as u64).saturating_mul(1000))
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let to = SpanReference {
            trace_id: xray_trace_id(&self.trace_id.0)?,
            span_id: span_id(&self.id.0)?,
        };
        Some(Link {
            to,
            trace_state: "".into(),
            attributes: self.attributes.into_members(),
        })
    }
}
