//! What is sent, and what is written down of it.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use baton_loadgen::{Header, Payload, Settings, Stop};
use baton_propagators::Mode;
use serde_json::Value;

use crate::support::{Attacker, Server, answer, settings};

#[tokio::test]
async fn every_request_is_made_once_and_has_its_span() {
    let server = Server::well().await;
    let attacked = Attacker::start(Settings {
        stop: Stop::Requests(1_003),
        users: 8,
        ..settings(server.endpoint())
    })
    .end()
    .await;

    let outcome = attacked.outcome();
    assert_eq!(outcome.summary, "all 1003 requests succeeded");
    assert_eq!(
        (
            outcome.requests.sent,
            outcome.requests.ok,
            outcome.requests.failed
        ),
        (1_003, 1_003, 0)
    );
    assert!(
        !outcome.interrupted && outcome.failures.is_empty() && outcome.span_file_error.is_none()
    );
    assert!(outcome.duration_s > 0.0 && outcome.throughput_rps > 0.0);
    let latency = outcome.latency_ms.unwrap();
    assert!(
        0.0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.max,
        "{latency:?}"
    );

    let goose: Value =
        serde_json::from_str(outcome.goose.as_ref().expect("a report").get()).unwrap();
    assert_eq!(
        goose["requests"]["POST /dev/producer"]["success_count"],
        1_003
    );
    assert_eq!(goose["total_users"], 8);
    assert_eq!(goose["duration"].as_f64(), Some(outcome.duration_s.ceil()));

    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.uri.path() == "/dev/producer"));
    assert!(
        seen.iter()
            .all(|seen| seen.header("content-type") == Some("application/json"))
    );
    let bodies: BTreeSet<&[u8]> = seen.iter().map(|seen| &*seen.body).collect();
    assert!(bodies.len() > 1, "{bodies:?}");

    // The n-th request was answered with the id n, so spans must pair each id with that request's
    // header.
    let sent: BTreeMap<String, &str> = seen
        .iter()
        .enumerate()
        .map(|(number, seen)| (format!("id-{number}"), seen.header("traceparent").unwrap()))
        .collect();
    let spans = attacked.spans();
    let recorded: BTreeMap<String, String> = spans
        .iter()
        .map(|span| {
            let header = format!("00-{}-{}-01", span.text("traceId"), span.text("spanId"));
            (span.attributes()["aws.request_id"].to_owned(), header)
        })
        .collect();
    assert_eq!(spans.len(), 1_003);
    assert!(
        recorded
            .iter()
            .map(|(id, header)| (id.as_str(), header.as_str()))
            .eq(sent.iter().map(|(id, header)| (id.as_str(), *header)))
    );
    let per_line: Vec<usize> = attacked
        .lines()
        .iter()
        .map(|line| line.to_string().matches("\"spanId\"").count())
        .collect();
    assert_eq!(per_line, [200, 200, 200, 200, 200, 3]);

    let last = attacked.report.progress.last().unwrap();
    assert_eq!(last.requests, outcome.requests);
}

#[tokio::test]
async fn nothing_is_printed() {
    let server = Server::start(|number| async move { answer(500, number, "") }).await;
    let attacked = Attacker::start(settings(server.endpoint())).end().await;
    let printed: Vec<&str> = attacked
        .stdout
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    let [running, test, result] = printed[..] else {
        panic!("{printed:?}")
    };
    assert_eq!((running, test), ("running 1 test", "test attacker ... ok"));
    assert!(result.starts_with("test result: ok."), "{result}");
    assert_eq!(attacked.stderr, "");
    assert!(attacked.status.success());
}

#[tokio::test]
async fn the_client_sends_the_headers_of_its_mode() {
    let all = [
        "traceparent",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "baggage",
    ];
    let cases: &[(&str, &[&str])] = &[
        ("tracecontext", &["traceparent"]),
        ("b3", &["b3"]),
        ("b3multi", &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"]),
        ("tracecontext,b3", &["traceparent", "b3"]),
        ("tracecontext,baggage", &["traceparent", "baggage"]),
        ("none", &[]),
    ];
    for (mode, expected) in cases {
        let server = Server::well().await;
        let settings = Settings {
            stop: Stop::Requests(20),
            ..Settings::new(server.endpoint(), mode.parse::<Mode>().unwrap())
        };
        let attacked = Attacker::start(settings).end().await;
        let seen = server.seen();
        assert_eq!(seen.len(), 20, "{mode}");
        for seen in seen {
            let sent: Vec<&str> = all
                .into_iter()
                .filter(|name| seen.headers.contains_key(*name))
                .collect();
            assert_eq!(sent, *expected, "{mode}");
        }
        assert_eq!(
            attacked.spans().len(),
            20,
            "a span is recorded whether or not {mode} can express it"
        );
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_requests() {
    let mut sent = Vec::new();
    for seed in [Some(11), Some(11), Some(12), None] {
        let server = Server::well().await;
        let settings = Settings {
            seed,
            stop: Stop::Requests(50),
            ..settings(server.endpoint())
        };
        let attacked = Attacker::start(settings).end().await;
        let requests: BTreeSet<(String, Bytes)> = server
            .seen()
            .into_iter()
            .map(|seen| (seen.header("traceparent").unwrap().to_owned(), seen.body))
            .collect();
        assert_eq!(requests.len(), 50);
        sent.push((requests, attacked.outcome().seed));
    }
    assert_eq!(sent[0], sent[1]);
    assert!(sent[0].0.is_disjoint(&sent[2].0) && sent[0].0.is_disjoint(&sent[3].0));
    assert_eq!(sent[2].1, Some(12));
}

#[tokio::test]
async fn a_span_file_that_cannot_be_created_stops_the_attack_before_it_begins() {
    let server = Server::well().await;
    let settings = Settings {
        spans: Some("/nowhere/client.jsonl".into()),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    assert_eq!(
        attacked.report.error.as_deref(),
        Some(
            "cannot create the span file /nowhere/client.jsonl: No such file or directory (os error 2)"
        )
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn bodies_and_headers_are_those_of_the_plan() {
    let server = Server::well().await;
    let settings = Settings {
        payload: Payload {
            template: Some(r#"<{{name}}{{padding}}>"#.to_owned()),
            size: Some(5_000),
        },
        headers: [
            "X-Api-Key: secret",
            "content-type: text/xml",
            "x-tag: a",
            "x-tag: b",
        ]
        .map(|line| Header::parse(line).unwrap())
        .into(),
        stop: Stop::Requests(50),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    for seen in server.seen() {
        assert_eq!(seen.body.len(), 5_000);
        assert_eq!(
            (seen.header("x-api-key"), seen.header("content-type")),
            (Some("secret"), Some("text/xml"))
        );
        let tags: Vec<_> = seen.headers.get_all("x-tag").iter().collect();
        assert_eq!(tags, ["a", "b"]);
    }
    for line in attacked.lines() {
        assert!(!line.to_string().contains("secret"), "{line}");
    }
    let outcome = serde_json::to_string(attacked.outcome()).unwrap();
    assert!(!outcome.contains("secret"), "{outcome}");
}

#[tokio::test]
async fn the_report_of_goose_has_every_request() {
    let server = Server::start(|number| async move {
        answer(if number % 10 == 0 { 500 } else { 200 }, number, "")
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("goose.html");
    let attacked = Attacker::start(Settings {
        stop: Stop::Requests(300),
        headers: vec![Header::parse("x-api-key: secret").unwrap()],
        goose_report: Some(report.clone()),
        ..settings(server.endpoint())
    })
    .end()
    .await;
    let outcome = attacked.outcome();
    assert_eq!((outcome.requests.ok, outcome.requests.failed), (270, 30));
    assert!(!outcome.interrupted && !outcome.gave_up);
    let goose: Value =
        serde_json::from_str(outcome.goose.as_ref().expect("a report").get()).unwrap();
    let counts = &goose["requests"]["POST /dev/producer"];
    assert_eq!(
        (&counts["success_count"], &counts["fail_count"]),
        (&270.into(), &30.into())
    );
    let html = std::fs::read_to_string(report).unwrap();
    assert!(
        html.contains("/dev/producer") && html.contains("300"),
        "{html}"
    );
    assert!(!html.contains("secret"), "{html}");
}
