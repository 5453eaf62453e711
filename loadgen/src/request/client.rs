//! The HTTP client that all users share, and how an answer is read.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::plan::{Plan, is_loopback};
use crate::request::failure::RequestFailure;
use crate::request::spans::ClientSpan;

/// How many bytes of an answer's body are read. A longer body is cut off, and its connection is
/// closed.
const MAX_ANSWER: u64 = 1 << 20;
/// How many characters of a failed answer's body are kept.
const MAX_KEPT: usize = 500;
/// How long an unused connection is kept at low rates. Servers close theirs after 5 seconds
/// (Node.js) or more, and a request sent during the closing would fail.
const IDLE: Duration = Duration::from_secs(4);

/// One client for all users. It keeps a connection for each of them.
pub(crate) fn build(plan: &Plan) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(concat!("baton/", env!("CARGO_PKG_VERSION")))
        .timeout(plan.timeout())
        .http1_only()
        .tcp_nodelay(true)
        // A redirect counts as an answer. Following it would send a second request.
        .redirect(Policy::none())
        .pool_max_idle_per_host(plan.users())
        .pool_idle_timeout(IDLE);
    let builder = match plan.is_insecure() {
        true => builder.tls_danger_accept_invalid_certs(true),
        false => builder,
    };
    let builder = match plan.certificates() {
        Some(certificates) => builder.tls_certs_merge(certificates),
        None => builder,
    };
    if is_loopback(plan.url()) {
        builder.no_proxy().build()
    } else {
        builder.build()
    }
}

/// Reads an answer to its end, so that its connection can be reused, and stores the result in
/// `span`.
pub(crate) async fn read(mut response: Response, span: &mut ClientSpan) -> Option<RequestFailure> {
    let status = response.status();
    span.status = Some(status.as_u16());
    span.request_id = response
        .headers()
        .get("x-amzn-requestid")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let keep = !status.is_success();
    let mut body = Vec::new();
    while span.traffic.received < MAX_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                span.traffic.received += chunk.len() as u64;
                if keep {
                    body.extend_from_slice(&chunk);
                }
            }
            Ok(None) => break,
            Err(error) => return Some(RequestFailure::from_body_error(&error)),
        }
    }
    if keep {
        span.traffic.failed_body = beginning(&body);
    }
    keep.then(|| RequestFailure::from_answer(status, &body))
}

/// The first characters of a body; `None` if it is empty.
fn beginning(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text: String = text.trim().chars().take(MAX_KEPT).collect();
    (!text.is_empty()).then_some(text)
}
