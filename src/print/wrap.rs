//! Breaks text into lines of a terminal's width.

use baton_views::terminal::columns;

/// The text in lines of at most `width` columns, broken between words. All lines but the first
/// begin with `indent`. A line break in the text counts as a space. Colours take no column.
pub(crate) fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let words = text.trim_start_matches(' ');
    let start = text.len() - words.len();
    let mut wrapped = text[..start].to_owned();
    let mut column = start;
    for (place, word) in words.split([' ', '\n']).enumerate() {
        let length = columns(word);
        if place > 0 && column + 1 + length > width {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.len();
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_keep_their_indentation() {
        for (text, width, wrapped_text) in [
            (
                "The trace broke at Kinesis.",
                15,
                "The trace broke\n  at Kinesis.",
            ),
            ("  b3: continued here", 12, "  b3:\n  continued\n  here"),
            ("a  b", 80, "a  b"),
            ("one\ntwo", 80, "one two"),
            (
                "\x1b[31mred\x1b[0m and blue",
                12,
                "\x1b[31mred\x1b[0m and blue",
            ),
            ("unbreakable", 4, "unbreakable"),
            // each of these characters is two columns wide
            ("日本 日本", 8, "日本\n  日本"),
        ] {
            assert_eq!(wrapped(text, width, "  "), wrapped_text, "{text:?}");
        }
    }
}
