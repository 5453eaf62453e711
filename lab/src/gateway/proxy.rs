//! A request as API Gateway's REST proxy event, and a function's answer as HTTP.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::message;

const STAGE: &str = "dev";
const RESOURCE: &str = "/producer";
/// Headers of a function's answer that describe its connection, which is not the client's.
const CONNECTION_HEADERS: [HeaderName; 4] =
    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

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

/// The REST proxy event. Header values that are not UTF-8 get replacement characters; a body that
/// is not UTF-8 becomes base64.
pub(super) fn event(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Vec<u8> {
    let lossy: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .filter(|(name, _)| !name.starts_with("x-forwarded-"))
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

/// The function's answer as HTTP. An answer that is not a proxy answer becomes 502, as in API
/// Gateway.
pub(super) fn http_answer(answer: &[u8]) -> Response {
    let malformed = || message(StatusCode::BAD_GATEWAY, "Internal server error");
    let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
        return malformed();
    };
    let status = StatusCode::from_u16(answer.status_code);
    let Some(status) = status.ok().filter(|status| !status.is_informational()) else {
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
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !CONNECTION_HEADERS.contains(&name)
        {
            response.headers_mut().append(name, value);
        }
    }
    response
}
