//! What is wrong with the command line, in one sentence that names the flag.

use std::error::Error as _;
use std::num::ParseIntError;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// clap's error in one sentence: the flag, what is wrong with it, and what would be right.
pub(crate) fn sentence(error: &clap::Error) -> String {
    let said = match error.kind() {
        ErrorKind::ValueValidation => invalid_value(error),
        ErrorKind::InvalidValue => value_that_is_not_listed(error),
        ErrorKind::UnknownArgument => unknown_argument(error),
        ErrorKind::ArgumentConflict => conflict(error),
        ErrorKind::InvalidSubcommand => unknown_command(error),
        ErrorKind::MissingSubcommand => Some("a command is missing".to_owned()),
        ErrorKind::MissingRequiredArgument => missing(error),
        _ => None,
    };
    said.unwrap_or_else(|| words_of_clap(error))
}

/// A value that its parser refused. The parser says why. Most parsers repeat the value; if this one
/// does not, it is repeated here, unless it is an address, which may hold a password.
fn invalid_value(error: &clap::Error) -> Option<String> {
    let flag = flag(text(error, ContextKind::InvalidArg)?);
    let value = text(error, ContextKind::InvalidValue)?;
    let source = error.source()?;
    if source.is::<ParseIntError>() {
        return Some(format!(
            "{flag}: {value:?} is not a whole number; write one such as 100"
        ));
    }
    let reason = source.to_string();
    if let Some(range) = reason.strip_prefix(&format!("{value} is not in "))
        && let Some((least, most)) = range.split_once("..=")
    {
        return Some(format!(
            "{flag}: {value} is out of range; use {least} to {most}"
        ));
    }
    if reason.contains(value) || value.contains("://") {
        return Some(format!("{flag}: {reason}"));
    }
    Some(format!("{flag} {value:?}: {reason}"))
}

/// A value that is not among those that the flag accepts, or no value at all.
fn value_that_is_not_listed(error: &clap::Error) -> Option<String> {
    let flag = flag(text(error, ContextKind::InvalidArg)?);
    let value = text(error, ContextKind::InvalidValue)?;
    let accepted = texts(error, ContextKind::ValidValue).join(", ");
    let said = match (value, accepted.as_str()) {
        ("", "") => format!("{flag}: a value is missing"),
        ("", _) => format!("{flag}: a value is missing; use one of {accepted}"),
        _ => format!("{flag}: {value:?} is not accepted; use one of {accepted}"),
    };
    Some(said)
}

fn unknown_argument(error: &clap::Error) -> Option<String> {
    let argument = text(error, ContextKind::InvalidArg)?;
    if !argument.starts_with('-') {
        return Some(format!("{argument:?} is one argument too many"));
    }
    let meant = text(error, ContextKind::SuggestedArg);
    let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
    Some(format!("there is no flag {argument}{meant}"))
}

/// Two flags that exclude each other, or one flag given twice.
fn conflict(error: &clap::Error) -> Option<String> {
    let given = flag(text(error, ContextKind::InvalidArg)?);
    let others = texts(error, ContextKind::PriorArg);
    let others: Vec<&str> = others.into_iter().map(flag).collect();
    match others.as_slice() {
        [] => None,
        [other] if *other == given => Some(format!("{given} is given twice; give it once")),
        others => Some(format!(
            "{given} cannot be used with {}; leave one out",
            others.join(" and ")
        )),
    }
}

fn unknown_command(error: &clap::Error) -> Option<String> {
    let name = text(error, ContextKind::InvalidSubcommand)?;
    let meant = texts(error, ContextKind::SuggestedSubcommand).join(" or ");
    let meant = match meant.as_str() {
        "" => String::new(),
        meant => format!(" (did you mean {meant}?)"),
    };
    Some(format!("there is no command {name:?}{meant}"))
}

fn missing(error: &clap::Error) -> Option<String> {
    let names = texts(error, ContextKind::InvalidArg);
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("{name} is missing")),
        names => Some(format!("{} are missing", names.join(" and "))),
    }
}

/// The first sentence of clap's own message.
fn words_of_clap(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first = text.split("\n\n").next().unwrap_or(text);
    first.trim_end().to_owned()
}

/// The name of a flag without its value: `--users` for `--users <N>`, `PAIRING` for `[PAIRING]...`.
fn flag(shown: &str) -> &str {
    let name = shown.split_whitespace().next().unwrap_or(shown);
    let name = name.split_once("[=").map_or(name, |(name, _)| name);
    match name.starts_with('-') {
        true => name,
        false => name.trim_matches(['<', '>', '[', ']', '.']),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    }
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text],
        Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::arguments;

    #[test]
    fn the_sentence_names_the_flag_and_what_would_be_right() {
        for (line, expected) in [
            (
                "run foo",
                "PAIRING: unknown format \"foo\"; a mode is none, or a comma list of",
            ),
            (
                "run --users x",
                "--users: \"x\" is not a whole number; write one such as 100",
            ),
            (
                "up --port x",
                "--port: \"x\" is not a whole number; write one such as 100",
            ),
            ("up --shards 0", "--shards: 0 is out of range; use 1 to 64"),
            (
                "run --function consumer=",
                "--function \"consumer=\": the command is empty",
            ),
            (
                "audit jaeger+http://h?key=secret",
                "SOURCE: unknown parameter key of jaeger's address; accepted are service, lookback, limit",
            ),
            (
                "logs other",
                "FUNCTION: \"other\" is not accepted; use one of producer, consumer",
            ),
            ("logs producer other", "\"other\" is one argument too many"),
            ("matrix --modes", "--modes: a value is missing"),
            (
                "run --user 3",
                "there is no flag --user (did you mean --users?)",
            ),
            (
                "run --requests 1 --duration 1s",
                "--requests cannot be used with --duration; leave one out",
            ),
            (
                "run --users 1 --users 2",
                "--users is given twice; give it once",
            ),
            ("burst", "--endpoint <[NAME=]URL> is missing"),
            ("merge", "--out <DIR> and <RUN>... are missing"),
            ("rum", "there is no command \"rum\" (did you mean run?)"),
            ("--quiet", "a command is missing"),
        ] {
            let words = ["baton"].into_iter().chain(line.split(' '));
            let error = arguments::command()
                .try_get_matches_from(words)
                .expect_err(line);
            let said = sentence(&error);
            assert!(said.starts_with(expected), "{line}: {said}");
        }
    }
}
