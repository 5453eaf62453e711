//! `baton switch`: changes the modes of a running lab.

use std::process::ExitCode;

use baton_lab::SwitchRequest;
use baton_traces::run::Function;

use crate::arguments::{Format, SwitchArguments};
use crate::failure::Failure;
use crate::lab_client;
use crate::print::modes::modes;
use crate::print::output::Output;
use crate::runtime;

/// Finds the lab, changes the modes, and prints the new modes.
pub(crate) fn switch(arguments: &SwitchArguments, output: &Output) -> Result<ExitCode, Failure> {
    let lab = lab_client::find(&arguments.lab)?;
    let mut request = SwitchRequest::default();
    for (function, mode) in &arguments.modes {
        let slot = match function {
            Function::Producer => &mut request.producer,
            Function::Consumer => &mut request.consumer,
        };
        if slot.replace(mode.to_string()).is_some() {
            return Err(Failure::usage(format!(
                "{} is given twice; say its mode once",
                function.name()
            )));
        }
    }
    let status = runtime::on_this_thread()?.block_on(lab_client::switch(&lab, &request))?;
    match output.format {
        Format::Json => output.print_json(&status)?,
        _ => {
            output.print(&format!("producer  {}", modes(&status.producer)))?;
            output.print(&format!("consumer  {}", modes(&status.consumer)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
