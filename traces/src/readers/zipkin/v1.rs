//! Zipkin's JSON of version 1.
//!
//! A span has neither a kind nor a service. Both are in its annotations, each with the endpoint
//! that wrote it. `cs` and `cr` are a client's, `sr` and `ss` a server's, `ms` a producer's and
//! `mr` a consumer's (<https://zipkin.io/pages/instrumenting.html>). A span with annotations of
//! both sides becomes two spans with one id, as in version 2. Tags are in `binaryAnnotations`.
//! Those named `sa` and `ca` hold the address of the other side.

use serde::Deserialize;

use super::{Annotation, Endpoint, SpanFields};
use crate::readers::json::number::Number;
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::span::{AnyValue, Span, Want};

/// A tag of version 1, with the endpoint that wrote it.
#[derive(Clone, Deserialize)]
#[serde(expecting = "a Zipkin binary annotation object")]
pub(super) struct BinaryAnnotation<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    value: Plain<'a>,
    #[serde(borrow, default)]
    endpoint: Option<Endpoint<'a>>,
}

/// One side of a span, and the annotations that it writes.
struct Side {
    kind: &'static str,
    start: &'static str,
    end: &'static str,
    /// The binary annotation with the address of the other side.
    peer: &'static str,
}

const SIDES: [Side; 4] = [
    Side {
        kind: "CLIENT",
        start: "cs",
        end: "cr",
        peer: "sa",
    },
    Side {
        kind: "SERVER",
        start: "sr",
        end: "ss",
        peer: "ca",
    },
    Side {
        kind: "PRODUCER",
        start: "ms",
        end: "",
        peer: "ma",
    },
    Side {
        kind: "CONSUMER",
        start: "mr",
        end: "",
        peer: "ma",
    },
];

impl SpanFields<'_> {
    /// Whether the span is of version 1: its endpoints are in its annotations.
    pub(super) fn is_v1(&self) -> bool {
        let annotations = self.annotations.as_deref().unwrap_or_default();
        self.binary_annotations.is_some()
            || annotations
                .iter()
                .any(|annotation| annotation.endpoint.is_some())
    }
}

/// Passes on each side of a span.
pub(super) fn hand_over(
    mut span: SpanFields<'_>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), String> {
    let annotations = span.annotations.take().unwrap_or_default();
    let tags = span.binary_annotations.take().unwrap_or_default();
    let halves: Vec<&Side> = SIDES
        .iter()
        .filter(|side| side.has_written(&annotations))
        .collect();
    if halves.is_empty() {
        // Work inside one service. Any of its annotations names that service.
        let service = annotations
            .iter()
            .find_map(|annotation| annotation.endpoint.clone());
        span.local_endpoint = service.or_else(|| tags.iter().find_map(|tag| tag.endpoint.clone()));
        span.tags = tags_of(&tags, None);
        span.annotations = Some(annotations);
        return span.hand_over(want, each);
    }
    for side in &halves {
        let mut half = span.clone();
        half.kind = Text(side.kind.into());
        half.local_endpoint = side.endpoint(&annotations);
        half.remote_endpoint = side.peer(&tags);
        // The span's own times come from the side that began it. A server that shares the span
        // omits them.
        let is_first = std::ptr::eq(*side, halves[0]);
        if !is_first || half.timestamp.unsigned().is_none() {
            half.timestamp = side.at(side.start, &annotations);
            half.duration = side.duration(&annotations);
            half.shared = Some(true);
        }
        let service = half
            .local_endpoint
            .as_ref()
            .map(|endpoint| endpoint.service_name.0.to_string());
        half.tags = tags_of(&tags, service.as_deref().filter(|_| halves.len() > 1));
        half.annotations = Some(
            annotations
                .iter()
                .filter(|it| !is_core(it))
                .cloned()
                .collect(),
        );
        half.hand_over(want, each)?;
    }
    Ok(())
}

impl Side {
    fn has_written(&self, annotations: &[Annotation<'_>]) -> bool {
        annotations.iter().any(|annotation| self.wrote(annotation))
    }

    fn wrote(&self, annotation: &Annotation<'_>) -> bool {
        let value = &*annotation.value.0;
        !value.is_empty() && [self.start, self.end].contains(&value)
    }

    fn endpoint<'a>(&self, annotations: &[Annotation<'a>]) -> Option<Endpoint<'a>> {
        let mut own = annotations
            .iter()
            .filter(|annotation| self.wrote(annotation));
        own.find_map(|annotation| annotation.endpoint.clone())
    }

    fn peer<'a>(&self, tags: &[BinaryAnnotation<'a>]) -> Option<Endpoint<'a>> {
        let peer = tags.iter().find(|tag| tag.key.0 == self.peer)?;
        peer.endpoint.clone()
    }

    fn at(&self, value: &str, annotations: &[Annotation<'_>]) -> Number {
        let found = annotations
            .iter()
            .find(|annotation| annotation.value.0 == value);
        found
            .map(|annotation| annotation.timestamp)
            .unwrap_or_default()
    }

    fn duration(&self, annotations: &[Annotation<'_>]) -> Number {
        let start = self.at(self.start, annotations).unsigned();
        let end = self.at(self.end, annotations).unsigned();
        let duration = end
            .zip(start)
            .and_then(|(end, start)| end.checked_sub(start));
        duration.map(Number::from).unwrap_or_default()
    }
}

/// Whether the annotation marks the start or end of a side.
fn is_core(annotation: &Annotation<'_>) -> bool {
    SIDES.iter().any(|side| side.wrote(annotation))
}

/// The tags, or only the tags of `service` if it is given. Tags that hold addresses are left out.
fn tags_of<'a>(tags: &[BinaryAnnotation<'a>], service: Option<&str>) -> Plain<'a> {
    let is_address = |tag: &BinaryAnnotation<'_>| SIDES.iter().any(|side| tag.key.0 == side.peer);
    let is_of_service = |tag: &BinaryAnnotation<'_>| match (service, &tag.endpoint) {
        (Some(service), Some(endpoint)) => endpoint.service_name.0 == service,
        _ => true,
    };
    let wanted = tags
        .iter()
        .filter(|tag| !is_address(tag) && is_of_service(tag));
    let members = wanted.map(|tag| (tag.key.0.clone(), tag.value.0.clone()));
    Plain(AnyValue::Map(members.collect()))
}
