//! A trace as JSON.

use std::collections::BTreeMap;

use baton_propagators::{SpanId, TraceId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Node, Place, Trace, TraceEvent};
use crate::shown::milliseconds;
use crate::span::{Kind, SpanReference, StatusCode, UnixTime};

/// A trace: its spans in the order of the tree.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Trace"))]
pub struct TraceJson<'a> {
    /// Its id.
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    /// Its spans.
    spans: Vec<SpanJson<'a>>,
    /// How many further spans are not kept.
    left_out: u64,
}

/// A span.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Span"))]
struct SpanJson<'a> {
    #[serde(flatten)]
    reference: SpanReference,
    /// The parent's id; `null` for a root.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    parent_span_id: Option<SpanId>,
    /// The service that it ran in; empty if the exporter did not say.
    service: &'a str,
    name: &'a str,
    kind: Kind,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    duration_ms: Option<f64>,
    /// The `tracestate` of its context; empty if there is none.
    trace_state: &'a str,
    /// Whether the operation succeeded.
    status: StatusCode,
    /// What went wrong; empty if the exporter did not say.
    status_message: &'a str,
    attributes: &'a BTreeMap<String, Value>,
    /// The attributes of its resource.
    resource: &'a BTreeMap<String, Value>,
    events: Vec<EventJson<'a>>,
    links: &'a [SpanReference],
    /// How it is attached to the tree.
    place: Place,
    /// Its depth in the tree; 0 at the top.
    depth: usize,
}

/// Something that happened during a span.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Event"))]
struct EventJson<'a> {
    time: Option<Timestamp>,
    name: &'a str,
    attributes: &'a BTreeMap<String, Value>,
}

impl Trace {
    /// The trace as it is written in JSON, with its spans in the order of the tree.
    pub fn as_json(&self) -> TraceJson<'_> {
        TraceJson {
            trace_id: self.trace_id,
            spans: self.tree().iter().map(|node| self.span(node)).collect(),
            left_out: self.left_out,
        }
    }

    fn span(&self, node: &Node) -> SpanJson<'_> {
        let span = &self.spans[node.span];
        SpanJson {
            reference: span.reference,
            parent_span_id: span.parent_span_id,
            service: &span.service,
            name: &span.name,
            kind: span.kind,
            start: span.start.map(UnixTime::timestamp),
            end: span.end.map(UnixTime::timestamp),
            duration_ms: span.duration().map(milliseconds),
            trace_state: &span.trace_state,
            status: span.status,
            status_message: &span.status_message,
            attributes: &span.attributes,
            resource: &span.resource,
            events: span.events.iter().map(event).collect(),
            links: &span.links,
            place: node.place,
            depth: node.depth,
        }
    }
}

fn event(event: &TraceEvent) -> EventJson<'_> {
    EventJson {
        time: event.time.map(UnixTime::timestamp),
        name: &event.name,
        attributes: &event.attributes,
    }
}
