//! Writes the spans of a made-up system whose hand-offs are known, as OTLP/JSON in lines.
//!
//! `cargo run -p baton-traces --example generate_system -- --requests 1000 [--services N] [--calls
//! N] [--concurrency N] [--broken PERCENT] [--skew-ms N] [--shared-id PERCENT] [--unsampled
//! PERCENT] [--seed N] [--hand-offs FILE] > FILE`
//!
//! `--hand-offs` gets a line of JSON for each hand-off as it happened: both spans and the verdict.

mod system;

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use baton_traces::span::Kind;
use serde_json::json;
use system::{Made, Plan, System, Truth};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let written = plan(&arguments).and_then(|(plan, truth)| {
        let system = system::generate(&plan);
        if let Some(path) = truth {
            let lines: String = system
                .hand_offs
                .iter()
                .map(|it| fact(&system, it))
                .collect();
            std::fs::write(&path, lines)
                .map_err(|error| format!("cannot write {path}: {error}"))?;
        }
        let mut out = BufWriter::new(std::io::stdout().lock());
        for span in &system.spans {
            writeln!(out, "{}", line(span)).map_err(|error| error.to_string())?;
        }
        out.flush().map_err(|error| error.to_string())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// The plan, and the file for the hand-offs.
fn plan(arguments: &[String]) -> Result<(Plan, Option<String>), String> {
    let mut truth = None;
    let mut plan = Plan {
        services: 12,
        calls: 6,
        requests: 0,
        concurrency: 3,
        broken_percent: 30,
        skew_ms: 0,
        shared_id_percent: 0,
        unsampled_percent: 0,
        seed: 1,
    };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} needs a value", pair[0]));
        };
        if name == "--hand-offs" {
            truth = Some(value.clone());
            continue;
        }
        let number: i64 = value
            .parse()
            .map_err(|_| format!("{value} is not a number"))?;
        let count = usize::try_from(number).unwrap_or(0);
        let percent = u8::try_from(number).unwrap_or(100).min(100);
        match name.as_str() {
            "--services" => plan.services = count.max(2),
            "--calls" => plan.calls = count,
            "--requests" => plan.requests = count,
            "--concurrency" => plan.concurrency = count,
            "--broken" => plan.broken_percent = percent,
            "--skew-ms" => plan.skew_ms = number.abs(),
            "--shared-id" => plan.shared_id_percent = percent,
            "--unsampled" => plan.unsampled_percent = percent,
            "--seed" => plan.seed = number.unsigned_abs(),
            _ => return Err(format!("{name} is not an option of generate_system")),
        }
    }
    match plan.requests {
        0 => Err("--requests N is needed".to_owned()),
        _ => Ok((plan, truth)),
    }
}

/// One hand-off as a line of JSON.
fn fact(system: &System, truth: &Truth) -> String {
    let edge = &system.edges[truth.edge];
    let fact = json!({
        "from": system::service_name(edge.from),
        "to": system::service_name(edge.to),
        "sender": truth.sender,
        "receiver": truth.receiver,
        "verdict": truth.verdict,
    });
    format!("{fact}\n")
}

/// One span as a line of OTLP/JSON.
fn line(span: &Made) -> serde_json::Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let attributes = span.attributes.iter().map(|(key, value)| text(key, value));
    let links = span.link.iter().map(
        |link| json!({"traceId": link.trace_id.to_string(), "spanId": link.span_id.to_string()}),
    );
    let kind = match span.kind {
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
        _ => 1,
    };
    let service = system::service_name(span.service);
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", &service)]},
        "scopeSpans": [{"spans": [{
            "traceId": span.reference.trace_id.to_string(),
            "spanId": span.reference.span_id.to_string(),
            "parentSpanId": span.parent.map_or_else(String::new, |parent| parent.to_string()),
            "name": span.name,
            "kind": kind,
            "flags": 0x101 + if span.remote { 0x200 } else { 0 },
            "startTimeUnixNano": span.start.to_string(),
            "endTimeUnixNano": span.end.to_string(),
            "attributes": attributes.collect::<Vec<_>>(),
            "links": links.collect::<Vec<_>>(),
        }]}],
    }]})
}
