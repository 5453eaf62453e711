//! The commands for packagers, and the command line as documents show it.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Command, GlobalArguments};

/// `baton completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell that will read it
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// `baton man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The command that the page is about [default: baton itself]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Write the pages of baton and of all its commands here, as baton.1, baton-run.1, …
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) out: Option<PathBuf>,
}

/// The command line. In the help of each command, `--format` lists the formats of that command.
pub(crate) fn command() -> clap::Command {
    let all = Arguments::command();
    let names: Vec<String> = all
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let global = all
        .get_arguments()
        .find(|argument| argument.get_id() == "format")
        .cloned();
    let Some(global) = global else { return all };
    names.into_iter().fold(all, |all, name| {
        let formats = Command::formats_of(&name);
        let formats: Vec<String> = formats.iter().map(|format| format.name()).collect();
        let help = format!("The format of the result: {}", formats.join(", "));
        let argument = global.clone().help(help);
        all.mut_subcommand(name, |command| command.arg(argument))
    })
}

/// The command line without the commands that only baton itself calls.
pub(crate) fn documented_command() -> clap::Command {
    let all = command();
    let shown = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let bare = clap::Command::new("baton")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommands(shown.cloned());
    let mut command = GlobalArguments::augment_args(bare);
    command.build();
    command
}
