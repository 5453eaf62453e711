//! Undoes how a text writes characters: percent-encoding, and texts in binary data.

use crate::shapes::Shape;

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
