//! `baton burst`: what it sends, measures, prints and saves, and how it ends.

mod ending;
mod requests;
mod saving;

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::command::{Finished, Sandbox};
use crate::support::server::{Server, answer};

/// Sends bursts to an endpoint.
async fn burst(sandbox: &Sandbox, endpoint: &str, arguments: &[&str]) -> Finished {
    let mut all = vec!["burst", "--endpoint", endpoint];
    all.extend(arguments);
    sandbox.run(all).await
}

/// Sends bursts that succeed, and gives the printed JSON.
async fn measured(sandbox: &Sandbox, endpoint: &str, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let finished = burst(sandbox, endpoint, &all).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

#[tokio::test]
async fn each_burst_is_reported_on_its_own() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = ["--requests", "40", "--bursts", "3", "--gap", "10ms"];
    let result = measured(&sandbox, &server.endpoint(), &flags).await;
    assert_eq!(server.seen().len(), 120);
    assert_eq!(
        result["requests"],
        json!({"sent": 120, "ok": 120, "failed": 0})
    );
    let bursts = result["bursts"].as_array().expect("bursts");
    assert_eq!(bursts.len(), 3);
    let mut traces = HashSet::new();
    for burst in bursts {
        assert_eq!(
            burst["requests"],
            json!({"sent": 40, "ok": 40, "failed": 0})
        );
        let latency = &burst["latency_ms"];
        let percentiles = ["p50", "p90", "p99", "p999", "max"].map(|name| latency[name].as_f64());
        assert!(
            percentiles[0] > Some(0.0) && percentiles.is_sorted(),
            "{burst}"
        );
        assert!(burst["throughput_rps"].as_f64() > Some(0.0), "{burst}");
    }
    for seen in server.seen() {
        traces.insert(seen.header("traceparent")[3..35].to_owned());
    }
    assert_eq!(traces.len(), 120, "every request begins a trace");

    let finished = burst(&sandbox, &server.endpoint(), &flags).await;
    let rows: Vec<Vec<&str>> = finished
        .stdout
        .lines()
        .map(|line| line.split_whitespace().take(4).collect())
        .collect();
    for row in [
        ["1", "40", "40", "0"],
        ["2", "40", "40", "0"],
        ["3", "40", "40", "0"],
    ] {
        assert!(rows.iter().any(|other| *other == row), "{finished:?}");
    }
    for words in ["p99.9", "Latencies are those that each user saw"] {
        assert!(finished.stdout.contains(words), "{words}: {finished:?}");
    }
    for words in ["burst 1/3", "burst 3/3"] {
        assert!(finished.stderr.contains(words), "{words}: {finished:?}");
    }
}

#[tokio::test]
async fn progress_has_rate_and_percentiles() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = ["--duration", "2500ms", "--users", "1", "--rate", "50"];
    let finished = burst(&sandbox, &server.endpoint(), &flags).await;
    let line = finished
        .stderr
        .lines()
        .find(|line| line.contains("requests"));
    let line = line.unwrap_or_else(|| panic!("{finished:?}"));
    for words in ["/s", "p50", "p99"] {
        assert!(line.contains(words), "{words}: {line}");
    }
}

#[tokio::test]
async fn under_a_rate_latencies_are_from_the_intended_start() {
    // one request blocks the only user, and so delays the requests that are due meanwhile
    let server = Server::start(|number| async move {
        if number == 10 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        answer(200, number)
    })
    .await;
    let sandbox = Sandbox::new();
    let flags = ["--requests", "100", "--rate", "200", "--users", "1"];
    let result = measured(&sandbox, &server.endpoint(), &flags).await;
    assert_eq!(result["latency"], "intended_start");
    let burst = &result["bursts"][0];
    let p90 = |name: &str| burst[name]["p90"].as_f64().expect("a number");
    assert!(p90("latency_corrected_ms") > 100.0, "{burst}");
    assert!(p90("latency_ms") < p90("latency_corrected_ms"), "{burst}");
    let finished = burst_text(&sandbox, &server.endpoint()).await;
    assert!(
        finished.contains("Latencies count from the intended start"),
        "{finished}"
    );
}

async fn burst_text(sandbox: &Sandbox, endpoint: &str) -> String {
    let finished = burst(sandbox, endpoint, &["--requests", "10", "--rate", "1000"]).await;
    finished.stdout
}
