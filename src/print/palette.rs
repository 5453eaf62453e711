//! The colours of tables, the same everywhere: they repeat what the words say.

use comfy_table::{Attribute, Cell, Color};

use crate::print::output::Output;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It holds, or it is better, or it is new.
    Good,
    /// It is broken, or it is worse, or it is missing.
    Bad,
    /// It differs.
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

    /// A cell in this tone, where the output has colours.
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
