//! From the command line and this process' environment to a lab's settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use baton_lab::{EventSourceOptions, FunctionOptions, LabOptions};
use baton_propagators::mode::Mode;
use baton_traces::run::RunDirectory;

use crate::arguments::{ForeignFunction, FunctionName, LabArguments};
use crate::failure::Failure;

/// Variables of this process that the functions see too; all others stay outside, credentials above all.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "RUST_BACKTRACE"];
const PASSED_ON_PREFIXES: [&str; 2] = ["BATON_", "OTEL_"];
/// OpenTelemetry variables that name a backend or an identity; in a lab these are the lab's.
const KEPT_OUT_PREFIXES: [&str; 3] = ["OTEL_EXPORTER_", "OTEL_SERVICE_NAME", "BATON_RUNTIME_DIR"];

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

/// One of baton's own functions in this mode, or in the one that the environment says.
pub(crate) fn function_options(
    function: FunctionName,
    mode: Option<&Mode>,
) -> Result<FunctionOptions, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::check(format!("the path of this program is not known: {error}"))
    })?;
    let name = match function {
        FunctionName::Producer => "producer",
        FunctionName::Consumer => "consumer",
    };
    let options = FunctionOptions {
        command: vec![
            program.into_os_string(),
            OsString::from("function"),
            OsString::from(name),
        ],
        environment: environment(),
    };
    Ok(match mode {
        Some(mode) => options.with_mode(mode),
        None => options,
    })
}

/// Somebody else's function, made to end with the lab whatever becomes of that.
pub(crate) fn foreign_function_options(
    foreign: &ForeignFunction,
    mode: Option<&Mode>,
) -> Result<FunctionOptions, Failure> {
    let mut options = function_options(foreign.function, mode)?;
    options.command.truncate(1);
    options
        .command
        .extend(["sandbox", "--"].map(OsString::from));
    options
        .command
        .extend(foreign.command.iter().map(OsString::from));
    Ok(options)
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
