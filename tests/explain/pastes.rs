//! What people paste: examples of every form, from public reports and from tools.

use std::path::Path;

use serde_json::Value;

use super::piped;
use crate::support::command::Sandbox;

/// Texts from public reports, and the trace ids or the word of a reason that the answer must
/// contain.
const REPORTED: &[(&str, &[&str])] = &[
    ("xray-log-lines.txt", &["5d5747110eeb9d8a0e9daa91af40f017"]),
    (
        "sqs-message-attribute.json",
        &[
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "6411d0aa1f2e3d4c5b6a798807162534",
        ],
    ),
    (
        "sqs-aws-trace-header.json",
        &["6be18c9fda14c537235206057392a4c5"],
    ),
    ("sns-in-sqs.json", &["4bf92f3577b34da6a3ce929d0e0e4736"]),
    (
        "dynamodb-stream.json",
        &["7d7836d35ab7da657d35c2b5f889c3be"],
    ),
    ("node-console.txt", &["b551dcc09f045657e3ced8e9010ec440"]),
    (
        "kafka-console-consumer.txt",
        &["0000000000000000bb4e9443b6bcd085"],
    ),
    ("echo-server.txt", &["ababaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
    (
        "kinesis-top-level.json",
        &["0af7651916cd43dd8448eb211c80319c"],
    ),
    (
        "kinesis-datadog-gzip.json",
        &["65ebf15e000000008ca3cae9588d2d52"],
    ),
    ("httpbin.json", &["80e1afed08e019fc1110464cfa66635c"]),
    ("envoy-debug.txt", &["80f198ee56343ba864fe8b2a57d3eff7"]),
    (
        "api-gateway-event.json",
        &["0af7651916cd43dd8448eb211c80319c"],
    ),
    ("curl-command.txt", &["80f198ee56343ba864fe8b2a57d3eff7"]),
    (
        "empty-parentspanid.txt",
        &["00000000000000005b1f6fbb8a3d4e5c"],
    ),
    ("traceparent-joined.txt", &["joined by a comma"]),
    ("b3multi-joined.txt", &["joined by a comma"]),
    ("b3-quoted.txt", &["quotes are around the value"]),
];
/// How many lines the answer to one carrier may take in 80 columns.
const MAX_LINES: usize = 40;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pastes/tests/data")
}

#[tokio::test]
async fn texts_from_public_reports_are_answered() {
    let sandbox = Sandbox::new();
    for (name, expected) in REPORTED {
        let text = std::fs::read(folder().join(name)).expect("an example");
        let finished = piped(&sandbox, &["--format", "json"], &text).await;
        assert_eq!(finished.code, Some(0), "{name}: {finished:?}");
        let candidates = finished.json()["candidates"].to_string();
        for word in *expected {
            assert!(
                candidates.contains(word),
                "{name}: {word} is not in {candidates}"
            );
        }
        let record = piped(&sandbox, &["--format", "json", "--record", "-"], &text).await;
        assert_eq!(record.stdout, finished.stdout, "{name}");
    }
}

#[tokio::test]
async fn every_example_is_answered_in_few_lines_and_without_secrets() {
    let sandbox = Sandbox::new();
    let mut examples = 0;
    for file in std::fs::read_dir(folder()).expect("the examples") {
        let path = file.expect("an example").path();
        let text = std::fs::read(&path).expect("an example");
        let json = piped(&sandbox, &["--format", "json"], &text).await;
        let shown = piped(&sandbox, &[], &text).await;
        assert_eq!([json.code, shown.code], [Some(0); 2], "{path:?}: {shown:?}");
        for answer in [&json.stdout, &shown.stdout] {
            assert!(!answer.contains("SECRET"), "{path:?}: {answer}");
        }
        let answer: Value = json.json();
        assert!(
            answer["found"]
                .as_array()
                .is_some_and(|found| !found.is_empty()),
            "{path:?}: {answer}"
        );
        let widest = shown.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{path:?}: {}", shown.stdout);
        if answer["carriers"].is_null() {
            let lines = shown.stdout.lines().count();
            assert!(
                lines <= MAX_LINES,
                "{path:?} takes {lines} lines: {}",
                shown.stdout
            );
        }
        examples += 1;
    }
    assert!(examples > 50, "only {examples}");
}

#[tokio::test]
async fn several_carriers_are_answered_one_by_one() {
    let sandbox = Sandbox::new();
    let text = std::fs::read(folder().join("xray-log-lines.txt")).expect("an example");
    let answer = piped(&sandbox, &["--format", "json"], &text).await.json();
    let carriers = answer["carriers"].as_array().expect("several");
    let spans: Vec<_> = carriers
        .iter()
        .map(|carrier| carrier["candidates"][5]["span_id"].clone())
        .collect();
    assert_eq!(
        spans,
        ["36fcaefc2fcbbfac", "77d41a854a5e5885", "00eafba04792e923"]
    );
    let shown = piped(&sandbox, &[], &text).await.stdout;
    let first = "3 carriers arrive, all of one trace, 5d5747110eeb9d8a0e9daa91af40f017, with 3\n  different parents.\n";
    assert!(shown.starts_with(first), "{shown}");
}

#[tokio::test]
async fn libraries_answer_by_group_one_in_full_and_as_a_list() {
    let sandbox = Sandbox::new();
    let random = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    let shown = super::explain(&sandbox, &[random]).await.stdout;
    assert!(shown.contains("random flag"), "{shown}");
    assert!(
        shown.contains("With tracecontext most libraries continue traceparent:"),
        "{shown}"
    );
    assert!(shown.contains("start a new trace"), "{shown}");
    let options = [
        "--format",
        "json",
        "--mode",
        "tracecontext",
        "--as",
        "brave",
        "--as",
        "otel-java",
        random,
    ];
    let answer = super::explain(&sandbox, &options).await.json();
    let libraries = answer["libraries"].as_array().expect("two");
    assert_eq!(libraries.len(), 2, "{answer}");
    let of = |name: &str| {
        libraries
            .iter()
            .find(|answer| answer["library"] == name)
            .expect("asked for")
            .clone()
    };
    assert_eq!(of("brave")["continues"], Value::Null);
    assert_eq!(of("otel-java")["continues"]["span_id"], "b7ad6b7169203331");
    let full = super::explain(&sandbox, &["--as", "all", "--mode", "tracecontext", random])
        .await
        .stdout;
    assert!(
        full.contains("sends on traceparent: 00-0af7651916cd43dd8448eb211c80319c-<its"),
        "{full}"
    );
    let list = super::explain(&sandbox, &["--list-libraries"]).await.stdout;
    assert_eq!(list.lines().count(), 15, "{list}");
    let wrong = super::explain(&sandbox, &["--as", "otel-cobol", random]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("otel-java"), "{wrong:?}");
}

#[tokio::test]
async fn a_response_is_shown_and_not_counted_as_a_carrier() {
    let sandbox = Sandbox::new();
    let text = std::fs::read(folder().join("curl-http2.txt")).expect("an example");
    let shown = piped(&sandbox, &[], &text).await.stdout;
    assert!(shown.starts_with("Arrives: trace "), "{shown}");
    assert!(
        shown.contains("\n\nthe response\ntraceresponse: "),
        "{shown}"
    );
    let text = std::fs::read(folder().join("logbook.txt")).expect("an example");
    let shown = piped(&sandbox, &[], &text).await.stdout;
    let response = shown.split("\n\nline 2\n").nth(1).unwrap_or_default();
    assert!(
        response.contains("traceparent is a header of the response here."),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_not_read_is_named_beside_what_is() {
    let sandbox = Sandbox::new();
    let sentry = "sentry-trace: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
    let shown = piped(&sandbox, &[], format!("{sentry}\nbaggage: a=1\n"))
        .await
        .stdout;
    let shown = shown.replace("\n  ", " ");
    let first = "Only baggage arrives, so a receiver starts a new trace. sentry-trace belongs to tracing, but baton reads";
    assert!(shown.starts_with(first), "{shown}");
    // the only reason is said once
    let shown = piped(&sandbox, &[], sentry)
        .await
        .stdout
        .replace("\n  ", " ");
    assert_eq!(shown.matches("Sentry's own header").count(), 1, "{shown}");
}
