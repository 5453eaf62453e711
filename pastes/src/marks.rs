//! Undoes how documents and languages write the marks around a header: typographic quotes, lines of
//! tables, escapes of Java's properties, and names as lists of bytes.

use std::borrow::Cow;

use crate::names::{self, MAX_NAME, Name};

/// Characters of documents, and how headers are written with other ones.
const MARKS: &[(&str, &str)] = &[
    ("\u{201c}", "\""),
    ("\u{201d}", "\""),
    ("\u{201e}", "\""),
    ("\u{2018}", "'"),
    ("\u{2019}", "'"),
    // the lines of a table
    ("\u{2502}", "|"),
    ("\u{2503}", "|"),
    ("\u{2192}", "->"),
    // as Java writes properties
    ("\\:", ":"),
    ("\\=", "="),
];

/// The text with plain quotes, bars and arrows, without escapes of separators, and with the names
/// of headers in place of lists of their bytes. Lines stay where they are.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    for (mark, other) in MARKS {
        if plain.contains(mark) {
            plain = Cow::Owned(plain.replace(mark, other));
        }
    }
    match names_of_bytes(&plain) {
        Some(named) => Cow::Owned(named),
        None => plain,
    }
}

/// The text with names in place of lists such as `[116 114 97 …]`, as Go prints bytes; `None` if it
/// has no such list.
fn names_of_bytes(text: &str) -> Option<String> {
    let mut named = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let inside = &rest[open + 1..];
        let list = inside
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b' ');
        let length = list.count();
        let name = || {
            let bytes = inside[..length]
                .split(' ')
                .map(|number| number.parse().ok());
            let name = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
            matches!(names::member(&name), Name::Header(_) | Name::System(_)).then_some(name)
        };
        let is_list = length <= 4 * MAX_NAME && inside[length..].starts_with(']');
        named.push_str(&rest[..=open]);
        match is_list.then(name).flatten() {
            Some(name) => named.push_str(&name),
            None => named.push_str(&inside[..length]),
        }
        rest = &inside[length..];
    }
    named.push_str(rest);
    (named != text).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_with_plain_characters() {
        for (text, expected) in [
            ("\u{201c}b3\u{201d}: \u{201c}0\u{201d}", "\"b3\": \"0\""),
            ("\u{2502} b3 \u{2502} 0 \u{2502}", "| b3 | 0 |"),
            ("uber-trace-id=1\\:2\\:0\\:1", "uber-trace-id=1:2:0:1"),
            ("{Key:[98 51] Value:[48]}", "{Key:[b3] Value:[48]}"),
            ("[] [a] [98 51", "[] [a] [98 51"),
            ("b3: 0", "b3: 0"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
