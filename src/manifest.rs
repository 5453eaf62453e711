//! What a run's manifest says of its settings.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_loadgen::Plan;
use serde_json::{Map, Value, json};

use crate::arguments::{FunctionArguments, LabArguments, LoadArguments};

/// Variables of this process that the functions see and that change what they record.
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

/// A lab's settings as a manifest names them. Of a foreign function it says that it was one, not how it was started.
pub(crate) fn lab_settings(
    arguments: &LabArguments,
    functions: &FunctionArguments,
) -> Map<String, Value> {
    let settings = json!({
        "instances": arguments.instances,
        "shards": arguments.shards,
        "freeze": arguments.freeze,
        "batch_size": arguments.batch_size,
        "batch_window_ms": milliseconds(arguments.batch_window),
        "retries": arguments.retries,
        "bisect": !arguments.no_bisect,
        "timeout_ms": milliseconds(arguments.timeout),
    });
    let Value::Object(mut settings) = settings else {
        return Map::new();
    };
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

/// What was sent, and how, as a manifest names it.
pub(crate) fn load_settings(load: &LoadArguments, plan: &Plan) -> Map<String, Value> {
    let client = plan.scenarios().first().map(|scenario| &scenario.client);
    let settings = json!({
        "client": client,
        "users": plan.users(),
        "rate": plan.rate(),
        "ramp_ms": milliseconds(plan.ramp()),
        "stop": plan.stop(),
        "bursts": load.bursts,
        "gap_ms": milliseconds(load.gap),
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}

/// A time as manifests and messages have it.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What took part, by name.
pub(crate) fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([("baton".to_owned(), env!("CARGO_PKG_VERSION").to_owned())])
}
