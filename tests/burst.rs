//! `baton burst`: what it sends, measures, prints and saves, and how it ends.

mod ending;
mod requests;
mod saving;
mod tls;

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

/// Sends bursts that succeed, and returns the printed JSON.
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

#[tokio::test]
async fn several_endpoints_take_turns_and_are_compared() {
    let sandbox = Sandbox::new();
    let (old, new) = (Server::well().await, Server::well().await);
    let endpoints = [
        format!("old={}", old.endpoint()),
        format!("new={}", new.endpoint()),
    ];
    let flags = [
        "--requests",
        "120",
        "--rounds",
        "6",
        "--users",
        "2",
        "--out",
        "out",
    ];
    let named = ["--endpoint", &*endpoints[0], "--endpoint", &*endpoints[1]];
    let finished = sandbox
        .run([&["burst", "--format", "json"], &named[..], &flags[..]].concat())
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!((old.seen().len(), new.seen().len()), (120, 120));
    let result = finished.json();
    let runs = result["runs"].as_array().expect("runs");
    let names: Vec<_> = runs.iter().map(|run| &run["name"]).collect();
    assert_eq!(names, ["old", "new"]);
    assert_eq!(result["baseline"], "old");
    for run in runs {
        assert_eq!(
            run["requests"],
            json!({"sent": 120, "ok": 120, "failed": 0})
        );
        assert_eq!(run["rounds"].as_array().map(Vec::len), Some(6));
    }
    let mut differences = result["differences"]
        .as_array()
        .expect("differences")
        .iter();
    let median = differences.find(|difference| difference["metric"] == "request.p50");
    let median = median.expect("a median");
    assert_eq!(
        [&median["run"], &median["rounds"]],
        [&json!("new"), &json!(6)]
    );
    assert!(
        median["p"].as_f64().is_some() && median["interval"].is_array(),
        "{median}"
    );
    for name in ["old", "new"] {
        let saved = sandbox.path("out").join(name).join("summary.json");
        assert!(saved.is_file(), "{saved:?}");
    }

    let alone = burst(&sandbox, &old.endpoint(), &["--rounds", "6"]).await;
    assert_eq!(alone.code, Some(2));
    assert!(
        alone.stderr.contains("--rounds needs two endpoints"),
        "{alone:?}"
    );
}

#[tokio::test]
async fn a_burst_tells_statuses_bytes_and_the_first_failed_answer() {
    let sandbox = Sandbox::new();
    let server = Server::start(|number| async move {
        match number % 4 {
            0 => answer(500, number),
            _ => answer(200, number),
        }
    })
    .await;
    let flags = ["--requests", "40", "--users", "2", "--method", "put"];
    let finished = burst(&sandbox, &server.endpoint(), &flags).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for text in [
        "30 × HTTP 200, 10 × HTTP 500",
        r#"begins: {"message":"said the server"}"#,
        "received",
        "mean",
        "p95",
        "latency of 30 requests",
    ] {
        assert!(
            finished.stdout.contains(text),
            "{text} is missing in {}",
            finished.stdout
        );
    }
    assert!(!finished.stdout.contains('\u{1b}'), "{finished:?}");

    let flags = [&flags[..], &["--format", "json"]].concat();
    let burst = burst(&sandbox, &server.endpoint(), &flags).await.json()["bursts"][0].clone();
    assert_eq!(burst["statuses"], json!({"200": 30, "500": 10}));
    assert!(
        burst["body_bytes"]["received"].as_u64() > Some(0),
        "{burst}"
    );
    assert!(burst["latency_ms"]["mean"].as_f64() > Some(0.0), "{burst}");
}
