//! Zipkin's `POST /api/v2/spans`: JSON, gzipped or not
//! (<https://zipkin.io/zipkin-api/#/default/post_spans>).
//!
//! The reader of Zipkin's exports decodes the spans, so that a span gives the same result here and
//! there.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use baton_traces::otlp;
use baton_traces::readers::zipkin::read_document;
use baton_traces::span::{Span, SpanFormat};
use serde_json::{Value, json};

use super::{Collector, Request, body};

/// Where Zipkin takes spans.
pub(crate) const SPANS_PATH: &str = "/api/v2/spans";

pub(super) async fn export(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // reading many spans takes time, which other tasks of the lab need
    let read = tokio::task::spawn_blocking(move || read(&headers, &body)).await;
    let kept = match read {
        Ok(Ok((request, count))) => collector.keep(request, count).await,
        Ok(Err(answer)) => Err(answer),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    };
    match kept {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(answer) => answer.into_response(),
    }
}

/// The body's spans as OTLP, and their number. As in Zipkin, one invalid span refuses the whole
/// request.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Request, u64), (StatusCode, String)> {
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
    let body = body::unpack(headers, body).map_err(bad)?;
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
