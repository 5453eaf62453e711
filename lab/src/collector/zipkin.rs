//! Zipkin's `POST /api/v2/spans`: JSON, gzipped or not
//! (<https://zipkin.io/zipkin-api/#/default/post_spans>).
//!
//! The reader of Zipkin's exports decodes the spans, so that a span gives the same result here and
//! there.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use baton_traces::otlp;
use baton_traces::readers::bounds::json_exceeds;
use baton_traces::readers::zipkin::read_document;
use baton_traces::span::{Span, SpanFormat};
use serde_json::{Value, json};

use super::body::{self, Refusal, too_large};
use super::{Collector, Request};

/// Where Zipkin takes spans.
pub(crate) const SPANS_PATH: &str = "/api/v2/spans";
/// The most objects in a body. Each may be a span, which takes a few thousand bytes as OTLP.
const MAX_OBJECTS: usize = 50_000;
/// The most members of all objects together. Each may be a tag, which takes a few thousand bytes as
/// OTLP.
const MAX_MEMBERS: usize = 200_000;

pub(super) async fn export(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match receive(&collector, headers, body).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn receive(collector: &Collector, headers: HeaderMap, body: Body) -> Result<(), Refusal> {
    let received = collector.decoding.receive(body).await?;
    let decode = move || read(&headers, &received.bytes);
    let (request, count) = collector.decoding.decode(decode).await?;
    collector.keep(request, count).await
}

/// The body's spans as OTLP, and their number. As in Zipkin, one invalid span refuses the whole
/// request.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Request, u64), Refusal> {
    let content_type = body::content_type(headers);
    // Zipkin accepts JSON under any other content type too.
    if matches!(
        content_type,
        "application/x-protobuf" | "application/x-thrift"
    ) {
        let reason = format!("content-type is {content_type:?}; only Zipkin's JSON is understood");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let body = body::unpack(headers, body)?;
    if json_exceeds(&body, MAX_OBJECTS, MAX_MEMBERS) {
        return Err(too_large(format!(
            "the request has more than {MAX_OBJECTS} JSON objects or {MAX_MEMBERS} members; send fewer spans at once"
        )));
    }
    let mut services: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut count = 0;
    let add = &mut |span: &Span<'_>| {
        count += 1;
        let converted = otlp::one(span, Some(SpanFormat::Zipkin));
        match services.get_mut(span.service) {
            Some(spans) => spans.push(converted),
            None => {
                services.insert(span.service.to_owned(), vec![converted]);
            }
        }
    };
    read_document(&body, add).map_err(|problem| {
        bad(format!(
            "the body is not a list of Zipkin v2 spans: {problem}"
        ))
    })?;
    let services = services.into_iter();
    let services: Vec<Value> = services
        .map(|(name, spans)| otlp::of_service(&name, spans))
        .collect();
    let request = Request::Converted(json!({ "resourceSpans": services }));
    Ok((request, count))
}
