//! Spans instead of headers: an export of any form that baton reads.

use super::{Event, has};
use crate::json::Tree;

pub(super) static SPANS: Event = Event {
    is,
    // ids, and what refers to other spans
    skipped: &[
        "Id",
        "id",
        "traceId",
        "traceID",
        "trace_id",
        "TraceId",
        "spanId",
        "spanID",
        "span_id",
        "SpanId",
        "parentId",
        "parent_id",
        "parentSpanId",
        "ParentSpanId",
        "traceState",
        "TraceState",
        "context",
        "SpanContext",
        "Parent",
        "references",
        "links",
        "Links",
    ],
    instead: Some(
        "These are spans, not headers. baton traces --from FILE and baton map FILE read them.",
    ),
    readers: |_| None,
};

/// Members that only exports of spans have together.
const MEMBERS: &[&[&str]] = &[
    // OTLP
    &["resourceSpans"],
    &["resource_spans"],
    &["scopeSpans"],
    &["traceId", "spanId", "startTimeUnixNano"],
    // Zipkin
    &["traceId", "id", "localEndpoint"],
    &["traceId", "id", "timestamp", "name"],
    // Jaeger
    &["traceID", "processes"],
    &["traceID", "spanID", "operationName"],
    // X-Ray
    &["Id", "Segments"],
    &["TraceSegmentDocuments"],
    &["id", "trace_id", "start_time", "name"],
    // console exporters
    &["context", "parent_id", "start_time"],
    &["SpanContext", "Parent"],
    // Datadog
    &["trace_id", "span_id", "parent_id", "start"],
    // ClickHouse
    &["TraceId", "SpanId", "SpanName"],
];

fn is(tree: &Tree) -> bool {
    let has_all = |names: &&[&str]| names.iter().all(|name| has(tree, name));
    MEMBERS.iter().any(has_all)
}
