//! The environment variables of a function's processes.

use std::collections::BTreeMap;

use baton_propagators::lambda::Function;
use baton_propagators::propagation::{
    BATON_ENGINE, BATON_EXTRACT, BATON_EXTRACT_SELECT, BATON_INJECT, BATON_ON_CONFLICT,
    BATON_XRAY_SOURCE, OTEL_PROPAGATORS,
};
use baton_propagators::{Engine, Mode, OnConflict, Select};

use crate::monitoring::Addresses;

/// The variables that decide which formats a function reads and writes, and how.
const PROPAGATION_VARIABLES: [&str; 8] = [
    OTEL_PROPAGATORS,
    BATON_INJECT,
    BATON_EXTRACT,
    BATON_EXTRACT_SELECT,
    BATON_ON_CONFLICT,
    BATON_ENGINE,
    "BATON_CONSUMER_RELATION",
    BATON_XRAY_SOURCE,
];

/// The variables that Lambda sets, and those that point the function at this lab. A variable in
/// `wanted` takes precedence. The credentials are invented, because a lab never contacts AWS.
pub(crate) fn environment(
    function: Function,
    wanted: &BTreeMap<String, String>,
    addresses: &Addresses,
) -> BTreeMap<String, String> {
    let log_group = format!("/aws/lambda/{function}");
    let collector = addresses.otlp.trim_end_matches("/v1/traces");
    let set_by_the_lab = [
        ("AWS_LAMBDA_FUNCTION_NAME", function.name()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "baton"),
        ("AWS_SECRET_ACCESS_KEY", "baton"),
        ("AWS_ENDPOINT_URL_KINESIS", &addresses.kinesis),
        ("KINESIS_STREAM", &addresses.stream),
        ("OTEL_SERVICE_NAME", function.service_name()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &addresses.zipkin),
        ("_HANDLER", function.name()),
    ];
    let mut environment: BTreeMap<_, _> = set_by_the_lab
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    environment.extend(wanted.clone());
    environment
}

/// The variables that choose the formats. All others stay hidden, because they may hold secrets.
pub(crate) fn propagation(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    PROPAGATION_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), environment.get(name)?.clone())))
        .filter(|(_, value)| !value.trim().is_empty())
        .collect()
}

/// Sets a mode for both directions. A mode for one direction only is removed.
pub(crate) fn set_mode(environment: &mut BTreeMap<String, String>, mode: &Mode) {
    environment.remove(BATON_INJECT);
    environment.remove(BATON_EXTRACT);
    environment.insert(OTEL_PROPAGATORS.to_owned(), mode.to_string());
}

/// Sets the policies that are given. The others stay as they are.
pub(crate) fn set_policies(
    environment: &mut BTreeMap<String, String>,
    engine: Option<Engine>,
    select: Option<Select>,
    on_conflict: Option<OnConflict>,
) {
    let values = [
        (BATON_ENGINE, engine.map(Engine::as_str)),
        (BATON_EXTRACT_SELECT, select.map(Select::as_str)),
        (BATON_ON_CONFLICT, on_conflict.map(OnConflict::as_str)),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            environment.insert(name.to_owned(), value.to_owned());
        }
    }
}
