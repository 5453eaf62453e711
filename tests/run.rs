//! `baton run`: what it measures, prints and saves.

mod several;

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::command::{Sandbox, ended};
use crate::support::example;
use crate::support::run::{self, Span, by_attribute, kind};

/// A debug build is ten times slower. It would take 30 s for what the release build does in 3 s.
const MANY_REQUESTS: usize = if cfg!(debug_assertions) {
    1_000
} else {
    10_000
};

/// Runs pairings, and returns the printed JSON.
async fn run(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let mut all = vec!["run", "--format", "json", "--out", "out"];
    all.extend(arguments);
    let finished = sandbox.run(all).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// The spans of one request, from the client's to the consumer's.
struct Journey<'a> {
    client: &'a Span,
    server: &'a Span,
    send: &'a Span,
    record: &'a Span,
}

/// Joins the spans by request id and sequence number, never by what was propagated. Every request
/// has each of the four spans exactly once.
fn journeys(spans: &[Span], requests: usize) -> Vec<Journey<'_>> {
    let clients = by_attribute(run::of(spans, "client", kind::CLIENT), "aws.request_id");
    let servers = by_attribute(
        run::of(spans, "producer-lambda", kind::SERVER),
        "aws.request_id",
    );
    let sends = run::of(spans, "producer-lambda", kind::PRODUCER);
    let records = by_attribute(run::records(spans), "messaging.message.id");
    assert_eq!(
        [clients.len(), servers.len(), sends.len(), records.len()],
        [requests; 4]
    );
    let servers_by_ids: HashMap<_, _> = servers
        .values()
        .map(|server| (server.ids(), *server))
        .collect();
    let journeys: Vec<_> = sends
        .into_iter()
        .map(|send| {
            let parent = (send.trace_id.clone(), send.parent_span_id.clone());
            let server = servers_by_ids.get(&parent).expect("the request of a send");
            Journey {
                client: clients
                    .get(server.text("aws.request_id"))
                    .expect("the client of a request"),
                server,
                send,
                record: records
                    .get(send.text("messaging.message.id"))
                    .expect("the delivery of a record"),
            }
        })
        .collect();
    for journey in &journeys {
        let place = |span: &Span| {
            [
                "messaging.destination.name",
                "messaging.destination.partition.id",
            ]
            .map(|name| span.text(name).to_owned())
        };
        assert_eq!(place(journey.send), place(journey.record));
    }
    journeys
}

#[tokio::test]
async fn every_default_pairing_has_its_verdicts_and_its_files() {
    let sandbox = Sandbox::new();
    let result = run(&sandbox, &["--requests", "24"]).await;
    let expected = [
        ("none", "none:none", "new_trace", "new_trace"),
        (
            "tracecontext",
            "tracecontext:tracecontext",
            "connected",
            "connected",
        ),
        ("b3", "b3:b3", "connected", "connected"),
        ("b3multi", "b3multi:b3multi", "connected", "connected"),
        (
            "tracecontext_to_b3",
            "tracecontext:b3",
            "connected",
            "new_trace",
        ),
        (
            "b3_to_tracecontext",
            "b3:tracecontext",
            "connected",
            "new_trace",
        ),
        (
            "tracecontext+b3_to_b3",
            "tracecontext,b3:b3",
            "connected",
            "connected",
        ),
        (
            "tracecontext_to_tracecontext+b3",
            "tracecontext:tracecontext,b3",
            "connected",
            "connected",
        ),
    ];
    let runs = result["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), expected.len());
    for (summary, (name, pairing, ingress, record)) in runs.iter().zip(expected) {
        assert_eq!([&summary["name"], &summary["pairing"]], [name, pairing]);
        assert_eq!(
            summary["hops"],
            json!({"ingress": {ingress: 24}, "record": {record: 24}}),
            "{name}"
        );
        let directory = sandbox.path("out").join(name);
        assert_eq!(
            &run::json(&directory.join("summary.json")),
            summary,
            "{name}"
        );
        assert_eq!(run::json(&directory.join("run.json"))["pairing"], pairing);
        assert_eq!(
            run::json(&directory.join("load.json"))["requests"],
            json!({"sent": 24, "ok": 24, "failed": 0})
        );
        assert_eq!(
            run::log(&directory, "producer", "request").len(),
            24,
            "{name}"
        );
        assert_eq!(
            run::log(&directory, "consumer", "record.received").len(),
            24,
            "{name}"
        );
        assert_eq!(journeys(&run::spans(&directory), 24).len(), 24, "{name}");
    }
    assert_eq!(result["baseline"], "none");
    assert!(result["checks"].is_array(), "{result}");
    let differences = result["differences"].as_array().expect("differences");
    let connected = differences
        .iter()
        .find(|difference| {
            difference["run"] == "tracecontext" && difference["metric"] == "record.connected"
        })
        .expect("every run is compared with the first");
    assert_eq!(
        [
            &connected["baseline"],
            &connected["value"],
            &connected["change"],
            &connected["significant"]
        ],
        [&json!(0), &json!(24), &json!(1.0), &json!(true)]
    );
}

#[tokio::test]
async fn many_requests_are_one_trace_each_from_client_to_consumer() {
    let sandbox = Sandbox::new();
    let requests = MANY_REQUESTS.to_string();
    let result = run(&sandbox, &["tracecontext", "--requests", &requests]).await;
    assert_shape(&result["runs"][0]);
    let spans = run::spans(&sandbox.path("out/tracecontext"));
    for Journey {
        client,
        server,
        send,
        record,
    } in journeys(&spans, MANY_REQUESTS)
    {
        assert!(client.is_parent_of(server), "{client:?} {server:?}");
        assert!(
            send.is_parent_of(record) && record.parent_is_remote,
            "{send:?} {record:?}"
        );
    }
    let hops = &result["runs"][0]["hops"];
    assert_eq!(
        hops,
        &json!({"ingress": {"connected": MANY_REQUESTS}, "record": {"connected": MANY_REQUESTS}})
    );
}

/// The fields that other programs read, each with its type.
fn assert_shape(summary: &Value) {
    let percentiles = ["p50", "p90", "p99", "p999", "max"];
    for hop in ["request", "end_to_end"] {
        let values = percentiles.map(|name| summary["latency_ms"][hop][name].as_f64().expect(name));
        assert!(values[0] > 0.0 && values.is_sorted(), "{hop}: {values:?}");
    }
    for name in ["duration_s", "throughput_rps"] {
        assert!(summary[name].as_f64().expect(name) > 0.0, "{name}");
    }
    let requests = summary["requests"]["sent"].as_u64().expect("a number");
    assert_eq!(
        summary["requests"],
        json!({"sent": requests, "ok": requests, "failed": 0})
    );
    assert_eq!(
        summary["records"],
        json!({"sent": requests, "delivered": requests, "duplicates": 0, "lost": 0, "undelivered": 0})
    );
    assert!(
        summary["traces"].as_u64().expect("a number") >= requests,
        "{summary}"
    );
    assert!(
        summary["spans"].as_u64().expect("a number") > 4 * requests,
        "the invocations have spans too"
    );
    assert_eq!(summary["flags"]["record"]["tracestate_lost"], 0);
    assert_eq!(summary["engine"], "native");
    // the 55 characters of a traceparent, its name, quotes, colon and braces
    assert_eq!(summary["carrier_bytes"], json!({"mean": 73.0, "max": 73}));
    let started = summary["started"].as_str().expect("text");
    assert!(started.parse::<jiff::Timestamp>().is_ok(), "{started}");
}

#[tokio::test]
async fn without_formats_no_trace_crosses_a_boundary() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["none", "--requests", "200"]).await;
    let directory = sandbox.path("out/none");
    let spans = run::spans(&directory);
    for Journey {
        client,
        server,
        send,
        record,
    } in journeys(&spans, 200)
    {
        assert_ne!(client.trace_id, server.trace_id);
        assert_ne!(send.trace_id, record.trace_id);
        assert_eq!(server.parent_span_id, "");
        assert!(!record.parent_is_remote);
    }
    for line in run::log(&directory, "consumer", "record.received") {
        assert_eq!(line["tracecontext"], Value::Null);
        assert!(line["record"]["superpower"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn the_upstream_engine_does_the_same_in_its_own_way() {
    let sandbox = Sandbox::new();
    let result = run(
        &sandbox,
        &[
            "w3c",
            "mixed:b3",
            "b3multi",
            "--engine",
            "otel",
            "--requests",
            "20",
        ],
    )
    .await;
    for (summary, name) in result["runs"].as_array().expect("runs").iter().zip([
        "tracecontext",
        "tracecontext+b3_to_b3",
        "b3multi",
    ]) {
        assert_eq!([&summary["name"], &summary["engine"]], [name, "otel"]);
        assert_eq!(
            summary["hops"],
            json!({"ingress": {"connected": 20}, "record": {"connected": 20}}),
            "{name}"
        );
    }
    for line in run::log(
        &sandbox.path("out/tracecontext"),
        "consumer",
        "record.received",
    ) {
        // this identifies upstream: it also writes an empty tracestate
        assert_eq!(line["tracecontext"]["tracestate"], "", "{line}");
    }
}

#[tokio::test]
async fn the_client_may_use_another_format_than_the_producer() {
    let sandbox = Sandbox::new();
    let result = run(
        &sandbox,
        &[
            "tracecontext",
            "--client",
            "b3",
            "--duration",
            "300ms",
            "--users",
            "2",
        ],
    )
    .await;
    let hops = &result["runs"][0]["hops"];
    let requests = &result["runs"][0]["requests"]["sent"];
    assert!(requests.as_u64() > Some(0), "{result}");
    assert_eq!(
        hops,
        &json!({"ingress": {"new_trace": requests}, "record": {"connected": requests}})
    );
}

#[tokio::test]
async fn people_get_a_table_and_an_answer() {
    let sandbox = Sandbox::new();
    let finished = sandbox
        .run([
            "run",
            "b3",
            "b3:tracecontext",
            "--requests",
            "20",
            "--out",
            "out",
        ])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for text in [
        "b3 ",
        "b3:tracecontext",
        "20 connected",
        "20 new_trace",
        "It stayed whole under b3",
        "Saved in out",
    ] {
        assert!(
            finished.stdout.contains(text),
            "{text} is missing in {}",
            finished.stdout
        );
    }
    assert!(
        !finished.stdout.contains('\u{1b}'),
        "colours in {:?}",
        finished.stdout
    );
}

#[tokio::test]
async fn a_run_whose_records_cannot_be_delivered_says_so_and_fails() {
    let sandbox = Sandbox::new();
    let failing = format!("consumer={}", example("fragile_consumer").display());
    let arguments = [
        "run",
        "b3",
        "--requests",
        "5",
        "--retries",
        "1",
        "--out",
        "out",
    ];
    let running = sandbox
        .baton(arguments.into_iter().chain(["--function", &failing]))
        // a folder, which the consumer cannot write to: it fails on every record
        .env("BATON_TEST_OUTPUT", sandbox.path(""))
        .spawn()
        .expect("the command starts");
    let finished = ended(running).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let says = "b3:b3: 5 records could not be delivered";
    assert!(finished.stderr.contains(says), "{finished:?}");
    let says = "5 records were accepted and not delivered under b3.";
    assert!(finished.stdout.contains(says), "{finished:?}");
    assert!(
        !finished.stdout.contains("whole under b3."),
        "nothing is known of the consumer: {finished:?}"
    );
}
