//! OTLP/HTTP: protobuf or JSON, gzipped or not
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use baton_traces::readers::bounds::{json_exceeds, request_exceeds};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;

use super::body::{self, MAX_DECODED_BYTES, Refusal, too_large};
use super::{Collector, Request};

/// Where OTLP/HTTP takes traces.
pub(crate) const TRACES_PATH: &str = "/v1/traces";
/// Why spans are refused.
const REJECTION: &str = "a trace id has 16 bytes, a span id 8, not all of them zero";

/// The most objects of a body in JSON. Each takes some hundred bytes when it is decoded.
const MAX_OBJECTS: usize = 250_000;

/// The two encodings of OTLP/HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

pub(super) async fn export(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match receive(&collector, headers, body).await {
        Ok((encoding, rejected)) => answer(encoding, rejected),
        Err(refusal) => refusal.into_response(),
    }
}

/// Keeps the valid spans of a request. Returns how many were rejected.
async fn receive(
    collector: &Collector,
    headers: HeaderMap,
    body: Body,
) -> Result<(Encoding, i64), Refusal> {
    let received = collector.decoding.receive(body).await?;
    let decode = move || read(&headers, &received.bytes);
    let (encoding, mut request) = collector.decoding.decode(decode).await?;
    let (accepted, rejected) = keep_valid(&mut request);
    collector.keep(Request::Otlp(request), accepted).await?;
    Ok((encoding, rejected))
}

fn answer(encoding: Encoding, rejected: i64) -> Response {
    match encoding {
        Encoding::Protobuf => {
            let response = ExportTraceServiceResponse {
                partial_success: (rejected > 0).then(|| ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: REJECTION.to_owned(),
                }),
            };
            let content_type = [(CONTENT_TYPE, "application/x-protobuf")];
            (content_type, response.encode_to_vec()).into_response()
        }
        Encoding::Json if rejected == 0 => Json(json!({})).into_response(),
        // OTLP/JSON writes 64-bit numbers as text, which the generated types do not
        Encoding::Json => Json(json!({
            "partialSuccess": { "rejectedSpans": rejected.to_string(), "errorMessage": REJECTION },
        }))
        .into_response(),
    }
}

/// Removes spans with invalid ids. Returns how many are left and how many were removed.
fn keep_valid(request: &mut ExportTraceServiceRequest) -> (u64, i64) {
    let is_id = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    let (mut accepted, mut rejected) = (0, 0);
    let scopes = request
        .resource_spans
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_spans);
    for scope in scopes {
        scope.spans.retain(|span| {
            let valid = is_id(&span.trace_id, 16) && is_id(&span.span_id, 8);
            if valid {
                accepted += 1;
            } else {
                rejected += 1;
            }
            valid
        });
    }
    (accepted, rejected)
}

fn read(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Encoding, ExportTraceServiceRequest), Refusal> {
    let content_type = body::content_type(headers);
    let encoding = match content_type {
        "application/x-protobuf" => Encoding::Protobuf,
        "application/json" => Encoding::Json,
        other => {
            let message = format!(
                "content-type is {other:?}; OTLP/HTTP is application/x-protobuf or application/json"
            );
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let body = &*body::unpack(headers, body)?;
    check_size(encoding, body)?;
    let request = match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body).map_err(|error| {
            bad(format!(
                "the body is not an ExportTraceServiceRequest: {error}"
            ))
        })?,
        Encoding::Json => serde_json::from_slice(body).map_err(|error| {
            bad(format!(
                "the body is not an ExportTraceServiceRequest in JSON: {error}"
            ))
        })?,
    };
    Ok((encoding, request))
}

/// Refuses a body that would take too much memory when it is decoded.
fn check_size(encoding: Encoding, body: &[u8]) -> Result<(), Refusal> {
    match encoding {
        Encoding::Protobuf if request_exceeds(body, MAX_DECODED_BYTES) => Err(too_large(format!(
            "the decoded request would take more than {MAX_DECODED_BYTES} bytes; send fewer spans at once"
        ))),
        Encoding::Json if json_exceeds(body, MAX_OBJECTS, usize::MAX) => Err(too_large(format!(
            "the request has more than {MAX_OBJECTS} JSON objects; send fewer spans at once"
        ))),
        _ => Ok(()),
    }
}
