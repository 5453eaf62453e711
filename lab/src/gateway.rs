//! The HTTP endpoint: turns a request into API Gateway's REST proxy event, invokes the producer and turns its
//! answer back into HTTP.
//!
//! Event and answer: <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::instances::Function;
use crate::invocation::{self, InvocationError};
use crate::runtime_api::PAYLOAD_SIZE_LIMIT;

/// Where the endpoint answers: the workshop's stage and path.
pub(crate) const ENDPOINT_PATH: &str = "/dev/producer";
const STAGE: &str = "dev";
const RESOURCE: &str = "/producer";
/// The most that is read of a body too long to be taken, in bytes.
const DISCARD_LIMIT: usize = 64 * 1024 * 1024;
/// The header with which API Gateway answers the request's id.
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The endpoint's state.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    producer: Function,
    closed: Arc<AtomicBool>,
}

impl Gateway {
    pub(crate) fn new(producer: Function) -> Self {
        Gateway {
            producer,
            closed: Arc::default(),
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(ENDPOINT_PATH, axum::routing::post(handle))
            .fallback(not_found)
            .method_not_allowed_fallback(not_found)
            .with_state(self.clone())
    }

    /// From now on new requests are refused; those in progress go on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// API Gateway's answer to any method and path that is not deployed, with a hint it does not give.
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
        if self.closed.load(Ordering::Relaxed) {
            return message(
                StatusCode::SERVICE_UNAVAILABLE,
                "Service Unavailable: the lab is shutting down",
            );
        }
        let (head, body) = request.into_parts();
        let Some(body) = read(body).await else {
            return message(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "Request Too Long: a Lambda function takes at most {PAYLOAD_SIZE_LIMIT} bytes"
                ),
            );
        };
        let event = event(&head.method, &head.uri, &head.headers, &body, request_id);
        if event.len() > PAYLOAD_SIZE_LIMIT {
            return message(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "Request Too Long: its event has {} bytes, a Lambda function takes at most {PAYLOAD_SIZE_LIMIT}",
                    event.len()
                ),
            );
        }
        match self.producer.invoke_with_fresh_id(Bytes::from(event)).await {
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
            Err(InvocationError::Function { .. } | InvocationError::Exited { .. }) => {
                message(StatusCode::BAD_GATEWAY, "Internal server error")
            }
        }
    }
}

/// The whole body; `None` when it is longer than a Lambda function takes. Of that the rest is read too, up to a
/// bound: a client that is still sending would not see the answer.
async fn read(mut body: Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut size = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // a body that breaks off: its client has gone
        let data = frame.ok()?.into_data().unwrap_or_default();
        size += data.len();
        if size > DISCARD_LIMIT {
            return None;
        }
        if size <= PAYLOAD_SIZE_LIMIT {
            bytes.extend_from_slice(&data);
        }
    }
    (size <= PAYLOAD_SIZE_LIMIT).then_some(bytes)
}

fn message(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "message": message }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    resource: &'a str,
    path: &'a str,
    http_method: &'a str,
    headers: &'a BTreeMap<&'a str, &'a str>,
    multi_value_headers: &'a BTreeMap<&'a str, Vec<&'a str>>,
    query_string_parameters: Option<()>,
    path_parameters: Option<()>,
    stage_variables: Option<()>,
    request_context: RequestContext<'a>,
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    account_id: &'a str,
    api_id: &'a str,
    resource_path: &'a str,
    http_method: &'a str,
    path: &'a str,
    stage: &'a str,
    protocol: &'a str,
    domain_name: &'a str,
    identity: Identity<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    source_ip: &'a str,
    user_agent: Option<&'a str>,
}

/// The REST proxy event. Header values that are not UTF-8 arrive with replacement characters, a body that is
/// not UTF-8 as base64.
fn event(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Vec<u8> {
    let lossy: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let mut single = BTreeMap::new();
    let mut multiple: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let added = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
    ];
    for (name, value) in lossy
        .iter()
        .map(|(name, value)| (*name, value.as_ref()))
        .chain(added)
    {
        single.insert(name, value);
        multiple.entry(name).or_default().push(value);
    }
    let encoded;
    let (body, is_base64_encoded) = match std::str::from_utf8(body) {
        Ok("") => (None, false),
        Ok(text) => (Some(text), false),
        Err(_) => {
            encoded = STANDARD.encode(body);
            (Some(encoded.as_str()), true)
        }
    };
    let event = Event {
        resource: RESOURCE,
        path: RESOURCE,
        http_method: method.as_str(),
        headers: &single,
        multi_value_headers: &multiple,
        query_string_parameters: None,
        path_parameters: None,
        stage_variables: None,
        request_context: RequestContext {
            request_id,
            account_id: "000000000000",
            api_id: "baton",
            resource_path: RESOURCE,
            http_method: method.as_str(),
            path: uri.path(),
            stage: STAGE,
            protocol: "HTTP/1.1",
            domain_name: domain_name(single.get("host").copied().unwrap_or("localhost")),
            identity: Identity {
                source_ip: "127.0.0.1",
                user_agent: single.get("user-agent").copied(),
            },
        },
        body,
        is_base64_encoded,
    };
    // a struct of strings always serializes
    serde_json::to_vec(&event).unwrap_or_default()
}

/// The name in a `Host` header, without the port: API Gateway's domain names have none.
fn domain_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The function's answer as HTTP. What is no proxy answer becomes 502, as in API Gateway.
fn http_answer(answer: &[u8]) -> Response {
    let malformed = || message(StatusCode::BAD_GATEWAY, "Internal server error");
    let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
        return malformed();
    };
    let Ok(status) = StatusCode::from_u16(answer.status_code) else {
        return malformed();
    };
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        match STANDARD.decode(body) {
            Ok(bytes) => Body::from(bytes),
            Err(_) => return malformed(),
        }
    } else {
        Body::from(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let single = answer
        .headers
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        });
    let multiple = answer.multi_value_headers.unwrap_or_default();
    let multiple = multiple
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    for (name, value) in single.chain(multiple) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
