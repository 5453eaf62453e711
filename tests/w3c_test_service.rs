//! Tests of the W3C test service over real HTTP: bytes that arrive on a socket decide which headers
//! are sent.

#[allow(dead_code)]
#[path = "../examples/w3c_test_service.rs"]
mod example;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{Router, post};
use baton_propagators::Engine;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The requests that arrived at the called server, in order.
type Arrived = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A request and the headers that must be sent for it.
#[derive(Deserialize)]
struct Case {
    id: String,
    headers: Vec<(String, String)>,
    /// The continued trace; `None` for a new one.
    continued: Option<String>,
    /// The trace flags that must be sent, if they matter.
    flags: Option<String>,
    tracestate: Option<String>,
}

async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The service, and the server that it calls.
async fn start(engine: Engine) -> (SocketAddr, SocketAddr, Arrived) {
    async fn keep(State(arrived): State<Arrived>, headers: HeaderMap, Json(body): Json<Value>) {
        arrived.lock().expect("no panic").push((headers, body));
    }
    let arrived = Arrived::default();
    let far = Router::new().fallback_service(post(keep).with_state(arrived.clone()));
    let service = example::service(engine).expect("a service");
    (listen(service).await, listen(far).await, arrived)
}

/// Sends a request as these bytes and returns the status line.
async fn send(service: SocketAddr, headers: &[(String, String)], body: &Value) -> String {
    let body = body.to_string();
    let mut request = format!(
        "POST /test HTTP/1.1\r\nHost: {service}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}:{value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(&body);
    let mut stream = TcpStream::connect(service).await.expect("it listens");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// The fields of the one `traceparent` of a request.
fn traceparent(headers: &HeaderMap) -> [String; 4] {
    let all: Vec<_> = headers.get_all("traceparent").iter().collect();
    assert_eq!(all.len(), 1, "{headers:?}");
    let fields: Vec<_> = all[0]
        .to_str()
        .expect("text")
        .split('-')
        .map(str::to_owned)
        .collect();
    fields.try_into().expect("four fields")
}

#[tokio::test]
async fn what_goes_out_follows_from_what_came_in() {
    let (service, far, arrived) = start(Engine::Native).await;
    let lines = include_str!("data/w3c_test_service.jsonl").lines();
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(cases.len() > 50, "only {} cases", cases.len());
    for case in cases {
        let body = json!([{"url": format!("http://{far}/{}", case.id), "arguments": []}]);
        let status = send(service, &case.headers, &body).await;
        assert!(status.contains("200"), "{}: {status}", case.id);
        let (headers, body) = arrived.lock().expect("no panic").pop().expect("a call");
        assert_eq!(body, json!([]), "{}", case.id);
        let [version, trace_id, span_id, flags] = traceparent(&headers);
        assert_eq!(version, "00", "{}", case.id);
        match &case.continued {
            Some(continued) => assert_eq!(&trace_id, continued, "{}", case.id),
            None => assert!(
                case.headers
                    .iter()
                    .all(|(_, value)| !value.contains(&trace_id)),
                "{}: {trace_id} goes on",
                case.id
            ),
        }
        let came = case
            .headers
            .iter()
            .any(|(_, value)| value.contains(&span_id));
        assert!(!came, "{}: the sender's span went on", case.id);
        if let Some(expected) = case.flags {
            assert_eq!(flags, expected, "{}", case.id);
        }
        let tracestate = headers
            .get("tracestate")
            .map(|value| value.to_str().expect("text"));
        assert_eq!(tracestate, case.tracestate.as_deref(), "{}", case.id);
    }
}

#[tokio::test]
async fn several_calls_are_made_in_order_as_children_of_one_span() {
    let (service, far, arrived) = start(Engine::Native).await;
    let trace_id = "12345678901234567890123456789012";
    let headers = [(
        "traceparent".to_owned(),
        format!("00-{trace_id}-1234567890123456-01"),
    )];
    let actions: Vec<_> = (0..3)
        .map(|number| json!({"url": format!("http://{far}/{number}"), "arguments": [{"number": number}]}))
        .collect();
    send(service, &headers, &Value::from(actions)).await;
    let arrived = arrived.lock().expect("no panic");
    let bodies: Vec<_> = arrived
        .iter()
        .map(|(_, body)| body[0]["number"].clone())
        .collect();
    assert_eq!(bodies, [0, 1, 2]);
    let mut spans: Vec<_> = arrived
        .iter()
        .map(|(headers, _)| {
            let [_, trace, span, _] = traceparent(headers);
            assert_eq!(trace, trace_id);
            span
        })
        .collect();
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), 3, "each call has a span of its own");
}

#[tokio::test]
async fn a_call_that_fails_is_reported() {
    let (service, _, _) = start(Engine::Native).await;
    // If a body is not a list of actions, the service answers with an error.
    let body = json!([{"url": format!("http://{service}/"), "arguments": [{"no": "url"}]}]);
    assert!(send(service, &[], &body).await.contains("502"));
    assert!(
        send(service, &[], &json!({"no": "list"}))
            .await
            .contains("422")
    );
}

#[tokio::test]
async fn engine_otel_reads_what_the_crates_read() {
    let (service, far, arrived) = start(Engine::Otel).await;
    let body = json!([{"url": format!("http://{far}/"), "arguments": []}]);
    let headers = [("traceparent".to_owned(), "00-1-1-1".to_owned())];
    send(service, &headers, &body).await;
    let (headers, _) = arrived.lock().expect("no panic").pop().expect("a call");
    let [_, trace_id, _, _] = traceparent(&headers);
    assert_eq!(
        trace_id,
        format!("{:0>32}", 1),
        "upstream takes ids that are too short"
    );
    assert_eq!(headers["tracestate"], "", "upstream writes it empty");
}
