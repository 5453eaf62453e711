//! The JSON Schemas in docs/schema/, checked against what the commands print and save.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::support::command::Sandbox;
use crate::support::generated::Generated;
use crate::support::lab::Setup;
use crate::support::run;

/// Why `document` does not fit `docs/schema/NAME.json`; `None` if it fits.
fn misfit(name: &str, document: &Value) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let path = folder.join(format!("{name}.json"));
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let path = path.to_str().expect("a path of text");
    let schema = compiler.compile(path, &mut schemas);
    let schema = schema.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let misfit = schemas.validate(document, schema).err();
    misfit.map(|error| format!("{name}: {error:#}\n{document}"))
}

fn check(name: &str, document: &Value) {
    if let Some(misfit) = misfit(name, document) {
        panic!("{misfit}");
    }
}

/// Checks each line of a file. The file must have at least one.
fn check_lines(name: &str, path: &Path) {
    let text = std::fs::read_to_string(path).expect("a file");
    let lines: Vec<&str> = text.lines().collect();
    assert!(!lines.is_empty(), "{} is empty", path.display());
    for line in lines {
        check(name, &serde_json::from_str(line).expect("JSON"));
    }
}

/// Checks what a command prints.
async fn check_printed(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--format", "json"]].concat();
    let finished = sandbox.run(&arguments).await;
    assert!(finished.code.is_some_and(|code| code < 2), "{finished:?}");
    let printed = finished.json();
    check(name, &printed);
    printed
}

/// Checks the files of a run.
fn check_run(run: &Path) {
    for name in ["run", "load", "summary"] {
        check(name, &run::json(&run.join(format!("{name}.json"))));
    }
}

#[tokio::test]
async fn a_run_and_a_matrix_fit_their_schemas() {
    let sandbox = Sandbox::new();
    let load = ["--requests", "24", "--rounds", "8", "--out", "runs"];
    let limit = ["--fail-under", "record.connected=99%"];
    let arguments = [&["run", "b3", "b3"][..], &load, &limit].concat();
    check_printed(&sandbox, "baton_run", &arguments).await;
    for name in ["runs/b3", "runs/b3_2"] {
        check_run(&sandbox.path(name));
        let load = run::json(&sandbox.path(name).join("load.json"));
        check("burst", &load);
        check_lines("log", &sandbox.path(name).join("logs/producer.log"));
        check_lines("log", &sandbox.path(name).join("logs/consumer.log"));
    }
    let several = ["run", "none", "--requests", "2", "--bursts", "2"];
    let arguments = [&several[..], &["--gap", "1ms", "--out", "several"]].concat();
    check_printed(&sandbox, "baton_run", &arguments).await;
    check_run(&sandbox.path("several/none"));
    let arguments = ["matrix", "--modes", "b3", "--requests", "1"];
    let saving = [&arguments[..], &["--save", "matrix.json"]].concat();
    check_printed(&sandbox, "matrix", &saving).await;
    check("matrix", &run::json(&sandbox.path("matrix.json")));
}

#[tokio::test]
async fn comparisons_and_traces_fit_their_schemas() {
    let sandbox = Sandbox::new();
    let whole = Generated::default();
    whole.write(&sandbox.path("whole"));
    let broken = Generated {
        broken: 40,
        seed: 2,
        ..Generated::default()
    };
    broken.write(&sandbox.path("broken"));
    let spans = sandbox.path("broken/spans.jsonl.zst");
    std::fs::copy(spans, sandbox.path("export.jsonl.zst")).expect("room");
    let (one, other) = (whole.trace_id(0), broken.trace_id(0));

    let compare = ["compare", "whole", "broken", "export.jsonl.zst"];
    let limits = ["--fail-under", "connected=99%", "--fail-over", "p99=1ms"];
    check_printed(&sandbox, "baton_compare", &[&compare[..], &limits].concat()).await;
    let diff = ["compare", "whole", "broken", "--diff", &one, &other];
    check_printed(&sandbox, "baton_compare_diff", &diff).await;
    let audit = ["audit", "export.jsonl.zst", "--baseline", "whole"];
    let more = ["--fail-under", "99%", "--hand-offs", "hand-offs.jsonl"];
    check_printed(&sandbox, "baton_audit", &[&audit[..], &more].concat()).await;
    check_lines("hand_off", &sandbox.path("hand-offs.jsonl"));
    let list = ["traces", "broken", "--verdict", "new_trace"];
    check_printed(&sandbox, "baton_traces", &list).await;
    check_printed(&sandbox, "baton_traces_one", &["traces", &other, "broken"]).await;
    check_printed(&sandbox, "map", &["map", "broken"]).await;
    let merge = ["merge", "whole", "broken", "--out", "merged"];
    check_printed(&sandbox, "baton_merge", &merge).await;
    for name in ["run", "summary"] {
        let path = sandbox.path("merged").join(format!("{name}.json"));
        check(name, &run::json(&path));
    }
}

#[tokio::test]
async fn answers_without_a_run_fit_their_schemas() {
    let sandbox = Sandbox::new();
    let headers = [
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "b3: 1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-0",
        "baggage: tenant=a;p=1",
        "uber-trace-id: nonsense",
    ];
    let all = [&["explain", "--as", "all"][..], &headers].concat();
    check_printed(&sandbox, "baton_explain", &all).await;
    check_printed(&sandbox, "baton_explain", &["explain", "b3: 0"]).await;
    let libraries = ["explain", "--list-libraries"];
    check_printed(&sandbox, "baton_explain_list_libraries", &libraries).await;
    check_printed(&sandbox, "baton_man", &["man", "run"]).await;
    check_printed(&sandbox, "baton_man_out", &["man", "--out", "pages"]).await;
    check_printed(&sandbox, "baton_completions", &["completions", "bash"]).await;
}

#[tokio::test]
async fn a_lab_and_bursts_at_it_fit_their_schemas() {
    let sandbox = Arc::new(Sandbox::new());
    let setup = Setup::within(&sandbox, "saved").fragile_consumer();
    let retries = ["--durable", "--retries", "0"];
    let mut lab = setup.flags(retries).start().await;
    check("baton_up", &lab.first_line);
    check("lab", &run::json(&note(&sandbox.path("runtime"))));

    let endpoint = lab.addresses.endpoint.clone();
    let burst = ["burst", "--endpoint", &endpoint, "--requests", "20"];
    let rate = [
        "--rate",
        "400",
        "--out",
        "burst",
        "--fail-over",
        "p99=0.001ms",
    ];
    check_printed(&sandbox, "baton_burst", &[&burst[..], &rate].concat()).await;
    check_run(&sandbox.path("burst"));
    let other = format!("other={endpoint}");
    let other = ["--endpoint", &other, "--rounds", "6"];
    let several = [&burst[..], &other].concat();
    check_printed(&sandbox, "baton_burst_several", &several).await;
    // the example of a foreign consumer fails on this record
    lab.accepted(r#"{"fail":"always"}"#).await;
    let wished = |status: &Value| status["records_undeliverable"] == json!(1);
    lab.wait_for("a record is given up", wished).await;
    check("status", &lab.status().await);
    check_printed(&sandbox, "status", &["switch", "producer=b3"]).await;
    check_lines("stream", &lab.saved.join("stream.jsonl"));
    lab.stop().await;
    check_lines("undeliverable", &lab.saved.join("undeliverable.jsonl"));
    check("run", &run::json(&lab.saved.join("run.json")));
}

/// The only note of a lab in the folder.
fn note(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("a folder");
    entries.next().expect("a note").expect("an entry").path()
}

#[test]
fn a_document_that_differs_does_not_fit() {
    let requests = json!({"sent": 3, "ok": 2, "failed": 1});
    check("requests", &requests);
    for wrong in [
        json!({"sent": 3, "ok": 2}),
        json!({"sent": "3", "ok": 2, "failed": 1}),
    ] {
        assert!(misfit("requests", &wrong).is_some(), "{wrong}");
    }
    // a member of a file that another schema refers to
    let stream = json!({"stream": {"shards": 1, "started": "yesterday"}});
    assert!(misfit("stream", &stream).is_some());
    assert!(misfit("baton_merge", &json!({"version": 1, "runs": [{}]})).is_some());
}

/// The files of a run as an earlier version wrote them: without versions, rounds or histograms.
#[tokio::test]
async fn an_older_run_is_still_read() {
    let sandbox = Sandbox::new();
    let older = sandbox.path("older");
    Generated::default().write(&older);
    Generated::default().write(&sandbox.path("newer"));
    let manifest = json!({
        "pairing": "tracecontext", "engine": "native", "start": "2026-11-23T05:00:00Z",
        "end": "2026-11-23T05:00:05Z",
    });
    let latency = json!({"p50": 4.0, "p90": 9.0, "p99": 16.0, "p999": 20.0, "max": 21.0});
    let load = json!({
        "summary": "all 400 requests succeeded",
        "requests": {"sent": 400, "ok": 400, "failed": 0},
        "interrupted": false, "started": "2026-11-23T05:00:00Z", "duration_s": 5.0,
        "throughput_rps": 80.0, "latency_ms": latency, "failures": [], "seed": 7, "goose": {},
    });
    for (name, document) in [("run.json", manifest), ("load.json", load)] {
        std::fs::write(older.join(name), document.to_string()).expect("room");
    }
    let compared = check_printed(&sandbox, "baton_compare", &["compare", "older", "newer"]).await;
    let runs = compared["runs"].as_array().expect("runs");
    for name in ["requests", "hops", "latency_ms", "edges"] {
        assert_eq!(runs[0][name], runs[1][name], "{name}");
    }
    assert_eq!(runs[0]["problems"], json!([]));
    let another = Generated {
        seed: 2,
        ..Generated::default()
    };
    another.write(&sandbox.path("another"));
    let merge = ["merge", "older", "another", "--out", "merged"];
    let merged = check_printed(&sandbox, "baton_merge", &merge).await;
    assert_eq!(merged["runs"][0]["traces"], 800);
}
