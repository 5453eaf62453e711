//! The requests, and the client's spans about them.

use std::collections::HashSet;

use baton_propagators::{Outcome, formats};
use serde_json::{Value, json};

use super::{burst, measured};
use crate::support::command::{Sandbox, ended};
use crate::support::run::{self, Span, by_attribute, kind};
use crate::support::server::{Seen, Server, answer};

/// The requests at a server, each with its client span.
fn pairs(seen: &[Seen], spans: &[Span]) -> Vec<(Seen, Span)> {
    let spans = by_attribute(run::of(spans, "client", kind::CLIENT), "aws.request_id");
    let pair = |(number, seen): (usize, &Seen)| {
        let span = spans.get(&*format!("id-{number}")).expect("its span");
        (seen.clone(), Span::clone(span))
    };
    seen.iter().enumerate().map(pair).collect()
}

#[tokio::test]
async fn formats_conflict_in_one_thing_and_the_first_is_the_clients_own() {
    let sandbox = Sandbox::new();
    // whether the second format has the same trace id, span id and decision as the first
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
        let candidate = formats::find(format)
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
async fn the_value_of_a_header_is_sent_and_shown_nowhere() {
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
    // a wrong header is not repeated in the error either
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
async fn requests_belong_to_the_trace_in_the_environment() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let endpoint = server.endpoint();
    let arguments = ["burst", "--endpoint", &endpoint, "--requests", "5"];
    let variables = [
        ("TRACEPARENT", format!("00-{trace}-{span}-01")),
        ("TRACESTATE", "vendor=1".to_owned()),
        ("BAGGAGE", "tenant=a".to_owned()),
    ];
    let burst = |flags: &[&str]| {
        let mut command = sandbox.baton([&arguments[..], flags].concat());
        command.envs(variables.clone());
        ended(command.spawn().expect("it starts"))
    };
    let finished = burst(&["--out", "saved"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let note = format!("all requests belong to trace {trace}, because TRACEPARENT is set");
    assert!(finished.stderr.contains(&note), "{finished:?}");
    let spans = run::spans(&sandbox.path("saved"));
    assert_eq!(spans.len(), 5);
    for client in &spans {
        assert_eq!((&*client.trace_id, &*client.parent_span_id), (trace, span));
        assert!(client.parent_is_remote, "{client:?}");
    }
    for seen in server.seen() {
        let sent = seen.header("traceparent").to_owned();
        assert_eq!((&sent[3..35], &sent[53..]), (trace, "01"), "{sent}");
        assert_ne!(&sent[36..52], span, "the client has a span of its own");
        assert_eq!(seen.header("tracestate"), "vendor=1");
        assert_eq!(seen.header("baggage"), "tenant=a");
    }
    let manifest = std::fs::read_to_string(sandbox.path("saved/run.json")).expect("a file");
    assert!(!manifest.contains("tenant=a"), "{manifest}");

    let before = server.seen().len();
    let flags = [
        "--client",
        "tracecontext,baggage",
        "--tracestate",
        "own=1",
        "--baggage",
        "own=2",
    ];
    let finished = burst(&flags).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for seen in &server.seen()[before..] {
        assert_eq!(seen.header("tracestate"), "own=1");
        assert_eq!(seen.header("baggage"), "own=2");
    }
}
