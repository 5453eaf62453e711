//! The HTTP endpoint: gives every request an id, passes it to the producer, and refuses invalid
//! requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::function::Function;
use crate::function::invocation::{self, InvocationError, MAX_PAYLOAD_BYTES};
use crate::monitoring::Disk;
use proxy::{event, http_answer};

mod proxy;

/// The endpoint's path: the workshop's stage and path.
pub(crate) const ENDPOINT_PATH: &str = "/dev/producer";
/// The most bytes that are read from a body that is too long.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// How long a client may pause while it sends a body.
const MAX_BODY_PAUSE: Duration = Duration::from_secs(5);
/// How long a request may wait for an instance, in addition to the time of an invocation.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);
/// The header in which API Gateway returns the request's id.
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The endpoint's state.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    producer: Function,
    disk: Disk,
    closed: watch::Sender<bool>,
    in_progress: watch::Sender<usize>,
}

/// Counts a request while it is being answered.
struct InProgress<'a>(&'a watch::Sender<usize>);

impl<'a> InProgress<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        InProgress(count)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Gateway {
    pub(crate) fn new(producer: Function, disk: Disk) -> Self {
        Gateway {
            producer,
            disk,
            closed: watch::Sender::new(false),
            in_progress: watch::Sender::new(0),
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(ENDPOINT_PATH, axum::routing::post(handle))
            .fallback(not_found)
            .method_not_allowed_fallback(not_found)
            .with_state(self.clone())
    }

    /// Refuses new requests and those whose bodies have not arrived, and waits for those in
    /// progress, for at most `patience`.
    pub(crate) async fn close(&self, patience: Duration) {
        self.closed.send_replace(true);
        let mut in_progress = self.in_progress.subscribe();
        let answered = in_progress.wait_for(|count| *count == 0);
        let _ = tokio::time::timeout(patience, answered).await;
    }
}

/// API Gateway's answer to a method and path that are not deployed, plus a hint that AWS does not
/// give.
async fn not_found(method: Method, uri: Uri) -> Response {
    message(
        StatusCode::FORBIDDEN,
        &format!(
            "Missing Authentication Token: {method} {} is not an endpoint here; POST to {ENDPOINT_PATH}",
            uri.path()
        ),
    )
}

async fn handle(State(gateway): State<Gateway>, request: Request) -> Response {
    let request_id = invocation::request_id();
    let mut response = gateway.answer(request, &request_id).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

impl Gateway {
    async fn answer(&self, request: Request, request_id: &str) -> Response {
        let mut closed = self.closed.subscribe();
        let (head, body) = request.into_parts();
        let body = tokio::select! {
            biased;
            // the sender is in `self`, so it is not dropped
            _ = closed.wait_for(|closed| *closed) => return shutting_down(),
            body = read(body, &head.headers) => body,
        };
        let body = match body {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let _in_progress = InProgress::new(&self.in_progress);
        // looked at after the request was counted, so that closing waits for it
        if *self.closed.borrow() {
            return shutting_down();
        }
        if self.disk.refuses_records() {
            // what the stream cannot keep or set aside must not be accepted
            return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        }
        let event = event(&head.method, &head.uri, &head.headers, &body, request_id);
        if event.len() > MAX_PAYLOAD_BYTES {
            return message(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "Request Too Long: its event has {} bytes, a Lambda function takes at most {MAX_PAYLOAD_BYTES}",
                    event.len()
                ),
            );
        }
        let timeout = self.producer.settings().timeout + QUEUE_TIMEOUT;
        let invocation = self.producer.invoke(Bytes::from(event));
        let Ok(outcome) = tokio::time::timeout(timeout, invocation).await else {
            return message(
                StatusCode::GATEWAY_TIMEOUT,
                "Endpoint request timed out: no instance of the producer became free",
            );
        };
        match outcome {
            Ok(answer) => http_answer(&answer),
            Err(error @ InvocationError::Throttled { .. }) => message(
                StatusCode::TOO_MANY_REQUESTS,
                &format!("Too Many Requests: {error}"),
            ),
            Err(error @ InvocationError::TimedOut { .. }) => message(
                StatusCode::GATEWAY_TIMEOUT,
                &format!("Endpoint request timed out: {error}"),
            ),
            Err(error @ InvocationError::NotStarting { .. }) => message(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!("Service Unavailable: {error}"),
            ),
            Err(
                InvocationError::Function { .. }
                | InvocationError::Exited { .. }
                | InvocationError::NotTaken { .. },
            ) => message(StatusCode::BAD_GATEWAY, "Internal server error"),
        }
    }
}

/// The whole body, or the answer to an invalid one. If the body is too long, the rest is read too,
/// up to a limit, because a client that is still sending would not see the answer.
async fn read(mut body: Body, headers: &HeaderMap) -> Result<Vec<u8>, Response> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_DISCARDED_BYTES as u64) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let mut size = 0;
    loop {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let data = match tokio::time::timeout(MAX_BODY_PAUSE, frame).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            // The client has gone, or does not send HTTP.
            Ok(Some(Err(_))) => {
                return Err(message(
                    StatusCode::BAD_REQUEST,
                    "Bad Request: the body breaks off",
                ));
            }
            Err(_) => {
                return Err(message(
                    StatusCode::REQUEST_TIMEOUT,
                    "Request Timeout: the rest of the body did not arrive",
                ));
            }
        };
        size += data.len();
        if size > MAX_DISCARDED_BYTES {
            break;
        }
        if size <= MAX_PAYLOAD_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    if size <= MAX_PAYLOAD_BYTES {
        return Ok(bytes);
    }
    Err(too_long())
}

fn too_long() -> Response {
    message(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("Request Too Long: a Lambda function takes at most {MAX_PAYLOAD_BYTES} bytes"),
    )
}

fn shutting_down() -> Response {
    message(
        StatusCode::SERVICE_UNAVAILABLE,
        "Service Unavailable: the lab is shutting down",
    )
}

fn message(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "message": message }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
