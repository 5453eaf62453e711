//! The Lambda Runtime API of one instance.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: `next` waits for an event,
//! `response` and `error` answer it, and `init/error` reports that the function cannot start.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use baton_traces::shown::visible;
use serde::Deserialize;

use super::{Instance, UnknownRequest};
use crate::function::invocation::{self, MAX_PAYLOAD_BYTES};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorReport {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

pub(crate) fn router(instance: Arc<Instance>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/response",
            post(response),
        )
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/error",
            post(error),
        )
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD_BYTES))
        .with_state(instance)
}

async fn next(State(instance): State<Arc<Instance>>) -> Response {
    let Some((request_id, event)) = instance.next().await else {
        // the process is about to be ended; an answer would only make it log an error
        return pending().await;
    };
    let settings = instance.function().settings();
    let deadline = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        + settings.timeout;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", request_id),
        ("lambda-runtime-deadline-ms", milliseconds(deadline)),
        (
            "lambda-runtime-invoked-function-arn",
            format!(
                "arn:aws:lambda:us-east-1:000000000000:function:{}",
                settings.name
            ),
        ),
        ("lambda-runtime-trace-id", invocation::xray_trace_id()),
    ];
    (headers, event).into_response()
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}

async fn response(
    State(instance): State<Arc<Instance>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    accepted(instance.answer(&request_id, Ok(body)))
}

async fn error(
    State(instance): State<Arc<Instance>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    accepted(instance.answer(&request_id, Err(reason(&body))))
}

async fn init_error(State(instance): State<Arc<Instance>>, body: Bytes) -> StatusCode {
    instance.set_init_error(reason(&body));
    StatusCode::ACCEPTED
}

/// The function's message, in its own words.
fn reason(body: &[u8]) -> String {
    let reason = match serde_json::from_slice::<ErrorReport>(body) {
        Ok(report) if report.error_message.is_empty() => report.error_type,
        Ok(report) => report.error_message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    // Any program may have written the text, so control characters are removed.
    visible(&reason)
}

fn accepted(outcome: Result<(), UnknownRequest>) -> Response {
    match outcome {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(UnknownRequest) => {
            let report = serde_json::json!({
                "errorType": "InvalidRequestID",
                "errorMessage": "this instance is not working on that request",
            });
            (StatusCode::BAD_REQUEST, Json(report)).into_response()
        }
    }
}
