//! Whatever comes on standard input, in a record or in a HAR file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{TRACEPARENT, explain, piped};
use crate::support::command::Sandbox;

#[tokio::test]
async fn large_inputs_are_answered_and_endless_ones_refused() {
    let sandbox = Sandbox::new();
    // Each name of its own: whoever looks for each among all of them is not done today.
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
        finished.stdout.starts_with("b3: aaaa"),
        "{}",
        finished.code.unwrap_or(-1)
    );
    assert!(finished.stdout.len() < 10_000, "{}", finished.stdout.len());

    let endless = vec![0; (64 << 20) + 1];
    let finished = piped(&sandbox, &[], endless).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(
        finished.stderr,
        "baton: standard input has more than 64 MiB; give no more than the requests to explain\n"
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
    let har = "{\"log\":\n {\"entries\":[\"SECRET\"]}}";
    let finished = piped(&sandbox, &[], har).await;
    assert_eq!(
        finished.stderr,
        "baton: the HAR file cannot be read, line 2 column 21 is not as a HAR has it: \
         {\"log\":{\"entries\":[{\"request\":{\"headers\":[{\"name\":…,\"value\":…}]}}]}}\n"
    );
}

#[tokio::test]
async fn of_several_requests_the_first_with_trace_headers_is_taken() {
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
        let choice =
            "request 2 of 2 (GET /orders) is explained: the first with a header of any format";
        assert_eq!(finished.stderr, format!("{choice}\n"));
        assert_eq!(finished.json()["choice"], choice);
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
        &[],
        "GET /a HTTP/1.1\na: 1\n\nGET /b HTTP/1.1\nb: 1\n",
    )
    .await;
    assert_eq!(
        none.stderr,
        "request 1 of 2 (GET /a) is explained: none has a header of any format\n"
    );
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
    // nothing of it vanishes
    let several =
        json!({"Records": [{"Data": plain}, {"Data": data}, {"Data": plain}]}).to_string();
    let answer = explain(&sandbox, &["--format", "json", "--record", &several]).await;
    assert_eq!(
        answer.json()["choice"],
        "record 2 of 3 is explained: the first with a header of any format"
    );
    let notes = answer.json()["notes"].to_string();
    for sentence in [
        "\\\"other\\\" in the envelope of record 2 is no text, so a consumer does not read it.",
        "Of the others, 2 of 2 cannot be read whole: record 1 is not JSON, so a consumer starts a new trace",
    ] {
        assert!(notes.contains(sentence), "{notes}\n{sentence}");
    }
    // what mode none writes
    let bare = ["--format", "json", "--record", "{\"name\":\"Kate\"}"];
    let bare = explain(&sandbox, &bare).await.json();
    assert_eq!(bare["headers"], json!({}));
    assert_eq!(bare["modes"][0]["chosen"], json!(null));
    let notes = bare["notes"].to_string();
    assert!(
        notes.contains("without an envelope, as mode none writes it"),
        "{notes}"
    );
    let torn = r#"{"tracecontext":{"b3":"\ud800","x-b3-sampled":1},"record":1}"#;
    let torn = explain(&sandbox, &["--format", "json", "--record", torn])
        .await
        .json();
    let notes = torn["notes"].to_string();
    for name in ["b3", "x-b3-sampled"] {
        let sentence = format!("\\\"{name}\\\" in the envelope of the record is no text");
        assert!(notes.contains(&sentence), "{notes}");
    }
    for (record, sentence) in [
        ("hello", "the record is neither JSON nor Base64 of it"),
        (
            plain.as_str(),
            "the record is not JSON, so a consumer starts a new trace",
        ),
        ("{\"Records\":[]}", "there are no records in it"),
        ("", "the record is neither JSON nor Base64 of it"),
    ] {
        let finished = explain(&sandbox, &["--record", record]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(
            finished.stderr.starts_with(&format!("baton: {sentence}")),
            "{finished:?}"
        );
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    for (arguments, sentence) in [
        (
            &["traceparent=00"][..],
            "argument 1 is no header: it has no colon",
        ),
        (
            &[TRACEPARENT, "secret"],
            "argument 2 is no header: it has no colon",
        ),
        (
            &["trace parent: 00"],
            "argument 1 is no header: what stands before its colon",
        ),
        (
            &[TRACEPARENT, "-"],
            "argument 2 is no header: it has no colon",
        ),
        (&[], "standard input is empty"),
        (&["-"], "standard input is empty"),
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
        (&b" \r\n\n"[..], "standard input is empty"),
        (b"b3: 0\nnonsense", "line 2 is no header: it has no colon"),
        (b"< HTTP/1.1 200 OK\n< b3: 0\n", "and none of a request"),
        (
            b"HTTP/1.1 200 OK\nb3: 0\n",
            "standard input holds no request",
        ),
        (
            b"*   Trying 127.0.0.1:1...\n* Closing connection\ncurl: (7) Failed to connect\n",
            "curl did not get as far as to send one",
        ),
        (
            b"{\"b3\": 0}",
            "\"b3\" in the JSON object is neither text nor a list of texts",
        ),
        (
            b"{\"\x1b[31m\": 0}",
            "standard input looks like JSON and is not",
        ),
        (
            b"{\"\\u001b[31m\": 0}",
            "\"\\u{1b}[31m\" in the JSON object",
        ),
        (
            b"{\"b3\": \"0\"",
            "standard input looks like JSON and is not",
        ),
        (
            b"[\"b3\"]",
            "standard input is JSON and no object of headers",
        ),
        (
            b"{\"log\": {\"entries\": {}}}",
            "the HAR file cannot be read",
        ),
        (
            b"{\"log\": {\"entries\": []}}",
            "standard input holds no request",
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
