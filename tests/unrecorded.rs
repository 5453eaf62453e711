//! baton invents nothing that was not recorded: functions without OpenTelemetry, and traces that
//! were not sampled.

use serde_json::{Value, json};

use crate::support::command::{Sandbox, ended};
use crate::support::lab::Setup;
use crate::support::run;

#[tokio::test]
async fn functions_without_opentelemetry_connect_nothing() {
    const REQUESTS: usize = 12;
    let sandbox = Sandbox::new();
    let requests = REQUESTS.to_string();
    for pairing in ["tracecontext", "b3:tracecontext"] {
        let arguments = ["run", pairing, "--requests", &requests];
        let running = sandbox
            .baton(
                arguments
                    .into_iter()
                    .chain(["--format", "json", "--out", "out"]),
            )
            .env("OTEL_SDK_DISABLED", "true")
            .spawn()
            .expect("the command starts");
        let finished = ended(running).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let summary = &finished.json()["runs"][0];
        assert_eq!(
            summary["hops"],
            json!({"ingress": {"unsampled": REQUESTS}, "record": {}}),
            "the client's spans are all there is: {pairing}"
        );
        assert_eq!(summary["unjudged"], REQUESTS, "{pairing}: {summary}");
        assert_eq!(
            summary["records"],
            json!({"sent": REQUESTS, "delivered": REQUESTS, "duplicates": 0, "lost": 0, "undelivered": 0}),
            "what became of the records is still known: {pairing}"
        );
    }
}

#[tokio::test]
async fn records_of_several_lines_are_counted_where_nothing_is_sampled() {
    let bodies = [
        "{\n  \"name\": \"Kate\",\n  \"superpower\": \"Distributed Tracing\"\n}\n",
        "[\r\n1,\r\n2\r\n]",
        "\n\n{\"event\":\"record.sent\"}",
        "{\"one\": \"line\\nand another\"}",
    ];
    let mut lab = Setup::new()
        .variable("OTEL_TRACES_SAMPLER", "always_off")
        .start()
        .await;
    for body in bodies {
        lab.accepted(body).await;
    }
    let accepted = bodies.len();
    let summary = lab.stop_and_sum_up().await;
    assert_eq!(run::spans(&lab.saved).len(), 0);
    assert_eq!(
        summary["records"],
        json!({"sent": accepted, "delivered": accepted, "duplicates": 0, "lost": 0, "undelivered": 0})
    );
    assert_eq!(summary["log_problems"], 0, "{summary}");
    let saved = lab.saved.display().to_string();
    let map = lab.sandbox.run(["map", &saved]).await;
    let lines: Vec<_> = map.stdout.lines().collect();
    assert!(
        matches!(lines[..], ["(producer unseen)", stream, consumer]
            if stream.ends_with("stream baton") && consumer.ends_with("(consumer unseen)")),
        "the stream does not lead back to the producer: {map:?}"
    );
    let mut received: Vec<_> = run::log(&lab.saved, "consumer", "record.received")
        .iter()
        .map(|line| line["record"].to_string())
        .collect();
    let mut expected = bodies.map(|body| {
        let body: Value = serde_json::from_str(body).expect("JSON");
        body.to_string()
    });
    received.sort();
    expected.sort();
    assert_eq!(received, expected);
}
