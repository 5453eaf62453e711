//! The functions' spans: their contents, where they go, and what happens if they cannot be
//! exported.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::lab::{Setup, answer};
use crate::support::run::{self, kind};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE_ID}-{SPAN_ID}-{flags}")
}

/// An endpoint for an exporter, which accepts connections and answers with `response`, or never.
async fn endpoint(response: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            if let Some(response) = response {
                let _ = connection.write_all(response.as_bytes()).await;
            }
            connections.push(connection);
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn spans_that_cannot_leave_are_counted_and_delay_no_request() {
    let failing =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for (name, exporter) in [
        ("refused", "http://127.0.0.1:1".to_owned()),
        ("hanging", endpoint(None).await),
        ("failing", endpoint(Some(failing)).await),
    ] {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", exporter.as_str())];
        let mut lab = Setup::new()
            .function("producer", &variables)
            .function("consumer", &variables)
            .flags(["--instances", "1"])
            .variable("BATON_FLUSH_TIMEOUT", "200")
            .start()
            .await;
        for request in 1..=3 {
            let start = Instant::now();
            lab.post_with(&[("traceparent", &traceparent("01"))]).await;
            // far below the default limit of 10 s for an exporter
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "{name}: {:?}",
                start.elapsed()
            );
            lab.wait_for_delivered(request).await;
        }
        assert_eq!(lab.status().await["spans"], 0, "{name}");
        let summary = lab.stop_and_sum_up().await;
        for function in ["producer", "consumer"] {
            let counts: Vec<_> = run::log(&lab.saved, function, "spans.dropped")
                .iter()
                .map(|line| {
                    (
                        line["level"].clone(),
                        line["dropped"].clone(),
                        line["dropped_since_start"].clone(),
                    )
                })
                .collect();
            let expected = [2, 4, 6].map(|total| (json!("WARN"), json!(2), json!(total)));
            assert_eq!(counts, expected, "{name}: {function}");
        }
        assert_eq!(
            summary["troubles"]["spans_dropped"], 12,
            "{name}: {summary}"
        );
        // the logs still show what became of the records
        assert_eq!(
            summary["hops"]["record"],
            json!({"connected": 3}),
            "{name}: {summary}"
        );
    }
}

#[tokio::test]
async fn spans_say_what_the_conventions_ask_for() {
    let mut lab = Setup::new()
        .variable(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        )
        .start()
        .await;
    let body = r#"{"name":"Kate","superpower":"Distributed Tracing"}"#;
    let traceparent = traceparent("01");
    let request = lab
        .request(body)
        .header("user-agent", "test/1")
        .header("traceparent", &traceparent)
        .header("tracestate", "vendor=1")
        .header("baggage", "user=kate,tier=gold");
    let answer = answer(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    lab.stop_well().await;

    let spans = run::spans(&lab.saved);
    assert_eq!(spans.len(), 4, "{spans:?}");
    let only = |name: &str| {
        spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no span {name}"))
    };
    let server = only("POST /producer");
    let send = only("send baton");
    let record = only("Kinesis.getRecord");
    let invocation = only("process baton");
    let sequence_number = send.text("messaging.message.id");
    let shard = send.text("messaging.destination.partition.id");
    assert!(
        sequence_number.len() > 50 && shard.starts_with("shardId-"),
        "{send:?}"
    );
    let carrier =
        run::log(&lab.saved, "consumer", "record.received")[0]["tracecontext"].to_string();
    for (span, span_kind, attribute, value) in [
        (
            server,
            kind::SERVER,
            "aws.request_id",
            json!(answer.request_id),
        ),
        (server, kind::SERVER, "http.request.method", json!("POST")),
        (
            server,
            kind::SERVER,
            "http.response.status_code",
            json!(200),
        ),
        (server, kind::SERVER, "http.route", json!("/producer")),
        (server, kind::SERVER, "url.path", json!("/dev/producer")),
        (server, kind::SERVER, "server.address", json!("127.0.0.1")),
        (server, kind::SERVER, "client.address", json!("127.0.0.1")),
        (server, kind::SERVER, "user_agent.original", json!("test/1")),
        (
            server,
            kind::SERVER,
            "network.protocol.version",
            json!("1.1"),
        ),
        (server, kind::SERVER, "faas.trigger", json!("http")),
        (server, kind::SERVER, "faas.coldstart", json!(true)),
        (server, kind::SERVER, "baton.baggage.entries", json!(2)),
        (server, kind::SERVER, "custom.tag.name", json!("Kate")),
        (
            send,
            kind::PRODUCER,
            "messaging.system",
            json!("aws_kinesis"),
        ),
        (
            send,
            kind::PRODUCER,
            "messaging.operation.type",
            json!("send"),
        ),
        (
            send,
            kind::PRODUCER,
            "messaging.destination.name",
            json!("baton"),
        ),
        (
            send,
            kind::PRODUCER,
            "baton.carrier_bytes",
            json!(carrier.len()),
        ),
        (send, kind::PRODUCER, "baton.baggage.entries", json!(2)),
        (
            record,
            kind::CONSUMER,
            "messaging.system",
            json!("aws_kinesis"),
        ),
        (
            record,
            kind::CONSUMER,
            "messaging.operation.type",
            json!("process"),
        ),
        (
            record,
            kind::CONSUMER,
            "messaging.destination.name",
            json!("baton"),
        ),
        (
            record,
            kind::CONSUMER,
            "messaging.destination.partition.id",
            json!(shard),
        ),
        (
            record,
            kind::CONSUMER,
            "messaging.message.id",
            json!(sequence_number),
        ),
        (record, kind::CONSUMER, "baton.baggage.entries", json!(2)),
        (record, kind::CONSUMER, "custom.tag.name", json!("Kate")),
        (
            record,
            kind::CONSUMER,
            "custom.tag.superpower",
            json!("Distributed Tracing"),
        ),
        (
            invocation,
            kind::CONSUMER,
            "messaging.batch.message_count",
            json!(1),
        ),
        (
            invocation,
            kind::CONSUMER,
            "messaging.system",
            json!("aws_kinesis"),
        ),
        (
            invocation,
            kind::CONSUMER,
            "messaging.destination.name",
            json!("baton"),
        ),
        (invocation, kind::CONSUMER, "faas.trigger", json!("pubsub")),
    ] {
        assert_eq!(span.kind, span_kind, "{}", span.name);
        assert_eq!(
            span.attributes.get(attribute),
            Some(&value),
            "{attribute} of {}",
            span.name
        );
    }
    for (span, service, function) in [
        (server, "producer-lambda", "producer"),
        (record, "consumer-lambda", "consumer"),
    ] {
        for (attribute, value) in [
            ("service.name", service),
            ("faas.name", function),
            ("faas.version", "$LATEST"),
            ("cloud.provider", "aws"),
            ("cloud.platform", "aws_lambda"),
            ("cloud.region", "us-east-1"),
            ("deployment.environment.name", "test"),
        ] {
            assert_eq!(
                span.resource.get(attribute),
                Some(&json!(value)),
                "{attribute} of {service}"
            );
        }
        assert!(span.resource["faas.instance"].is_string());
    }
    for span in [server, invocation] {
        assert!(span.text("faas.invocation_id").len() == 36, "{span:?}");
        assert!(
            span.text("cloud.resource_id")
                .starts_with("arn:aws:lambda:"),
            "{span:?}"
        );
    }
    assert_eq!(
        (server.trace_id.as_str(), server.parent_span_id.as_str()),
        (TRACE_ID, SPAN_ID)
    );
    for span in [server, send, record] {
        assert_eq!(
            (span.trace_id.as_str(), span.trace_state.as_str()),
            (TRACE_ID, "vendor=1"),
            "{}",
            span.name
        );
    }
    assert!(server.is_parent_of(send) && send.is_parent_of(record));
    assert_eq!(invocation.parent_span_id, "");
    assert_eq!(invocation.links, [send.ids()]);
}

#[tokio::test]
async fn a_disabled_sdk_lets_the_context_pass() {
    let mut lab = Setup::new()
        .variable("OTEL_SDK_DISABLED", "true")
        .start()
        .await;
    lab.post_with(&[
        ("traceparent", &traceparent("01")),
        ("baggage", "user=kate"),
    ])
    .await;
    lab.post_with(&[]).await;
    lab.wait_for_delivered(2).await;
    lab.stop_well().await;
    assert_eq!(run::spans(&lab.saved).len(), 0);
    let mut carriers: Vec<_> = run::log(&lab.saved, "consumer", "record.received")
        .iter()
        .map(|line| line["tracecontext"].to_string())
        .collect();
    carriers.sort();
    assert_eq!(carriers[1], "{}", "nothing came, nothing goes on");
    let passed: Value = serde_json::from_str(&carriers[0]).expect("JSON");
    assert_eq!(
        passed,
        json!({"traceparent": traceparent("01"), "baggage": "user=kate"})
    );
}

#[tokio::test]
async fn exporters_are_as_listed() {
    for (exporters, spans, printed) in [
        ("none", 0, false),
        ("console", 0, true),
        ("console,otlp", 4, true),
    ] {
        let mut lab = Setup::new()
            .variable("OTEL_TRACES_EXPORTER", exporters)
            .start()
            .await;
        lab.post_with(&[]).await;
        lab.wait_for_delivered(1).await;
        let summary = lab.stop_and_sum_up().await;
        assert_eq!(run::spans(&lab.saved).len(), spans, "{exporters}");
        let log = std::fs::read_to_string(lab.saved.join("logs/consumer.log")).expect("a log");
        assert_eq!(
            log.contains("Kinesis.getRecord"),
            printed,
            "{exporters}: {log}"
        );
        assert_eq!(
            [&summary["log_problems"], &summary["records"]["delivered"]],
            [0, 1],
            "{exporters}"
        );
    }
}
