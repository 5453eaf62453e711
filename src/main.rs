//! baton: shows whether trace context survives the hand-off between services.
//!
//! There is one file per subcommand. The other crates do the work.

mod arguments;
mod commands;
mod context_variables;
mod credentials;
mod exit_code;
mod failure;
mod lab_client;
mod plan_file;
mod print;
mod report;
mod runtime;
#[cfg(test)]
mod schemas;
mod signals;
mod sources;
mod usage_error;

use std::process::ExitCode;

use crate::arguments::{Command, Format};
use crate::commands::{
    attack, audit, burst, compare, completions, explain, function, logs, man, map, matrix, merge,
    run, sandbox, switch, traces, up,
};
use crate::failure::Failure;
use crate::print::output::Output;

fn main() -> ExitCode {
    let arguments = match plan_file::arguments(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(failure) => {
            eprintln!("baton: {failure}");
            return failure.exit_code();
        }
    };
    let output = Output::new(&arguments.global);
    let result = match arguments.command {
        command if !command.formats().contains(&output.format) => {
            Err(wrong_format(output.format, command.formats()))
        }
        Command::Run(command) => run::run(*command, &output),
        Command::Burst(command) => burst::burst(&command, &output),
        Command::Matrix(command) => matrix::matrix(&command, &output),
        Command::Up(command) => up::up(command, &output),
        Command::Switch(command) => switch::switch(&command, &output),
        Command::Logs(command) => logs::logs(&command, &output),
        Command::Explain(command) => explain::explain(&command, &output),
        Command::Audit(command) => audit::audit(&command, &output),
        Command::Compare(command) => compare::compare(command, &output),
        Command::Traces(command) => traces::traces(command, &output),
        Command::Map(command) => map::map(command, &output),
        Command::Merge(command) => merge::merge(&command, &output),
        Command::Completions(command) => completions::completions(&command, &output),
        Command::Man(command) => man::man(&command, &output),
        Command::Function { function } => function::function(function),
        Command::Attack => attack::attack(),
        Command::Sandbox { command } => sandbox::sandbox(&command),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            output.error(&failure);
            failure.exit_code()
        }
    }
}

fn wrong_format(format: Format, formats: &[Format]) -> Failure {
    let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
    Failure::usage(format!(
        "--format {} is for other commands; this one prints one of {}",
        format.name(),
        names.join(", ")
    ))
}
