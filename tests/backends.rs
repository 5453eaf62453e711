//! Real backends: they hold what the functions send, and baton judges it as it judges the saved
//! run.
//!
//! Skipped, with a printed reason, if `tests/backends/install` has not run. In CI that is a
//! failure.

use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::backends::{Collector, Jaeger, Zipkin, installed};
use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::wait_until;

/// The number of records before the pairing changes, and after.
const RECORDS: u64 = 10;
/// How long an answer may wait for the export, in milliseconds, so that no span is lost on a busy
/// machine.
const FLUSH_TIMEOUT: (&str, &str) = ("BATON_FLUSH_TIMEOUT", "60000");

/// Compares the sources when all of them hold as many spans as the first. A backend shows spans
/// late.
async fn compared(sandbox: &Sandbox, sources: &[&str]) -> Value {
    wait_until("all sources hold the same spans", async || {
        let finished = sandbox
            .run([&["compare"], sources, &["--format", "json"]].concat())
            .await;
        let spans = |run: &Value| run["spans"].as_u64();
        let compared: Value = serde_json::from_str(&finished.stdout).ok()?;
        let runs = compared["runs"].as_array()?;
        let expected = spans(&runs[0]).filter(|spans| *spans > 0)?;
        let whole = runs.iter().all(|run| spans(run) == Some(expected));
        whole.then_some(compared)
    })
    .await
}

/// Every source has these verdicts, and the same flags and counts of records as the first one, a
/// run. A flag that a source reports as unknown may be missing.
fn assert_same(compared: &Value, hops: &[(&str, Value)]) {
    for (position, run) in compared["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .enumerate()
    {
        let unknown = run["unknown"].as_array().expect("metrics");
        for (hop, verdicts) in hops {
            assert_eq!(run["hops"][hop], *verdicts, "{hop}: {run}");
            let first = compared["runs"][0]["flags"][hop].as_object();
            for (flag, count) in first.expect("flags") {
                let found = &run["flags"][hop][flag];
                if unknown.contains(&json!(format!("{hop}.{flag}"))) {
                    assert_eq!(*found, Value::Null, "{hop}.{flag}: {run}");
                } else if !count.is_null() {
                    assert_eq!(found, count, "{hop}.{flag}: {run}");
                }
            }
        }
        let first = &compared["runs"][0]["records"];
        for figure in ["sent", "duplicates"] {
            assert_eq!(run["records"][figure], first[figure], "{figure}: {run}");
        }
        // an export does not show which records never arrived; a run does
        for figure in ["delivered", "lost"] {
            let found = &run["records"][figure];
            let is_known = !found.is_null();
            assert!(!is_known || *found == first[figure], "{figure}: {run}");
            assert_eq!(is_known, position == 0, "{figure}: {run}");
        }
    }
}

/// Sends records under a pairing that holds, then under one that breaks, and ends the lab.
async fn half_of_it_broken(setup: Setup) -> crate::support::lab::Lab {
    let mut lab = setup
        .flags(["--producer", "tracecontext", "--consumer", "tracecontext"])
        .start()
        .await;
    for _ in 0..RECORDS {
        lab.accepted("{}").await;
    }
    lab.wait_for_delivered(RECORDS).await;
    let port = lab.port().to_string();
    let switch = ["switch", "consumer=b3", "--lab", &port];
    let switched = lab.sandbox.run(switch).await;
    assert_eq!(switched.code, Some(0), "{switched:?}");
    for _ in 0..RECORDS {
        lab.accepted("{}").await;
    }
    lab.wait_for_delivered(2 * RECORDS).await;
    lab.stop_well().await;
    lab
}

fn half() -> [(&'static str, Value); 1] {
    [(
        "record",
        json!({"connected": RECORDS, "new_trace": RECORDS}),
    )]
}

#[tokio::test]
async fn spans_are_found_in_zipkin_and_behind_a_collector_in_jaeger_zipkin_and_a_file() {
    let Some(installed) = installed() else { return };
    let (zipkin, jaeger) = tokio::join!(Zipkin::start(&installed), Jaeger::start(&installed));

    // the functions' OTLP goes to the Collector, which forwards it, and their Zipkin to the lab
    let setup = Setup::new();
    let file = setup.path("collected.jsonl");
    let configuration = format!(
        r#"
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:0"}}}}}}
exporters:
  otlphttp: {{endpoint: "{jaeger}"}}
  zipkin: {{endpoint: "{zipkin}/api/v2/spans"}}
  file: {{path: "{file}"}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlphttp, zipkin, file]}}
"#,
        jaeger = jaeger.otlp,
        zipkin = zipkin.url,
        file = file.display()
    );
    let mut collector =
        Collector::start(&installed, &setup.path("gateway.yaml"), &configuration).await;
    let gateway = collector.otlp().await;
    collector.ready().await;
    let variables = [
        ("OTEL_TRACES_EXPORTER", "otlp,zipkin"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", gateway.as_str()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        FLUSH_TIMEOUT,
    ];
    let setup = setup
        .function("producer", &variables)
        .function("consumer", &variables);
    let lab = half_of_it_broken(setup).await;
    let services = "service=producer-lambda&service=consumer-lambda";
    let sources = [
        lab.saved.display().to_string(),
        format!("jaeger+{}?{services}", jaeger.url),
        format!("zipkin+{}?{services}", zipkin.url),
        file.display().to_string(),
    ];
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    assert_same(&compared(&lab.sandbox, &sources).await, &half());

    // now the other way round: OTLP to the lab, Zipkin directly to the server
    let address = format!("{}/api/v2/spans", zipkin.url);
    let mut setup = Setup::new();
    for function in ["producer", "consumer"] {
        let service = format!("direct-{function}");
        let variables = [
            ("OTEL_TRACES_EXPORTER", "otlp,zipkin"),
            ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", address.as_str()),
            ("OTEL_SERVICE_NAME", &service),
            FLUSH_TIMEOUT,
        ];
        setup = setup.function(function, &variables);
    }
    let lab = half_of_it_broken(setup).await;
    let services = "service=direct-producer&service=direct-consumer";
    let saved = lab.saved.display().to_string();
    let sources = [&saved, &*format!("zipkin+{}?{services}", zipkin.url)];
    assert_same(&compared(&lab.sandbox, &sources).await, &half());
}

#[tokio::test]
async fn a_collector_reads_a_run_and_baton_what_a_collector_wrote() {
    let Some(installed) = installed() else { return };
    let jaeger = Jaeger::start(&installed).await;
    let sandbox = Sandbox::new();
    let load = ["--requests", "40", "--users", "2", "--out", "runs"];
    let finished = sandbox
        .run([&["run", "tracecontext:b3"], &load[..]].concat())
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");

    // its receiver reads only gzip, so the run's spans are unpacked first
    let run = sandbox.path("runs/tracecontext_to_b3");
    let unpacked = sandbox.path("spans.jsonl");
    unpack(&run.join("spans.jsonl.zst"), &unpacked);
    let [plain, packed] = ["written.jsonl", "written.zst"].map(|name| sandbox.path(name));
    let configuration = format!(
        r#"
receivers:
  otlpjsonfile: {{include: ["{unpacked}"], start_at: beginning, max_log_size: 64MiB}}
exporters:
  otlphttp: {{endpoint: "{jaeger}"}}
  file: {{path: "{plain}"}}
  file/packed: {{path: "{packed}", format: proto, compression: zstd}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlpjsonfile], exporters: [otlphttp, file, file/packed]}}
"#,
        unpacked = unpacked.display(),
        jaeger = jaeger.otlp,
        plain = plain.display(),
        packed = packed.display()
    );
    let file = sandbox.path("reader.yaml");
    let mut collector = Collector::start(&installed, &file, &configuration).await;
    collector.ready().await;
    let sources = [
        run.display().to_string(),
        format!("jaeger+{}", jaeger.url),
        plain.display().to_string(),
        packed.display().to_string(),
    ];
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let verdicts = [
        ("ingress", json!({"connected": 40})),
        ("record", json!({"new_trace": 40})),
    ];
    assert_same(&compared(&sandbox, &sources).await, &verdicts);
}

fn unpack(from: &Path, to: &Path) {
    let from = File::open(from).expect("a run's spans");
    let to = File::create(to).expect("a file");
    zstd::stream::copy_decode(from, to).expect("zstd");
}
