//! baton: shows whether trace context survives the hand-off between services.
//!
//! One file per subcommand; what they do is done by the crates beside this one.

mod arguments;
mod attack;
mod attack_process;
mod failure;
mod function;
mod lab_client;
mod lab_options;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the command `burst` uses it, which comes next")
)]
mod limits;
mod logs;
mod matrix;
mod output;
mod progress;
mod run;
mod sandbox;
mod signals;
mod switch;
mod table;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, Format};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    let result = match arguments.command {
        command if !command.formats().contains(&output.format) => Err(wrong_format(output.format)),
        Command::Run(command) => run::run(command, &output),
        Command::Matrix(command) => matrix::matrix(&command, &output),
        Command::Up(command) => up::up(command, &output),
        Command::Switch(command) => switch::switch(&command, &output),
        Command::Logs(command) => logs::logs(&command, &output),
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

fn wrong_format(format: Format) -> Failure {
    Failure::usage(format!(
        "--format {} is for other commands; this one prints text or json",
        format.name()
    ))
}
