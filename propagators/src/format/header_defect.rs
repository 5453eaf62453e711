//! Defects of headers, as real senders produce them: for load that contains malformed headers.

use serde::{Deserialize, Serialize};

/// One way in which a header is malformed. Spans of the load generator name it in the attribute
/// `baton.defect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderDefect {
    /// The trace id lacks a digit: a number formatter removed a leading zero.
    ShortId,
    /// The ids are in upper case.
    UpperCase,
    /// The ids are all zeros: the sender had no span.
    Zeros,
    /// The header has `_` where the format has another separator.
    Separator,
    /// The second half of the header is missing: a database field or a log line was too short.
    Truncated,
    /// The trace id contains a character that is not a digit.
    NotADigit,
    /// The value is in quotes: JSON text was used as a header.
    Quoted,
    /// The value is the word `undefined`: JavaScript's missing value.
    Undefined,
    /// The value is there twice, joined by a comma: a proxy joined a header that arrived twice.
    Joined,
    /// The header is there twice with the same value: something on the way adds a second one.
    Duplicate,
}

use HeaderDefect::{
    Duplicate, Joined, NotADigit, Quoted, Separator, ShortId, Truncated, Undefined, UpperCase,
    Zeros,
};

/// The fewest digits of an id. Shorter runs of digits are versions and flags.
const MIN_ID_DIGITS: usize = 8;

impl HeaderDefect {
    /// All defects.
    pub const ALL: &'static [HeaderDefect] = &[
        ShortId, UpperCase, Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
        Duplicate,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ShortId => "short_id",
            UpperCase => "upper_case",
            Zeros => "zeros",
            Separator => "separator",
            Truncated => "truncated",
            NotADigit => "not_a_digit",
            Quoted => "quoted",
            Undefined => "undefined",
            Joined => "joined",
            Duplicate => "duplicate",
        }
    }

    /// How many times a header with this defect is sent, each time with the value of
    /// [`HeaderDefect::apply`].
    pub fn occurrences(self) -> usize {
        if self == Duplicate { 2 } else { 1 }
    }

    /// A header's value with this defect. Upper case does not change an id that has no letters, and
    /// a duplicate has the value of the first.
    ///
    /// ```
    /// use baton_propagators::HeaderDefect;
    ///
    /// let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// let broken = HeaderDefect::ShortId.apply(value);
    /// assert_eq!(broken, "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    /// ```
    pub fn apply(self, value: &str) -> String {
        let ids = digit_runs(value);
        // The longest is the trace id, or the larger part of it.
        let longest = ids.iter().rev().max_by_key(|(start, end)| end - start);
        let (start, end) = longest.copied().unwrap_or((0, value.len()));
        match self {
            ShortId => {
                let second = value.ceil_char_boundary(start + 1);
                format!("{}{}", &value[..start], &value[second..])
            }
            UpperCase => replaced(value, &ids, |id| id.to_ascii_uppercase()),
            Zeros => replaced(value, &ids, |id| "0".repeat(id.len())),
            Separator => value.replace(['-', ':'], "_"),
            Truncated => value[..value.floor_char_boundary(value.len() / 2)].to_owned(),
            NotADigit => {
                let last = value.floor_char_boundary(end.saturating_sub(1));
                format!("{}x{}", &value[..last], &value[end..])
            }
            Quoted => format!("\"{value}\""),
            Undefined => "undefined".to_owned(),
            Joined => format!("{value}, {value}"),
            Duplicate => value.to_owned(),
        }
    }
}

/// A text with its parts at `places` replaced, each by one of the same length.
fn replaced(
    value: &str,
    places: &[(usize, usize)],
    replacement: impl Fn(&str) -> String,
) -> String {
    let mut text = value.to_owned();
    for (start, end) in places {
        text.replace_range(*start..*end, &replacement(&value[*start..*end]));
    }
    text
}

/// The places of all runs of hexadecimal digits that can be ids; the whole text if there are none.
fn digit_runs(value: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for run in value.as_bytes().split(|byte| !byte.is_ascii_hexdigit()) {
        if run.len() >= MIN_ID_DIGITS {
            runs.push((start, start + run.len()));
        }
        start += run.len() + 1;
    }
    if runs.is_empty() {
        runs.push((0, value.len()));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defects_look_as_they_are_described() {
        let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (defect, broken) in [
            (
                ShortId,
                "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
            (
                UpperCase,
                "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            ),
            (
                Zeros,
                "00-00000000000000000000000000000000-0000000000000000-01",
            ),
            (
                Separator,
                "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            ),
            (Truncated, "00-0af7651916cd43dd8448eb21"),
            (
                NotADigit,
                "00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01",
            ),
            (
                Quoted,
                "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"",
            ),
            (Undefined, "undefined"),
        ] {
            assert_eq!(defect.apply(whole), broken);
        }
    }

    #[test]
    fn a_text_without_ids_is_broken_as_a_whole() {
        for (defect, text, broken) in [
            (ShortId, "é1", "1"),
            (UpperCase, "abc", "ABC"),
            (Zeros, "1-2", "000"),
            (Truncated, "üü", "ü"),
            (NotADigit, "1ü", "1x"),
            (NotADigit, "", "x"),
            (ShortId, "", ""),
            (Truncated, "é", ""),
        ] {
            assert_eq!(defect.apply(text), broken, "{text:?} {defect:?}");
        }
    }
}
