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

/// The flag that names the file.
const PLAN: &str = "plan";
/// Flags that a plan file may not have.
const NOT_IN_A_FILE: [&str; 3] = [PLAN, "help", "version"];

/// Reads the command line and the plan that it names. If the command line itself is wrong, the
/// process ends with clap's message.
pub(crate) fn arguments(line: Vec<OsString>) -> Result<Arguments, Failure> {
    let mut command = arguments::command();
    let matches = command
        .try_get_matches_from_mut(&line)
        .unwrap_or_else(|error| end(&error));
    let plan = matches.subcommand().and_then(|(name, matches)| {
        let path = matches.try_get_one::<PathBuf>(PLAN).ok().flatten()?;
        Some((name, matches, path))
    });
    let Some((name, given, path)) = plan else {
        return Arguments::from_arg_matches(&matches).map_err(Failure::usage);
    };
    let explain =
        |reason: String| Failure::usage(format!("{}: {reason}", path.display())).of("--plan");
    let text = std::fs::read_to_string(path).map_err(|error| explain(error.to_string()))?;
    let subcommand = command
        .find_subcommand(name)
        .ok_or_else(|| explain(format!("baton {name} takes no plan")))?;
    let additions = additions(&text, subcommand, given).map_err(explain)?;

    let mut line = line;
    let place = line.iter().position(|word| word == name);
    let place = place.map_or(line.len(), |place| place + 1);
    line.splice(place..place, additions.into_iter().map(OsString::from));
    arguments::command()
        .try_get_matches_from(line)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| explain(first_sentence(&error)))
}

/// Ends the process with the help that was asked for, or with what is wrong with the command line,
/// in the same form as every other failure. Credentials of addresses are left out.
fn end(error: &clap::Error) -> ! {
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
    let failure = Failure::usage(sentence(error));
    eprintln!("baton: {failure}");
    std::process::exit(failure.code())
}

/// clap's message in one line, with its tips and where to read more.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (parts, usage) = text.split_once("\n\nUsage:").unwrap_or((text, ""));
    let parts = parts.split("\n\n").flat_map(str::lines).map(str::trim);
    let parts: Vec<&str> = parts
        .filter(|part| !part.is_empty() && !part.starts_with("For more information"))
        .collect();
    let mut sentence = parts.first().copied().unwrap_or_default().to_owned();
    for part in &parts[1.min(parts.len())..] {
        let is_more = sentence.ends_with(':');
        sentence.push_str(if is_more { " " } else { "; " });
        sentence.push_str(part.strip_prefix("tip: ").unwrap_or(part));
    }
    // the usage begins with the command
    let words = usage.split_whitespace().take(2);
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let command: Vec<&str> = words.take_while(is_name).collect();
    match command.is_empty() {
        true => sentence,
        false => format!("{sentence}; see `{} --help`", command.join(" ")),
    }
}

/// The words that the plan adds to the command line `given`.
fn additions(text: &str, command: &Command, given: &ArgMatches) -> Result<Vec<String>, String> {
    let plan: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let mut additions = Vec::new();
    for (key, value) in &plan {
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

/// The first sentence of clap's message.
fn first_sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first = text.split("\n\n").next().unwrap_or(text);
    first.trim_end().to_owned()
}
