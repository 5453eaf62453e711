//! The settings in a run's manifest.

use std::collections::BTreeMap;

use baton_loadgen::{Plan, Stop};
use baton_traces::percentiles::rounded_milliseconds;
use serde_json::{Map, Value, json};

use crate::functions::Functions;
use crate::lab::LabSettings;
use crate::load::Load;

/// Variables of this process that the functions get and that change what they record.
const TELEMETRY_VARIABLES: [&str; 8] = [
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_TRACES_EXPORTER",
    "BATON_EXTRACT_SELECT",
    "BATON_ON_CONFLICT",
    "BATON_CONSUMER_RELATION",
    "BATON_XRAY_SOURCE",
];

/// The settings of a lab. A function that is not baton's own is named without its command, which
/// may hold a secret.
pub fn lab_settings(lab: &LabSettings, functions: &Functions) -> Map<String, Value> {
    let mut settings = object(json!({
        "instances": lab.instances,
        "shards": lab.shards,
        "freeze": lab.freeze,
        "batch_size": lab.batch_size,
        "batch_window_ms": rounded_milliseconds(lab.batch_window),
        "retries": lab.retries,
        "bisect": lab.bisect,
        "timeout_ms": rounded_milliseconds(lab.timeout),
    }));
    let foreign = functions.foreign();
    if !foreign.is_empty() {
        settings.insert("foreign".to_owned(), json!(foreign));
    }
    for name in TELEMETRY_VARIABLES {
        if let Ok(value) = std::env::var(name) {
            settings.insert(name.to_owned(), value.into());
        }
    }
    settings
}

/// The settings of a load.
pub fn load_settings(load: &Load, plan: &Plan) -> Map<String, Value> {
    let client = plan.scenarios().first().map(|scenario| &scenario.client);
    object(json!({
        "client": client,
        "users": plan.users(),
        "rate": plan.rate(),
        "ramp_ms": rounded_milliseconds(plan.ramp()),
        "stop": match plan.stop() {
            Stop::Requests(requests) => json!({"requests": requests}),
            Stop::Duration(time) => json!({"duration_s": time.as_secs_f64()}),
        },
        "bursts": load.bursts,
        "gap_ms": rounded_milliseconds(load.gap),
    }))
}

/// The versions of all programs, by name.
pub fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([("baton".to_owned(), env!("CARGO_PKG_VERSION").to_owned())])
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
