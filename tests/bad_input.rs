//! Bad input at the endpoint, on the stream or in the environment gets a clear answer, and the lab
//! goes on.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::lab::{Lab, Setup, answer};
use crate::support::run::{self, kind};
use crate::support::{PATIENCE, kinesis};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const CAPITALS: &str = "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01";
const ZEROS: &str = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
const VERSION_FF: &str = "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Sends these bytes, and returns the status of the answer.
async fn raw_status(lab: &Lab, request: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", lab.port())).await?;
        // the server may answer and close the connection before everything is sent
        let _ = stream.write_all(request).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
        .expect("an answer")
}

fn with_headers(headers: &str) -> Vec<u8> {
    format!(
        "POST /dev/producer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\n{headers}\r\n{{}}"
    )
    .into_bytes()
}

#[tokio::test]
async fn bodies_that_cannot_be_put_on_the_stream_are_refused() {
    let mut lab = Setup::new().start().await;
    let message = |text: &str| json!({ "message": text }).to_string();
    let mebibyte = 1024 * 1024;
    for (name, body, status, expected) in [
        ("empty", Vec::new(), 400, message("No message body found")),
        (
            "white space",
            b" \r\n".to_vec(),
            400,
            message("No message body found"),
        ),
        (
            "text",
            b"hello".to_vec(),
            400,
            "The message body is not valid JSON: ".to_owned(),
        ),
        (
            "cut short",
            b"{\"name\":".to_vec(),
            400,
            "not valid JSON: EOF while parsing".to_owned(),
        ),
        (
            "two values",
            b"{}{}".to_vec(),
            400,
            "not valid JSON: trailing characters".to_owned(),
        ),
        (
            "Latin-1",
            b"{\"name\":\"Ren\xe9\"}".to_vec(),
            400,
            "not valid UTF-8: byte 12".to_owned(),
        ),
        (
            "2 MiB",
            format!("\"{}\"", "a".repeat(2 * mebibyte)).into_bytes(),
            413,
            "Kinesis takes at most 1048576".to_owned(),
        ),
        (
            "7 MiB",
            format!("\"{}\"", "a".repeat(7 * mebibyte)).into_bytes(),
            413,
            "takes at most 6291456 bytes".to_owned(),
        ),
    ] {
        let answer = lab.post(body).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.body.contains(&expected), "{name}: {answer:?}");
        assert_eq!(answer.content_type, "application/json", "{name}");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert!(body["message"].is_string(), "{name}: {body}");
    }
    // a record just below the limit is accepted
    lab.accepted(format!("\"{}\"", "a".repeat(mebibyte - 1024)))
        .await;
    lab.stop_well().await;
    assert_eq!(
        run::records(&run::spans(&lab.saved)).len(),
        1,
        "nothing that was refused is on the stream"
    );
    let statuses: Vec<_> = run::log(&lab.saved, "producer", "request")
        .iter()
        .map(|line| line["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        [400, 400, 400, 400, 400, 400, 413, 200],
        "the last 413 never reached the function"
    );
}

#[tokio::test]
async fn json_of_any_depth_is_delivered() {
    let mut lab = Setup::new().start().await;
    lab.accepted([b"[".repeat(100_000), b"]".repeat(100_000)].concat())
        .await;
    lab.wait_for_delivered(1).await;
    let printed = lab.sandbox.run(["logs", "consumer"]).await;
    assert!(
        printed
            .stdout
            .contains("record received with its trace context"),
        "{:.500}",
        printed.stderr
    );
    lab.stop_well().await;
    assert_eq!(
        run::json(&lab.saved.join("summary.json"))["hops"]["record"],
        json!({"connected": 1})
    );
}

#[tokio::test]
async fn other_paths_and_methods_say_where_to_post() {
    let mut lab = Setup::new().start().await;
    let root = lab
        .addresses
        .endpoint
        .trim_end_matches("/dev/producer")
        .to_owned();
    for (method, path) in [
        ("POST", "/"),
        ("POST", "/dev/producer/"),
        ("GET", "/dev/producer"),
        ("POST", "/dev/%2e%2e/x"),
    ] {
        let request = lab
            .client
            .request(method.parse().expect("a method"), format!("{root}{path}"));
        let answer = answer(request.body("{}")).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        assert!(answer.body.contains("POST to /dev/producer"), "{answer:?}");
    }
    lab.accepted("{}").await;
    lab.stop_well().await;
}

#[tokio::test]
async fn requests_that_are_not_http_do_no_harm() {
    let mut lab = Setup::new().start().await;
    let many_headers: String = (0..10_000)
        .map(|number| format!("x-{number}: 1\r\n"))
        .collect();
    let long_header = format!("tracestate: a={}\r\n", "b".repeat(1024 * 1024));
    for (name, request, status) in [
        ("10,000 headers", with_headers(&many_headers), "431"),
        ("a header of 1 MiB", with_headers(&long_header), "431"),
        (
            "a control character",
            with_headers("traceparent: 00-\x01\r\n"),
            "400",
        ),
        ("a NUL", with_headers("traceparent: 00-\0\r\n"), "400"),
        (
            "a line feed in a name",
            with_headers("trace\nparent: 00\r\n"),
            "400",
        ),
        (
            "a folded header",
            with_headers("traceparent: 00-\r\n 01\r\n"),
            "400",
        ),
        (
            "no HTTP",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            "400",
        ),
        ("two lengths", with_headers("content-length: 3\r\n"), "400"),
    ] {
        assert_eq!(
            raw_status(&lab, &request).await,
            format!("HTTP/1.1 {status}"),
            "{name}"
        );
        lab.accepted("{}").await;
    }
    // and one that ends early
    let mut stream = TcpStream::connect(("127.0.0.1", lab.port()))
        .await
        .expect("a connection");
    stream
        .write_all(&with_headers("")[..40])
        .await
        .expect("sent");
    drop(stream);
    lab.accepted("{}").await;
    lab.stop_well().await;
    assert_eq!(run::records(&run::spans(&lab.saved)).len(), 9);
}

#[tokio::test]
async fn headers_that_make_no_context_start_a_new_trace() {
    // traceparent and tracestate, whether the trace continues, and the tracestate that continues
    let long_state = format!("a={}", "b".repeat(64 * 1024));
    let many_members: String = (0..33).map(|number| format!("k{number}=1,")).collect();
    let cases = [
        (&[TRACEPARENT][..], "a=1,b=2", true, "a=1,b=2"),
        (&[TRACEPARENT], &long_state, true, ""),
        (&[TRACEPARENT], &many_members, true, ""),
        (&[TRACEPARENT, OTHER_TRACEPARENT], "a=1", false, ""),
        (&[TRACEPARENT, TRACEPARENT], "a=1", false, ""),
        (&[], "a=1", false, ""),
        (&[""], "a=1", false, ""),
        (&[CAPITALS], "a=1", false, ""),
        (&[ZEROS], "a=1", false, ""),
        (&[VERSION_FF], "a=1", false, ""),
        // bytes that are not UTF-8
        (&["00-\u{80}"], "a=1", false, ""),
    ];
    let mut lab = Setup::new()
        .flags(["--producer", "w3c", "--consumer", "w3c"])
        .start()
        .await;
    let latin_1 = |text: &str| {
        text.chars()
            .map(|character| character as u8)
            .collect::<Vec<_>>()
    };
    let mut requests = Vec::new();
    for (traceparents, tracestate, ..) in &cases {
        let mut request = lab.request("{}").header("tracestate", *tracestate);
        for traceparent in *traceparents {
            request = request.header("traceparent", latin_1(traceparent));
        }
        let answer = answer(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        requests.push(answer.request_id);
    }
    let summary = lab.stop_and_sum_up().await;

    let spans = run::spans(&lab.saved);
    let servers = run::of(&spans, "producer-lambda", kind::SERVER);
    let servers = run::by_attribute(servers, "aws.request_id");
    let refusals = run::log(&lab.saved, "producer", "context.refused");
    for ((traceparents, _, continued, trace_state), request) in cases.iter().zip(&requests) {
        let server = servers[request];
        let same_trace = server.trace_id == "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(same_trace, *continued, "{traceparents:?}: {server:?}");
        let parent = if *continued { "b7ad6b7169203331" } else { "" };
        assert_eq!(server.parent_span_id, parent, "{traceparents:?}");
        assert_eq!(server.trace_state, *trace_state, "{traceparents:?}");
        // the log says what was refused, why, and by which section of the specification
        let mut refused = refusals
            .iter()
            .filter(|line| line["span_id"] == server.span_id);
        let arrived_whole = *continued && !trace_state.is_empty() || traceparents.is_empty();
        match refused.next() {
            None => assert!(arrived_whole, "{traceparents:?}"),
            Some(line) => {
                assert!(!arrived_whole, "{line}");
                assert_eq!(line["level"], "WARN", "{line}");
                let spec = line["spec"].as_str().unwrap_or_default();
                assert!(spec.contains("section"), "{line}");
            }
        }
    }
    // the trace is whole after the producer, whatever arrived
    assert_eq!(
        summary["hops"]["record"],
        json!({ "connected": cases.len() })
    );
}

#[tokio::test]
async fn foreign_records_are_delivered_in_traces_of_their_own() {
    let records: [&[u8]; 9] = [
        b"hello",
        b"\xff\xfe\0",
        b"{\"name\":\"Kate\"}",
        b"[1,2]",
        b"null",
        b"{\"tracecontext\":7,\"record\":{}}",
        b"{\"tracecontext\":{\"traceparent\":7,\"b3\":null},\"record\":{}}",
        b"{\"tracecontext\":{\"traceparent\":\"garbage\"},\"record\":{}}",
        b"{\"tracecontext\":{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}}",
    ];
    let mut lab = Setup::new().start().await;
    let mut numbers = kinesis::put(&lab, (0, 2), &records).await;
    let wanted = format!(
        "{{\"tracecontext\":{{\"traceparent\":\"{TRACEPARENT}\"}},\"record\":\"from elsewhere\"}}"
    );
    let known = kinesis::put(&lab, (1, 2), &[wanted]).await;
    lab.wait_for_delivered(10).await;
    let summary = lab.stop_and_sum_up().await;
    assert_eq!(summary["hops"]["record"], json!({"new_trace": 9}));

    let spans = run::spans(&lab.saved);
    let found = run::by_attribute(run::records(&spans), "messaging.message.id");
    let invocations: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "process baton")
        .collect();
    for number in &numbers {
        let record = found[number];
        assert!(!record.parent_is_remote, "{record:?}");
        assert!(
            invocations
                .iter()
                .any(|invocation| invocation.is_parent_of(record)),
            "{record:?}"
        );
    }
    // an envelope may come from another program
    assert_eq!(found[&known[0]].parent_span_id, "b7ad6b7169203331");
    assert!(found[&known[0]].parent_is_remote);
    numbers.extend(known);
    let received = run::log(&lab.saved, "consumer", "record.received");
    assert_eq!(received.len(), numbers.len());
    assert!(numbers.iter().all(|number| {
        received
            .iter()
            .any(|line| line["sequence_number"] == number.as_str())
    }));
    assert_eq!(
        received
            .iter()
            .filter(|line| line["message"] == "record received, it is not JSON")
            .count(),
        2
    );
    assert_eq!(summary["records_without_sender"], 10, "{summary}");
}
