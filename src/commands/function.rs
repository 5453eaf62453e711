//! `baton function`: acts as one of the two Lambda functions.

use std::process::ExitCode;

use baton_functions::StartError;
use baton_traces::run::Function;

use crate::commands::sandbox;
use crate::failure::Failure;
use crate::runtime;

/// Runs until the Runtime API or the parent process is gone.
pub(crate) fn function(function: Function) -> Result<ExitCode, Failure> {
    sandbox::end_with_parent();
    let function = match function {
        Function::Producer => baton_functions::Function::Producer,
        Function::Consumer => baton_functions::Function::Consumer,
    };
    // an instance handles one invocation at a time, so a second thread would only cost memory
    runtime::on_this_thread()?
        .block_on(baton_functions::run(function))
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| match error {
            StartError::Configuration(_) => Failure::usage(error),
            StartError::Runtime(_) => Failure::not_carried_out(error),
        })
}
