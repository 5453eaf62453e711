//! Undoes how a text writes characters: percent-encoding, typographic quotes, escapes of Java's
//! properties, names as lists of bytes, and texts in binary data.

use std::borrow::Cow;

use crate::names::{self, MAX_NAME, Name};
use crate::shapes::Shape;

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
pub(crate) fn plain_marks(text: &str) -> Cow<'_, str> {
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

/// The length of a traceparent of version 00.
const TRACEPARENT: usize = 55;

/// The texts in binary data, such as Avro, protobuf and MessagePack, with spaces between them. A
/// length before a text may look like a letter, so a space goes before each traceparent too.
pub(crate) fn texts_in_binary(bytes: &[u8]) -> String {
    let is_traceparent = |at: &usize| {
        let value = bytes.get(*at..at + TRACEPARENT);
        let text = value.and_then(|value| std::str::from_utf8(value).ok());
        bytes.get(at + 2) == Some(&b'-') && text.and_then(Shape::of) == Some(Shape::Traceparent)
    };
    let mut separated = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in (0..bytes.len()).filter(is_traceparent) {
        separated.extend_from_slice(&bytes[from..at]);
        separated.push(b' ');
        from = at;
    }
    separated.extend_from_slice(&bytes[from..]);
    String::from_utf8_lossy(&separated).replace(|letter: char| letter.is_control(), " ")
}

/// The text with percent-encoded characters decoded; `None` if it has none, or if it is not UTF-8
/// then.
pub(crate) fn percent(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    decoded.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                decoded.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                decoded.push(b'%');
                decoded.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8(decoded)
        .ok()
        .filter(|decoded| decoded != text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_with_plain_characters() {
        for (text, plain) in [
            ("\u{201c}b3\u{201d}: \u{201c}0\u{201d}", "\"b3\": \"0\""),
            ("\u{2502} b3 \u{2502} 0 \u{2502}", "| b3 | 0 |"),
            ("uber-trace-id=1\\:2\\:0\\:1", "uber-trace-id=1:2:0:1"),
            ("{Key:[98 51] Value:[48]}", "{Key:[b3] Value:[48]}"),
            ("[] [a] [98 51", "[] [a] [98 51"),
            ("b3: 0", "b3: 0"),
        ] {
            assert_eq!(plain_marks(text), plain);
        }
    }

    #[test]
    fn percent_encoding_is_removed() {
        for (text, plain) in [
            ("Root%3D1%3bSampled%3D1", Some("Root=1;Sampled=1")),
            ("100 %", None),
            ("50%2", None),
            ("%ff", None),
            ("", None),
        ] {
            assert_eq!(percent(text).as_deref(), plain);
        }
    }
}
