//! The HTTP request inside a Lambda event, and the HTTP answer inside a Lambda response.
//!
//! One type reads the three events that a producer may get: API Gateway's REST proxy event
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html>), the HTTP API event of
//! payload format 2.0, and the function URL event
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
//! It is more lenient than typed events on purpose. A header value that HTTP libraries refuse must
//! still reach the propagators, which say what is wrong with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use baton_propagators::{Getter, HeaderList};
use serde::{Deserialize, Deserializer, Serialize};

/// The event as it arrives. Fields that its kind lacks are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HttpEvent {
    version: Option<String>,
    resource: Option<String>,
    route_key: Option<String>,
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_empty")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestContext {
    request_id: Option<String>,
    path: Option<String>,
    protocol: Option<String>,
    domain_name: Option<String>,
    identity: Caller,
    http: HttpDescription,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Caller {
    source_ip: Option<String>,
    user_agent: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpDescription {
    method: Option<String>,
    path: Option<String>,
    protocol: Option<String>,
    source_ip: Option<String>,
    user_agent: Option<String>,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Why a request has no usable body.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    /// Nothing was sent.
    #[error("No message body found")]
    Missing,
    /// The event says base64, but the text is not base64.
    #[error("The message body is marked as base64 but is not valid base64")]
    Base64,
    /// The body is not UTF-8, as JSON must be (RFC 8259, section 8.1).
    #[error("The message body is not valid UTF-8: byte {0} starts no character")]
    Utf8(usize),
}

/// One HTTP request, from any of the events.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    /// `POST` and so on.
    pub(crate) method: String,
    /// The path in the client's request, with the stage.
    pub(crate) path: String,
    /// The route that matched, without the stage.
    pub(crate) route: Option<String>,
    /// All header values in their order of arrival per name.
    pub(crate) headers: HeaderList,
    /// The id that the endpoint also returns as `x-amzn-requestid`.
    pub(crate) request_id: Option<String>,
    /// `https`, or the scheme that the event names.
    pub(crate) scheme: String,
    /// The host name in the request.
    pub(crate) host: Option<String>,
    /// `1.1`, `2`.
    pub(crate) protocol_version: Option<String>,
    /// The client's address.
    pub(crate) client_address: Option<String>,
    /// The client's `User-Agent`.
    pub(crate) user_agent: Option<String>,
    /// The body as text, or why there is none.
    pub(crate) body: Result<String, BodyFault>,
    /// Whether the answer is read as payload format 2.0.
    format_2: bool,
}

impl From<HttpEvent> for HttpRequest {
    fn from(event: HttpEvent) -> Self {
        let context = event.request_context;
        let format_2 = event.version.as_deref() == Some("2.0");
        let headers = if event.multi_value_headers.is_empty() {
            event.headers.into_iter().collect::<Vec<_>>()
        } else {
            event
                .multi_value_headers
                .into_iter()
                .flat_map(|(name, values)| {
                    values.into_iter().map(move |value| (name.clone(), value))
                })
                .collect()
        };
        let headers = HeaderList(headers);
        let route = event.resource.or_else(|| {
            let route_key = event.route_key?;
            route_key.split_once(' ').map(|(_, route)| route.to_owned())
        });
        HttpRequest {
            method: event
                .http_method
                .or(context.http.method)
                .unwrap_or_else(|| "_OTHER".to_owned()),
            path: context
                .path
                .or(context.http.path)
                .or(event.raw_path)
                .or(event.path)
                .unwrap_or_default(),
            route,
            scheme: headers
                .get("x-forwarded-proto")
                .unwrap_or("https")
                .to_owned(),
            headers,
            request_id: context.request_id,
            host: context.domain_name,
            protocol_version: context
                .protocol
                .or(context.http.protocol)
                .and_then(|protocol| protocol.strip_prefix("HTTP/").map(str::to_owned)),
            client_address: context.identity.source_ip.or(context.http.source_ip),
            user_agent: context.identity.user_agent.or(context.http.user_agent),
            body: body(event.body, event.is_base64_encoded),
            format_2,
        }
    }
}

fn body(body: Option<String>, is_base64_encoded: bool) -> Result<String, BodyFault> {
    let body = body.unwrap_or_default();
    let body = if is_base64_encoded {
        let bytes = STANDARD.decode(body).map_err(|_| BodyFault::Base64)?;
        String::from_utf8(bytes)
            .map_err(|error| BodyFault::Utf8(error.utf8_error().valid_up_to()))?
    } else {
        body
    };
    if body.trim().is_empty() {
        Err(BodyFault::Missing)
    } else {
        Ok(body)
    }
}

impl HttpRequest {
    /// The response for this request's kind of event: status, JSON content type and `{"message":
    /// …}`.
    pub(crate) fn answer(&self, status_code: u16, message: &str) -> HttpAnswer {
        let content_type = BTreeMap::from([("content-type", "application/json")]);
        HttpAnswer {
            status_code,
            multi_value_headers: (!self.format_2).then(BTreeMap::new),
            headers: content_type,
            body: serde_json::json!({ "message": message }).to_string(),
            is_base64_encoded: false,
        }
    }
}

/// A Lambda proxy integration's response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpAnswer {
    status_code: u16,
    headers: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    body: String,
    is_base64_encoded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(event: serde_json::Value) -> HttpRequest {
        serde_json::from_value::<HttpEvent>(event)
            .expect("an event")
            .into()
    }

    #[test]
    fn rest_proxy_event_is_read() {
        let request = request(json!({
            "resource": "/producer", "path": "/producer", "httpMethod": "POST",
            "headers": {"X-B3-TraceId": "second"}, "multiValueHeaders": {"X-B3-TraceId": ["first", "second"]},
            "requestContext": {"requestId": "r-1", "path": "/dev/producer", "protocol": "HTTP/1.1",
                "domainName": "api.example", "identity": {"sourceIp": "10.0.0.9", "userAgent": "curl/8"}},
            "body": "{}", "isBase64Encoded": false
        }));
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/dev/producer")
        );
        assert_eq!(request.route.as_deref(), Some("/producer"));
        assert_eq!(request.request_id.as_deref(), Some("r-1"));
        assert_eq!(request.protocol_version.as_deref(), Some("1.1"));
        let mut values = Vec::new();
        request
            .headers
            .get_all("x-b3-traceid", &mut |value| values.push(value.to_owned()));
        assert_eq!(values, ["first", "second"]);
        assert_eq!(request.body.as_deref(), Ok("{}"));
    }

    #[test]
    fn http_api_and_function_url_events_are_read() {
        for (route_key, route) in [("POST /producer", Some("/producer")), ("$default", None)] {
            let request = request(json!({
                "version": "2.0", "routeKey": route_key, "rawPath": "/dev/producer",
                "headers": {"b3": "0"},
                "requestContext": {"requestId": "r-2", "domainName": "url.example",
                    "http": {"method": "POST", "path": "/dev/producer", "protocol": "HTTP/2", "sourceIp": "::1", "userAgent": "hey"}},
                "body": "eyJuYW1lIjoiS2F0ZSJ9", "isBase64Encoded": true
            }));
            assert_eq!(request.route.as_deref(), route);
            assert_eq!(request.client_address.as_deref(), Some("::1"));
            assert_eq!(request.headers.get("B3"), Some("0"));
            assert_eq!(request.body.as_deref(), Ok(r#"{"name":"Kate"}"#));
            let answer = serde_json::to_value(request.answer(200, "ok")).expect("JSON");
            assert_eq!(answer.get("multiValueHeaders"), None);
        }
    }

    #[test]
    fn bodies_that_cannot_be_used_say_why() {
        for (body, base64, fault) in [
            (json!(null), false, BodyFault::Missing),
            (json!(""), false, BodyFault::Missing),
            (json!("  \n"), false, BodyFault::Missing),
            (json!("%%%"), true, BodyFault::Base64),
            (json!("YWL/"), true, BodyFault::Utf8(2)),
        ] {
            let request =
                request(json!({"httpMethod": "POST", "body": body, "isBase64Encoded": base64}));
            assert_eq!(request.body, Err(fault));
        }
    }
}
