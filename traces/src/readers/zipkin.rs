//! Zipkin's JSON, versions 2 and 1: a list of spans, or a list of traces, which are lists of spans.
//!
//! Version 2 is the answer of Zipkin's `/api/v2/traces`, a download in its UI, and the body of a
//! POST to `/api/v2/spans` (<https://zipkin.io/zipkin-api/#/default/get_traces>). Tags become
//! attributes, and annotations become events. Zipkin has no links, but the OpenTelemetry Collector
//! writes them as tags. Version 1 is recognised by its annotations.
//!
//! In B3, client and server may share a span's id. They become two spans with one id, one of each
//! service.

mod v1;

use std::io::BufRead;

use serde::Deserialize;

use super::ids::{short_reference, short_span_id};
use super::json::number::Number;
use super::json::plain::Plain;
use super::json::text::Text;
use super::json::{Fault, JsonReader};
use super::{tags, times};
use crate::span::{
    AnyValue, Key, Kind, SERVICE_NAMESPACE, Span, SpanEvent, SpanFormat, UnixTime, Value, Want,
};

/// Passes every span of a document, such as the body of a POST to `/api/v2/spans`, to `each`, with
/// all fields.
///
/// # Errors
/// What is wrong, and where. The spans before the fault were passed on.
pub fn read_document(json: &[u8], each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
    read(json, Want::Everything, each).map_err(|fault| match fault {
        Fault::Input(error) => error.to_string(),
        Fault::Problem { line, problem } => format!("line {line}, {problem}"),
        Fault::Message { problem, .. } => problem,
    })
}

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    while json.peek()?.is_some() {
        spans(&mut json, want, each)?;
    }
    Ok(())
}

/// Reads a list of spans, a list of such lists, or one span.
fn spans<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    if json.peek()? == Some(b'[') {
        return json.array(|json| match json.peek()? {
            Some(b'[') => json.array(|json| span(json, want, each)),
            _ => span(json, want, each),
        });
    }
    span(json, want, each)
}

fn span<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let line = json.line();
    let fields: SpanFields<'_> = json.parse()?;
    let problem = |problem| Fault::Problem { line, problem };
    match fields.is_v1() {
        true => v1::hand_over(fields, want, each).map_err(problem),
        false => fields.hand_over(want, each).map_err(problem),
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Zipkin span object")]
struct SpanFields<'a> {
    #[serde(borrow)]
    trace_id: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    parent_id: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    timestamp: Number,
    #[serde(default)]
    duration: Number,
    #[serde(borrow, default)]
    local_endpoint: Option<Endpoint<'a>>,
    #[serde(borrow, default)]
    remote_endpoint: Option<Endpoint<'a>>,
    #[serde(borrow, default)]
    tags: Plain<'a>,
    #[serde(borrow, default)]
    annotations: Option<Vec<Annotation<'a>>>,
    /// The tags of version 1.
    #[serde(borrow, default)]
    binary_annotations: Option<Vec<v1::BinaryAnnotation<'a>>>,
    #[serde(default)]
    shared: Option<bool>,
    #[serde(default)]
    debug: Option<bool>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a Zipkin endpoint object")]
struct Endpoint<'a> {
    #[serde(borrow, default)]
    service_name: Text<'a>,
    #[serde(borrow, default)]
    ipv4: Text<'a>,
    #[serde(borrow, default)]
    ipv6: Text<'a>,
    #[serde(default)]
    port: Number,
}

impl Endpoint<'_> {
    /// Adds address and port as attributes, under OpenTelemetry's names.
    fn place(
        &self,
        address: &'static str,
        port: &'static str,
    ) -> impl Iterator<Item = (&'static str, AnyValue<'static>)> {
        let ip = [&self.ipv4, &self.ipv6];
        let ip = ip.into_iter().find(|ip| !ip.0.is_empty());
        let number = self
            .port
            .unsigned()
            .and_then(|port| i64::try_from(port).ok());
        let ip = ip.map(|ip| (address, AnyValue::Text(ip.0.to_string().into())));
        let number = number.filter(|port| *port > 0);
        let number = number.map(|number| (port, AnyValue::Integer(number)));
        ip.into_iter().chain(number)
    }
}

#[derive(Clone, Deserialize)]
#[serde(expecting = "a Zipkin annotation object")]
struct Annotation<'a> {
    #[serde(default)]
    timestamp: Number,
    #[serde(borrow, default)]
    value: Text<'a>,
    /// Only in version 1.
    #[serde(borrow, default)]
    endpoint: Option<Endpoint<'a>>,
}

impl<'a> SpanFields<'a> {
    /// Passes the span on.
    fn hand_over(mut self, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
        let local = self.local_endpoint.take().unwrap_or_default();
        let remote = self.remote_endpoint.take().unwrap_or_default();
        let mut span = self.into_span(&local.service_name.0, want)?;
        if want != Want::Judging {
            let peer = remote.service_name.0.to_string();
            if !peer.is_empty() {
                let peer = AnyValue::Text(peer.into());
                span.other_attributes.push(("peer.service".into(), peer));
            }
            let local = local.place("network.local.address", "network.local.port");
            let remote = remote.place("network.peer.address", "network.peer.port");
            let places = local.chain(remote);
            let places = places.map(|(name, value)| (name.into(), value));
            span.other_attributes.extend(places);
        }
        each(&span);
        Ok(())
    }

    fn into_span<'s>(self, service: &'s str, want: Want) -> Result<Span<'s>, String>
    where
        'a: 's,
    {
        let reference = short_reference(&self.trace_id.0, &self.id.0)?;
        let mut span = Span::new(reference, service);
        span.read_as = Some(SpanFormat::Zipkin);
        span.parent_span_id = short_span_id(&self.parent_id.0);
        span.name = self.name.0;
        span.kind = tags::kind_named(&self.kind.0).unwrap_or_default();
        (span.start, span.end) = times(self.timestamp.unsigned(), self.duration.unsigned());
        if self.shared == Some(true) && span.kind == Kind::Server {
            // The client's half has the same id and the same parent, and is in another process.
            span.parent_is_remote = Some(true);
        }
        if self.debug == Some(true) {
            span.attributes.set(Key::ContextDebug, Value::Boolean(true));
        }
        for (name, value) in self.tags.into_members() {
            if let ("error", AnyValue::Text(message)) = (&*name, &value) {
                span.status.message = message.clone();
            }
            if let (SERVICE_NAMESPACE, AnyValue::Text(namespace)) = (&*name, &value) {
                span.namespace = namespace.clone();
            }
            tags::add(&mut span, want, name, value);
        }
        if want == Want::Everything {
            let annotations = self.annotations.unwrap_or_default().into_iter();
            span.events = annotations.map(Annotation::into_event).collect();
        }
        Ok(span)
    }
}

impl<'a> Annotation<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        let nanoseconds = self.timestamp.unsigned().map(|at| at.saturating_mul(1000));
        SpanEvent {
            time: nanoseconds.and_then(UnixTime::from_nanoseconds),
            name: self.value.0,
            attributes: Vec::new(),
        }
    }
}
