//! `baton merge`: runs of several load generators become one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::command::{Finished, Sandbox};
use crate::support::generated::Generated;
use crate::support::lab::{Lab, Setup};
use crate::support::processes;
use crate::support::{run, split, wait_until};

async fn merge(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    sandbox.run([&["merge"], arguments].concat()).await
}

/// A burst that saves its run to `name`.
async fn burst(lab: &Lab, name: &str, flags: &[&str]) {
    let endpoint = lab.addresses.endpoint.as_str();
    let arguments = [
        "burst",
        "--endpoint",
        endpoint,
        "--requests",
        "150",
        "--out",
        name,
    ];
    let finished = lab.sandbox.run([&arguments, flags].concat()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let run = lab.sandbox.path(name);
    assert_eq!(
        run::json(&run.join("summary.json"))["requests"]["sent"],
        150
    );
    assert!(run.join("report.html").is_file());
}

fn load(run: &Path) -> Value {
    run::json(&run.join("load.json"))
}

#[tokio::test]
async fn the_parts_of_a_real_run_merge_into_that_run() {
    let sandbox = Sandbox::new();
    // half of the traces break, so that their two halves are in different parts
    let arguments = [
        "run",
        "tracecontext:b3",
        "--requests",
        "300",
        "--out",
        "runs",
    ];
    let ran = sandbox.run(arguments).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let whole = sandbox.path("runs/tracecontext_to_b3");
    split::by_traces(
        &whole,
        &[sandbox.path("a"), sandbox.path("b"), sandbox.path("c")],
    );
    // the merged run has the name of the whole one, so that their summaries can be equal byte for
    // byte
    let merged = merge(
        &sandbox,
        &["a", "b", "c", "--out", "merged/tracecontext_to_b3"],
    )
    .await;
    assert_eq!(merged.code, Some(0), "{merged:?}");
    assert!(merged.stdout.contains("300 new_trace"), "{merged:?}");
    assert!(
        merged
            .stdout
            .contains("goose's own metrics describe one process each"),
        "{merged:?}"
    );
    assert!(
        merged
            .stdout
            .contains("3 runs merged; saved in merged/tracecontext_to_b3."),
        "{merged:?}"
    );
    let out = sandbox.path("merged/tracecontext_to_b3");
    let text = |run: &Path| fs::read_to_string(run.join("summary.json")).expect("a summary");
    assert_eq!(text(&out), text(&whole));
    // load.json has the latencies of the whole run too
    let (merged, whole) = (load(&out), load(&whole));
    for figure in [
        "requests",
        "latency_ms",
        "latency_histogram_us",
        "started",
        "duration_s",
        "summary",
        "failures",
    ] {
        assert_eq!(merged[figure], whole[figure], "{figure}");
    }
    assert_eq!(merged["seeds"], json!(vec![&whole["seed"]; 3]));
    assert_eq!(merged["goose"], json!(vec![&whole["goose"]; 3]));
}

#[tokio::test]
async fn hand_offs_between_workers_and_a_backend_s_export_are_judged() {
    let sandbox = Arc::new(Sandbox::new());
    let setup =
        Setup::within(&sandbox, "lab").flags(["--producer", "tracecontext", "--consumer", "b3"]);
    let mut lab = setup.start().await;
    tokio::join!(burst(&lab, "worker-0", &[]), burst(&lab, "worker-1", &[]));
    lab.stop_well().await;
    // the functions' spans, as a Collector writes them to a file
    let spans = fs::read(lab.saved.join("spans.jsonl.zst")).expect("spans");
    let lines = zstd::stream::decode_all(&spans[..]).expect("zstd");
    fs::write(sandbox.path("export.jsonl"), lines).expect("room");

    let alone = merge(
        &sandbox,
        &["worker-0", "worker-1", "--out", "alone", "--format", "json"],
    )
    .await
    .json();
    assert_eq!(
        alone["runs"][0]["requests"],
        json!({"sent": 300, "ok": 300, "failed": 0})
    );
    // the workers' half says nothing about the functions
    let run = &alone["runs"][0];
    assert_eq!(run["hops"], json!({"ingress": {}, "record": {}}));
    let unknown = run["unknown"].as_array().expect("a list");
    assert!(unknown.contains(&json!("ingress.connected")), "{run}");
    for other in ["export.jsonl", "lab"] {
        let merged = merge(
            &sandbox,
            &[
                "worker-0", "worker-1", other, "--out", "merged", "--format", "json",
            ],
        )
        .await;
        assert_eq!(merged.code, Some(0), "{merged:?}");
        let run = &merged.json()["runs"][0];
        assert_eq!(
            run["requests"],
            json!({"sent": 300, "ok": 300, "failed": 0}),
            "{other}"
        );
        assert_eq!(
            run["hops"],
            json!({"ingress": {"connected": 300}, "record": {"new_trace": 300}}),
            "{other}"
        );
        assert_eq!(run["records"]["delivered"], 300, "{other}");
        // from the client's start in one source to the record's end in another
        assert!(run["latency_ms"]["end_to_end"]["p50"].is_number(), "{run}");
    }
    // the result is a run like any other
    let compared = sandbox
        .run([
            "compare",
            "merged",
            "--fail-under",
            "ok=100%",
            "--format",
            "json",
        ])
        .await;
    assert_eq!(compared.code, Some(0), "{compared:?}");
    assert_eq!(compared.json()["runs"][0]["pairing"], "tracecontext:b3");
}

#[tokio::test]
async fn figures_that_zipkin_cannot_hold_stay_unknown_beside_the_clients_spans() {
    let sandbox = Arc::new(Sandbox::new());
    let server = crate::support::server::Server::well().await;
    let endpoint = server.endpoint();
    let variables = [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint.as_str()),
        ("BATON_FLUSH_TIMEOUT", "30000"),
    ];
    let mut lab = Setup::within(&sandbox, "lab")
        .function("producer", &variables)
        .function("consumer", &variables)
        .flags(["--producer", "tracecontext,b3", "--consumer", "b3"])
        .start()
        .await;
    burst(&lab, "worker", &["--tracestate", "baton=client"]).await;
    lab.stop_well().await;
    let bodies = server.seen().into_iter();
    let lists = bodies.map(|seen| serde_json::from_slice::<Vec<Value>>(&seen.body).expect("spans"));
    let spans: Vec<Value> = lists.flatten().collect();
    fs::write(sandbox.path("zipkin.json"), json!(spans).to_string()).expect("room");

    let arguments = [
        "worker",
        "zipkin.json",
        "--out",
        "merged",
        "--format",
        "json",
    ];
    let merged = merge(&sandbox, &arguments).await.json();
    let run = &merged["runs"][0];
    assert_eq!(
        run["hops"],
        json!({"ingress": {"connected": 150}, "record": {"connected": 150}})
    );
    let alone = sandbox
        .run(["compare", "zipkin.json", "lab", "--format", "json"])
        .await
        .json();
    for flag in ["sampled_changed", "tracestate_lost"] {
        assert_eq!(
            run["flags"]["record"][flag],
            alone["runs"][0]["flags"]["record"][flag]
        );
    }
    assert_eq!(run["flags"]["ingress"]["tracestate_lost"], Value::Null);
    let unknown = run["unknown"].as_array().expect("a list");
    for metric in ["ingress.tracestate_lost", "record.tracestate_lost"] {
        assert!(unknown.contains(&json!(metric)), "{metric}: {run}");
    }
    let answer = merged["answer"].as_str().expect("text");
    assert!(!answer.contains("tracestate was lost"), "{answer}");
}

#[tokio::test]
async fn runs_that_do_not_belong_together_are_refused() {
    let sandbox = Sandbox::new();
    Generated::default().write(&sandbox.path("one"));
    Generated {
        seed: 2,
        ..Generated::default()
    }
    .write(&sandbox.path("two"));
    Generated {
        seed: 3,
        ..Generated::default()
    }
    .write(&sandbox.path("other"));
    let manifest = fs::read_to_string(sandbox.path("other/run.json")).expect("a manifest");
    let manifest = manifest.replace("tracecontext:tracecontext", "b3:b3");
    fs::write(sandbox.path("other/run.json"), manifest).expect("room");
    for (runs, sentence) in [
        (
            ["one", "other"],
            "the pairing is tracecontext:tracecontext in one and b3:b3 in other",
        ),
        (["one", "./one"], "./one is one again; name each run once"),
        (["one", "nowhere"], "nowhere"),
    ] {
        let refused = merge(&sandbox, &[&runs[..], &["--out", "merged"]].concat()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(sentence), "{refused:?}");
        assert!(!sandbox.path("merged").exists(), "{runs:?}");
    }
    let whole = merge(
        &sandbox,
        &["one", "two", "--out", "merged", "--format", "json"],
    )
    .await
    .json();
    assert_eq!(whole["runs"][0]["requests"]["sent"], 800);
}

#[tokio::test]
async fn impossible_counts_are_refused_with_their_file() {
    let sandbox = Sandbox::new();
    for (seed, name) in [(1, "one"), (2, "two")] {
        Generated {
            seed,
            ..Generated::default()
        }
        .write(&sandbox.path(name));
    }
    let most = u64::MAX;
    let outcome = |requests: Value, histogram: Value, failures: Value| {
        json!({
            "summary": "", "requests": requests, "interrupted": false, "started": "2026-11-23T05:00:00Z", "duration_s": 1.0,
            "throughput_rps": 1.0, "latency_ms": null, "latency_histogram_us": histogram, "failures": failures,
            "seed": null, "goose": {},
        })
    };
    let sent = |sent: u64, ok: u64, failed: u64| json!({"sent": sent, "ok": ok, "failed": failed});
    let refused =
        |count: u64| json!([{"kind": "connection_refused", "count": count, "description": ""}]);
    for (load, sentence) in [
        (
            json!({"requests": sent(most, 1, 0)}),
            "two/load.json: its requests and those of the runs before it are too many to count",
        ),
        (
            outcome(sent(most, 1, 0), json!([[5, 1]]), json!([])),
            "two/load.json: its requests and those of the runs before it are too many to count",
        ),
        (
            outcome(sent(2, 2, 0), json!([[5, most], [7, most]]), json!([])),
            "one/load.json: latency_histogram_us is not of the 2 requests that succeeded",
        ),
        (
            outcome(sent(2, most, most), json!([]), json!([])),
            "one/load.json: 2 requests cannot have been sent where",
        ),
        (
            outcome(sent(2, 0, 2), json!([]), refused(3)),
            "one/load.json: failures are more than the 2 requests that failed",
        ),
    ] {
        for name in ["one", "two"] {
            fs::write(sandbox.path(name).join("load.json"), load.to_string()).expect("room");
        }
        let refused = merge(&sandbox, &["one", "two", "--out", "merged"]).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(sentence), "{refused:?}");
    }
}

#[tokio::test]
async fn a_killed_worker_counts_with_the_spans_that_it_wrote() {
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = Setup::within(&sandbox, "lab").start().await;
    let endpoint = lab.addresses.endpoint.as_str();
    let load = ["--duration", "60s", "--rate", "300", "--out"];
    let arguments = [&["burst", "--endpoint", endpoint], &load[..]].concat();
    let mut workers = Vec::new();
    for name in ["worker-0", "worker-1"] {
        let arguments = [&arguments[..], &[name]].concat();
        let mut worker = sandbox.baton(arguments).spawn().expect("a worker");
        let spans = sandbox.path(name).join("client-spans.jsonl");
        wait_until("a worker has sent something", async || {
            let text = fs::read_to_string(&spans).ok()?;
            (text.lines().count() > 10).then_some(())
        })
        .await;
        let id = worker.id().expect("it runs");
        let signal = if name == "worker-0" {
            Signal::INT
        } else {
            Signal::KILL
        };
        processes::send(id, signal);
        worker.wait().await.expect("it ends");
        workers.push(name);
    }
    lab.stop_well().await;
    let merged = merge(
        &sandbox,
        &[
            "worker-0", "worker-1", "--out", "merged", "--format", "json",
        ],
    )
    .await
    .json();
    let first = load_of(&sandbox, "worker-0")["requests"]["sent"]
        .as_u64()
        .expect("a number");
    let all = merged["runs"][0]["requests"]["sent"]
        .as_u64()
        .expect("a number");
    assert!(all > first + 10, "{all} of {first}");
    let notes = merged["notes"].to_string();
    assert!(
        notes.contains(
            "worker-1 was cut off; the spans that its load generator had written are counted"
        ),
        "{notes}"
    );
}

fn load_of(sandbox: &Sandbox, name: &str) -> Value {
    load(&sandbox.path(name))
}

#[tokio::test]
async fn without_load_figures_requests_are_counted_by_spans() {
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = Setup::within(&sandbox, "lab").start().await;
    burst(&lab, "worker-0", &[]).await;
    burst(&lab, "worker-1", &[]).await;
    lab.stop_well().await;
    fs::remove_file(sandbox.path("worker-1/load.json")).expect("a file");
    let merged = merge(
        &sandbox,
        &[
            "worker-0", "worker-1", "--out", "merged", "--format", "json",
        ],
    )
    .await
    .json();
    assert_eq!(merged["runs"][0]["requests"]["sent"], 300);
    let note = "worker-1 has no load.json, so the merged run has none; the clients' spans count the requests";
    assert_eq!(merged["notes"], json!([note]));
    assert!(!sandbox.path("merged/load.json").exists());
}
