//! Bad settings are refused by name before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::support::command::{Sandbox, ended};
use crate::support::lab::{FREE_PORTS, Setup};
use crate::support::run::{self, kind};

#[tokio::test]
async fn invalid_settings_are_refused_before_anything_starts() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("file"), "").expect("a file");
    let accepted = "tracecontext, baggage, b3, b3multi";
    for (arguments, explanation) in [
        (&["tracecontex"][..], &["tracecontex", accepted][..]),
        (&["b3:zipkin"], &["zipkin", accepted]),
        (&["b3:b3:b3"], &["b3:b3"]),
        (&["b3,b3"], &["b3 is listed twice"]),
        (&["none,b3"], &["none cannot be combined with other names"]),
        (&["b3", "--requests", "0"], &["requests"]),
        (&["b3", "--users", "0"], &["users"]),
        (&["b3", "--users", "5000"], &["5000", "1000"]),
        (&["b3", "--rate", "0"], &["rate"]),
        (&["b3", "--duration", "5"], &["5", "10s"]),
        (
            &["b3", "--duration", "1s", "--requests", "5"],
            &["--duration", "--requests"],
        ),
        (&["b3", "--engine", "jaeger"], &["jaeger", "native, otel"]),
        (&["b3", "--client", "nothing"], &["nothing", accepted]),
        (
            &["b3", "--instances", "0"],
            &["0 is out of range", "1 to 64"],
        ),
        (&["b3", "--timeout", "0s"], &["0s", "longer"]),
        (&["b3", "--batch-window", "1000h"], &["1000h", "a day"]),
    ] {
        let finished = sandbox.run(["run"].iter().chain(arguments)).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert_eq!(finished.stdout, "", "{arguments:?}");
        for words in explanation {
            assert!(
                finished.stderr.contains(words),
                "{words} is missing in {}",
                finished.stderr
            );
        }
    }
    assert!(!sandbox.path("runs").exists());
}

#[tokio::test]
async fn wrong_settings_are_refused_by_name() {
    let sandbox = Sandbox::new();
    for (command, variable, value, expected) in [
        (
            "up",
            "OTEL_PROPAGATORS",
            "tracecontext,zipkin",
            "tracecontext, baggage, b3, b3multi",
        ),
        (
            "up",
            "BATON_INJECT",
            "w4c",
            "tracecontext, baggage, b3, b3multi",
        ),
        ("up", "BATON_EXTRACT_SELECT", "middle", "last, first"),
        ("up", "BATON_ON_CONFLICT", "panic", "keep, link, restart"),
        ("up", "BATON_ENGINE", "steam", "native, otel"),
        ("up", "BATON_CONSUMER_RELATION", "cousin", "parent, link"),
        (
            "up",
            "OTEL_TRACES_SAMPLER",
            "sometimes",
            "always_on, always_off",
        ),
        ("run", "BATON_EXTRACT_SELECT", "middle", "last, first"),
        (
            "run",
            "OTEL_TRACES_SAMPLER",
            "sometimes",
            "always_on, always_off",
        ),
    ] {
        let arguments = if command == "up" {
            &FREE_PORTS[..]
        } else {
            &["b3", "--requests", "10"]
        };
        let mut baton = sandbox.baton([command].iter().chain(arguments));
        let finished = ended(
            baton
                .env(variable, value)
                .spawn()
                .expect("the command starts"),
        )
        .await;
        assert_eq!(finished.code, Some(2), "{variable}: {finished:?}");
        assert_eq!(finished.stdout, "");
        for words in [variable, value, expected] {
            assert!(
                finished.stderr.contains(words),
                "{words} is missing in {}",
                finished.stderr
            );
        }
    }
    for (arguments, words) in [
        (&["--producer", "zipkin"][..], "zipkin"),
        (
            &["--function", "consumer=/does/not/exist"],
            "/does/not/exist",
        ),
        (
            &["--function", "consumer=false"],
            "the consumer does not start: its process ended",
        ),
        (
            &["--function", "lambda=true"],
            "neither producer nor consumer",
        ),
        (&["--function", "consumer='"], "quotes"),
    ] {
        let finished = sandbox
            .run(["up"].iter().chain(&FREE_PORTS).chain(arguments))
            .await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(
            finished.stderr.contains(words),
            "{words} is missing in {}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_an_internal_error_and_explained_in_the_log() {
    for (name, value, reason) in [
        (
            "KINESIS_STREAM",
            "elsewhere",
            "the stream elsewhere does not exist",
        ),
        (
            "AWS_ENDPOINT_URL_KINESIS",
            "http://127.0.0.1:1",
            "Kinesis did not take the record",
        ),
    ] {
        let mut lab = Setup::new()
            .function("producer", &[(name, value)])
            .start()
            .await;
        let answer = lab.post("{}").await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(
            answer.body, r#"{"message":"Internal server error"}"#,
            "{name}"
        );
        lab.stop().await;
        let refused = run::log(&lab.saved, "producer", "record.refused");
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0]["message"]
                .as_str()
                .expect("text")
                .contains(reason),
            "{}",
            refused[0]
        );
        assert_eq!(refused[0]["request_id"], answer.request_id);
        let spans = run::spans(&lab.saved);
        let server = run::of(&spans, "producer-lambda", kind::SERVER)[0].clone();
        assert_eq!(server.attributes["http.response.status_code"], 500);
        assert_eq!(server.text("error.type"), "500");
    }
}

/// The contents of a run directory.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    [
        "run.json",
        "summary.json",
        "spans.jsonl.zst",
        "logs/producer.log",
        "logs/consumer.log",
    ]
    .map(|name| {
        let path = directory.join(name);
        let bytes = std::fs::read(&path);
        let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, bytes)
    })
    .into()
}

#[tokio::test]
async fn a_run_directory_has_one_writer_and_outlives_those_that_do_not_start() {
    const FREE: [&str; 2] = ["--kinesis-port", "0"];
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = Setup::within(&sandbox, "saved").start().await;
    lab.accepted("{}").await;
    lab.wait_for_delivered(1).await;
    let up = [
        "up",
        "--save",
        "saved",
        "--otlp-port",
        "0",
        "--zipkin-port",
        "0",
        "--page-port",
        "0",
    ];
    for others in [
        &[&up[..], &FREE, &["--port", "0"]].concat()[..],
        &["run", "b3", "--requests", "1", "--out", "."],
    ] {
        // a run writes to a folder of its pairing's name
        let _ = std::os::unix::fs::symlink(&lab.saved, sandbox.path("b3"));
        let finished = sandbox.run(others).await;
        assert_eq!(finished.code, Some(3), "{finished:?}");
        assert_eq!(finished.stdout, "");
        assert!(
            finished
                .stderr
                .contains("is being written by another baton"),
            "{finished:?}"
        );
    }
    lab.accepted("{}").await;
    let summary = lab.stop_and_sum_up().await;
    assert_eq!(
        summary["records"],
        json!({"sent": 2, "delivered": 2, "duplicates": 0, "lost": 0, "undelivered": 0})
    );
    assert_eq!(summary["hops"]["record"], json!({ "connected": 2 }));
    assert_eq!(run::records(&run::spans(&lab.saved)).len(), 2);

    let before = contents(&lab.saved);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let finished = sandbox
        .run([&up[..], &FREE, &["--port", &port]].concat())
        .await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(finished.stderr.contains("in use"), "{finished:?}");
    assert!(
        contents(&lab.saved) == before,
        "the earlier run is not as it was"
    );
}
