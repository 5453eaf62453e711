//! A run of which nothing arrives.

use std::time::Duration;

use crate::support::command::{Sandbox, ended};
use crate::support::run;

#[tokio::test]
async fn a_run_that_delivered_nothing_says_so_first_and_fails() {
    let sandbox = Sandbox::new();
    // a consumer that takes every event and never answers
    let consumer = sandbox.path("consumer.sh");
    std::fs::write(
        &consumer,
        "curl -s http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next >/dev/null; sleep 600",
    )
    .expect("room");
    let function = format!("consumer=sh {}", consumer.display());
    let arguments = [
        "-q",
        "--format",
        "json",
        "run",
        "tracecontext",
        "--requests",
        "4",
        "--timeout",
        "4s",
        "--retries",
        "0",
        "--no-bisect",
        "--function",
        &function,
        "--out",
        "out",
    ];
    let running = sandbox
        .baton(arguments)
        .spawn()
        .expect("the command starts");
    let finished = tokio::time::timeout(Duration::from_secs(60), ended(running)).await;
    let finished = finished.expect("it ends");
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains("4 records could not be delivered"),
        "{finished:?}"
    );
    let summary = &finished.json()["runs"][0];
    assert_eq!(summary["records"]["undelivered"], 4, "{summary}");
    let directory = sandbox.path("out/tracecontext");
    assert_eq!(
        run::json(&directory.join("run.json"))["records"]["undelivered"],
        4
    );
    let report = std::fs::read_to_string(directory.join("report.html")).expect("a report");
    let said = report.contains("not delivered") || report.contains("could not be delivered");
    assert!(said, "the report says it");
    assert_eq!(kept(&directory).lines().count(), 4);
}

fn kept(directory: &std::path::Path) -> String {
    std::fs::read_to_string(directory.join("undeliverable.jsonl")).expect("the file")
}
