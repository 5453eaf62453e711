//! Run directories without a run, in the form of real ones, with figures that a test chooses.

use std::path::Path;

use baton_traces::run::{Function, Manifest, RunDirectory};
use serde_json::{Value, json};

/// The figures of a generated run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generated {
    /// The number of requests. Each has one record.
    pub(crate) messages: u64,
    /// The number of records that start a new trace.
    pub(crate) broken: u64,
    /// The factor by which requests take longer than in another run of the same seed.
    pub(crate) slowness: f64,
    /// Another seed gives other ids, and other latencies of the same distribution.
    pub(crate) seed: u64,
}

impl Default for Generated {
    fn default() -> Self {
        Generated {
            messages: 400,
            broken: 0,
            slowness: 1.0,
            seed: 1,
        }
    }
}

const EPOCH_NS: u64 = 1_700_000_000_000_000_000;
const MILLISECOND_NS: f64 = 1e6;

impl Generated {
    /// Writes the run to `path`.
    pub(crate) fn write(&self, path: &Path) {
        let run = RunDirectory::create(path).expect("a new directory");
        let manifest: Manifest = serde_json::from_value(json!({
            "pairing": "tracecontext",
            "engine": "native",
            "start": "2026-11-23T05:00:00Z",
            "end": "2026-11-23T05:00:05Z",
        }))
        .expect("a manifest");
        run.write_manifest(&manifest).expect("room");
        for function in [Function::Producer, Function::Consumer] {
            std::fs::write(run.log_path(function), "").expect("room");
        }
        let mut spans = run.append_spans().expect("a new file");
        for message in 0..self.messages {
            let request = self.request(message).to_string();
            spans.write_request(request.as_bytes()).expect("room");
        }
        spans.finish().expect("room");
    }

    /// The id of a message's trace.
    pub(crate) fn trace_id(&self, message: u64) -> String {
        format!("{:016x}{:016x}", self.seed, message + 1)
    }

    /// The spans of one message, from the client's to the consumer's.
    fn request(&self, message: u64) -> Value {
        let start = EPOCH_NS + message * 1_000_000;
        let took = (self.milliseconds(message) * MILLISECOND_NS) as u64;
        let id = |place: u64| format!("{:016x}", (self.seed << 40) + message * 8 + place + 1);
        let request_id = text("aws.request_id", &format!("{}-{message}", self.seed));
        let record = [
            text("messaging.message.id", &format!("{}-{message}", self.seed)),
            text("messaging.destination.name", "baton"),
            text("messaging.destination.partition.id", "shardId-000000000000"),
        ];
        let client = [
            request_id.clone(),
            integer("http.response.status_code", 200),
        ];
        let sent = [&record[..], &[integer("baton.carrier_bytes", 73)]].concat();
        let steps = [
            ("client", 3, "POST", 0..took, client.to_vec()),
            (
                "producer-lambda",
                2,
                "POST /dev/producer",
                took / 8..took,
                vec![request_id],
            ),
            ("producer-lambda", 4, "send baton", took / 4..took / 2, sent),
            (
                "consumer-lambda",
                5,
                "Kinesis.getRecord",
                took..2 * took,
                record.to_vec(),
            ),
        ];
        let spans = (0..)
            .zip(steps)
            .map(|(place, (service, kind, name, times, attributes))| {
                let broken = kind == 5 && message < self.broken;
                let parent = (place > 0 && !broken).then(|| id(place - 1));
                let trace = self.trace_id(message);
                let span = json!({
                    "traceId": if broken { trace.replacen("0000", "ffff", 1) } else { trace },
                    "spanId": id(place),
                    "parentSpanId": parent,
                    "flags": if parent.is_some() && kind != 4 { 0x301 } else { 0x101 },
                    "name": name,
                    "kind": kind,
                    "startTimeUnixNano": (start + times.start).to_string(),
                    "endTimeUnixNano": (start + times.end).to_string(),
                    "attributes": attributes,
                });
                json!({
                    "resource": {"attributes": [text("service.name", service)]},
                    "scopeSpans": [{"spans": [span]}],
                })
            });
        json!({"resourceSpans": spans.collect::<Vec<_>>()})
    }

    /// How long a request takes: at least 2 ms, and exponentially distributed beyond that.
    fn milliseconds(&self, message: u64) -> f64 {
        // SplitMix64, so that neighbouring numbers give unrelated results
        let mut bits = (self.seed << 32 | message).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        self.slowness * (2.0 - 3.0 * (1.0 - uniform).ln())
    }
}

fn text(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

fn integer(name: &str, value: u64) -> Value {
    json!({"key": name, "value": {"intValue": value.to_string()}})
}
