//! What the commands print: results on standard output, everything else on standard error.

use std::io::{IsTerminal, Write};

use baton_traces::shown::visible;
use baton_views::terminal::TextStyle;
use comfy_table::Table;
use serde::Serialize;

use crate::arguments::{Format, GlobalArguments};
use crate::failure::Failure;
use crate::print::wrap::wrapped;

/// The limits of the variable COLUMNS.
const MIN_COLUMNS: usize = 20;
const MAX_COLUMNS: usize = 10_000;

/// How to print: from the command line and the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// Whether standard output shows colour.
    pub(crate) colour: bool,
    /// Whether the locale can show more than ASCII.
    unicode: bool,
    /// The columns of standard output, if it is a terminal, or else of the variable COLUMNS.
    pub(crate) columns: Option<usize>,
    /// Whether standard error is a terminal, where a progress bar can move.
    pub(crate) terminal: bool,
}

impl Output {
    pub(crate) fn new(arguments: &GlobalArguments) -> Self {
        let no_colour = arguments.no_color
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Output {
            format: arguments.format,
            quiet: arguments.quiet,
            verbose: arguments.verbose,
            colour: !no_colour && !is_dumb && std::io::stdout().is_terminal(),
            unicode: has_unicode(),
            // some terminals do not report their width
            columns: Table::new()
                .width()
                .map(usize::from)
                .filter(|columns| *columns > 0)
                .or_else(columns_variable),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Text without colour, for tests.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Output {
            format: Format::Text,
            quiet: false,
            verbose: false,
            colour: false,
            columns: None,
            terminal: false,
            unicode: true,
        }
    }

    /// The characters and colours for drawings.
    pub(crate) fn style(&self) -> TextStyle {
        TextStyle {
            unicode: self.unicode,
            colour: self.colour,
        }
    }

    /// Breaks text between words into lines of the terminal's width. Without a terminal, the text
    /// stays as it is. If the text is indented, its further lines are indented more.
    pub(crate) fn folded(&self, text: &str) -> String {
        let indent = if text.starts_with(' ') { "    " } else { "" };
        self.columns
            .map_or_else(|| text.to_owned(), |columns| wrapped(text, columns, indent))
    }

    /// Whether standard output is a terminal, where people read.
    pub(crate) fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Prints lines, folded. They may hold hostile text, which is made visible.
    pub(crate) fn lines(&self, lines: impl IntoIterator<Item = String>) -> String {
        let lines = lines.into_iter();
        let lines: Vec<_> = lines.map(|line| self.folded(&visible(&line))).collect();
        lines.join("\n")
    }

    /// Prints a result.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Prints a result as one line of ASCII JSON. Characters that could control the terminal become
    /// escapes.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.print(&ascii(
            &serde_json::to_string(value).map_err(Failure::not_carried_out)?,
        ))
    }

    /// Prints a note that is not part of the result, except under `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{}", self.message(text));
        }
    }

    /// Prints a warning that the result is incomplete, even under `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}", self.message(text));
    }

    /// Prints a detail under `--verbose`.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Prints why the command failed.
    pub(crate) fn error(&self, failure: &Failure) {
        if !failure.is_silent() {
            let failure = self.message(&format!("baton: {failure}"));
            let _ = writeln!(std::io::stderr(), "{failure}");
        }
    }

    /// The lines of a message for standard error, without what could control a terminal: names in it
    /// come from outside.
    fn message(&self, text: &str) -> String {
        let lines = text.split('\n').map(visible);
        let lines: Vec<String> = match self.terminal {
            true => lines.map(|line| self.folded(&line)).collect(),
            false => lines.collect(),
        };
        lines.join("\n")
    }
}

/// The columns in the variable COLUMNS, if it is a number that a table can have.
fn columns_variable() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?;
    let columns = columns.trim().parse().ok();
    columns.filter(|columns| (MIN_COLUMNS..=MAX_COLUMNS).contains(columns))
}

/// JSON in which everything except printable ASCII is escaped. Such characters only occur in
/// strings.
pub(crate) fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

/// Whether the locale uses UTF-8. As in POSIX, the first variable that is set decides.
fn has_unicode() -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let values = variables.filter_map(|name| std::env::var(name).ok());
    let mut set = values.filter(|value| !value.is_empty());
    set.next().is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_ascii_says_the_same() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}31m\u{202e}é😀\n\"\\";
        let json = ascii(&serde_json::to_string(text).expect("JSON"));
        assert!(
            json.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
    }

    #[test]
    fn text_is_broken_between_words_where_there_is_a_terminal() {
        let text = "The trace broke at Kinesis.";
        assert_eq!(Output::plain().folded(text), text);
        let columns = Some(15);
        let output = Output {
            columns,
            ..Output::plain()
        };
        assert_eq!(output.folded(text), "The trace broke\nat Kinesis.");
    }
}
