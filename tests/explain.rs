//! Tests of `baton explain`: its answers in every measured case, how it shows faults, and any kind
//! of input.

mod cases;
mod input;
mod pastes;
mod shown;

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::command::{Finished, Sandbox, ended};

const TRACEPARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const B3: &str = "b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0";

/// Runs `baton explain` with this on its standard input.
async fn piped(sandbox: &Sandbox, arguments: &[&str], input: impl AsRef<[u8]>) -> Finished {
    let mut command = sandbox.baton(["explain"].iter().chain(arguments));
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.as_ref()).await.expect("it reads");
    drop(stdin);
    ended(child).await
}

async fn explain(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    sandbox.run(["explain"].iter().chain(arguments)).await
}

fn modes(answer: &Value) -> Vec<String> {
    let names = |mode: &Value| {
        let names: Vec<_> = mode["extract"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        names.join(",")
    };
    answer["modes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(names)
        .collect()
}

#[tokio::test]
async fn the_answer_has_the_headers_all_formats_and_the_usual_modes() {
    let sandbox = Sandbox::new();
    let arguments = [
        "--format",
        "json",
        "TraceParent: a",
        "B3: 0",
        "b3: 1",
        "b3: 1",
        "Authorization: Bearer secret",
    ];
    let answer = explain(&sandbox, &arguments).await.json();
    assert_eq!(
        answer["headers"],
        json!({"TraceParent": "a", "B3": "0", "b3": ["1", "1"]})
    );
    assert_eq!(answer["other_headers"], json!(["Authorization"]));
    assert!(!answer.to_string().contains("secret"));
    let formats: Vec<_> = answer["candidates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| found["format"].clone())
        .collect();
    assert_eq!(
        formats,
        [
            "tracecontext",
            "baggage",
            "b3",
            "b3multi",
            "jaeger",
            "xray",
            "datadog",
            "ottrace"
        ]
    );
    let usual = [
        "tracecontext",
        "b3",
        "b3multi",
        "tracecontext,b3",
        "b3,tracecontext",
        "tracecontext,b3multi",
        "b3multi,tracecontext",
    ];
    assert_eq!(modes(&answer), usual);
    assert_eq!(answer["modes"][3]["chosen"], Value::Null);

    // other arriving headers are judged too
    let answer = explain(&sandbox, &["--format", "json", "uber-trace-id: a"])
        .await
        .json();
    assert_eq!(
        modes(&answer)[7..],
        ["jaeger", "tracecontext,jaeger", "jaeger,tracecontext"]
    );
    let otel = explain(
        &sandbox,
        &["--format", "json", "--engine", "otel", "uber-trace-id: a"],
    )
    .await
    .json();
    assert_eq!(modes(&otel), usual, "upstream has no jaeger");
}

#[tokio::test]
async fn modes_choose_the_last_or_the_first() {
    let sandbox = Sandbox::new();
    let arguments = [
        "--format",
        "json",
        "--mode",
        "mixed",
        "--mode",
        "tracecontext,b3/first",
        "--mode",
        "none",
        TRACEPARENT,
        B3,
    ];
    let answer = explain(&sandbox, &arguments).await.json();
    let conflict =
        json!({"kinds": ["trace_id", "span_id", "sampled"], "formats": ["tracecontext", "b3"]});
    assert_eq!(
        answer["modes"],
        json!([
            {"extract": ["tracecontext", "b3"], "select": "last", "engine": "native", "conflict": conflict,
             "chosen": {"format": "b3", "trace_id": "463ac35c9f6413ad48485a3953bb6124", "span_id": "a2fb4a1d1a96d312",
                        "sampled": false, "debug": false, "tracestate": null}},
            {"extract": ["tracecontext", "b3"], "select": "first", "engine": "native", "conflict": conflict,
             "chosen": {"format": "tracecontext", "trace_id": "0af7651916cd43dd8448eb211c80319c",
                        "span_id": "b7ad6b7169203331", "sampled": true, "debug": false, "tracestate": null}},
            {"extract": [], "select": "last", "engine": "native", "conflict": null, "chosen": null},
        ])
    );
}

#[tokio::test]
async fn engine_otel_answers_as_the_upstream_crates_do() {
    let sandbox = Sandbox::new();
    let options = [
        "--format",
        "json",
        "--engine",
        "otel",
        "--mode",
        "tracecontext",
        "--mode",
        "b3multi",
    ];
    let headers = [
        "traceparent: 00-1-1-1",
        "b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-d",
    ];
    let answer = explain(&sandbox, &[&options[..], &headers[..]].concat())
        .await
        .json();
    assert_eq!(
        answer["modes"][0]["chosen"]["trace_id"],
        "00000000000000000000000000000001"
    );
    assert_eq!(answer["modes"][0]["engine"], "otel");
    assert_eq!(answer["modes"][1]["chosen"], Value::Null);
    assert!(
        answer["candidates"][0]["objection"]["reason"].is_string(),
        "{answer}"
    );

    let refused = explain(
        &sandbox,
        &[
            "--engine",
            "otel",
            "--mode",
            "b3",
            "--mode",
            "tracecontext,xray",
            TRACEPARENT,
        ],
    )
    .await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(
        refused.stderr,
        "baton: --mode tracecontext,xray cannot be judged with engine otel: upstream has no propagator for xray on OpenTelemetry 0.33; \
         engine native reads and writes it\n"
    );
}
