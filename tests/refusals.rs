//! Requests that no client should send. Every server of the lab refuses them, and the lab goes on.

use serde_json::{Value, json};

use crate::support::lab::{Setup, answer};
use crate::support::{kinesis, run};

#[tokio::test]
async fn pages_of_other_sites_reach_no_server() {
    let mut lab = Setup::new().start().await;
    let status = format!("{}/status", lab.addresses.page);
    let switch = format!("{}/switch", lab.addresses.page);
    for (method, url) in [
        ("POST", &lab.addresses.endpoint),
        ("POST", &lab.addresses.kinesis),
        ("POST", &lab.addresses.otlp),
        ("POST", &lab.addresses.zipkin),
        ("GET", &lab.addresses.page),
        ("GET", &status),
        ("POST", &switch),
    ] {
        let request = |header: &str, value: &str| {
            lab.client
                .request(method.parse().expect("a method"), url)
                .header("content-type", "application/json")
                .header(header, value)
                .body("{}")
        };
        for (header, value) in [
            ("origin", "https://evil.example"),
            ("origin", "http://127.0.0.1.evil.example"),
            ("origin", "null"),
            ("host", "evil.example"),
            ("host", "evil.example:3000"),
        ] {
            let answer = answer(request(header, value)).await;
            assert_eq!(answer.status, 403, "{url}, {header} {value}: {answer:?}");
            assert!(
                answer.body.contains("for the machine it runs on"),
                "{answer:?}"
            );
        }
        for (header, value) in [
            ("origin", "http://localhost:8080"),
            ("origin", "http://[::1]:8080"),
            ("host", "localhost"),
        ] {
            // what changes the lab is refused to every page but its own
            if *url == switch {
                continue;
            }
            let answer = answer(request(header, value)).await;
            assert_ne!(answer.status, 403, "{url}, {header} {value}: {answer:?}");
        }
    }
    lab.stop_well().await;
    // three requests to the endpoint came from this machine
    assert_eq!(run::log(&lab.saved, "producer", "request").len(), 3);
}

#[tokio::test]
async fn the_stream_keeps_its_shards() {
    let mut lab = Setup::new().start().await;
    let stream = lab.addresses.stream.clone();
    for (operation, parameters) in [
        (
            "SplitShard",
            json!({"StreamName": stream, "ShardToSplit": "shardId-000000000000",
                "NewStartingHashKey": "7"}),
        ),
        (
            "MergeShards",
            json!({"StreamName": stream, "ShardToMerge": "shardId-000000000000",
                "AdjacentShardToMerge": "shardId-000000000001"}),
        ),
        (
            "UpdateShardCount",
            json!({"StreamName": stream, "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"}),
        ),
        ("DeleteStream", json!({ "StreamName": stream })),
    ] {
        let answer = kinesis::call(&lab, operation, &parameters).await;
        assert_eq!(answer.status, 400, "{operation}: {answer:?}");
        let refusal: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(refusal["__type"], "InvalidArgumentException", "{answer:?}");
        assert!(
            refusal["message"]
                .as_str()
                .is_some_and(|message| message.contains(operation)),
            "{answer:?}"
        );
        lab.accepted("{}").await;
    }
    for shard in 0..2 {
        kinesis::put(&lab, (shard, 2), &["{}"]).await;
    }
    lab.wait_for_delivered(6).await;
    let described = kinesis::call(&lab, "ListShards", &json!({ "StreamName": stream })).await;
    assert_eq!(
        described.body.matches("\"ShardId\"").count(),
        2,
        "{described:?}"
    );
    lab.stop_well().await;
}

#[tokio::test]
async fn an_envelope_of_many_headers_is_delivered() {
    /// As many as a record of Kinesis holds.
    const HEADERS: usize = 90_000;
    let mut lab = Setup::new()
        .flags(["--timeout", "5s", "--retries", "0"])
        .start()
        .await;
    let headers: serde_json::Map<_, _> = (0..HEADERS)
        .map(|number| (format!("{number:05x}"), json!("")))
        .collect();
    let envelope = json!({ "tracecontext": headers, "record": {"name": "Kate"} });
    kinesis::put(&lab, (0, 2), &[envelope.to_string()]).await;
    lab.wait_for_delivered(1).await;
    lab.stop_well().await;
    let received = run::log(&lab.saved, "consumer", "record.received");
    assert_eq!(received.len(), 1);
    let carrier = received[0]["tracecontext"].as_object().expect("headers");
    assert_eq!(carrier.len(), HEADERS);
}
