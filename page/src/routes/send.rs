//! Single requests and bursts.

pub(super) mod preview;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use baton_propagators::{
    HeaderList, Mode, Outgoing, Propagation, Sampling, SpanId, TraceContext, TraceId,
};
use baton_traces::otlp;
use baton_traces::shown::visible;
use baton_traces::span::{Key, Kind, Span, SpanReference, UnixTime, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Shared, sentence};
use crate::burst::{Asked as AskedBurst, BurstPlan};
use crate::frame;

/// How long the endpoint may take to answer.
const MAX_WAIT: Duration = Duration::from_secs(35);
/// The most headers of one request.
const MAX_HEADERS: usize = 50;
/// How much of an answer is shown, in characters.
const MAX_SHOWN: usize = 500;
/// The service of the page's own client spans.
const SERVICE: &str = "client";

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    name: String,
    superpower: String,
    headers: String,
}

/// What the endpoint answered.
#[derive(Template)]
#[template(
    source = "<p><b class=\"{% if is_ok %}whole{% else %}broken{% endif %}\">{{ status }}</b> {{ body }}</p>\
    {% for note in notes %}<p>{{ note }}</p>{% endfor %}\
    {% if let Some(id) = request_id %}<p>Request <code>{{ id }}</code>. <a href=\"/requests/{{ id }}\">Its trace</a></p>{% endif %}",
    ext = "html"
)]
struct Answered {
    is_ok: bool,
    status: u16,
    body: String,
    request_id: Option<String>,
    /// What went wrong after the endpoint had answered, in sentences.
    notes: Vec<String>,
}

/// Sends one request to the endpoint, with the headers of the form and of the client's mode.
pub(super) async fn send(State(shared): State<Shared>, Json(asked): Json<Asked>) -> Response {
    let headers = match headers(&asked.headers) {
        Ok(headers) => headers,
        Err(problem) => return sentence(StatusCode::BAD_REQUEST, problem),
    };
    let body = serde_json::json!({ "name": asked.name, "superpower": asked.superpower });
    match request(&shared, &shared.page.client(), headers, body.to_string()).await {
        Ok(answered) => frame::html(StatusCode::OK, frame::render(&answered)),
        Err(problem) => sentence(StatusCode::BAD_GATEWAY, problem),
    }
}

/// The headers in the lines of a text.
fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines {
        let wrong = || {
            format!(
                "{:?} is not a header; write NAME: VALUE, one on each line",
                visible(line)
            )
        };
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
        if [
            "host",
            "content-length",
            "connection",
            "transfer-encoding",
            "upgrade",
            "te",
            "expect",
        ]
        .contains(&name.as_str())
        {
            return Err(format!("{name} is set by the client; leave it out"));
        }
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| wrong())?;
        headers.append(name, value);
        if headers.len() > MAX_HEADERS {
            return Err(format!("there are more than {MAX_HEADERS} headers"));
        }
    }
    Ok(headers)
}

/// A client's span and its headers; `None` in mode `none`, which sends as `curl` does.
fn context(mode: &Mode) -> Option<(TraceContext, HeaderList)> {
    if mode.is_none() {
        return None;
    }
    let trace_id = TraceId::from_bytes(fastrand::u128(1..).to_be_bytes())?;
    let span_id = SpanId::from_bytes(fastrand::u64(1..).to_be_bytes())?;
    let context = TraceContext::new(trace_id, span_id, Sampling::Keep);
    let mut headers = HeaderList::new();
    Propagation::from(mode.clone()).inject(&Outgoing::from(context.clone()), &mut headers);
    Some((context, headers))
}

async fn request(
    shared: &Shared,
    mode: &Mode,
    mut headers: HeaderMap,
    body: String,
) -> Result<Answered, String> {
    let context = context(mode);
    if let Some((_, own)) = &context {
        for (name, value) in own.iter() {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            headers.append(name, value);
        }
    }
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    let client = reqwest::Client::builder().no_proxy().timeout(MAX_WAIT);
    let client = client.build().map_err(|error| error.to_string())?;
    let start = UnixTime::of(Timestamp::now());
    let endpoint = &shared.controls.addresses().endpoint;
    let answer = client.post(endpoint).headers(headers).body(body);
    let answer = answer.send().await.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let request_id = answer.headers().get("x-amzn-requestid");
    let request_id = request_id
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    // from here on, the endpoint has taken the request, whatever goes wrong
    let mut notes = Vec::new();
    let body = answer.text().await.unwrap_or_else(|error| {
        notes.push(format!("The answer's body cannot be read: {error}."));
        String::new()
    });
    if let (Some((context, _)), Some(id)) = (&context, &request_id) {
        let span = client_span(context, id, status, start);
        if let Err(problem) = shared.controls.keep_spans(span, 1).await {
            notes.push(format!(
                "The client's span is not kept, so its hand-off is not judged: {problem}."
            ));
        }
    }
    Ok(Answered {
        is_ok: status < 400,
        status,
        body: visible(&body.chars().take(MAX_SHOWN).collect::<String>()),
        request_id,
        notes,
    })
}

/// The client's span as OTLP/JSON.
fn client_span(
    context: &TraceContext,
    request_id: &str,
    status: u16,
    start: Option<UnixTime>,
) -> serde_json::Value {
    let reference = SpanReference {
        trace_id: context.trace_id,
        span_id: context.span_id,
    };
    let mut span = Span::new(reference, SERVICE);
    span.name = "POST".into();
    span.kind = Kind::Client;
    span.parent_is_remote = Some(false);
    span.sampled = Some(true);
    span.start = start;
    span.end = UnixTime::of(Timestamp::now());
    span.attributes
        .set(Key::RequestId, Value::Text(request_id.into()));
    span.attributes
        .set(Key::StatusCode, Value::Integer(i64::from(status)));
    otlp::request(&span, None)
}

/// Starts a burst.
pub(super) async fn burst(State(shared): State<Shared>, Json(asked): Json<AskedBurst>) -> Response {
    let client = shared.page.client();
    let endpoint = shared.controls.addresses().endpoint.clone();
    let plan = match BurstPlan::of(&asked, client, endpoint) {
        Ok(plan) => plan,
        Err(problem) => return sentence(StatusCode::BAD_REQUEST, problem),
    };
    match plan.start(Arc::clone(&shared.page), Arc::clone(&shared.controls)) {
        Ok(()) => sentence(StatusCode::OK, "The burst has started."),
        Err(problem) => sentence(StatusCode::CONFLICT, problem),
    }
}

/// Stops the burst that runs.
pub(super) async fn stop(State(shared): State<Shared>) -> Response {
    match shared.page.bursts.stop() {
        true => sentence(StatusCode::OK, "The burst is stopping."),
        false => sentence(StatusCode::CONFLICT, "No burst is running."),
    }
}
