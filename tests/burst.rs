//! `baton burst`: what it sends, measures, prints and saves, and how it ends.

mod support;

use std::collections::HashSet;

use baton_propagators::format::{self, Outcome};
use rustix::process::Signal;
use serde_json::{Value, json};

use support::command::{Finished, Sandbox, ended};
use support::run::{self, Span, by_attribute, kind};
use support::server::{Seen, Server, answer, closing, nobody};
use support::{processes, wait_until};

/// Sends bursts to an endpoint.
async fn burst(sandbox: &Sandbox, endpoint: &str, arguments: &[&str]) -> Finished {
    let mut all = vec!["burst", "--endpoint", endpoint];
    all.extend(arguments);
    sandbox.run(all).await
}

/// Sends bursts that go well, and gives the JSON that is printed.
async fn measured(sandbox: &Sandbox, endpoint: &str, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let finished = burst(sandbox, endpoint, &all).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// The requests that a server has seen, and the client's span of each.
fn pairs(seen: &[Seen], spans: &[Span]) -> Vec<(Seen, Span)> {
    let spans = by_attribute(run::of(spans, "client", kind::CLIENT), "aws.request_id");
    let pair = |(number, seen): (usize, &Seen)| {
        let span = spans.get(&*format!("id-{number}")).expect("its span");
        (seen.clone(), Span::clone(span))
    };
    seen.iter().enumerate().map(pair).collect()
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
    for words in ["p99.9", "Closed loop: latencies as each user saw them"] {
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
async fn formats_conflict_in_one_thing_and_the_first_is_the_clients_own() {
    let sandbox = Sandbox::new();
    // which of trace id, span id and decision the second format shares with the first
    for (conflict, shared) in [
        ("agree", [true, true, true]),
        ("trace", [false, true, true]),
        ("span", [true, false, true]),
        ("sampled", [true, true, false]),
    ] {
        for mode in [None, Some("b3,tracecontext")] {
            let server = Server::well().await;
            let mut flags = vec!["--requests", "30", "--conflict", conflict, "--out", "out"];
            flags.extend(mode.iter().flat_map(|mode| ["--client", mode]));
            measured(&sandbox, &server.endpoint(), &flags).await;
            let spans = run::spans(&sandbox.path("out"));
            for (seen, span) in pairs(&server.seen(), &spans) {
                let w3c: Vec<_> = seen.header("traceparent").split('-').skip(1).collect();
                let b3: Vec<_> = seen.header("b3").split('-').collect();
                let ([w3c_trace, w3c_span, "00" | "01"], [b3_trace, b3_span, _]) =
                    (&w3c[..], &b3[..])
                else {
                    panic!("{seen:?}")
                };
                let decisions = (w3c[2] == "01", b3[2] == "1");
                let same = [
                    w3c_trace == b3_trace,
                    w3c_span == b3_span,
                    decisions.0 == decisions.1,
                ];
                assert_eq!(same, shared, "{conflict}: {seen:?}");
                let own = if mode.is_some() {
                    (b3, decisions.1)
                } else {
                    (w3c, decisions.0)
                };
                assert_eq!([&*span.trace_id, &span.span_id], own.0[..2], "{conflict}");
                assert!(own.1, "the client samples");
            }
        }
    }
}

#[tokio::test]
async fn as_many_headers_are_malformed_as_were_asked_for() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = [
        "--requests",
        "1000",
        "--client",
        "tracecontext,b3",
        "--malformed",
        "12.5",
        "--out",
        "out",
    ];
    measured(&sandbox, &server.endpoint(), &flags).await;
    let malformed = |seen: &Seen, format: &str| {
        let candidate = format::find(format)
            .expect("a format")
            .extract(&seen.headers);
        matches!(candidate.outcome, Outcome::Malformed(_))
    };
    let mut defects = HashSet::new();
    let mut count = 0;
    for (seen, span) in pairs(&server.seen(), &run::spans(&sandbox.path("out"))) {
        assert!(
            !malformed(&seen, "tracecontext"),
            "one side is whole: {seen:?}"
        );
        let is_malformed = malformed(&seen, "b3");
        let defect = span.text("baton.defect");
        assert_eq!(is_malformed, !defect.is_empty(), "{seen:?}");
        if is_malformed {
            count += 1;
            defects.insert(defect.to_owned());
        }
    }
    assert_eq!(count, 125);
    assert!(defects.len() > 4, "in several ways: {defects:?}");
}

#[tokio::test]
async fn baggage_and_tracestate_go_along_and_the_span_says_so() {
    for (flags, baggage, entries, tracestate) in [
        (
            &["--baggage", "--tracestate"][..],
            "client=baton",
            1,
            "baton=client",
        ),
        (
            &["--baggage", "a=1,b=2", "--tracestate", "x=y,z=0"],
            "a=1,b=2",
            2,
            "x=y,z=0",
        ),
    ] {
        let (sandbox, server) = (Sandbox::new(), Server::well().await);
        let mut all = vec!["--requests", "10", "--out", "out"];
        all.extend(flags);
        measured(&sandbox, &server.endpoint(), &all).await;
        for (seen, span) in pairs(&server.seen(), &run::spans(&sandbox.path("out"))) {
            assert_eq!(
                [seen.header("baggage"), seen.header("tracestate")],
                [baggage, tracestate]
            );
            assert_eq!(span.trace_state, tracestate);
            assert_eq!(span.attributes["baton.baggage.entries"], json!(entries));
        }
    }
}

#[tokio::test]
async fn bodies_come_from_a_file_and_have_the_size() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    std::fs::write(
        sandbox.path("body.json"),
        r#"{"who":"{{name}}","what":"{{superpower}}"}"#,
    )
    .expect("room");
    let limit = 1024 * 1024;
    for (flags, size, fields) in [
        (
            vec!["--payload-size", "4096"],
            Some(4096),
            ["name", "superpower"],
        ),
        (
            vec!["--payload-size", "1048576"],
            Some(limit),
            ["name", "superpower"],
        ),
        (vec!["--payload", "body.json"], None, ["who", "what"]),
        (
            vec!["--payload", "body.json", "--payload-size", "300"],
            Some(300),
            ["who", "what"],
        ),
    ] {
        let before = server.seen().len();
        let mut all = vec!["--requests", "30"];
        all.extend(flags);
        measured(&sandbox, &server.endpoint(), &all).await;
        let mut bodies = HashSet::new();
        for seen in &server.seen()[before..] {
            let body: Value = serde_json::from_slice(&seen.body).expect("JSON");
            assert!(
                fields.iter().all(|field| body[field].is_string()),
                "{all:?}: {body}"
            );
            assert!(size.is_none_or(|size| seen.body.len() == size), "{all:?}");
            bodies.insert(seen.body.clone());
        }
        assert!(bodies.len() > 1, "{all:?}: names vary");
    }
    let finished = burst(&sandbox, &server.endpoint(), &["--payload-size", "1048577"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished.stderr.contains("Kinesis takes at most 1048576"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_storm_of_failures_ends_in_a_sentence() {
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
    for (endpoint, sentence) in [
        (nobody, "connection refused at"),
        (
            "http://no-such-host.invalid/".to_owned(),
            "could not connect to http://no-such-host.invalid/",
        ),
        (
            plain.endpoint().replace("http:", "https:"),
            "could not connect to https:",
        ),
        ("127.0.0.1:3000".to_owned(), "is not a URL"),
        (
            "ftp://127.0.0.1/".to_owned(),
            "it has to begin with http:// or https://",
        ),
    ] {
        let sandbox = Sandbox::new();
        let flags = ["--duration", "1h", "--out", "out"];
        let finished = burst(&sandbox, &endpoint, &flags).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(sentence), "{finished:?}");
        assert_eq!(finished.stdout, "", "there is nothing to report");
        assert!(
            !sandbox.path("out").exists(),
            "and nothing to save: {endpoint}"
        );
    }
}

#[tokio::test]
async fn an_interrupted_burst_keeps_what_it_measured() {
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
            vec!["is no limit"],
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

#[tokio::test]
async fn under_a_rate_latencies_are_from_the_intended_start() {
    // one request holds up the only user, and with it those that are due meanwhile
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
        finished.contains("Latencies from the intended start"),
        "{finished}"
    );
}

async fn burst_text(sandbox: &Sandbox, endpoint: &str) -> String {
    let finished = burst(sandbox, endpoint, &["--requests", "10", "--rate", "1000"]).await;
    finished.stdout
}

#[tokio::test]
async fn what_a_header_says_is_sent_and_shown_nowhere() {
    const SECRET: &str = "do-not-tell";
    let (sandbox, server) = (
        Sandbox::new(),
        Server::start(|number| async move { answer(500, number) }).await,
    );
    std::fs::write(sandbox.path("headers"), format!("x-second: {SECRET}\n\n")).expect("room");
    let header = format!("x-api-key: {SECRET}");
    let flags = [
        "--requests",
        "20",
        "--header",
        &header,
        "--header",
        "@headers",
        "--out",
        "out",
        "--goose-report",
        "goose.html",
        "--verbose",
    ];
    for format in ["json", "text"] {
        let mut all = flags.to_vec();
        all.extend(["--format", format]);
        let finished = burst(&sandbox, &server.endpoint(), &all).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(!format!("{finished:?}").contains(SECRET), "{finished:?}");
    }
    for seen in server.seen() {
        assert_eq!(
            [seen.header("x-api-key"), seen.header("x-second")],
            [SECRET; 2]
        );
    }
    for file in ["out/run.json", "out/load.json", "goose.html"] {
        let text = std::fs::read_to_string(sandbox.path(file)).expect(file);
        assert!(!text.contains(SECRET), "{file}: {text}");
    }
    let spans = format!("{:?}", run::spans(&sandbox.path("out")));
    assert!(!spans.contains(SECRET), "{spans}");
    // a header that is wrong is not repeated either
    for wrong in [
        SECRET.to_owned(),
        format!("x y: {SECRET}"),
        format!("traceparent: {SECRET}"),
    ] {
        let finished = burst(&sandbox, &server.endpoint(), &["--header", &wrong]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(!finished.stderr.contains(SECRET), "{finished:?}");
    }
    let endpoint = format!("{}?key={SECRET}", server.endpoint());
    let finished = burst(&sandbox, &endpoint, &["--requests", "5", "--out", "out"]).await;
    assert!(!format!("{finished:?}").contains(SECRET), "{finished:?}");
    let spans = format!("{:?}", run::spans(&sandbox.path("out")));
    assert!(
        spans.contains("REDACTED") && !spans.contains(SECRET),
        "{spans}"
    );
}

#[tokio::test]
async fn a_burst_is_saved_as_a_run_without_pairing() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = [
        "--requests",
        "25",
        "--bursts",
        "2",
        "--gap",
        "0s",
        "--client",
        "b3",
        "--out",
        "out",
        "--goose-report",
        "goose.html",
    ];
    measured(&sandbox, &server.endpoint(), &flags).await;
    let directory = sandbox.path("out");
    let manifest = run::json(&directory.join("run.json"));
    assert_eq!(manifest["pairing"], Value::Null);
    assert_eq!(manifest["settings"]["client"], "b3");
    assert_eq!(manifest["settings"]["endpoint"], server.endpoint());
    assert!(manifest["end"].is_string(), "{manifest}");
    let load = run::json(&directory.join("load.json"));
    assert_eq!(load["requests"], json!({"sent": 50, "ok": 50, "failed": 0}));
    assert_eq!(load["bursts"].as_array().map(Vec::len), Some(2));
    assert!(load["bursts"][0]["goose"].is_object(), "{load}");
    let spans = run::spans(&directory);
    assert_eq!(run::of(&spans, "client", kind::CLIENT).len(), 50);
    for report in ["goose-1.html", "goose-2.html"] {
        let html = std::fs::read_to_string(sandbox.path(report)).expect(report);
        assert!(html.contains("POST /dev/producer"), "{report}");
    }
    // an earlier run there is replaced
    measured(
        &sandbox,
        &server.endpoint(),
        &["--requests", "5", "--out", "out"],
    )
    .await;
    assert_eq!(run::spans(&directory).len(), 5);
}

#[tokio::test]
async fn a_plan_holds_settings_and_flags_win() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let plan = format!(
        "endpoint = \"{}\"\nclient = \"b3\"\nrequests = 10\nusers = 2\nbaggage = true\nfail-under = [\"ok=50%\", \"rps=0.001\"]\nformat = \"json\"\n",
        server.endpoint()
    );
    std::fs::write(sandbox.path("plan.toml"), plan).expect("room");
    let finished = sandbox.run(["burst", "--plan", "plan.toml"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["requests"]["sent"], 10);
    assert_eq!(
        [&result["settings"]["client"], &result["settings"]["users"]],
        [&json!("b3,baggage"), &json!(2)]
    );
    assert_eq!(result["checks"].as_array().map(Vec::len), Some(2));
    // what excludes a setting wins over it, too
    let flags = [
        "burst",
        "--plan",
        "plan.toml",
        "--client",
        "tracecontext",
        "--duration",
        "100ms",
    ];
    let finished = sandbox.run(flags).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let settings = finished.json()["settings"].clone();
    assert_eq!(settings["client"], "tracecontext,baggage");
    assert!(settings["stop"]["duration"].is_object(), "{settings}");

    for (text, sentence) in [
        (
            "endpoints = 1",
            "there is no setting \"endpoints\" of baton burst; there are baggage, bursts,",
        ),
        (
            "users = \"many\"",
            "plan.toml: invalid value 'many' for '--users <N>'",
        ),
        (
            "users = true",
            "plan.toml: users: expected a value, but found boolean",
        ),
        (
            "no-color = 1",
            "plan.toml: no-color: expected true or false, but found integer",
        ),
        ("users = ", "plan.toml: TOML parse error at line 1"),
        ("users = 3", "the plan has no endpoint"),
    ] {
        std::fs::write(sandbox.path("plan.toml"), text).expect("room");
        let finished = sandbox.run(["burst", "--plan", "plan.toml"]).await;
        assert_eq!(finished.code, Some(2), "{text}: {finished:?}");
        assert!(finished.stderr.contains(sentence), "{text}: {finished:?}");
    }
    let finished = sandbox.run(["burst", "--plan", "nowhere.toml"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
}

#[tokio::test]
async fn a_run_takes_bursts_and_a_plan_too() {
    let sandbox = Sandbox::new();
    let plan = "pairings = [\"b3\", \"b3:tracecontext\"]\nrequests = 15\nbursts = 2\ngap = \"10ms\"\ninstances = 1\n";
    std::fs::write(sandbox.path("plan.toml"), plan).expect("room");
    let finished = sandbox
        .run([
            "run",
            "--plan",
            "plan.toml",
            "--out",
            "out",
            "--format",
            "json",
        ])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let runs = finished.json()["runs"].clone();
    for (run, record) in runs
        .as_array()
        .expect("runs")
        .iter()
        .zip(["connected", "new_trace"])
    {
        assert_eq!(run["hops"]["record"], json!({ record: 30 }));
        assert_eq!(run["requests"], json!({"sent": 30, "ok": 30, "failed": 0}));
    }
    let load = run::json(&sandbox.path("out/b3_to_tracecontext/load.json"));
    assert_eq!(load["bursts"].as_array().map(Vec::len), Some(2));
    let finished = sandbox
        .run(["run", "none", "--plan", "plan.toml", "--out", "other"])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("burst"),
        "a table of bursts: {finished:?}"
    );
    assert!(sandbox.path("other/none").exists() && !sandbox.path("other/b3").exists());
}
