//! Finds the end of a value without quotes. It depends on the format.

use super::gap::MAX_GAP;
use super::is_word;
use crate::names::{self, Name};

/// The most bytes of a value.
pub(super) const MAX_VALUE: usize = 64 << 10;

/// The length without dots, semicolons, bars and white space at the end. Dumps print the end of a
/// line as a dot, and tables as a bar.
pub(super) fn trimmed(value: &[u8]) -> usize {
    let last = value
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b';' | b',' | b'|' | b' ' | b'\t' | b'\r'));
    last.map_or(0, |last| last + 1)
}

/// The end of a word. White space, punctuation and two dots end it, except characters in `others`.
pub(super) fn token(text: &[u8], at: usize, others: &[u8]) -> usize {
    let limit = text.len().min(at + MAX_VALUE);
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",;\"'`)]}>(<[{&|\\".contains(byte);
    let rest = &text[at.min(limit)..limit];
    let length = rest.iter().enumerate().position(|(place, byte)| {
        let dots = *byte == b'.' && rest.get(place + 1) == Some(&b'.');
        dots || is_end(byte) && !(others.contains(byte) && *byte != b'|')
    });
    at + length.unwrap_or(rest.len())
}

/// The end of a value that is joined with others by commas, as a proxy joins repeated headers.
pub(super) fn joined(text: &[u8], at: usize, end: usize) -> usize {
    let first = &text[at..end];
    let mut last = end;
    loop {
        let Some(rest) = text.get(last..).and_then(|rest| rest.strip_prefix(b",")) else {
            return last;
        };
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let start = last + 1 + blanks;
        let next = token(text, start, b"/+=|.");
        let own = &text[start.min(next)..next];
        let is_alike = own == first
            || first.len() > 8 && own.len() == first.len() && own.iter().any(u8::is_ascii_digit);
        let is_name = matches!(text.get(next), Some(b':' | b'='));
        if own.is_empty() || !is_alike || is_name {
            return last;
        }
        last = next;
    }
}

/// The beginning and the end of X-Ray's header, which has `Root=` or an id at `at`. The text before
/// `free` belongs to another value.
pub(super) fn xray(text: &[u8], free: usize, at: usize) -> (usize, usize) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"=;:-_?|~".contains(byte);
    let before = text[free..at]
        .iter()
        .rev()
        .take(MAX_GAP)
        .take_while(|byte| is_part(byte))
        .count();
    // Fields before the root end with a semicolon.
    let start = if before > 0 && text[at - 1] == b';' {
        let fields = &text[at - before..at];
        let name = fields
            .iter()
            .position(|byte| *byte == b':')
            .map_or(0, |colon| colon + 1);
        at - before + name
    } else {
        at
    };
    let mut end = at;
    while let Some(byte) = text.get(end) {
        let blank = *byte == b' '
            && text[..end].ends_with(b";")
            && text.get(end + 1).is_some_and(u8::is_ascii_alphabetic);
        if !is_part(byte) && !blank || end - at > MAX_VALUE {
            break;
        }
        end += 1;
    }
    let end = start + trimmed(&text[start..end]);
    (start, end.max(start))
}

/// The end of hexadecimal ids with colons between them.
pub(super) fn jaeger(text: &[u8], at: usize) -> usize {
    let rest = text[at..].iter();
    at + rest
        .take(80)
        .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b':')
        .count()
}

/// The end of a list such as `a=1, b=2;c`.
pub(super) fn list(text: &[u8], at: usize) -> usize {
    let limit = text.len().min(at + MAX_VALUE);
    let mut end = at;
    while end < limit {
        let byte = text[end];
        match byte {
            b'\n' | b'\r' | b'"' | b'\'' | b'}' | b']' | b')' | b'\\' | b'<' => break,
            b'.' if text.get(end + 1) == Some(&b'.') => break,
            b',' if is_name_behind(text, end + 1) => break,
            b' ' | b'\t' => {
                let goes_on = text[..end]
                    .iter()
                    .rev()
                    .find(|byte| **byte != b' ')
                    .is_some_and(|byte| b",;=".contains(byte));
                let next = text[end..limit].iter().find(|byte| **byte != b' ');
                if !goes_on && !next.is_some_and(|byte| b",;=".contains(byte)) {
                    break;
                }
                end += 1;
            }
            _ => end += 1,
        }
    }
    end
}

/// Whether the next word is the name of a header and not a member of the list.
fn is_name_behind(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let word = &rest[blanks..];
    let end = word
        .iter()
        .position(|byte| !is_word(*byte))
        .unwrap_or(word.len());
    let is_colon = word.get(end) == Some(&b':');
    let name = std::str::from_utf8(&word[..end]).unwrap_or_default();
    is_colon
        || end > 0
            && matches!(
                names::member(name),
                Name::Header(_) | Name::System(_) | Name::Secret
            )
}
