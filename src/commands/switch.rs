//! `baton switch`: changes the modes of a lab that is up.

use std::process::ExitCode;

use baton_lab::{FunctionStatus, SwitchRequest};

use crate::arguments::{Format, FunctionName, SwitchArguments};
use crate::failure::Failure;
use crate::lab_client;
use crate::print::output::Output;

/// Finds the lab, changes the modes, says what they are now.
pub(crate) fn switch(arguments: &SwitchArguments, output: &Output) -> Result<ExitCode, Failure> {
    let lab = lab_client::find(&arguments.lab)?;
    let mut request = SwitchRequest::default();
    for (function, mode) in &arguments.modes {
        let (name, slot) = match function {
            FunctionName::Producer => ("producer", &mut request.producer),
            FunctionName::Consumer => ("consumer", &mut request.consumer),
        };
        if slot.replace(mode.to_string()).is_some() {
            return Err(Failure::usage(format!(
                "{name} is given twice; say its mode once"
            )));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::check)?;
    let status = runtime.block_on(lab_client::switch(&lab, &request))?;
    match output.format {
        Format::Json => output.print_json(&status)?,
        _ => {
            output.print(&format!("producer  {}", modes(&status.producer)))?;
            output.print(&format!("consumer  {}", modes(&status.consumer)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A function's mode; its variables where they say more than that.
pub(crate) fn modes(function: &FunctionStatus) -> String {
    let variables: Vec<_> = function.propagation.iter().collect();
    match variables.as_slice() {
        [] => "tracecontext,baggage".to_owned(),
        [(name, mode)] if *name == "OTEL_PROPAGATORS" => (*mode).clone(),
        variables => {
            let settings: Vec<_> = variables
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            settings.join(" ")
        }
    }
}
