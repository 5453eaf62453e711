//! Limits: which fail, with which sentence, and as JUnit.

use std::fs;

use serde_json::Value;

use super::{command, whole_and_broken};
use crate::support::command::Sandbox;
use crate::support::generated::Generated;

#[tokio::test]
async fn a_limit_that_is_broken_fails_the_command_with_a_sentence() {
    let sandbox = whole_and_broken();
    let limits = [
        "--fail-under",
        "connected=99.9%",
        "--fail-over",
        "lost=0",
        "--fail-under",
        "rps=1",
    ];
    let finished = command(
        &sandbox,
        &[&["whole", "--format", "json"], &limits[..]].concat(),
    )
    .await;
    assert_eq!(
        finished.code,
        Some(0),
        "one source can be checked: {finished:?}"
    );
    assert_eq!(
        finished.json()["checks"][0],
        serde_json::json!({
            "name": "connected", "limit": "99.9%", "value": 1.0, "passed": true, "of": "whole", "run": "whole"
        })
    );

    let finished = command(&sandbox, &[&["whole", "broken"], &limits[..]].concat()).await;
    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.stderr, "baton: 1 of 6 checks failed\n");
    let sentence = "FAILED broken: connected is 90%, under the limit of 99.9%";
    assert!(finished.stdout.contains(sentence), "{}", finished.stdout);

    let finished = command(
        &sandbox,
        &[&["broken", "--format", "json"], &limits[..]].concat(),
    )
    .await;
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.stderr,
        "baton: 1 of 3 checks failed: broken: connected is 90%, under the limit of 99.9%\n"
    );
}

#[tokio::test]
async fn junit_has_a_test_case_for_each_check_and_run() {
    let sandbox = whole_and_broken();
    let hostile = "a<b>&\"c\" \u{1b}[31m";
    Generated {
        broken: 400,
        ..Generated::default()
    }
    .write(&sandbox.path(hostile));
    let arguments = [
        "whole",
        hostile,
        "--format",
        "junit",
        "--fail-under",
        "record.connected=99.9%",
        "--fail-over",
        "p99=1h",
    ];
    let refused = command(&sandbox, &arguments).await;
    assert_eq!(refused.code, Some(2), "an hour is not a unit: {refused:?}");
    let arguments = arguments.map(|argument| {
        if argument == "p99=1h" {
            "p99=3600s"
        } else {
            argument
        }
    });
    let finished = command(&sandbox, &arguments).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");

    let document = roxmltree::Document::parse(&finished.stdout).expect("XML");
    let root = document.root_element();
    let attributes = |name| (root.attribute(name).expect(name), root.tag_name().name());
    assert_eq!(attributes("tests"), ("4", "testsuites"));
    assert_eq!(attributes("failures"), ("1", "testsuites"));
    let suites: Vec<_> = root.children().filter(|node| node.is_element()).collect();
    assert_eq!(suites.len(), 2);
    let (passed, failed) = (suites[0], suites[1]);
    assert_eq!(passed.attribute("name"), Some("whole"));
    assert_eq!(passed.attribute("failures"), Some("0"));
    let name = failed.attribute("name").expect("a name");
    assert!(name.starts_with("a<b>&\"c\""), "{name}");
    let cases: Vec<_> = failed.children().filter(|node| node.is_element()).collect();
    assert_eq!(
        cases[0].attribute("name"),
        Some("--fail-under record.connected=99.9%")
    );
    let failure = cases[0].first_element_child().expect("a failure");
    assert_eq!(failure.tag_name().name(), "failure");
    assert!(
        failure
            .attribute("message")
            .expect("a message")
            .contains("record.connected is 0%"),
        "{failure:?}"
    );
    assert!(cases[1].first_element_child().is_none());
    assert!(!finished.stdout.contains('\u{1b}'), "{:?}", finished.stdout);
}

#[tokio::test]
async fn a_figure_that_a_source_cannot_show_fails_its_check_with_the_reason() {
    let sandbox = whole_and_broken();
    // all that it shows is connected, but it does not show how many there should be
    let span = |id: &str, kind: u8, parent: &str| {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        serde_json::json!({"traceId": trace, "spanId": id, "parentSpanId": parent, "kind": kind, "name": "step"})
    };
    let spans = [
        span("b7ad6b7169203331", 4, ""),
        span("00f067aa0ba902b7", 5, "b7ad6b7169203331"),
    ];
    let export = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    fs::write(sandbox.path("export.json"), format!("{export}\n")).expect("room");
    let finished = command(
        &sandbox,
        &[
            "export.json",
            "whole",
            "--fail-under",
            "delivered=1%",
            "--format",
            "json",
        ],
    )
    .await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let sentence = "export: delivered is not known, so the check of its limit 1% fails: ";
    assert!(finished.stderr.contains(sentence), "{}", finished.stderr);
    let result = finished.json();
    assert_eq!(result["checks"][0]["value"], Value::Null);
    let unknown = result["unknown"].to_string();
    assert!(
        unknown.contains("export: records, their size and the latency from end to end are unknown"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_check_on_what_a_backend_does_not_keep_fails_with_one_sentence() {
    let sandbox = Sandbox::new();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/traces/tests/data/zipkin/messaging-kafka.json"
    );
    for (limit, sentence) in [
        (
            "record.sampled_changed=0",
            "its limit 0 fails: sampled_changed is unknown: Zipkin JSON keeps no sampling flags",
        ),
        (
            "record.linked=0",
            "its limit 0 fails: linked is unknown: Zipkin JSON keeps no span links",
        ),
        (
            "record.lost=0",
            "its limit 0 fails: unsampled and lost are unknown for record: an export holds no logs",
        ),
        (
            "ingress.lost=0",
            "its limit 0 fails: ingress cannot be judged: there are no server spans",
        ),
    ] {
        let finished = command(&sandbox, &[file, "--fail-over", limit, "--format", "json"]).await;
        assert_eq!(finished.code, Some(1), "{limit}: {finished:?}");
        assert!(finished.stderr.contains(sentence), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
        let result = finished.json();
        assert_eq!(result["checks"][0]["value"], Value::Null, "{limit}");
        assert_eq!(
            result["runs"][0]["flags"]["record"]["sampled_changed"],
            Value::Null
        );
    }
}
