//! `baton plan-capacity`, and docs/scale.md, whose tables it printed.
//!
//! `BATON_UPDATE_DOCS=1 cargo test --test whole capacity` puts what the commands print between the
//! document's markers.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::command::Sandbox;

async fn plan(arguments: &[&str]) -> Value {
    let arguments = [&["plan-capacity", "--format", "json"], arguments].concat();
    let finished = Sandbox::new().run(arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// One mode of a plan.
fn mode<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let modes = plan["modes"].as_array().expect("modes");
    let found = modes.iter().find(|mode| mode["mode"] == name);
    found.unwrap_or_else(|| panic!("{name} is missing"))
}

#[tokio::test]
async fn every_format_is_planned_for_with_the_bytes_that_it_writes() {
    let native = plan(&["--rate", "1000", "--payload", "500"]).await;
    let otel = plan(&["--rate", "1000", "--payload", "500", "--engine", "otel"]).await;
    // as docs/mixed-headers.md has measured them on real records
    for (name, bytes) in [
        ("none", 0),
        ("tracecontext", 73),
        ("b3", 60),
        ("tracecontext,b3", 132),
    ] {
        assert_eq!(
            mode(&native, name)["record"]["carrier_bytes"],
            bytes,
            "{name}"
        );
    }
    assert_eq!(native["modes"].as_array().map(Vec::len), Some(10));
    // upstream's b3 writes the X-B3-* headers too, and it has no propagator for Jaeger's and
    // others' headers
    assert_eq!(otel["modes"].as_array().map(Vec::len), Some(6));
    let bytes = |plan| mode(plan, "b3")["record"]["carrier_bytes"].as_u64();
    assert!(bytes(&otel) > bytes(&native));
    let luggage = plan(&[
        "--rate",
        "1",
        "--mode",
        "tracecontext,baggage",
        "--mode",
        "tracecontext",
        "--baggage",
        "a=1",
        "--tracestate",
        "b=2",
    ])
    .await;
    // {"traceparent":"…","tracestate":"b=2","baggage":"a=1"}
    assert_eq!(
        mode(&luggage, "tracecontext,baggage")["record"]["carrier_bytes"],
        73 + 19 + 16
    );
    assert_eq!(
        mode(&luggage, "tracecontext")["record"]["carrier_bytes"],
        73 + 19
    );
}

#[tokio::test]
async fn figures_come_with_their_sums() {
    let plan = plan(&[
        "--rate",
        "2000",
        "--mode",
        "none",
        "--payload",
        "988",
        "--skew",
        "1",
    ])
    .await;
    let none = mode(&plan, "none");
    // 2,000 × 1,024 bytes are 1.95 MiB
    assert_eq!(
        (&none["shards"], &none["shards_by"]),
        (&2.into(), &"records".into())
    );
    assert_eq!(none["producer"]["concurrency"], 5.6);
    assert_eq!(none["consumer"]["keeps_up"], true);
    let steps = none["steps"].as_array().expect("steps");
    assert_eq!(steps[1]["sum"], "2,000 /s × 1,024 bytes");
    assert_eq!(steps[1]["result"], "2.05 MB/s");
    // 2,000 requests and 20 batches of 10 × 1,000 per second
    let first = &none["quotas"][0];
    assert_eq!(
        first["name"],
        "Lambda: requests per second, 10 × functions at once"
    );
    assert_eq!(
        (&first["needed"], &first["limit"]),
        (&2020.0.into(), &10_000.0.into())
    );
}

#[tokio::test]
async fn what_cannot_be_planned_is_refused() {
    let sandbox = Sandbox::new();
    for (flags, sentence) in [
        (&["--rate", "0"][..], "0 is not from 0.000001 to 1000000000"),
        (&["--rate", "NaN"], "is no number"),
        (&["--rate", "1", "--skew", "0.5"], "0.5 is not from 1"),
        (&["--rate", "1", "--mode", "w4c"], "w4c"),
        (&["--rate", "1", "--baggage", "no entry"], "--baggage: "),
        (&["--rate", "1", "--tracestate", "A=1"], "--tracestate: "),
        (
            &["--rate", "1", "--mode", "jaeger", "--engine", "otel"],
            "upstream has no propagator for jaeger",
        ),
        (&["--rate", "1", "--price-gb-in=-1"], "-1 is not from 0"),
        (
            &["--rate", "1", "--batch-window", "1h"],
            "Lambda gathers records for at most 300 s",
        ),
        (
            &["--rate", "1", "--producer-duration", "30s"],
            "API Gateway waits for at most 29 s",
        ),
        (
            &["--rate", "1", "--batch-duration", "16m"],
            "an invocation of Lambda lasts for at most 900 s",
        ),
        // each reads a shard once a second, and a shard is read five times at most
        (&["--rate", "1", "--consumers", "6"], "6 is not in 1..=5"),
    ] {
        let refused = sandbox.run([&["plan-capacity"], flags].concat()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(sentence), "{refused:?}");
    }
}

#[tokio::test]
async fn consumers_that_fall_behind_are_told_of() {
    let flags = [
        "plan-capacity",
        "--rate",
        "1000",
        "--mode",
        "none",
        "--record-duration",
        "3ms",
    ];
    let planned = Sandbox::new().run(flags).await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains(
        "none: the consumers do not keep up: the busiest shard gets 188 % of what they can handle; --parallelization 2 is enough."
    ), "{planned:?}");
}

#[tokio::test]
async fn a_record_that_is_too_large_is_no_matter_of_rate() {
    let flags = [
        "plan-capacity",
        "--rate",
        "10",
        "--mode",
        "none",
        "--payload",
        "2000000",
    ];
    let planned = Sandbox::new().run(flags).await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stdout.contains(
        "none: no rate works: a record has 2,000,036 bytes, and baton's producer refuses more than 1,048,576, as Kinesis does by default."
    ), "{planned:?}");
    assert!(!planned.stdout.contains("ask AWS"), "{planned:?}");
}

const BEGIN: &str = "<!-- begin: baton ";
const END: &str = "<!-- end -->";

#[tokio::test]
async fn the_document_s_tables_are_what_the_commands_print() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scale.md");
    let document = std::fs::read_to_string(&path).expect("the document");
    let mut updated = String::new();
    let mut rest = document.as_str();
    let mut blocks = 0;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        let (command, block) = block.split_once(" -->\n").expect("the marker's end");
        let (_, after) = block.split_once(END).expect("the last marker");
        let printed = Sandbox::new().run(command.split(' ')).await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        updated.push_str(&format!(
            "{before}{BEGIN}{command} -->\n\n{}\n{END}",
            printed.stdout
        ));
        rest = after;
        blocks += 1;
    }
    updated.push_str(rest);
    assert_eq!(blocks, 3, "1k, 100k and 1M messages a second");
    if std::env::var_os("BATON_UPDATE_DOCS").is_some() {
        std::fs::write(&path, updated).expect("the document");
        return;
    }
    assert!(
        document == updated,
        "docs/scale.md is out of date; BATON_UPDATE_DOCS=1 cargo test --test whole capacity mends it"
    );
}
