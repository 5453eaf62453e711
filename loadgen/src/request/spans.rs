//! The client's spans, one per request, as OTLP/JSON lines.
//!
//! One line is one `ExportTraceServiceRequest` with up to [`MAX_SPANS_PER_LINE`] spans: what the
//! OpenTelemetry Collector's file exporter writes and its `otlpjsonfile` receiver reads. The shapes
//! are written by hand, because one kind of span with few fields needs no SDK:
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, SystemTime};

use baton_propagators::{Sampling, SpanId, TraceId};
use http::HeaderMap;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use tokio::task::JoinHandle;

use crate::plan::Plan;
use crate::request::failure::RequestFailure;
use crate::request::headers::Sent;
use crate::request::sent::HEADER_ATTRIBUTE;

/// The most spans on one line.
pub(crate) const MAX_SPANS_PER_LINE: usize = 200;

/// `SpanKind` CLIENT.
const KIND_CLIENT: u8 = 3;
/// `SpanFlags`: it is known whether the parent is remote.
const HAS_IS_REMOTE: u32 = 0x100;
/// `SpanFlags`: the parent is in another process.
const IS_REMOTE: u32 = 0x200;
/// `SpanFlags`: W3C's sampled flag.
const SAMPLED: u32 = 0x01;
/// `StatusCode` ERROR.
const STATUS_ERROR: u8 = 2;

/// What is known about one request when it has ended.
#[derive(Debug)]
pub(crate) struct ClientSpan {
    pub sent: Sent,
    /// The headers that were sent, if the span lists them.
    pub headers: Option<HeaderMap>,
    pub start: SystemTime,
    pub duration: Duration,
    /// How long after its due time the request was sent.
    pub behind: Duration,
    /// The answer's `x-amzn-requestid`.
    pub request_id: Option<String>,
    pub status: Option<u16>,
    pub failure: Option<RequestFailure>,
    pub traffic: Traffic,
}

/// The bodies of one request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// The size of the request's body in bytes.
    pub sent: u64,
    /// How many bytes of the answer's body were read.
    pub received: u64,
    /// The beginning of the answer's body, if the answer is not a success and has one.
    pub failed_body: Option<String>,
}

/// The fields that are the same in every span of an attack.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    url: String,
    address: String,
    port: Option<u16>,
    timeout: Duration,
    method: &'static str,
}

impl Target {
    /// The target of a plan's requests.
    pub(crate) fn new(plan: &Plan) -> Self {
        let endpoint = plan.url();
        Self {
            url: plan.endpoint(),
            address: endpoint
                .host_str()
                .unwrap_or_default()
                .trim_matches(['[', ']'])
                .to_owned(),
            port: endpoint.port_or_known_default(),
            timeout: plan.timeout(),
            method: plan.method().name(),
        }
    }
}

/// Writes spans to a file, away from the tasks that send requests.
#[derive(Debug)]
pub(crate) struct SpanFile {
    lines: Sender<Vec<ClientSpan>>,
    writing: JoinHandle<io::Result<()>>,
}

impl SpanFile {
    /// Creates or empties the file at `path`. Must be called within a tokio runtime.
    pub(crate) fn create(path: &Path, target: Target) -> io::Result<Self> {
        let mut options = File::options();
        options.create(true).write(true).truncate(true);
        // the spans hold headers, so only their owner may read them
        let file = options.mode(0o600).open(path)?;
        let (lines, written) = mpsc::channel();
        let writing = tokio::task::spawn_blocking(move || write_lines(file, &target, &written));
        Ok(Self { lines, writing })
    }

    /// A sender of lines. The file is complete when all senders are dropped.
    pub(crate) fn lines(&self) -> Sender<Vec<ClientSpan>> {
        self.lines.clone()
    }

    /// Waits until all lines are in the file.
    pub(crate) async fn finish(self) -> io::Result<()> {
        drop(self.lines);
        self.writing
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn write_lines(file: File, target: &Target, lines: &Receiver<Vec<ClientSpan>>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    for spans in lines {
        write_line(&mut file, target, &spans)?;
    }
    file.flush()
}

fn write_line(mut out: impl Write, target: &Target, spans: &[ClientSpan]) -> io::Result<()> {
    let request = Export {
        resource_spans: [ResourceSpans {
            resource: Resource {
                attributes: [Attribute::text("service.name", "client")],
            },
            scope_spans: [ScopeSpans {
                scope: Scope {
                    name: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                },
                spans: spans.iter().map(|span| otlp(span, target)).collect(),
            }],
        }],
    };
    serde_json::to_writer(&mut out, &request)?;
    out.write_all(b"\n")
}

fn otlp<'a>(span: &'a ClientSpan, target: &'a Target) -> Span<'a> {
    let sent = &span.sent;
    let mut attributes = Vec::with_capacity(10);
    if let Some(request_id) = &span.request_id {
        attributes.push(Attribute::text("aws.request_id", request_id));
    }
    attributes.push(Attribute::text("http.request.method", target.method));
    attributes.push(Attribute::text("url.full", &target.url));
    attributes.push(Attribute::text("server.address", &target.address));
    if let Some(port) = target.port {
        attributes.push(Attribute::int("server.port", port.into()));
    }
    if let Some(status) = span.status {
        attributes.push(Attribute::int("http.response.status_code", status.into()));
    }
    if let Some(entries) = sent.baggage_entries {
        attributes.push(Attribute::int("baton.baggage.entries", entries as u64));
    }
    if sent.sampling.is_debug() {
        attributes.push(Attribute {
            key: "baton.context.debug".into(),
            value: Value::Bool(true),
        });
    }
    if sent.sampling.decision().is_none() {
        attributes.push(Attribute {
            key: "baton.context.deferred".into(),
            value: Value::Bool(true),
        });
    }
    if let Some(scenario) = &sent.scenario {
        attributes.push(Attribute::text("baton.scenario", scenario));
    }
    if let Some(defect) = sent.defect {
        attributes.push(Attribute::text("baton.defect", defect.name()));
    }
    if let Some(failure) = &span.failure {
        attributes.push(Attribute {
            key: "error.type".into(),
            value: Value::String(failure.error_type().into_owned()),
        });
    }
    if let Some(headers) = &span.headers {
        attributes.extend(headers.keys().map(|name| {
            Attribute {
                key: format!("{HEADER_ATTRIBUTE}{name}").into(),
                value: Value::Texts(
                    headers
                        .get_all(name)
                        .iter()
                        .filter_map(|value| value.to_str().ok())
                        .collect(),
                ),
            }
        }));
    }
    let start = span
        .start
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Span {
        trace_id: sent.trace_id,
        span_id: sent.span_id,
        trace_state: sent.trace_state.as_str(),
        parent_span_id: sent.parent_span_id,
        flags: flags(sent.sampling, sent.parent_span_id.is_some()),
        name: target.method,
        kind: KIND_CLIENT,
        start_time_unix_nano: Nanos(start),
        end_time_unix_nano: Nanos(start + span.duration),
        attributes,
        status: match &span.failure {
            Some(failure) => Status {
                code: Some(STATUS_ERROR),
                message: Some(failure.describe(&target.url, target.timeout)),
            },
            None => Status::default(),
        },
    }
}

/// The flags of a span with this decision. The client writes its span even if it decided not to
/// sample, because otherwise the hand-off could not be judged; the flags show the decision. If the
/// client left the decision to the receiver, the flags are not set, and an attribute says so.
fn flags(sampling: Sampling, has_parent: bool) -> u32 {
    let parent = match has_parent {
        true => HAS_IS_REMOTE | IS_REMOTE,
        false => HAS_IS_REMOTE,
    };
    match sampling.decision() {
        Some(true) => parent | SAMPLED,
        Some(false) => parent,
        None => 0,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: [Attribute<'a>; 1],
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "str::is_empty")]
    trace_state: &'a str,
    flags: u32,
    name: &'static str,
    kind: u8,
    start_time_unix_nano: Nanos,
    end_time_unix_nano: Nanos,
    attributes: Vec<Attribute<'a>>,
    status: Status,
}

#[derive(Default, Serialize)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: Cow<'static, str>,
    value: Value<'a>,
}

impl<'a> Attribute<'a> {
    fn text(key: &'static str, value: &'a str) -> Self {
        Self {
            key: key.into(),
            value: Value::Text(value),
        }
    }

    fn int(key: &'static str, value: u64) -> Self {
        Self {
            key: key.into(),
            value: Value::Int(value),
        }
    }
}

/// `AnyValue`; OTLP/JSON writes 64-bit integers as strings.
enum Value<'a> {
    Text(&'a str),
    String(String),
    Int(u64),
    Bool(bool),
    Texts(Vec<&'a str>),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serializer.serialize_struct("AnyValue", 1)?;
        match self {
            Self::Text(text) => value.serialize_field("stringValue", text)?,
            Self::String(text) => value.serialize_field("stringValue", text)?,
            Self::Int(number) => value.serialize_field("intValue", &number.to_string())?,
            Self::Bool(truth) => value.serialize_field("boolValue", truth)?,
            Self::Texts(texts) => {
                let values: Vec<_> = texts.iter().map(|text| Value::Text(text)).collect();
                value.serialize_field("arrayValue", &Values { values })?;
            }
        }
        value.end()
    }
}

/// `ArrayValue`.
#[derive(Serialize)]
struct Values<'a> {
    values: Vec<Value<'a>>,
}

/// A time since the epoch, as a string of nanoseconds.
struct Nanos(Duration);

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_nanos())
    }
}

#[cfg(test)]
mod tests;
