//! `--plan FILE.toml` reads settings from a file. Each key is the name of a flag. The settings are
//! added to the command line and are checked there.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use toml::{Table, Value};

use crate::arguments::{self, Arguments};
use crate::failure::Failure;
use crate::usage_error;

/// The flag that names the file.
const PLAN: &str = "plan";
/// Flags that a plan file may not have.
const NOT_IN_A_FILE: [&str; 3] = [PLAN, "help", "version"];

/// Reads the command line and the plan that it names. If the command line itself is wrong, the
/// process ends with a sentence about it.
pub(crate) fn arguments(line: Vec<OsString>) -> Result<Arguments, Failure> {
    let mut command = arguments::command();
    let matches = command
        .try_get_matches_from_mut(&line)
        .unwrap_or_else(|error| end(&error, &line));
    let plan = matches.subcommand().and_then(|(name, matches)| {
        let path = matches.try_get_one::<PathBuf>(PLAN).ok().flatten()?;
        Some((name, matches, path))
    });
    let Some((name, given, path)) = plan else {
        return Arguments::from_arg_matches(&matches).map_err(Failure::usage);
    };
    let explain =
        |reason: String| Failure::usage(format!("{}: {reason}", path.display())).of("--plan");
    let text = std::fs::read_to_string(path)
        .map_err(Failure::reading(path))
        .map_err(|failure| failure.of("--plan"))?;
    let subcommand = command
        .find_subcommand(name)
        .ok_or_else(|| explain(format!("baton {name} takes no plan")))?;
    let plan: Table = text
        .parse()
        .map_err(Failure::toml(path, &text))
        .map_err(|failure| failure.of("--plan"))?;
    let additions = additions(&plan, subcommand, given).map_err(explain)?;

    let mut line = line;
    let place = line.iter().position(|word| word == name);
    let place = place.map_or(line.len(), |place| place + 1);
    line.splice(place..place, additions.into_iter().map(OsString::from));
    arguments::command()
        .try_get_matches_from(line)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| explain(usage_error::sentence(&error)))
}

/// Ends the process with the help that was asked for, or with what is wrong with the command line,
/// in the same form as every other failure. Credentials of addresses are left out.
fn end(error: &clap::Error, line: &[OsString]) -> ! {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit()
    }
    if !error.use_stderr() {
        // help and the version, which may be sent to a file on a full disk
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        let failure = printed.err().map(|error| Failure::output(&error));
        let failure = failure.filter(|failure| !failure.is_silent());
        std::process::exit(failure.map_or(0, |failure| {
            eprintln!("baton: {failure}");
            failure.code()
        }))
    }
    let failure = Failure::usage(sentence(error, line));
    eprintln!("baton: {failure}");
    std::process::exit(failure.code())
}

/// What is wrong with the command line, and where to read more.
fn sentence(error: &clap::Error, line: &[OsString]) -> String {
    let sentence = usage_error::sentence(error);
    let known = arguments::documented_command();
    let mut words = line.iter().skip(1).filter_map(|word| word.to_str());
    match words.find(|word| known.find_subcommand(word).is_some()) {
        Some(command) => format!("{sentence}; see `baton {command} --help`"),
        None => format!("{sentence}; see `baton --help`"),
    }
}

/// The words that the plan adds to the command line `given`.
fn additions(plan: &Table, command: &Command, given: &ArgMatches) -> Result<Vec<String>, String> {
    let mut additions = Vec::new();
    for (key, value) in plan {
        let argument = arguments_of(command)
            .find(|argument| name(argument) == key)
            .ok_or_else(|| unknown(key, command))?;
        if is_given(argument, command, given) {
            continue;
        }
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            additions.extend(word(argument, value).map_err(|expected| {
                format!("{key}: expected {expected}, but found {}", value.type_str())
            })?);
        }
    }
    Ok(additions)
}

/// A setting as a word of the command line; `None` for a flag that is off.
fn word(argument: &Arg, value: &Value) -> Result<Option<String>, &'static str> {
    let takes_value = argument.get_action().takes_values();
    let text = match value {
        Value::Boolean(is_on) => {
            let can_be_alone = !takes_value
                || argument
                    .get_num_args()
                    .is_some_and(|number| number.min_values() == 0);
            if !can_be_alone {
                return Err("a value");
            }
            return Ok(is_on.then(|| format!("--{}", name(argument))));
        }
        _ if !takes_value => return Err("true or false"),
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => return Err("text, a number, true or false, or a list of them"),
    };
    if argument.is_positional() {
        return Ok(Some(text));
    }
    Ok(Some(format!("--{}={text}", name(argument))))
}

/// Whether the command line has this setting, or one that excludes it. In both cases the command
/// line wins.
fn is_given(argument: &Arg, command: &Command, given: &ArgMatches) -> bool {
    let on_the_line = |other: &Arg| {
        let id = other.get_id().as_str();
        given.try_contains_id(id).is_ok()
            && given.value_source(id) == Some(ValueSource::CommandLine)
    };
    let excludes = |left: &Arg, right: &Arg| {
        let others = command.get_arg_conflicts_with(left);
        others.iter().any(|other| other.get_id() == right.get_id())
    };
    arguments_of(command)
        .filter(|other| on_the_line(other))
        .any(|other| {
            other.get_id() == argument.get_id()
                || excludes(argument, other)
                || excludes(other, argument)
        })
}

fn arguments_of(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|argument| !NOT_IN_A_FILE.contains(&name(argument)))
}

/// A setting's name in a file.
fn name(argument: &Arg) -> &str {
    argument
        .get_long()
        .unwrap_or_else(|| argument.get_id().as_str())
}

fn unknown(key: &str, command: &Command) -> String {
    let mut names: Vec<_> = arguments_of(command).map(name).collect();
    names.sort_unstable();
    format!(
        "baton {} has no setting {key:?}; its settings are {}",
        command.get_name(),
        names.join(", ")
    )
}
