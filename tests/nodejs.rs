//! Functions in Node.js, with OpenTelemetry's packages of npm, replace baton's own.
//!
//! Skipped, with the reason, if their packages are not installed (`npm ci` in examples/nodejs). In
//! CI that fails.

use serde_json::{Value, json};

use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::nodejs::nodejs;
use crate::support::run::{self, kind};

const KATE: &str = r#"{ "name": "Kate", "superpower": "Distributed Tracing" }"#;
const MODES: [&str; 3] = ["tracecontext", "b3", "tracecontext,b3"];

/// A matrix of [`MODES`] with these functions.
async fn matrix(functions: &[String]) -> Value {
    let sandbox = Sandbox::new();
    let mut arguments = vec!["matrix", "--format", "json", "--requests", "2", "--modes"];
    arguments.extend(MODES);
    for function in functions {
        arguments.extend(["--function", function]);
    }
    let finished = sandbox.run(arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// The cells of the record grid must be what the formats imply, for every reader and writer.
fn assert_formats_meet(matrix: &Value) {
    let cells = matrix["record"].as_array().expect("a grid");
    assert_eq!(cells.len(), MODES.len() * MODES.len());
    for cell in cells {
        let formats = |end: &str| cell[end].as_array().expect("formats").clone();
        let (written, read) = (formats("producer"), formats("consumer"));
        let verdict = match written.iter().any(|format| read.contains(format)) {
            true => "connected",
            false => "new_trace",
        };
        assert_eq!(cell["verdicts"], json!({ verdict: 2 }), "{cell}");
        assert_eq!(cell["delivered"], 2, "{cell}");
        assert_eq!(cell["agrees"], true, "{cell}");
        assert_ne!(cell["carrier_bytes"], 0, "{cell}");
    }
}

/// The cells in which the functions differ from what the formats imply.
fn otherwise(matrix: &Value) -> Vec<&str> {
    let differences = matrix["defects"].as_array().expect("a list");
    let cells = differences.iter().map(|difference| {
        assert_ne!(difference["foreign"], json!([]), "{difference}");
        difference["cell"].as_str().expect("a cell")
    });
    cells.collect()
}

#[tokio::test]
async fn a_rust_producer_and_a_nodejs_consumer_meet() {
    let Some(consumer) = nodejs("consumer") else {
        return;
    };
    let matrix = matrix(&[consumer]).await;
    assert_eq!(matrix["foreign"], json!(["consumer"]));
    assert_formats_meet(&matrix);
    // npm's reader of `b3` does not see the debug state
    for cell in otherwise(&matrix) {
        assert!(cell.starts_with("debug_b3"), "{cell}");
    }
}

#[tokio::test]
async fn a_nodejs_producer_and_a_rust_consumer_meet() {
    let Some(producer) = nodejs("producer") else {
        return;
    };
    let matrix = matrix(&[producer]).await;
    assert_eq!(matrix["foreign"], json!(["producer"]));
    assert_formats_meet(&matrix);
    // OpenTelemetry for JavaScript does not sample if the client leaves the decision open
    let cells = matrix["ingress"].as_array().expect("a grid");
    let deferred = cells
        .iter()
        .find(|cell| cell["client"] == "deferred_b3" && cell["producer"] == json!(["b3"]))
        .expect("a cell");
    assert_eq!(deferred["verdicts"], json!({"connected": 2}), "{deferred}");
    assert_eq!(deferred["declined"], 2, "{deferred}");
}

#[tokio::test]
async fn two_nodejs_functions_say_what_baton_wants_to_know() {
    let (Some(producer), Some(consumer)) = (nodejs("producer"), nodejs("consumer")) else {
        return;
    };
    let flags = ["--function", &producer, "--function", &consumer];
    let mut lab = Setup::new().flags(flags).start().await;
    let answer = lab.post(KATE).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            200,
            r#"{"message":"Message placed in the Event Stream: baton"}"#
        )
    );
    for (body, message) in [
        ("", "No message body found"),
        ("{", "The message body is not valid JSON"),
    ] {
        let refused = lab.post(body).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains(message), "{refused:?}");
    }
    lab.wait_for_delivered(1).await;
    lab.stop_well().await;

    let spans = run::spans(&lab.saved);
    let servers = run::by_attribute(
        run::of(&spans, "producer-lambda", kind::SERVER),
        "aws.request_id",
    );
    let server = servers[&answer.request_id];
    assert_eq!(server.name, "POST /producer");
    let send = run::of(&spans, "producer-lambda", kind::PRODUCER)[0];
    let record = run::records(&spans)[0];
    assert!(server.is_parent_of(send) && send.is_parent_of(record));
    assert!(record.parent_is_remote, "{record:?}");
    for attribute in [
        "messaging.message.id",
        "messaging.destination.name",
        "messaging.destination.partition.id",
    ] {
        assert_ne!(record.text(attribute), "", "{record:?}");
        assert_eq!(send.text(attribute), record.text(attribute));
    }
    assert_eq!(
        record.text("custom.tag.superpower"),
        "Distributed Tracing",
        "{record:?}"
    );

    let sent = &run::log(&lab.saved, "producer", "record.sent")[0];
    assert_eq!(sent["request_id"], answer.request_id);
    assert_eq!(sent["span_id"], send.span_id);
    let received = &run::log(&lab.saved, "consumer", "record.received")[0];
    assert_eq!(received["sequence_number"], sent["sequence_number"]);
    assert_eq!(received["tracecontext"], sent["record"]["tracecontext"]);
    assert_eq!(
        received["record"],
        serde_json::from_str::<Value>(KATE).expect("JSON")
    );
    assert_eq!(received["sampled"], true);
}

#[tokio::test]
async fn a_run_with_a_nodejs_consumer_says_so() {
    let Some(consumer) = nodejs("consumer") else {
        return;
    };
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "b3:tracecontext,b3",
        "--requests",
        "50",
        "--out",
        "runs",
        "--format",
        "json",
        "--function",
        &consumer,
    ];
    let finished = sandbox.run(arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(
        finished.json()["runs"][0]["hops"]["record"],
        json!({"connected": 50})
    );
    let manifest = run::json(&sandbox.path("runs/b3_to_tracecontext+b3/run.json"));
    assert_eq!(manifest["settings"]["foreign"], json!(["consumer"]));
    // the command that starts it may contain a secret
    assert!(!manifest.to_string().contains("nodejs"), "{manifest}");
}

#[tokio::test]
async fn a_mode_without_an_npm_propagator_stops_the_start() {
    let Some(consumer) = nodejs("consumer") else {
        return;
    };
    let sandbox = Sandbox::new();
    let finished = sandbox
        .run(["run", "datadog", "--function", &consumer])
        .await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished
            .stderr
            .contains(r#"OTEL_PROPAGATORS: no propagator for "datadog"; accepted are b3, b3multi, baggage, jaeger"#),
        "{finished:?}"
    );
}

#[tokio::test]
async fn an_exporter_that_fails_neither_fails_nor_holds_up_a_request() {
    let (Some(producer), Some(consumer)) = (nodejs("producer"), nodejs("consumer")) else {
        return;
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = listener.local_addr().expect("an address");
    drop(listener);
    let without_collector = |function: &str| {
        let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{closed}");
        function.replacen('=', &format!("=env {endpoint} BATON_FLUSH_TIMEOUT=200 "), 1)
    };
    let [producer, consumer] = [producer, consumer].map(|function| without_collector(&function));
    let flags = ["--function", &producer, "--function", &consumer];
    let mut lab = Setup::new().flags(flags).start().await;
    lab.accepted("{}").await;
    let large = lab.post(format!("{:?}", "x".repeat(1 << 20))).await;
    assert_eq!(large.status, 413, "{}", large.body);
    lab.wait_for_delivered(1).await;
    lab.stop_well().await;
    for function in ["producer", "consumer"] {
        let log = std::fs::read_to_string(lab.saved.join(format!("logs/{function}.log")));
        let log = log.expect("a log");
        assert!(
            log.contains("the spans may not have been exported"),
            "{log}"
        );
    }
}
