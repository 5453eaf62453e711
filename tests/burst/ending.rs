//! How it ends: failures, hangs, no server, signals, limits.

use rustix::process::Signal;

use super::burst;
use crate::support::command::{Sandbox, ended};
use crate::support::server::{Server, answer, closing, nobody};
use crate::support::{processes, run, wait_until};

#[tokio::test]
async fn many_failures_are_summed_up_in_one_sentence() {
    for (status, sentence) in [
        (
            500,
            "all 60 requests failed: HTTP 500 Internal Server Error: said the server",
        ),
        (
            404,
            "all 60 requests failed: HTTP 404 Not Found: said the server; is the endpoint's path right?",
        ),
        (
            429,
            "all 60 requests failed: HTTP 429 Too Many Requests: said the server; the endpoint throttles",
        ),
    ] {
        let sandbox = Sandbox::new();
        let server = Server::start(move |number| async move { answer(status, number) }).await;
        let finished = burst(&sandbox, &server.endpoint(), &["--requests", "60"]).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(
            finished.stderr.contains(&format!("baton: {sentence}")),
            "{finished:?}"
        );
        assert!(
            finished.stdout.contains(&format!("60 × HTTP {status}")),
            "{finished:?}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_or_breaks_off_is_given_up_on() {
    let (never, no_more) = (
        Server::hanging_after(0).await,
        Server::hanging_after(50).await,
    );
    for (endpoint, sentence) in [
        (
            never.endpoint(),
            "no answer within 200ms; the endpoint takes connections but does not answer",
        ),
        (
            no_more.endpoint(),
            "gave up, as nothing was answered any more",
        ),
        (
            closing().await,
            "the connection broke before the answer was complete",
        ),
    ] {
        let sandbox = Sandbox::new();
        let flags = [
            "--duration",
            "1h",
            "--users",
            "2",
            "--timeout",
            "200ms",
            "--format",
            "json",
        ];
        let finished = burst(&sandbox, &endpoint, &flags).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("baton: gave up"), "{finished:?}");
        assert!(finished.stderr.contains(sentence), "{finished:?}");
        let burst = &finished.json()["bursts"][0];
        assert_eq!(burst["gave_up"], true);
        assert!(burst["requests"]["failed"].as_u64() > Some(0), "{burst}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_bad_input() {
    let plain = Server::well().await;
    let (_socket, nobody) = nobody();
    for (endpoint, code, sentence) in [
        (nobody, 3, "connection refused at"),
        (
            "http://no-such-host.invalid/".to_owned(),
            3,
            "could not connect to http://no-such-host.invalid/",
        ),
        (
            plain.endpoint().replace("http:", "https:"),
            3,
            "could not connect to https:",
        ),
        ("127.0.0.1:3000".to_owned(), 2, "is not a URL"),
        (
            "ftp://127.0.0.1/".to_owned(),
            2,
            "it has to begin with http:// or https://",
        ),
    ] {
        // it gives up early, long before the duration ends
        for length in [["--duration", "1h"], ["--requests", "3"]] {
            let sandbox = Sandbox::new();
            let flags = [&length[..], &["--out", "out"]].concat();
            let finished = burst(&sandbox, &endpoint, &flags).await;
            assert_eq!(finished.code, Some(code), "{finished:?}");
            assert!(finished.stderr.contains(sentence), "{finished:?}");
            assert_eq!(finished.stdout, "", "there is nothing to report");
            assert!(
                !sandbox.path("out").exists(),
                "and nothing to save: {endpoint}"
            );
        }
    }
}

#[tokio::test]
async fn an_interrupted_burst_keeps_its_measurements() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let endpoint = server.endpoint();
    let arguments = [
        "burst",
        "--endpoint",
        &endpoint,
        "--duration",
        "1h",
        "--rate",
        "200",
        "--bursts",
        "2",
        "--out",
        "out",
    ];
    let running = sandbox
        .baton(arguments)
        .spawn()
        .expect("the command starts");
    let pid = running.id().expect("it runs");
    wait_until("requests arrive", async || {
        (server.seen().len() > 20).then_some(())
    })
    .await;
    let children = processes::descendants(pid);
    processes::send(pid, Signal::INT);
    let finished = ended(running).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    processes::wait_until_gone(&children).await;
    let load = run::json(&sandbox.path("out/load.json"));
    assert_eq!(load["interrupted"], true);
    let sent = load["requests"]["sent"].as_u64().expect("a number");
    assert!(sent > 20, "{load}");
    assert!(finished.stdout.contains(&sent.to_string()), "{finished:?}");
    assert_eq!(run::spans(&sandbox.path("out")).len() as u64, sent);
}

#[tokio::test]
async fn limits_decide_how_it_ends() {
    let (sandbox, server) = (
        Sandbox::new(),
        Server::start(
            |number| async move { answer(if number % 10 == 0 { 503 } else { 200 }, number) },
        )
        .await,
    );
    for (limits, code, sentences) in [
        (
            vec![],
            1,
            vec!["10 of 100 requests failed: HTTP 503 Service Unavailable"],
        ),
        (
            vec!["--fail-under", "ok=90%", "--fail-over", "p99=1h"],
            2,
            vec!["is not a limit"],
        ),
        (
            vec!["--fail-under", "ok=90%", "--fail-over", "p99=3600s"],
            0,
            vec![],
        ),
        (
            vec!["--fail-over", "failed=10", "--fail-under", "rps=0.1"],
            0,
            vec![],
        ),
        (
            vec![
                "--fail-under",
                "ok=90.1%",
                "--fail-over",
                "max=0.001ms",
                "--fail-over",
                "p50=60s",
            ],
            1,
            vec![
                "ok is 90%, under the limit of 90.1%",
                "over the limit of 0.001ms",
            ],
        ),
        (
            vec!["--fail-under", "connected=1"],
            2,
            vec!["the figures are ok, failed, rps, p50, p90, p99, p999, max"],
        ),
    ] {
        let mut flags = vec!["--requests", "100", "--format", "json"];
        flags.extend(&limits);
        let finished = burst(&sandbox, &server.endpoint(), &flags).await;
        assert_eq!(finished.code, Some(code), "{limits:?}: {finished:?}");
        for sentence in sentences {
            assert!(
                finished.stderr.contains(sentence),
                "{sentence}: {finished:?}"
            );
        }
        if code == 2 {
            continue;
        }
        let checks = finished.json()["checks"].clone();
        assert_eq!(checks.as_array().map(Vec::len), Some(limits.len() / 2));
        for check in checks.as_array().expect("checks") {
            let fields = ["name", "limit", "value", "passed"];
            assert!(
                fields.iter().all(|field| !check[field].is_null()),
                "{check}"
            );
        }
    }
}
