//! Text for a terminal: its width in columns, colour, and block characters.

use std::time::Duration;

use baton_traces::hand_off::Verdict;
use baton_traces::shown::duration;
use unicode_width::UnicodeWidthChar;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStyle {
    /// Whether it shows block and line characters. Without them, drawings are plain ASCII.
    pub unicode: bool,
    /// Whether it shows colour.
    pub colour: bool,
}

impl TextStyle {
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// `text` in green for a whole hand-off, or in red for a broken one.
    pub(crate) fn verdict_coloured(self, text: &str, whole: bool) -> String {
        self.coloured(text, if whole { 32 } else { 31 })
    }

    /// `text` in bold.
    pub(crate) fn bold(self, text: &str) -> String {
        self.coloured(text, 1)
    }

    /// `text` with this ANSI code, if the terminal shows colour.
    pub(crate) fn coloured(self, text: &str, code: u8) -> String {
        if self.colour && !text.trim().is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A verdict with a check mark or a cross.
    pub fn mark(self, verdict: Verdict) -> String {
        let sign = match (verdict.holds(), self.unicode) {
            (true, true) => "✓",
            (true, false) => "+",
            (false, true) => "✗",
            (false, false) => "x",
        };
        format!("{sign} {verdict}")
    }

    /// A duration, in ASCII where the terminal shows nothing else.
    pub fn duration(self, time: Duration) -> String {
        let text = duration(time);
        if self.unicode {
            text
        } else {
            text.replace('µ', "u")
        }
    }
}

/// The width of `text` in terminal columns. Colours take no column.
pub fn columns(text: &str) -> usize {
    let mut in_colour = false;
    let width_of = |character| {
        let is_shown = !in_colour && character != '\u{1b}';
        in_colour = character == '\u{1b}' || in_colour && character != 'm';
        if is_shown { width(character) } else { 0 }
    };
    text.chars().map(width_of).sum()
}

fn width(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// `text` in at most `limit` columns. A longer text is cut and ends with `ellipsis`.
pub(crate) fn fitted(text: &str, limit: usize, ellipsis: &str) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(columns(ellipsis));
    let mut fitted = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += width(character);
        if used > room {
            break;
        }
        fitted.push(character);
    }
    fitted + ellipsis
}

/// `text` in exactly `columns_wanted` columns, cut or padded with spaces on the right.
pub(crate) fn padded(text: &str, columns_wanted: usize, ellipsis: &str) -> String {
    let text = fitted(text, columns_wanted, ellipsis);
    let missing = columns_wanted.saturating_sub(columns(&text));
    text + &" ".repeat(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_its_columns_whatever_it_is_written_in() {
        assert_eq!(padded("abc", 5, "…"), "abc  ");
        assert_eq!(padded("abcdef", 5, "…"), "abcd…");
        assert_eq!(padded("abcdef", 5, "..."), "ab...");
        // each of these characters is two columns wide
        assert_eq!(padded("日本語", 5, "…"), "日本…");
        assert_eq!(padded("日本語", 4, "…"), "日… ");
        assert_eq!(columns("\u{1b}[31m日本\u{1b}[0m m"), 6);
    }
}
