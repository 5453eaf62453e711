//! `baton traces` and `baton map`: for a running lab, for runs, and with wrong arguments.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::support::command::{Finished, Sandbox};
use crate::support::lab::{Lab, Setup};
use crate::support::{run, wait_until};

/// The output of a command in a UTF-8 locale.
async fn print(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    let command = sandbox.baton(arguments).env("LANG", "C.UTF-8").spawn();
    let finished = crate::support::command::ended(command.expect("the command starts")).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished
}

/// A lab whose consumer does not read the format of its producer, and the trace id in the
/// producer's log.
async fn broken_lab() -> (Lab, String) {
    let lab = Setup::new()
        .flags(["--producer", "tracecontext", "--consumer", "b3"])
        .start()
        .await;
    let request = lab
        .accepted(r#"{"name":"Kate","superpower":"tracing"}"#)
        .await;
    lab.wait_for_delivered(1).await;
    let sent = wait_until("the producer logs the record", async || {
        let lines = run::log(&lab.saved, "producer", "record.sent");
        lines
            .into_iter()
            .find(|line| line["request_id"] == request.as_str())
    })
    .await;
    let trace_id = sent["trace_id"].as_str().expect("an id").to_owned();
    (lab, trace_id)
}

#[tokio::test]
async fn both_halves_of_a_broken_trace_are_found_by_the_id_in_the_producers_log() {
    let (lab, trace_id) = broken_lab().await;
    // immediately, without waiting for the collector to write
    let text = print(&lab.sandbox, &["traces", &trace_id[..8]])
        .await
        .stdout;
    let halves: Vec<&str> = text.split("\n\n").collect();
    let [sender, receiver] = halves.as_slice() else {
        panic!("two halves: {text}");
    };
    assert!(
        sender.starts_with(&format!("trace {trace_id} · 2 spans")),
        "{text}"
    );
    assert!(
        sender.contains("POST /producer") && sender.contains("send baton"),
        "{text}"
    );
    let other = receiver.split_whitespace().nth(1).expect("an id");
    assert!(
        sender.contains(&format!("└ this message went on in trace {other}")),
        "{text}"
    );
    assert!(receiver.contains("✗ new_trace"), "{text}");
    assert!(
        receiver.contains(&format!("└ this message's sender is in trace {trace_id}")),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );

    // the other half gives the same picture
    let from_other = print(&lab.sandbox, &["traces", other]).await.stdout;
    assert_eq!(from_other, text);

    let json = print(&lab.sandbox, &["traces", &trace_id, "--format", "json"])
        .await
        .json();
    assert_eq!(json["trace_id"], trace_id.as_str());
    let hand_off = &json["hand_offs"][0];
    assert_eq!(
        (&hand_off["hop"], &hand_off["verdict"]),
        (&"record".into(), &"new_trace".into())
    );
    let send = spans(&json)
        .find(|span| span["name"] == "send baton")
        .expect("a send span");
    assert_eq!(send["attributes"]["messaging.system"], "aws_kinesis");
    assert_eq!(send["resource"]["cloud.provider"], "aws");
    assert_eq!(
        (&send["depth"], &send["place"]),
        (&1.into(), &"child".into())
    );

    let svg = print(&lab.sandbox, &["traces", &trace_id, "--format", "svg"])
        .await
        .stdout;
    assert!(svg.starts_with("<svg") && svg.contains(&trace_id), "{svg}");
}

fn spans(json: &Value) -> impl Iterator<Item = &Value> {
    let traces = json["traces"].as_array().expect("traces");
    traces
        .iter()
        .flat_map(|trace| trace["spans"].as_array().expect("spans"))
}

#[tokio::test]
async fn a_lab_that_is_up_is_listed_searched_and_mapped() {
    let (lab, trace_id) = broken_lab().await;
    let count = async |search: &[&str]| {
        let mut arguments = vec!["traces", "--format", "json"];
        arguments.extend(search);
        let json = print(&lab.sandbox, &arguments).await.json();
        json["found"].as_u64().expect("a number")
    };
    assert_eq!(count(&[]).await, 2);
    assert_eq!(count(&["--service", "producer-lambda"]).await, 1);
    assert_eq!(count(&["--attribute", "custom.tag.name=Kate"]).await, 2);
    assert_eq!(count(&["--attribute", "custom.tag.name=Ada"]).await, 0);
    assert_eq!(count(&["--verdict", "new_trace"]).await, 2);
    assert_eq!(count(&["--verdict", "connected"]).await, 0);
    let list = print(&lab.sandbox, &["traces"]).await.stdout;
    assert!(
        list.contains(&trace_id) && list.contains("✗ new_trace"),
        "{list}"
    );
    // newest first: the consumer's trace starts after the producer's
    assert!(
        list.find("consumer-lambda") < list.find("producer-lambda"),
        "{list}"
    );
    let one = print(&lab.sandbox, &["traces", "--limit", "1"]).await;
    assert_eq!(one.stdout.lines().count(), 2, "{one:?}");
    assert_eq!(one.stderr, "the newest 1 of 2 traces; --limit shows more\n");

    let map = print(&lab.sandbox, &["map"]).await.stdout;
    let expected = "producer-lambda, 2 spans
└── 1 sent ──▶ stream baton
    └╌╌ ✗ 1 new_trace: broken ╌╌▶ consumer-lambda, 2 spans
";
    assert_eq!(map, expected);
    let ascii = lab.sandbox.run(["map"]).await.stdout;
    assert!(
        ascii.is_ascii() && ascii.contains("`.. x 1 new_trace: broken ..> consumer-lambda"),
        "{ascii}"
    );
}

#[tokio::test]
async fn runs_are_sources_and_their_reports_are_written() {
    let sandbox = Arc::new(Sandbox::new());
    let arguments = [
        "run",
        "tracecontext",
        "tracecontext:b3",
        "--requests",
        "20",
        "--out",
        "out",
    ];
    let finished = print(&sandbox, &arguments).await;
    assert!(
        finished
            .stdout
            .contains("Saved in out; see out/report.html."),
        "{finished:?}"
    );
    for (report, runs) in [
        ("out/report.html", &["tracecontext", "tracecontext:b3"][..]),
        ("out/tracecontext/report.html", &["tracecontext"]),
        ("out/tracecontext_to_b3/report.html", &["tracecontext:b3"]),
    ] {
        let page = std::fs::read_to_string(sandbox.path(report)).expect("a report");
        let names = page.replace("<wbr/>", "");
        for run in runs {
            assert!(
                names.contains(&format!("<th scope=\"row\">{run}")),
                "{run} in {report}"
            );
        }
        assert_eq!(
            page.contains("id=\"differences\""),
            runs.len() > 1,
            "{report}"
        );
        assert!(
            !page.contains(&sandbox.path("").display().to_string()),
            "a path of this machine"
        );
    }
    let page = print(
        &sandbox,
        &[
            "compare",
            "out/tracecontext",
            "out/tracecontext_to_b3",
            "--format",
            "html",
        ],
    )
    .await;
    assert!(page.stdout.starts_with("<!DOCTYPE html>"), "{page:?}");

    // each alone, by position and by flag, and several as one
    for (sources, found) in [
        (&["out/tracecontext"][..], 20),
        (&["--from", "out/tracecontext"], 20),
        (&["out/tracecontext", "out/tracecontext_to_b3"], 40),
    ] {
        let mut arguments = vec!["traces", "--service", "client", "--format", "json"];
        arguments.extend(sources);
        let json = print(&sandbox, &arguments).await.json();
        assert_eq!(json["found"], found, "{sources:?}");
    }
    let map = print(&sandbox, &["map", "out/tracecontext", "--format", "json"])
        .await
        .json();
    let edges = map["edges"].as_array().expect("edges");
    assert_eq!(edges.len(), 3, "{map}");
    assert!(
        edges
            .iter()
            .all(|edge| edge["count"] == 20 && edge["broken"] == false),
        "{map}"
    );
}

#[tokio::test]
async fn invalid_requests_for_traces_are_refused_in_one_sentence() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("empty.jsonl"), "").expect("room");
    // a file whose name looks like an id is a file
    std::fs::write(sandbox.path("deadbeef"), "").expect("room");
    for (arguments, code, said) in [
        (
            &["traces"][..],
            2,
            "no lab is up; start one with `baton up`",
        ),
        (&["map", "nowhere"], 2, "nowhere"),
        (
            &["traces", "1234abcd", "empty.jsonl"],
            2,
            "no trace id starts with 1234abcd",
        ),
        (
            &["traces", "1234abcd", "1234abce", "empty.jsonl"],
            2,
            "are two trace ids; name one",
        ),
        (
            &["traces", "1234abcd", "empty.jsonl", "--service", "x"],
            2,
            "1234abcd is one trace",
        ),
        (
            &["traces", "empty.jsonl", "--format", "svg"],
            2,
            "name it by its id",
        ),
        (
            &["traces", "empty.jsonl", "--verdict", "fine"],
            2,
            "--verdict: \"fine\" is not accepted; use one of connected, linked",
        ),
        (
            &["traces", "empty.jsonl", "--attribute", "x"],
            2,
            "expected NAME=VALUE",
        ),
        (
            &["switch", "--format", "svg", "producer=b3"],
            2,
            "--format svg is for other commands",
        ),
        (&["traces", "deadbeef"], 0, "no trace was seen"),
        (
            &["traces", "empty.jsonl", "--service", "x"],
            0,
            "no trace was found",
        ),
        (&["map", "empty.jsonl"], 0, "no span was seen"),
    ] {
        let finished = sandbox.run(arguments.iter().copied().map(Path::new)).await;
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
        let place = if code == 0 {
            &finished.stdout
        } else {
            &finished.stderr
        };
        assert!(place.contains(said), "{arguments:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_lab_that_saves_can_be_named_while_it_is_up() {
    let lab = Setup::new().start().await;
    lab.accepted(r#"{"name":"Kate"}"#).await;
    lab.wait_for_delivered(1).await;
    let saved = lab.saved.display().to_string();
    let named = print(&lab.sandbox, &["map", &saved]).await.stdout;
    assert!(named.starts_with("producer-lambda, 2 spans"), "{named}");
    assert_eq!(named, print(&lab.sandbox, &["map"]).await.stdout);
}
