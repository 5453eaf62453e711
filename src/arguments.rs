//! The command line: every command, flag and default.

mod audit;
mod compare;
mod duration;
mod explain;
mod functions;
mod lab;
mod load;
mod matrix;
mod merge;
mod number;
mod packaging;
mod view;

use std::ffi::OsString;
use std::path::PathBuf;

use baton_propagators::{Mode, Pairing};
use baton_traces::compare::limits::{Limit, fail_over, fail_under};
use baton_traces::run::Function;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit_code::exit_codes;

pub(crate) use audit::AuditArguments;
pub(crate) use compare::CompareArguments;
pub(crate) use explain::ExplainArguments;
pub(crate) use functions::FunctionArguments;
pub(crate) use lab::{LabArguments, LabChoice, LogsArguments, SwitchArguments, UpArguments};
pub(crate) use load::{BurstArguments, ConflictName, LoadArguments};
pub(crate) use matrix::MatrixArguments;
pub(crate) use merge::MergeArguments;
pub(crate) use packaging::{CompletionsArguments, ManArguments, command, documented_command};
pub(crate) use view::{MapArguments, TracesArguments};

/// The commands by their use, as the help shows them.
const USES: [(&str, &[&str]); 7] = [
    ("Switch propagator modes", &["up", "switch", "logs"]),
    ("Generate traffic", &["run", "burst"]),
    (
        "Answer what mixing the headers does",
        &["matrix", "explain"],
    ),
    ("Find what breaks in your own system", &["audit"]),
    (
        "Compare what became of the traces",
        &["compare", "traces", "map"],
    ),
    ("Go beyond one machine", &["merge"]),
    ("For packagers", &["completions", "man"]),
];

/// The help: the commands by their use, the options, and the end.
fn help_template() -> String {
    let all = Command::augment_subcommands(clap::Command::new("baton"));
    let line = |name: &&str| {
        let about = all.find_subcommand(name).and_then(clap::Command::get_about);
        let about = about.map(ToString::to_string).unwrap_or_default();
        format!("  {name:<11} {about}\n")
    };
    let uses = USES.map(|(use_case, names)| {
        let lines: String = names.iter().map(line).collect();
        format!("{use_case}:\n{lines}")
    });
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}\nOptions:\n{{options}}{{after-help}}\n",
        uses.join("\n")
    )
}

/// Shows whether trace context survives the hand-off between services.
#[derive(Debug, Parser)]
#[command(name = "baton", version, help_template = help_template(), after_help = after_help())]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The end of the help.
fn after_help() -> String {
    format!(
        "Exit codes:\n{}\n\n`baton help COMMAND` says more about a command.",
        exit_codes()
    )
}

/// The position of the flags that every command has: after the command's own.
const LAST: usize = 900;

// a doc comment would become the description of the command
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// The format of the result: text, or json for programs; also markdown for a document (audit,
    /// compare, matrix), junit for CI (audit, compare), github for annotations of a workflow
    /// (audit, compare, run), html for a page (compare), svg for a picture (map, traces TRACE-ID),
    /// mermaid or dot for other programs to draw (map)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, hide_possible_values = true, display_order = LAST)]
    pub(crate) format: Format,
    /// Print without colour; the variable NO_COLOR does the same
    #[arg(long, global = true, display_order = LAST)]
    pub(crate) no_color: bool,
    /// Print no progress
    #[arg(short, long, global = true, display_order = LAST)]
    pub(crate) quiet: bool,
    /// Print more details
    #[arg(short, long, global = true, display_order = LAST)]
    pub(crate) verbose: bool,
}

/// The formats of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a document or a pull request (audit, compare, matrix)
    Markdown,
    /// A page (compare)
    Html,
    /// For CI: a test case for each check (audit, compare)
    Junit,
    /// A picture (traces with a TRACE-ID, map)
    Svg,
    /// A flowchart for Mermaid (map)
    Mermaid,
    /// A graph for Graphviz (map)
    Dot,
    /// Annotations of a workflow of GitHub Actions (audit, compare, run)
    Github,
}

impl Format {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a burst under each pairing of modes, and compare the traces
    Run(Box<RunArguments>),
    /// Send bursts to any endpoint, here or on AWS
    ///
    /// If TRACEPARENT is set, all requests belong to its trace; TRACESTATE and BAGGAGE are sent too
    Burst(Box<BurstArguments>),
    /// Measure what every pairing of modes does, with every kind of client
    Matrix(MatrixArguments),
    /// Start the lab and stay until Ctrl-C
    Up(UpArguments),
    /// Change the modes of a lab that is up, without losing a request
    Switch(SwitchArguments),
    /// Show the functions' logs
    Logs(LogsArguments),
    /// Find trace context in any text, and say which libraries continue it
    Explain(ExplainArguments),
    /// Judge all hand-offs between services; say which break, and why
    Audit(Box<AuditArguments>),
    /// Show how runs or exports differ beyond noise, and check limits
    Compare(CompareArguments),
    /// List and search traces, or show one with both halves of a break
    Traces(TracesArguments),
    /// Draw which service calls which, and where traces break
    Map(MapArguments),
    /// Join the runs of several load generators into one run
    Merge(MergeArguments),
    /// Print the script that completes commands and flags in a shell
    Completions(CompletionsArguments),
    /// Print or write the manual pages
    Man(ManArguments),
    /// Be one of the two functions, for the Lambda Runtime API that the environment names
    #[command(hide = true)]
    Function {
        /// The function
        #[arg(value_parser = functions::function_parser())]
        function: Function,
    },
    /// Carry out the plan on standard input
    #[command(hide = true)]
    Attack,
    /// Run a command that ends when its parent does
    #[command(hide = true)]
    Sandbox {
        /// Program and arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<OsString>,
    },
}

impl Command {
    /// The formats that it prints.
    pub(crate) fn formats(&self) -> &'static [Format] {
        let name = match self {
            Command::Run(_) => "run",
            Command::Compare(_) => "compare",
            Command::Audit(_) => "audit",
            Command::Traces(_) => "traces",
            Command::Map(_) => "map",
            Command::Matrix(_) => "matrix",
            _ => "",
        };
        Command::formats_of(name)
    }

    /// The formats that the command of this name prints.
    fn formats_of(name: &str) -> &'static [Format] {
        match name {
            "compare" => &[
                Format::Text,
                Format::Json,
                Format::Markdown,
                Format::Html,
                Format::Junit,
                Format::Github,
            ],
            "run" => &[Format::Text, Format::Json, Format::Github],
            "audit" => &[
                Format::Text,
                Format::Json,
                Format::Markdown,
                Format::Junit,
                Format::Github,
            ],
            "traces" => &[Format::Text, Format::Json, Format::Svg],
            "map" => &[
                Format::Text,
                Format::Json,
                Format::Svg,
                Format::Mermaid,
                Format::Dot,
            ],
            "matrix" => &[Format::Text, Format::Json, Format::Markdown],
            _ => &[Format::Text, Format::Json],
        }
    }
}

/// `baton run`.
#[derive(Debug, Args)]
#[command(after_help = baton_traces::compare::figures_help())]
pub(crate) struct RunArguments {
    /// The producer's mode and the consumer's, as in tracecontext:b3; a single mode is used for
    /// both [default: none, tracecontext, b3, b3multi, tracecontext:b3, b3:tracecontext,
    /// tracecontext,b3:b3 and tracecontext:tracecontext,b3]
    #[arg(value_name = "PAIRING")]
    pub(crate) pairings: Vec<Pairing>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// Run every pairing N times, to see how much equal runs differ; b3#2 is the second run of b3,
    /// in the directory b3_2
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// The formats the client sends [default: the producer's, or tracecontext,b3 with --conflict]
    #[arg(long, value_name = "MODE")]
    pub(crate) client: Option<Mode>,
    /// Send contexts that disagree: how the other formats differ from the first
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) conflict: Option<ConflictName>,
    /// Fail if a figure of any run is below a limit, as in record.connected=99.9%; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = fail_under)]
    pub(crate) fail_under: Vec<Limit>,
    /// Fail if a figure of any run is above a limit, as in p99=50ms; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = fail_over)]
    pub(crate) fail_over: Vec<Limit>,
    /// The directory for the runs, one directory each; replaces an earlier run of the same pairing
    /// [default: runs/ and the time]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) functions: FunctionArguments,
    #[command(flatten)]
    pub(crate) lab: LabArguments,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_has_help() {
        for command in Arguments::command().get_subcommands() {
            for argument in command.get_arguments() {
                let help = argument
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    !help.is_empty(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn common_flags_follow_the_flags_of_the_command() {
        let mut command = Arguments::command();
        command.build();
        for command in command.get_subcommands_mut() {
            let help = command.render_help().to_string();
            let flags = help.lines().filter_map(|line| {
                let words = line.trim_start().strip_prefix("-q, ").unwrap_or(line);
                let word = words.split_whitespace().next()?;
                word.starts_with("--").then_some(word)
            });
            let flags: Vec<_> = flags.collect();
            let general = ["--format", "--no-color", "--quiet"];
            let first = flags.iter().position(|flag| general.contains(flag));
            let last = flags.iter().rposition(|flag| general.contains(flag));
            let between = first.zip(last).map(|(first, last)| last - first);
            assert!(between.is_none_or(|between| between == 2), "{flags:?}");
        }
    }

    #[test]
    fn every_command_is_in_the_grouped_help() {
        for command in Arguments::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            assert!(
                help_template().contains(&format!("\n  {} ", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }
}
