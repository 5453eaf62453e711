//! Tests of Jaeger's and Zipkin's query APIs against a small server on loopback.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use baton_traces::measure::Measured;
use baton_traces::span::{Span, Want};
use serde_json::{Value, json};

use super::source;

/// The requests that it received: the first line and the `authorization` header of each.
type Requests = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Answers every request with the result of `answer` for its path and query. Returns the server's
/// address.
fn server(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = serve(stream.expect("a connection"), &answer, &seen);
        }
    });
    (address, requests)
}

fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&str) -> (u16, String),
    requests: &Requests,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut authorization = None;
    for line in lines {
        let line = line?;
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.to_owned());
        }
        if line.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    requests
        .lock()
        .expect("no panic")
        .push((path.clone(), authorization));
    let (status, body) = answer(&path);
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// The value of a parameter in a path with a query.
fn parameter<'a>(path: &'a str, name: &str) -> &'a str {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(key, _)| *key == name)
        .map_or("", |(_, value)| value)
}

fn jaeger_trace(number: u64) -> Value {
    let trace = format!("{number:x}");
    json!({"traceID": trace, "processes": {"p1": {"serviceName": "shop"}}, "spans": [
        {"traceID": trace, "spanID": "1", "processID": "p1"}, {"traceID": trace, "spanID": "2", "processID": "p1"}]})
}

#[test]
fn jaeger_is_asked_for_every_service_and_no_trace_is_read_twice() {
    let (address, requests) = server(|path| {
        let answer = match parameter(path, "service") {
            "" => json!({"data": ["shop", "bank"]}),
            "shop" => json!({"data": [jaeger_trace(1), jaeger_trace(2)]}),
            _ => json!({"data": [jaeger_trace(2), jaeger_trace(3)]}),
        };
        (200, answer.to_string())
    });
    let source = source(&format!(
        "jaeger+http://alice:s%40crt@{address}/jaeger?lookback=2h"
    ));
    assert_eq!(
        source.to_string(),
        format!("jaeger+http://{address}/jaeger")
    );
    assert_eq!(source.name(), address);
    assert!(!format!("{source:?}").contains("crt"));
    let mut traces = Vec::new();
    let each = &mut |span: &Span<'_>| traces.push(span.reference.trace_id);
    let reading = source.read(Want::Judging, each).expect("answers");
    assert_eq!((reading.spans, reading.problems), (6, Vec::new()));
    assert_eq!(traces.iter().collect::<BTreeSet<_>>().len(), 3);
    let requests = requests.lock().expect("no panic");
    assert_eq!(requests[0].0, "/jaeger/api/services");
    assert!(
        requests[1]
            .0
            .starts_with("/jaeger/api/traces?limit=1000&start="),
        "{}",
        requests[1].0
    );
    let [start, end] =
        ["start", "end"].map(|name| parameter(&requests[1].0, name).parse().unwrap_or(0u64));
    assert_eq!(end - start, 2 * 60 * 60 * 1_000_000);
    // alice:s@crt
    assert!(
        requests
            .iter()
            .all(|(_, header)| header.as_deref() == Some("Basic YWxpY2U6c0BjcnQ="))
    );
}

/// A backend with a trace every `every` microseconds. It returns the latest ones up to the limit.
fn zipkin(every: u64) -> (String, Requests) {
    server(move |path| {
        let number = |name| parameter(path, name).parse().unwrap_or(0u64);
        let (end, lookback, limit) = (number("endTs"), number("lookback"), number("limit"));
        let (first, last) = (end.saturating_sub(lookback) * 1000, end * 1000);
        let traces = (first.div_ceil(every)..=last / every).rev();
        let traces = traces
            .take(limit as usize)
            .map(|at| json!([{"traceId": format!("{at:x}"), "id": "1"}]));
        (200, json!(traces.collect::<Vec<_>>()).to_string())
    })
}

#[test]
fn zipkin_is_asked_again_for_traces_beyond_the_limit() {
    let (address, requests) = zipkin(1_000_000);
    let source = source(&format!("zipkin+http://{address}?lookback=10m&limit=100"));
    let reading = source.read(Want::Judging, &mut |_| {}).expect("answers");
    assert!((600..=601).contains(&reading.spans), "{}", reading.spans);
    assert_eq!(reading.problems, Vec::<String>::new());
    let requests = requests.lock().expect("no panic");
    assert!(
        requests.len() > 6 && requests.len() < 40,
        "{}",
        requests.len()
    );
    assert!(
        requests[0].0.starts_with("/api/v2/traces?limit=100&endTs="),
        "{}",
        requests[0].0
    );
}

#[test]
fn no_trace_lies_between_the_windows_that_zipkin_is_asked_for() {
    let (address, _) = zipkin(300);
    let source = source(&format!("zipkin+http://{address}?lookback=3s&limit=17"));
    let mut read = BTreeSet::new();
    let each = &mut |span: &Span<'_>| {
        read.insert(u128::from_str_radix(&span.reference.trace_id.to_string(), 16).expect("hex"));
    };
    source.read(Want::Judging, each).expect("answers");
    let (first, last) = (read.first().expect("traces"), read.last().expect("traces"));
    let without_gaps = last - first + 1;
    assert!(without_gaps >= 10_000, "{without_gaps}");
    assert_eq!(read.len() as u128, without_gaps);
}

#[test]
fn an_answer_cut_by_the_limit_is_reported_as_cut() {
    let (address, _) = server(|_| {
        let trace = |number| json!([{"traceId": format!("{number:x}"), "id": "1"}]);
        (200, json!([trace(1), trace(2)]).to_string())
    });
    let source = source(&format!("zipkin+http://{address}?lookback=1s&limit=2"));
    let reading = source.read(Want::Judging, &mut |_| {}).expect("answers");
    assert_eq!(reading.spans, 2);
    assert!(
        reading.problems[0].contains("those beyond its limit were not read"),
        "{:?}",
        reading.problems
    );
}

#[test]
fn errors_do_not_contain_the_password() {
    let (address, _) = server(|path| match path {
        "/cut/api/v2/traces" => (200, String::new()),
        path if path.starts_with("/html/") => (200, "<html>log in</html>".to_owned()),
        _ => (503, "no".to_owned()),
    });
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    for (text, expected) in [
        (
            format!("zipkin+http://u:secret@{address}"),
            "answered 503 Service Unavailable",
        ),
        (
            format!("jaeger+http://u:secret@{address}"),
            "api/services answered 503 Service Unavailable",
        ),
        (
            format!("jaeger+http://u:secret@{address}/html"),
            "expected a list of services",
        ),
        (
            format!("zipkin+http://u:secret@{address}/html"),
            "but found an HTML page",
        ),
        (
            format!("zipkin+http://u:secret@{closed}"),
            "onnection refused",
        ),
    ] {
        let error = Measured::of(&source(&text))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert!(
            !error.contains("secret") && !error.contains("u:"),
            "{error}"
        );
    }
}

#[test]
fn an_address_that_cannot_be_asked_is_refused_at_once() {
    for (text, expected) in [
        (
            "tempo+http://host",
            "jaeger+http://HOST, jaeger+https://HOST, zipkin+http://HOST or zipkin+https://HOST",
        ),
        ("http://host:9411", "jaeger+http://… or zipkin+http://…"),
        (
            "jaeger+ftp://u:secret@host",
            "the address of jaeger should be",
        ),
        (
            "jaeger+http://u:secret@host:port",
            "cannot be read: invalid port number",
        ),
        (
            "zipkin+http://host?lookback=soon",
            "lookback=soon is not a time",
        ),
        (
            "zipkin+http://host?limit=0",
            "limit=0 is not a number of traces",
        ),
        (
            "zipkin+http://host?service=a&q=1",
            "unknown parameter q of zipkin's address",
        ),
    ] {
        let error = text
            .parse::<baton_traces::source::Source>()
            .expect_err(text)
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
