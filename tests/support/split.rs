//! Splits a run, as if several load generators had written it. Independent of baton's own readers.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Which part a trace belongs to.
fn place(trace_id: &str, parts: usize) -> usize {
    let digits = trace_id.get(..8).unwrap_or_default();
    u32::from_str_radix(digits, 16).unwrap_or_default() as usize % parts
}

/// Splits the run at `run` into several at `parts`. Every span and log line goes to the part of its
/// trace, so the two halves of a broken trace may be in different parts.
pub(crate) fn by_traces(run: &Path, parts: &[PathBuf]) {
    for part in parts {
        fs::create_dir_all(part.join("logs")).expect("room");
        fs::copy(run.join("run.json"), part.join("run.json")).expect("a manifest");
    }
    let mut spans = vec![String::new(); parts.len()];
    let mut requests = vec![(0_u64, 0_u64); parts.len()];
    for request in requests_of(&run.join("spans.jsonl.zst")) {
        for (resource, span) in spans_of(&request) {
            let part = place(span["traceId"].as_str().expect("an id"), parts.len());
            let one = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]});
            spans[part].push_str(&format!("{one}\n"));
            if span["kind"] == 3 {
                requests[part].0 += 1;
                requests[part].1 += u64::from(!span.to_string().contains("error.type"));
            }
        }
    }
    for (part, lines) in parts.iter().zip(&spans) {
        let frame = zstd::bulk::compress(lines.as_bytes(), 3).expect("memory");
        fs::write(part.join("spans.jsonl.zst"), frame).expect("room");
    }
    for name in ["producer", "consumer"] {
        let path = format!("logs/{name}.log");
        let text = fs::read_to_string(run.join(&path)).expect("a log");
        let mut logs = vec![String::new(); parts.len()];
        for line in text.lines() {
            let json: Value = serde_json::from_str(line).unwrap_or_default();
            let trace = json["trace_id"].as_str().unwrap_or_default();
            logs[place(trace, parts.len())].push_str(&format!("{line}\n"));
        }
        for (part, log) in parts.iter().zip(logs) {
            fs::write(part.join(&path), log).expect("room");
        }
    }
    load(run, parts, &requests);
}

/// Writes the `load.json` of each part: its own requests, and one duration of the whole run for
/// each request that succeeded.
fn load(run: &Path, parts: &[PathBuf], requests: &[(u64, u64)]) {
    let text = fs::read_to_string(run.join("load.json")).expect("figures");
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    let buckets = whole["latency_histogram_us"].as_array();
    let mut durations = buckets.into_iter().flatten().flat_map(|bucket| {
        let count = bucket[1].as_u64().unwrap_or_default();
        (0..count).map(|_| json!([bucket[0], 1]))
    });
    for (part, (sent, ok)) in parts.iter().zip(requests) {
        let mut load = whole.clone();
        load["requests"] = json!({"sent": sent, "ok": ok, "failed": sent - ok});
        if buckets.is_some() {
            load["latency_histogram_us"] = durations.by_ref().take(*ok as usize).collect();
        }
        fs::write(part.join("load.json"), load.to_string()).expect("room");
    }
}

/// The requests of a span file.
fn requests_of(path: &Path) -> Vec<Value> {
    let file = File::open(path).expect("spans");
    let lines = BufReader::new(zstd::stream::read::Decoder::new(file).expect("zstd")).lines();
    let lines = lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"));
    lines.collect()
}

/// Each span of a request, with its resource.
fn spans_of(request: &Value) -> Vec<(Value, Value)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut spans = Vec::new();
    for resource_spans in list(&request["resourceSpans"]) {
        for scope_spans in list(&resource_spans["scopeSpans"]) {
            let own = list(&scope_spans["spans"]);
            spans.extend(
                own.into_iter()
                    .map(|span| (resource_spans["resource"].clone(), span)),
            );
        }
    }
    spans
}
