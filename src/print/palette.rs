//! The colours of all tables and texts. A colour only repeats what the words say.

use comfy_table::{Attribute, Cell, Color};

use crate::print::output::Output;

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Whole, better or new.
    Good,
    /// Broken, worse or missing.
    Bad,
    /// Different.
    Changed,
}

impl Tone {
    /// The tone of a check or a verdict.
    pub(crate) fn of(is_good: bool) -> Tone {
        match is_good {
            true => Tone::Good,
            false => Tone::Bad,
        }
    }

    /// A text in this tone, if the output has colours.
    pub(crate) fn paint(self, text: &str, output: &Output) -> String {
        if !output.colour {
            return text.to_owned();
        }
        let code = match self {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Changed => 33,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A cell in this tone, if the output has colours.
    pub(crate) fn cell(self, text: impl Into<Cell>, output: &Output) -> Cell {
        let cell = text.into();
        match (output.colour, self) {
            (false, _) => cell,
            (true, Tone::Good) => cell.fg(Color::Green),
            (true, Tone::Bad) => cell.fg(Color::Red),
            (true, Tone::Changed) => cell.fg(Color::Yellow),
        }
    }
}

/// A cell of the heading.
pub(crate) fn heading(text: impl Into<Cell>, output: &Output) -> Cell {
    let cell = text.into();
    match output.colour {
        true => cell.add_attribute(Attribute::Bold),
        false => cell,
    }
}
