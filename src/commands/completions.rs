//! `baton completions`: prints a script that completes baton's commands and flags in a shell.

use std::process::ExitCode;

use baton_traces::version::Version;
use clap_complete::generate;
use serde::Serialize;

use crate::arguments::{CompletionsArguments, Format, documented_command};
use crate::failure::Failure;
use crate::print::output::Output;

/// What `baton completions --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ScriptJson {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    shell: String,
    script: String,
}

/// Prints the script.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(
        arguments.shell,
        &mut documented_command(),
        "baton",
        &mut script,
    );
    let script = String::from_utf8(script).map_err(Failure::not_carried_out)?;
    match output.format {
        Format::Json => output.print_json(&ScriptJson {
            version: Version::default(),
            shell: arguments.shell.to_string(),
            script,
        })?,
        _ => output.print(script.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}
