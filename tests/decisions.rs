//! What the functions do with a context: record spans or not, continue it or link to it, and which
//! of two they choose.

use serde_json::{Value, json};

use crate::support::command::{Sandbox, ended};
use crate::support::lab::Setup;
use crate::support::run::{self, Span, kind};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";
const OTHER_TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_SPAN_ID: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE_ID}-{SPAN_ID}-{flags}")
}

/// Runs 20 requests under a mode with one more variable. Returns the verdicts of both hops.
async fn hops_of_run(sandbox: &Sandbox, mode: &str, variable: (&str, &str)) -> Value {
    let mut baton = sandbox.baton([
        "run",
        mode,
        "--requests",
        "20",
        "--format",
        "json",
        "--out",
        "out",
    ]);
    baton.env(variable.0, variable.1);
    let finished = ended(baton.spawn().expect("the command starts")).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()["runs"][0]["hops"].clone()
}

#[tokio::test]
async fn samplers_decide_and_the_logs_still_have_every_request() {
    for (name, producer, consumer, flags, recorded, verdict) in [
        (
            "the parent says yes",
            "parentbased_always_on",
            "parentbased_always_on",
            "01",
            [true, true],
            "connected",
        ),
        (
            "the parent says no",
            "parentbased_always_on",
            "parentbased_always_on",
            "00",
            [false, false],
            "connected",
        ),
        (
            "nobody records",
            "always_off",
            "always_off",
            "01",
            [false, false],
            "connected",
        ),
        (
            "the consumer refuses",
            "always_on",
            "always_off",
            "01",
            [true, false],
            "unsampled",
        ),
        (
            "the consumer insists",
            "always_off",
            "always_on",
            "01",
            [false, true],
            "connected",
        ),
    ] {
        let mut lab = Setup::new()
            .function("producer", &[("OTEL_TRACES_SAMPLER", producer)])
            .function("consumer", &[("OTEL_TRACES_SAMPLER", consumer)])
            .start()
            .await;
        for _ in 0..5 {
            lab.post_with(&[("traceparent", &traceparent(flags))]).await;
        }
        let summary = lab.stop_and_sum_up().await;
        assert_eq!(
            summary["hops"]["record"],
            json!({ verdict: 5 }),
            "{name}: {summary}"
        );
        assert_eq!(summary["records"]["delivered"], 5, "{name}");
        let spans = run::spans(&lab.saved);
        let servers = run::of(&spans, "producer-lambda", kind::SERVER).len();
        assert_eq!(
            [servers, run::records(&spans).len()],
            recorded.map(|recorded| if recorded { 5 } else { 0 }),
            "{name}"
        );
        for (function, event, sampled) in [
            ("producer", "request", recorded[0]),
            ("consumer", "record.received", recorded[1]),
        ] {
            let lines = run::log(&lab.saved, function, event);
            assert_eq!(lines.len(), 5, "{name}: {function}");
            for line in lines {
                assert_eq!(
                    [&line["sampled"], &line["trace_id"]],
                    [&json!(sampled), &json!(TRACE_ID)],
                    "{name}: {line}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_client_sees_that_its_sampling_decision_was_overruled() {
    let sandbox = Sandbox::new();
    let hops = hops_of_run(
        &sandbox,
        "tracecontext",
        ("OTEL_TRACES_SAMPLER", "always_off"),
    )
    .await;
    assert_eq!(
        hops,
        json!({"ingress": {"unsampled": 20}, "record": {"connected": 20}})
    );
}

#[tokio::test]
async fn a_consumer_may_link_instead_of_continuing() {
    let sandbox = Sandbox::new();
    let hops = hops_of_run(&sandbox, "b3", ("BATON_CONSUMER_RELATION", "link")).await;
    assert_eq!(
        hops,
        json!({"ingress": {"connected": 20}, "record": {"linked": 20}})
    );
    let spans = run::spans(&sandbox.path("out/b3"));
    let sends = run::by_attribute(
        run::of(&spans, "producer-lambda", kind::PRODUCER),
        "messaging.message.id",
    );
    for record in run::records(&spans) {
        assert_eq!(
            record.links,
            [sends[record.text("messaging.message.id")].ids()]
        );
        assert!(
            !record.parent_is_remote && !record.parent_span_id.is_empty(),
            "it is part of the invocation"
        );
    }
}

#[tokio::test]
async fn conflicting_contexts_are_settled_as_configured() {
    let w3c = (TRACE_ID.to_owned(), SPAN_ID.to_owned());
    let b3 = (OTHER_TRACE_ID.to_owned(), OTHER_SPAN_ID.to_owned());
    for (on_conflict, select, continued, links) in [
        ("keep", "last", Some(&b3), vec![]),
        ("keep", "first", Some(&w3c), vec![]),
        ("link", "last", Some(&b3), vec![w3c.clone()]),
        ("link", "first", Some(&w3c), vec![b3.clone()]),
        ("restart", "last", None, vec![w3c.clone(), b3.clone()]),
    ] {
        let mut lab = Setup::new()
            .flags([
                "--producer",
                "tracecontext,b3",
                "--consumer",
                "tracecontext,b3",
            ])
            .variable("BATON_ON_CONFLICT", on_conflict)
            .variable("BATON_EXTRACT_SELECT", select)
            .start()
            .await;
        let single = format!("{OTHER_TRACE_ID}-{OTHER_SPAN_ID}-1");
        lab.post_with(&[("traceparent", &traceparent("01")), ("b3", &single)])
            .await;
        let summary = lab.stop_and_sum_up().await;
        let spans = run::spans(&lab.saved);
        let server: &Span = run::of(&spans, "producer-lambda", kind::SERVER)[0];
        match continued {
            Some((trace_id, span_id)) => {
                assert_eq!(
                    (&server.trace_id, &server.parent_span_id),
                    (trace_id, span_id),
                    "{on_conflict} {select}"
                );
            }
            None => {
                assert_eq!(server.parent_span_id, "", "{on_conflict}");
                assert!(
                    server.trace_id != TRACE_ID && server.trace_id != OTHER_TRACE_ID,
                    "{server:?}"
                );
            }
        }
        let mut found = server.links.clone();
        found.sort();
        assert_eq!(found, links, "{on_conflict} {select}");
        // the record says the same in both formats
        assert_eq!(
            summary["hops"]["record"],
            json!({"connected": 1}),
            "{on_conflict} {select}"
        );
    }
}
