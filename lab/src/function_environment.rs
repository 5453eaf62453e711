//! The environment that the lab starts a function's processes with.

use std::collections::BTreeMap;

use baton_propagators::mode::Mode;
use baton_propagators::propagation::{BATON_EXTRACT, BATON_INJECT, OTEL_PROPAGATORS};

use crate::options::FunctionOptions;
use crate::status::Addresses;

/// The variables that say which formats a function reads and writes, and how.
const PROPAGATION_VARIABLES: [&str; 8] = [
    OTEL_PROPAGATORS,
    BATON_INJECT,
    BATON_EXTRACT,
    "BATON_EXTRACT_SELECT",
    "BATON_ON_CONFLICT",
    "BATON_ENGINE",
    "BATON_CONSUMER_RELATION",
    "BATON_XRAY_SOURCE",
];

/// What Lambda sets, what points the function at this lab, and above it what the options ask for. Credentials
/// are made up: a lab never reaches AWS.
pub(crate) fn environment(
    function: &'static str,
    options: &FunctionOptions,
    addresses: &Addresses,
) -> BTreeMap<String, String> {
    let log_group = format!("/aws/lambda/{function}");
    let service_name = format!("{function}-lambda");
    let collector = addresses.otlp.trim_end_matches("/v1/traces");
    let set_by_the_lab = [
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "baton"),
        ("AWS_SECRET_ACCESS_KEY", "baton"),
        ("AWS_ENDPOINT_URL_KINESIS", &addresses.kinesis),
        ("KINESIS_STREAM", &addresses.stream),
        ("OTEL_SERVICE_NAME", &service_name),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &addresses.zipkin),
        ("_HANDLER", function),
    ];
    let mut environment: BTreeMap<_, _> = set_by_the_lab
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    environment.extend(options.environment.clone());
    environment
}

/// The part of an environment that chooses formats; nothing else of it is ever shown.
pub(crate) fn propagation(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    PROPAGATION_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), environment.get(name)?.clone())))
        .filter(|(_, value)| !value.trim().is_empty())
        .collect()
}

/// Sets a mode for both directions; one set for a single direction does not outlive it.
pub(crate) fn set_mode(environment: &mut BTreeMap<String, String>, mode: &Mode) {
    environment.remove(BATON_INJECT);
    environment.remove(BATON_EXTRACT);
    environment.insert(OTEL_PROPAGATORS.to_owned(), mode.to_string());
}
