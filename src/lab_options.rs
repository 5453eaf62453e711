//! From the command line and this process' environment to a lab's settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use baton_lab::{EventSourceOptions, FunctionOptions, LabOptions};
use baton_propagators::mode::Mode;
use baton_traces::run::RunDirectory;

use crate::arguments::{FunctionArguments, FunctionName, LabArguments};
use crate::failure::Failure;

/// Variables of this process that the functions see too; all others stay outside, credentials above all.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "RUST_BACKTRACE"];
const PASSED_ON_PREFIXES: [&str; 2] = ["BATON_", "OTEL_"];
/// Variables that name a backend: OpenTelemetry's and Splunk's.
const EXPORTERS: &str = "OTEL_EXPORTER_";
const SPLUNK: &str = "SPLUNK_";
/// OpenTelemetry variables that name a backend or an identity; in a lab these are the lab's.
const KEPT_OUT_PREFIXES: [&str; 3] = [EXPORTERS, "OTEL_SERVICE_NAME", "BATON_RUNTIME_DIR"];

/// How much longer than an invocation the last deliveries may take.
const DRAIN_RESERVE: Duration = Duration::from_secs(5);

/// A lab with these flags.
pub(crate) fn lab_options(
    arguments: &LabArguments,
    producer: FunctionOptions,
    consumer: FunctionOptions,
    directory: RunDirectory,
) -> LabOptions {
    LabOptions {
        instances: usize::from(arguments.instances),
        shards: u32::from(arguments.shards),
        freeze: arguments.freeze,
        invocation_timeout: arguments.timeout,
        // long enough for one more invocation, however slow
        drain_timeout: arguments.timeout + DRAIN_RESERVE,
        event_source: EventSourceOptions {
            batch_size: usize::from(arguments.batch_size),
            maximum_batching_window: arguments.batch_window,
            maximum_retry_attempts: arguments.retries,
            bisect_batch_on_function_error: !arguments.no_bisect,
            ..EventSourceOptions::default()
        },
        ..LabOptions::new(producer, consumer, directory)
    }
}

/// One of the functions in this mode, or in the one that the environment says: baton's own, or somebody else's, made
/// to end with the lab whatever becomes of that.
pub(crate) fn function_options(
    function: FunctionName,
    functions: &FunctionArguments,
    mode: Option<&Mode>,
) -> Result<FunctionOptions, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::check(format!("the path of this program is not known: {error}"))
    })?;
    let name = match function {
        FunctionName::Producer => "producer",
        FunctionName::Consumer => "consumer",
    };
    let mut command = vec![program.into_os_string()];
    match functions.command(function).map_err(Failure::usage)? {
        None => command.extend(["function", name].map(OsString::from)),
        Some(foreign) => {
            command.extend(["sandbox", "--"].map(OsString::from));
            command.extend(foreign.iter().map(OsString::from));
        }
    }
    let options = FunctionOptions {
        command,
        environment: environment(),
    };
    Ok(match mode {
        Some(mode) => options.with_mode(mode),
        None => options,
    })
}

/// Those variables of this process that would send the functions' spans elsewhere, by name; the lab keeps them out.
pub(crate) fn kept_out() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<_> = names
        .filter(|name| {
            name.starts_with(EXPORTERS) || name.starts_with(SPLUNK) || name == "OTEL_SERVICE_NAME"
        })
        .collect();
    names.sort_unstable();
    names
}

/// What this process passes on to the functions.
fn environment() -> BTreeMap<String, String> {
    let is_passed_on = |name: &str| {
        PASSED_ON.contains(&name)
            || PASSED_ON_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
                && !KEPT_OUT_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
    };
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_passed_on(name))
        .collect()
}
