//! Any input on standard input, in a record or in a HAR file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{TRACEPARENT, explain, piped};
use crate::support::command::{Sandbox, ended};

#[tokio::test]
async fn large_inputs_are_answered_and_endless_ones_refused() {
    let sandbox = Sandbox::new();
    // Every name is different. Looking for each among all of them would not end today.
    let many: String = (0..200_000)
        .map(|number| format!("x-h-{number:07}: 1\n"))
        .collect();
    let answer = piped(&sandbox, &["--format", "json"], many).await.json();
    assert_eq!(
        answer["other_headers"].as_array().map(Vec::len),
        Some(200_000)
    );

    let long = format!("b3: {}\n", "a".repeat(20 << 20));
    let finished = piped(&sandbox, &[], long).await;
    assert!(
        finished.stdout.contains("\nb3: aaaa"),
        "{}",
        finished.code.unwrap_or(-1)
    );
    assert!(finished.stdout.len() < 10_000, "{}", finished.stdout.len());

    let endless = vec![0; (64 << 20) + 1];
    let finished = piped(&sandbox, &[], endless).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(
        finished.stderr,
        "baton: standard input has more than 64 MiB; give only the requests to explain\n"
    );
}

#[tokio::test]
async fn no_error_quotes_what_may_be_a_secret() {
    let sandbox = Sandbox::new();
    for input in [
        r#"{"log":{"entries":[{"request":{"headers":["Authorization: Bearer SECRET"]}}]}}"#,
        r#"{"log":{"entries":[{"request":{"headers":"Authorization: Bearer SECRET"}}]}}"#,
        r#"{"log":{"entries":["SECRET"]}}"#,
        r#"{"log":"SECRET"}"#,
        r#"{"b3":{"SECRET":1}}"#,
        "Bearer SECRET",
        "GET //user:SECRET@h/x HTTP/1.1\na: 1\n\nCONNECT user:SECRET@h:443 HTTP/1.1\na: 1\n",
        "CONNECT user:SECRET@h:443 HTTP/1.1\na: 1\n\nGET / HTTP/1.1\na: 1\n",
    ] {
        let finished = piped(&sandbox, &[], input).await;
        assert!(!finished.stderr.contains("SECRET"), "{finished:?}");
        assert!(!finished.stdout.contains("SECRET"), "{finished:?}");
    }
}

#[tokio::test]
async fn the_first_of_several_requests_with_trace_headers_is_taken() {
    let sandbox = Sandbox::new();
    let curl = format!(
        "* Connected to example.com\n> GET /login?token=secret HTTP/1.1\n> Host: example.com\n>\n< HTTP/1.1 302 Found\n\
         < traceparent: garbage\n<\n{{ [5 bytes data]\n> GET /orders HTTP/1.1\n> Host: example.com\n> {TRACEPARENT}\n>\n\
         < HTTP/1.1 200 OK\n<\nbody\n"
    );
    let (name, value) = TRACEPARENT.split_once(": ").expect("a header");
    let entry = |url: &str, headers: Value| json!({"request": {"method": "GET", "url": url, "headers": headers}});
    let har = json!({"log": {"entries": [
        entry("https://user:secret@example.com/login?token=secret", json!([])),
        entry("https://example.com/orders", json!([{"name": ":path", "value": "/"}, {"name": name, "value": value}])),
    ]}});
    for input in [curl, har.to_string()] {
        let finished = piped(&sandbox, &["--format", "json"], &input).await;
        assert_eq!(
            finished.json()["headers"],
            json!({ name: value }),
            "{input}"
        );
        assert_eq!(finished.json()["found"][0]["value"], value, "{input}");
    }
    let only = explain(&sandbox, &["--format", "json", TRACEPARENT]).await;
    assert_eq!(only.json()["choice"], Value::Null);
    let marked = piped(
        &sandbox,
        &["-q", "--format", "json", "-"],
        format!("\u{feff}{har}"),
    )
    .await;
    assert_eq!(marked.json()["headers"], json!({ name: value }));
    assert_eq!(marked.stderr, "", "quiet");
    let none = piped(
        &sandbox,
        &["--format", "json"],
        "GET /a HTTP/1.1\na: 1\n\nGET /b HTTP/1.1\nb: 1\n",
    )
    .await;
    let carriers = none.json()["carriers"].as_array().map(Vec::len);
    assert_eq!(carriers, Some(2), "{none:?}");
}

#[tokio::test]
async fn records_are_read_as_a_consumer_gets_them() {
    let sandbox = Sandbox::new();
    let envelope =
        json!({"tracecontext": {"b3": "0", "other": 7}, "record": {"name": "Kate"}}).to_string();
    let data = BASE64_STANDARD.encode(&envelope);
    let plain = BASE64_STANDARD.encode("plain text");
    for record in [
        envelope.clone(),
        data.clone(),
        json!({"Records": [{"kinesis": {"data": data}}]}).to_string(),
        json!({"Records": [{"Data": plain}, {"Data": data}], "NextShardIterator": "a"}).to_string(),
    ] {
        let finished = explain(&sandbox, &["--format", "json", "--record", &record]).await;
        assert_eq!(finished.json()["headers"], json!({"b3": "0"}), "{record}");
        let piped = piped(&sandbox, &["--format", "json", "--record", "-"], &record).await;
        assert_eq!(piped.stdout, finished.stdout);
    }
    // recognised without the option too, and with a byte order mark
    let event = json!({"Records": [{"kinesis": {"data": data}}]}).to_string();
    for record in [&envelope, &event] {
        let recognised = piped(&sandbox, &["--format", "json"], record).await;
        assert_eq!(recognised.json()["headers"], json!({"b3": "0"}));
        let marked = format!("\u{feff}{record}");
        let marked = piped(&sandbox, &["--format", "json", "--record", "-"], marked).await;
        assert_eq!(marked.stdout, recognised.stdout);
    }
    // nothing of it is lost
    let several =
        json!({"Records": [{"SequenceNumber": "1", "Data": plain}, {"SequenceNumber": "2", "Data": data}]}).to_string();
    let answer = explain(&sandbox, &["--format", "json", "--record", &several])
        .await
        .json();
    assert_eq!(
        answer["found"][0]["where"],
        "Records[1].Data.tracecontext.b3"
    );
    let notes = answer["notes"].to_string();
    assert!(
        notes.contains("Records[0] has no header, so its receiver starts a new trace."),
        "{notes}"
    );
    // what mode none writes
    let bare = ["--format", "json", "--record", "{\"name\":\"Kate\"}"];
    let bare = explain(&sandbox, &bare).await.json();
    assert_eq!(bare["headers"], json!({}));
    assert_eq!(bare["modes"][0]["chosen"], json!(null));
    let number = r#"{"tracecontext":{"x-b3-sampled":1},"record":1}"#;
    let number = explain(&sandbox, &["--format", "json", "--record", number])
        .await
        .json();
    let why = number["found"][0]["unread"].to_string();
    assert!(why.contains("x-b3-sampled is a number here"), "{number}");
    for record in ["hello", plain.as_str(), ""] {
        let finished = explain(&sandbox, &["--record", record]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    }
}

#[tokio::test]
async fn input_that_cannot_be_explained_is_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    for (arguments, sentence) in [
        (
            &["trace parent: 00"][..],
            "there is no tracing header in the arguments",
        ),
        (&[""], "there is nothing in the arguments"),
        (&[], "there is nothing in standard input"),
        (&["-"], "there is nothing in standard input"),
        (&["--mode", "b4", TRACEPARENT], "unknown format \"b4\""),
        (
            &["--mode", "b3/middle", TRACEPARENT],
            "unknown value \"middle\"; accepted are last, first",
        ),
        (
            &["--engine", "python", TRACEPARENT],
            "unknown value \"python\"; accepted are native, otel",
        ),
        (&["--record", "{}", TRACEPARENT], "cannot be used with"),
    ] {
        let finished = explain(&sandbox, arguments).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.contains(sentence),
            "{arguments:?}: {finished:?}"
        );
        assert!(
            finished.stdout.is_empty() && !finished.stderr.contains("secret"),
            "{finished:?}"
        );
    }
    for (input, sentence) in [
        (&b" \r\n\n"[..], "there is nothing in standard input"),
        (
            b"*   Trying 127.0.0.1:1...\n* Closing connection\ncurl: (7) Failed to connect\n",
            "there is no tracing header in standard input",
        ),
        (
            b"{\"\x1b[31m\": 0}",
            "there is no tracing header in standard input",
        ),
        (
            b"Bearer secret",
            "there is no tracing header in standard input",
        ),
    ] {
        let finished = piped(&sandbox, &[], input).await;
        assert_eq!(finished.code, Some(2), "{input:?}: {finished:?}");
        assert!(
            finished.stderr.contains(sentence),
            "{input:?}: {finished:?}"
        );
        assert!(!finished.stderr.contains('\u{1b}'), "{finished:?}");
    }
}

#[tokio::test]
async fn only_text_without_headers_is_said_to_carry_none() {
    let sandbox = Sandbox::new();
    for (input, sentence) in [
        (
            "< HTTP/1.1 200 OK\n< b3: 0\n",
            "b3 is a header of the response here",
        ),
        ("{\"b3\": 0}", "b3 is a number here, not text"),
        ("tracparent: 00-1", "Probably traceparent is meant"),
        (
            "sentry-trace: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "Sentry's own header",
        ),
        (
            "the traceparent header is missing",
            "traceparent is named here, but has no value",
        ),
        ("{\"accept\": \"*/*\"}", "No trace context arrives"),
        ("accept: */*", "No trace context arrives"),
    ] {
        let finished = piped(&sandbox, &[], input).await;
        assert_eq!(finished.code, Some(0), "{input:?}: {finished:?}");
        let shown = finished.stdout.replace("\n  ", " ");
        assert!(shown.contains(sentence), "{input:?}: {shown}");
    }
}

#[tokio::test]
async fn the_environment_is_explained_if_there_is_no_other_text() {
    let sandbox = Sandbox::new();
    let (_, value) = TRACEPARENT.split_once(": ").expect("a header");
    let explained = |arguments: &[&str]| {
        let mut command = sandbox.baton([&["explain", "--format", "json"], arguments].concat());
        command.env("TRACEPARENT", value).env("BAGGAGE", "tenant=a");
        ended(command.spawn().expect("it starts"))
    };
    let finished = explained(&[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let headers = &finished.json()["headers"];
    let expected = serde_json::json!({"TRACEPARENT": value, "BAGGAGE": "tenant=a"});
    assert_eq!(headers, &expected);
    let finished = explained(&["b3: 0"]).await;
    assert_eq!(finished.json()["headers"], serde_json::json!({"b3": "0"}));
}
