//! The command line: every command, flag and default.

mod capacity;
mod load;
mod merge;
mod packaging;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use baton_propagators::mode::{Engine, Mode, Pairing, Select};
use baton_traces::hand_off::Verdict;
use baton_traces::source::Source;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::limits::{self, Limit};

pub(crate) use capacity::{CapacityArguments, PriceArguments, QuotaArguments};
pub(crate) use load::{BurstArguments, ConflictName, LoadArguments};
pub(crate) use merge::MergeArguments;
pub(crate) use packaging::{CompletionsArguments, ManArguments, documented_command};

const HELP_TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

Switch propagator modes:
  up      Start the lab and stay
  switch  Change the modes of a lab that is up, without losing a request
  logs    Show the functions' logs

Generate traffic:
  run     Start a lab, send a burst under each pairing, compare what became of the traces
  burst   Send bursts to any endpoint, here or on AWS

Answer what mixing the headers does:
  matrix  Every pairing and every client through the real pipeline, as grids and in words
  explain Say which context each format finds in headers, which one each mode continues, and why

Compare what became of the traces:
  compare Say how runs or exports differ, what is significant, and whether limits were kept
  traces  List and search traces, or show one over time, both halves where it broke
  map     Draw who hands over to whom, and where the trace breaks

Go beyond one machine:
  plan-capacity Say what a rate takes of Kinesis and Lambda under each format, and what it costs
  merge   Join the runs of several load generators into one, exactly

For packagers:
  completions Print a script with which a shell completes commands and flags
  man     Print or write the manual pages

Options:
{options}

`baton help COMMAND` says more about each.
";

/// Shows whether trace context survives the hand-off between services.
#[derive(Debug, Parser)]
#[command(name = "baton", version, help_template = HELP_TEMPLATE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// What to print on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print without colour, as does the variable NO_COLOR
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Print no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what happens
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The formats of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a document or a pull request (compare, matrix, plan-capacity)
    Markdown,
    /// A page (compare)
    Html,
    /// For CI: a test case for each check (compare)
    Junit,
    /// A picture (traces with a TRACE-ID, map)
    Svg,
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
    /// Start a lab, send a burst under each pairing, compare what became of the traces
    Run(Box<RunArguments>),
    /// Send bursts to any endpoint, here or on AWS
    Burst(Box<BurstArguments>),
    /// Every pairing and every client through the real pipeline, as grids and in words
    Matrix(MatrixArguments),
    /// Start the lab and stay; Ctrl-C delivers what was accepted and ends it
    Up(UpArguments),
    /// Change the modes of a lab that is up, without losing a request
    Switch(SwitchArguments),
    /// Show the functions' logs
    Logs(LogsArguments),
    /// Say which context each format finds in headers, which one each mode continues, and why
    Explain(ExplainArguments),
    /// Say how runs or exports differ, what is significant, and whether limits were kept
    Compare(CompareArguments),
    /// List and search traces, or show one over time, both halves where it broke
    Traces(TracesArguments),
    /// Draw who hands over to whom, and where the trace breaks
    Map(MapArguments),
    /// Say what a rate takes of Kinesis and Lambda under each format, and what it costs
    PlanCapacity(Box<CapacityArguments>),
    /// Join the runs of several load generators into one, exactly
    Merge(MergeArguments),
    /// Print a script with which a shell completes commands and flags
    Completions(CompletionsArguments),
    /// Print or write the manual pages
    Man(ManArguments),
    /// Be one of the two functions, for the Lambda Runtime API that the environment names
    #[command(hide = true)]
    Function {
        /// Which
        #[arg(value_enum)]
        function: FunctionName,
    },
    /// Carry out the plan on standard input
    #[command(hide = true)]
    Attack,
    /// Run a command that ends when its parent does
    #[command(hide = true)]
    Sandbox {
        /// Program and arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}

impl Command {
    /// The formats that it prints.
    pub(crate) fn formats(&self) -> &'static [Format] {
        match self {
            Command::Compare(_) => &[
                Format::Text,
                Format::Json,
                Format::Markdown,
                Format::Html,
                Format::Junit,
            ],
            Command::Traces(_) | Command::Map(_) => &[Format::Text, Format::Json, Format::Svg],
            Command::Matrix(_) | Command::PlanCapacity(_) => {
                &[Format::Text, Format::Json, Format::Markdown]
            }
            _ => &[Format::Text, Format::Json],
        }
    }
}

/// The two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FunctionName {
    /// Puts the body of a request on the stream
    Producer,
    /// Reads the stream's records
    Consumer,
}

/// `baton run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The producer's mode and the consumer's, as in tracecontext:b3; one mode alone means both. Without any:
    /// none, tracecontext, b3, b3multi, tracecontext:b3, b3:tracecontext, tracecontext,b3:b3 and
    /// tracecontext:tracecontext,b3
    #[arg(value_name = "PAIRING")]
    pub(crate) pairings: Vec<Pairing>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// The formats the client sends [default: the producer's]
    #[arg(long, value_name = "MODE")]
    pub(crate) client: Option<Mode>,
    /// Where to save the runs, one directory each; an earlier run of the same pairing is replaced
    /// [default: runs/ and the time]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) lab: LabArguments,
}

/// `baton matrix`.
#[derive(Debug, Args)]
pub(crate) struct MatrixArguments {
    /// The modes to mix, as in --modes none tracecontext tracecontext,b3 [default: none, each of tracecontext, b3,
    /// b3multi, jaeger, xray and datadog alone, tracecontext,b3 and b3,tracecontext]
    #[arg(long, value_name = "MODE", num_args = 1..)]
    pub(crate) modes: Vec<String>,
    /// Whose code reads and writes the headers: native, otel, or both as native,otel
    #[arg(
        long = "engine",
        default_value = "native",
        value_name = "ENGINE",
        value_delimiter = ','
    )]
    pub(crate) engines: Vec<Engine>,
    /// How many requests to send for each cell [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) requests: Option<u64>,
    /// Which valid context of several is continued: last, as OpenTelemetry does, or first, as Datadog does
    /// [default: last]
    #[arg(long, value_name = "WHICH")]
    pub(crate) select: Option<Select>,
    /// Save the matrix to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Print a matrix that was saved, instead of making one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["modes", "engines", "requests", "select", "save"])]
    pub(crate) from: Option<PathBuf>,
}

/// `baton up`.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// The producer's mode, as in tracecontext,b3 [default: OTEL_PROPAGATORS, or tracecontext,baggage]
    #[arg(long, value_name = "MODE")]
    pub(crate) producer: Option<Mode>,
    /// The consumer's mode [default: OTEL_PROPAGATORS, or tracecontext,baggage]
    #[arg(long, value_name = "MODE")]
    pub(crate) consumer: Option<Mode>,
    /// The port of the endpoint; 0 lets the system choose, here and for the other ports
    #[arg(long, default_value_t = 3000, value_name = "PORT")]
    pub(crate) port: u16,
    /// The port of the lab's page
    #[arg(long, default_value_t = 3001, value_name = "PORT")]
    pub(crate) page_port: u16,
    /// The port of the Kinesis API
    #[arg(long, default_value_t = 4567, value_name = "PORT")]
    pub(crate) kinesis_port: u16,
    /// The port of the OTLP/HTTP collector
    #[arg(long, default_value_t = 4318, value_name = "PORT")]
    pub(crate) otlp_port: u16,
    /// Save a run of all that the lab sees, on exit; an earlier run there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Run another Lambda binary as one of the functions, as in consumer='node consumer.js'
    #[arg(long = "function", value_name = "NAME=COMMAND", value_parser = foreign_function)]
    pub(crate) functions: Vec<ForeignFunction>,
    #[command(flatten)]
    pub(crate) lab: LabArguments,
}

/// Flags of the commands that start a lab.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    /// The most processes per function; they start on demand
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) instances: u16,
    /// How many shards the stream has; order is kept within each
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) shards: u16,
    /// Stop the processes between invocations, as Lambda does
    #[arg(long)]
    pub(crate) freeze: bool,
    /// The most records in a batch for the consumer
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) batch_size: u16,
    /// How long to gather records for a batch, as in 500ms
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) batch_window: Duration,
    /// How often a batch that fails is tried again before its records are set aside
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) retries: u32,
    /// Try a batch that fails again as a whole, instead of splitting it in two
    #[arg(long)]
    pub(crate) no_bisect: bool,
    /// How long an invocation may take before its process is ended
    #[arg(long, default_value = "29s", value_name = "TIME", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
}

/// `baton switch`.
#[derive(Debug, Args)]
pub(crate) struct SwitchArguments {
    /// The new modes, as in producer=b3 consumer=tracecontext,b3
    #[arg(required = true, value_name = "FUNCTION=MODE", value_parser = new_mode)]
    pub(crate) modes: Vec<(FunctionName, Mode)>,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// `baton logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Whose log
    #[arg(value_enum)]
    pub(crate) function: FunctionName,
    /// Go on printing what comes, until the lab ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// `baton explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A header as in 'traceparent: 00-…'. Without any, or with -, standard input is read: headers, a request, what
    /// curl -v prints, a HAR file, or a JSON object of headers
    #[arg(value_name = "HEADER")]
    pub(crate) headers: Vec<OsString>,
    /// A record as it comes from the stream, {"tracecontext":{…},"record":…}, or Base64 of it, or an event or a
    /// get-records answer that holds some; - reads standard input
    #[arg(long, value_name = "JSON", conflicts_with = "headers")]
    pub(crate) record: Option<OsString>,
    /// A mode to judge, as in tracecontext,b3 or tracecontext,b3/first; may be repeated. Without any: the usual ones,
    /// and those of the other formats that arrive
    #[arg(long = "mode", value_name = "LIST[/first|/last]", value_parser = selection)]
    pub(crate) modes: Vec<Selection>,
    /// Whose code reads the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
}

/// A mode, and which of several valid contexts it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) mode: Mode,
    pub(crate) select: Select,
}

/// `baton compare`.
#[derive(Debug, Args)]
#[command(after_help = crate::compare::figures_help())]
pub(crate) struct CompareArguments {
    /// What to compare: a run directory, a file of spans or the address of a backend. One alone can only be checked
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<Source>,
    /// The source that the others are compared with, by its name or as it is written [default: the first]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) baseline: Option<String>,
    /// Fail if a figure of any source is below a limit, as in connected=99.9%; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = limits::fail_under)]
    pub(crate) fail_under: Vec<Limit>,
    /// Fail if a figure of any source is above a limit, as in p99=50ms; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = limits::fail_over)]
    pub(crate) fail_over: Vec<Limit>,
    /// Compare two traces of the sources span by span: their ids, or 8 digits or more that begin them
    #[arg(
        long,
        num_args = 2,
        value_names = ["TRACE", "TRACE"],
        conflicts_with_all = ["baseline", "fail_under", "fail_over"]
    )]
    pub(crate) diff: Option<Vec<String>>,
}

/// `baton traces`.
#[derive(Debug, Args)]
pub(crate) struct TracesArguments {
    /// The trace to show: its id, or 8 digits or more that begin it. Without one, traces are listed, the newest
    /// first. Anything else is a SOURCE: a run directory, a file of spans or the address of a backend
    /// [default: the lab that is up]
    #[arg(value_name = "TRACE-ID] [SOURCE")]
    pub(crate) words: Vec<String>,
    /// A source, whatever it looks like; may be repeated
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Vec<Source>,
    /// Only traces with a span of this service; may be repeated, then all are meant
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Only traces with this attribute on a span or its resource; may be repeated, then all are meant
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Vec<(String, String)>,
    /// Only traces with a hand-off of this verdict, as in new_trace; may be repeated, then any is meant
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub(crate) verdict: Vec<Verdict>,
    /// How many traces to list, or how many spans of each trace to show [default: 20 traces, 100 spans]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// `baton map`.
#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// A run directory, a file of spans or the address of a backend [default: the lab that is up]
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<Source>,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// Which lab, when several are up.
#[derive(Debug, Args)]
pub(crate) struct LabChoice {
    /// The lab with this endpoint port, when several are up
    #[arg(long = "lab", value_name = "PORT")]
    pub(crate) port: Option<u16>,
}

/// A function that is not baton's own.
#[derive(Clone, Debug)]
pub(crate) struct ForeignFunction {
    pub(crate) function: FunctionName,
    pub(crate) command: Vec<String>,
}

fn function_name(text: &str) -> Result<FunctionName, String> {
    FunctionName::from_str(text, false)
        .map_err(|_| format!("{text:?} is neither producer nor consumer"))
}

fn foreign_function(text: &str) -> Result<ForeignFunction, String> {
    let (name, command) = text
        .split_once('=')
        .ok_or("expected producer=COMMAND or consumer=COMMAND")?;
    let words = shlex::split(command).ok_or("the command's quotes do not match")?;
    if words.is_empty() {
        return Err("the command is empty".to_owned());
    }
    Ok(ForeignFunction {
        function: function_name(name)?,
        command: words,
    })
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, as in custom.tag.name=Kate".to_owned()),
    }
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let found = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.name() == text);
    found.ok_or_else(|| {
        let names = Verdict::ALL.map(Verdict::name);
        format!("no such verdict; there are {}", names.join(", "))
    })
}

fn new_mode(text: &str) -> Result<(FunctionName, Mode), String> {
    let (name, mode) = text
        .split_once('=')
        .ok_or("expected producer=MODE or consumer=MODE, as in producer=b3")?;
    let mode = mode
        .parse()
        .map_err(|error: baton_propagators::mode::ModeError| error.to_string())?;
    Ok((function_name(name)?, mode))
}

/// A list of formats, and behind a slash which of them wins.
fn selection(text: &str) -> Result<Selection, String> {
    let (mode, select) = match text.split_once('/') {
        None => (text, Select::default()),
        Some((mode, select)) => (mode, select.parse().map_err(reason)?),
    };
    let mode = mode.parse().map_err(reason)?;
    Ok(Selection { mode, select })
}

fn reason(error: impl std::error::Error) -> String {
    error.to_string()
}

/// No flag means more; the clocks' arithmetic has limits too.
const LONGEST_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// A time with its unit: `250ms`, `10s`, `2m`.
fn duration(text: &str) -> Result<Duration, String> {
    let explain =
        || format!("{text:?} is no time; write a number and its unit, as in 250ms, 10s or 2m");
    let unit_start = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .ok_or_else(explain)?;
    let (number, unit) = text.split_at(unit_start);
    let number: f64 = number.parse().map_err(|_| explain())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(explain()),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration > LONGEST_DURATION => {
            Err(format!("{text:?} is longer than a day"))
        }
        duration => duration.map_err(|_| explain()),
    }
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("{text:?} is no time at all; it has to be longer")),
        duration => Ok(duration),
    }
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
    fn every_command_is_in_the_grouped_help() {
        for command in Arguments::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            assert!(
                HELP_TEMPLATE.contains(&format!("\n  {} ", command.get_name())),
                "{}",
                command.get_name()
            );
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "10 s", "-1s", "1d", "1e400s", "é1s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_slash_says_which_context_of_a_list_wins() {
        let read = |text| selection(text).map(|found| (found.mode.to_string(), found.select));
        let mixed = || "tracecontext,b3".to_owned();
        assert_eq!(read("mixed"), Ok((mixed(), Select::Last)));
        assert_eq!(read("tracecontext,b3/last"), Ok((mixed(), Select::Last)));
        assert_eq!(read("tracecontext,b3/first"), Ok((mixed(), Select::First)));
        for wrong in ["", "/first", "b3/", "b3/middle", "b3/first/last", "b4"] {
            assert!(selection(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn foreign_functions_are_split_as_a_shell_does() {
        let function = foreign_function("consumer=node 'my consumer.js' --x").expect("valid");
        assert_eq!(function.function, FunctionName::Consumer);
        assert_eq!(function.command, ["node", "my consumer.js", "--x"]);
        for wrong in ["node x.js", "other=node x.js", "consumer=", "consumer='x"] {
            assert!(foreign_function(wrong).is_err(), "{wrong:?}");
        }
    }
}
