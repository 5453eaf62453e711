//! Tests of the line that is written for a request.

use baton_propagators::{HeaderDefect, Mode, TraceState};
use serde_json::json;

use crate::plan::Settings;

use super::*;

fn span(failure: Option<RequestFailure>) -> ClientSpan {
    ClientSpan {
        sent: Sent {
            trace_id: TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap(),
            span_id: SpanId::from_hex("b7ad6b7169203331").unwrap(),
            parent_span_id: None,
            sampling: Sampling::Keep,
            trace_state: TraceState::EMPTY,
            baggage_entries: failure.is_none().then_some(1),
            scenario: None,
            defect: None,
        },
        headers: None,
        start: SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001),
        duration: Duration::from_micros(1_500),
        behind: Duration::ZERO,
        request_id: failure
            .is_none()
            .then(|| "c6af9ac6-7b61-11e6-9a41-93e8deadbeef".to_owned()),
        status: failure.is_none().then_some(200),
        failure,
        traffic: Traffic::default(),
    }
}

fn target(endpoint: &str) -> Target {
    let client = "tracecontext".parse::<Mode>().unwrap();
    Target::new(&Plan::new(Settings::new(endpoint, client)).unwrap())
}

fn lines(spans: &[ClientSpan], endpoint: &str) -> serde_json::Value {
    let target = target(endpoint);
    let mut line = Vec::new();
    write_line(&mut line, &target, spans).unwrap();
    assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn an_answered_request_is_an_otlp_client_span() {
    let line = lines(&[span(None)], "http://127.0.0.1:3000/dev/producer");
    let expected = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "client"}}]},
        "scopeSpans": [{
            "scope": {"name": "baton-loadgen", "version": env!("CARGO_PKG_VERSION")},
            "spans": [{
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": "b7ad6b7169203331",
                "flags": 257,
                "name": "POST",
                "kind": 3,
                "startTimeUnixNano": "1700000000000000001",
                "endTimeUnixNano": "1700000000001500001",
                "attributes": [
                    {"key": "aws.request_id", "value": {"stringValue": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}},
                    {"key": "http.request.method", "value": {"stringValue": "POST"}},
                    {"key": "url.full", "value": {"stringValue": "http://127.0.0.1:3000/dev/producer"}},
                    {"key": "server.address", "value": {"stringValue": "127.0.0.1"}},
                    {"key": "server.port", "value": {"intValue": "3000"}},
                    {"key": "http.response.status_code", "value": {"intValue": "200"}},
                    {"key": "baton.baggage.entries", "value": {"intValue": "1"}},
                ],
                "status": {},
            }],
        }],
    }]});
    assert_eq!(line, expected);
}

#[test]
fn a_span_lists_the_headers_where_it_is_to() {
    let mut span = span(None);
    span.headers = Some(HeaderMap::from_iter([(
        http::HeaderName::from_static("b3"),
        http::HeaderValue::from_static("0"),
    )]));
    let line = lines(&[span], "http://127.0.0.1:3000/dev/producer");
    let attributes = &line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"];
    let last = attributes.as_array().and_then(|all| all.last());
    let listed = json!({"key": "http.request.header.b3", "value": {"arrayValue": {"values": [{"stringValue": "0"}]}}});
    assert_eq!(last, Some(&listed));
}

#[test]
fn a_failed_request_says_how() {
    let line = lines(&[span(Some(RequestFailure::Timeout))], "https://[::1]/");
    let span = &line["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        span["status"],
        json!({"code": 2, "message": "no answer within 30s"})
    );
    assert_eq!(
        span["attributes"],
        json!([
            {"key": "http.request.method", "value": {"stringValue": "POST"}},
            {"key": "url.full", "value": {"stringValue": "https://[::1]/"}},
            {"key": "server.address", "value": {"stringValue": "::1"}},
            {"key": "server.port", "value": {"intValue": "443"}},
            {"key": "error.type", "value": {"stringValue": "timeout"}},
        ])
    );
}

#[test]
fn a_span_lists_what_was_sent_with_it() {
    let with = |sampling| {
        let mut span = span(None);
        span.sent.sampling = sampling;
        span.sent.trace_state = TraceState::parse("vendor=1").unwrap();
        span.sent.scenario = Some("broken".into());
        span.sent.defect = Some(HeaderDefect::UpperCase);
        let line = lines(&[span], "http://localhost/");
        line["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone()
    };
    let span = with(Sampling::Debug);
    assert_eq!(
        (&span["traceState"], &span["flags"]),
        (&json!("vendor=1"), &json!(0x101))
    );
    let attributes = span["attributes"].as_array().unwrap();
    for expected in [
        json!({"key": "baton.context.debug", "value": {"boolValue": true}}),
        json!({"key": "baton.scenario", "value": {"stringValue": "broken"}}),
        json!({"key": "baton.defect", "value": {"stringValue": "upper_case"}}),
    ] {
        assert!(attributes.contains(&expected), "{span}");
    }
    let flags = [Sampling::Keep, Sampling::Drop, Sampling::Deferred]
        .map(|sampling| with(sampling)["flags"].clone());
    assert_eq!(flags, [0x101, 0x100, 0]);
    let deferred = json!({"key": "baton.context.deferred", "value": {"boolValue": true}});
    for (sampling, expected) in [(Sampling::Keep, false), (Sampling::Deferred, true)] {
        let span = with(sampling);
        let attributes = span["attributes"].as_array().unwrap();
        assert_eq!(attributes.contains(&deferred), expected, "{span}");
    }
}

#[tokio::test]
async fn the_file_is_complete_once_it_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("client.jsonl");
    let file = SpanFile::create(&path, target("http://localhost/")).unwrap();
    for count in [3, 1] {
        let spans = (0..count).map(|_| span(None)).collect();
        file.lines().send(spans).unwrap();
    }
    file.finish().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let counts: Vec<usize> = text
        .lines()
        .map(|line| line.matches("\"spanId\"").count())
        .collect();
    assert_eq!(counts, [3, 1]);
}
