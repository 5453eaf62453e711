//! The list of the libraries whose behaviour is known.

use std::process::ExitCode;

use baton_propagators::libraries::LIBRARIES;
use serde::Serialize;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::print::output::Output;

/// A library as `--list-libraries` has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listed {
    library: &'static str,
    version: &'static str,
    title: &'static str,
    reads: Vec<&'static str>,
    writes: Vec<&'static str>,
}

/// Prints the libraries that have a profile.
pub(super) fn print(output: &Output) -> Result<ExitCode, Failure> {
    let listed = LIBRARIES.iter().map(|library| Listed {
        library: library.name,
        version: library.version,
        title: library.title,
        reads: library.formats().collect(),
        writes: library.writes().collect(),
    });
    let listed: Vec<Listed> = listed.collect();
    if output.format == Format::Json {
        output.print_json(&listed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = listed.iter().map(|listed| {
        format!(
            "{:<18} {:<10} reads {}",
            listed.library,
            listed.version,
            listed.reads.join(", ")
        )
    });
    output.print(&lines.collect::<Vec<_>>().join("\n"))?;
    Ok(ExitCode::SUCCESS)
}
