//! `baton function`: this process is one of the two Lambda functions.

use std::process::ExitCode;

use baton_functions::Function;

use crate::arguments::FunctionName;
use crate::commands::sandbox;
use crate::failure::Failure;

impl From<FunctionName> for Function {
    fn from(name: FunctionName) -> Self {
        match name {
            FunctionName::Producer => Function::Producer,
            FunctionName::Consumer => Function::Consumer,
        }
    }
}

/// Runs until the Runtime API or the parent process goes away.
pub(crate) fn function(name: FunctionName) -> Result<ExitCode, Failure> {
    sandbox::end_with_parent();
    // one invocation at a time: a second thread would only cost memory
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::check)?;
    runtime
        .block_on(baton_functions::run(name.into()))
        .map(|()| ExitCode::SUCCESS)
        .map_err(Failure::check)
}
