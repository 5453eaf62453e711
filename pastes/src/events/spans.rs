//! Spans instead of headers: an export in the form of OTLP, Zipkin or Jaeger.

use super::{Event, has};
use crate::tree::Tree;

pub(super) static SPANS: Event = Event {
    is,
    skipped: &[],
    instead: Some(
        "These are spans, not headers. baton traces --from FILE and baton map FILE read them.",
    ),
    readers: |_| None,
};

fn is(tree: &Tree) -> bool {
    let of_otlp = ["resourceSpans", "resource_spans", "scopeSpans"]
        .iter()
        .any(|name| has(tree, name));
    of_otlp
        || has(tree, "traceId") && has(tree, "id") && has(tree, "localEndpoint")
        || has(tree, "traceID") && has(tree, "processes")
}
