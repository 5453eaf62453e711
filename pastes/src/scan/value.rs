//! Reads the value after a name: in quotes, as bytes, or bare.

use super::ends::{MAX_VALUE, joined, list, token, trimmed, xray};
use super::gap::{Gap, MAX_GAP, Quote};
use super::{Hit, is_word};
use crate::finding::Kind;
use crate::names;
use crate::shapes::Shape;
use crate::systems::SERVER_TIMING;

/// A value after a name.
#[derive(Debug, Default)]
pub(super) struct Value {
    pub(super) bytes: Vec<u8>,
    /// The position after it.
    pub(super) end: usize,
    /// Whether a separator shows that it is a value.
    pub(super) is_strong: bool,
    pub(super) is_quoted: bool,
    /// Whether it is in the next cell of a table. In the row of headings, that is another heading.
    pub(super) is_cell: bool,
    /// Why it is not the value that was sent, and what to do: the rest of a sentence.
    pub(super) fault: Option<&'static str>,
}

/// Reads the value after the name at `start..end`. `header` is the header that the name stands for.
pub(super) fn after(text: &[u8], start: usize, end: usize, header: &str) -> Option<Value> {
    let value = value_at(text, start, end, header)?;
    // the name of a type, as RabbitMQ writes it before the value
    let is_type = matches!(value.bytes.as_slice(), b"longstr" | b"shortstr" | b"binary");
    match is_type && !value.is_quoted {
        true => value_at(text, start, value.end, header),
        false => Some(value),
    }
}

/// Reads the value after `end`.
fn value_at(text: &[u8], start: usize, end: usize, header: &str) -> Option<Value> {
    let mut gap = Gap::new(text, start, end);
    gap.read();
    let (at, quote) = (gap.at, gap.quote);
    let rest = text.get(at..)?;
    let mut value =
        if gap.is_list && rest.first().is_some_and(u8::is_ascii_digit) && quote.is_none() {
            numbers(text, at, header).unwrap_or_else(|| bare(text, at, header))
        } else if rest.starts_with(b"<Buffer ") || rest.starts_with(b"Buffer ") {
            node_buffer(text, at)?
        } else if rest.starts_with(b"B@") && text[..at].ends_with(b"[") {
            java_array(text, at)
        } else if let Some(quote) = quote {
            quoted(text, at, quote)
        } else {
            hex_bytes(text, at).unwrap_or_else(|| bare(text, at, header))
        };
    // the name of a member of an object, or of a type whose value is below
    let is_type = matches!(value.bytes.as_slice(), b"Array" | b"Object");
    if !value.is_quoted && (is_type || value.bytes.ends_with(b":")) {
        return None;
    }
    value.is_strong = gap.is_strong;
    value.is_cell = text[end..at].contains(&b'|');
    Some(value)
}

/// Reads a value up to its closing quote.
fn quoted(text: &[u8], at: usize, quote: Quote) -> Value {
    let limit = text.len().min(at + MAX_VALUE);
    let mut end = at;
    while end < limit && text[end] != b'\n' {
        let slashes = text[end..limit]
            .iter()
            .take_while(|byte| **byte == b'\\')
            .count();
        let mark = text.get(end + slashes);
        if mark == Some(&quote.mark) && slashes <= quote.slashes {
            break;
        }
        // a quote with more backslashes is part of the value
        let is_escaped = slashes > 0 && mark == Some(&quote.mark);
        end += slashes.max(1) + usize::from(is_escaped);
    }
    let end = end.min(limit);
    let bytes = text[at..end].strip_suffix(b"\r").unwrap_or(&text[at..end]);
    Value {
        bytes: unlisted(unescaped(bytes)),
        end: (end + quote.slashes + 1).min(text.len()),
        is_quoted: true,
        ..Value::default()
    }
}

/// The only element of a JSON array: `["…"]`.
fn unlisted(bytes: Vec<u8>) -> Vec<u8> {
    let element = bytes
        .strip_prefix(b"[\"")
        .and_then(|rest| rest.strip_suffix(b"\"]"));
    match element {
        Some(element) if !element.contains(&b'"') => element.to_vec(),
        _ => bytes,
    }
}

/// The text with JSON's escapes decoded, as far as they are ASCII.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes[at..].strip_prefix(b"\\u").and_then(|rest| {
            let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
            u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)
        });
        match (escape, &bytes[at..]) {
            (Some(byte), _) => {
                plain.push(byte);
                at += 6;
            }
            (None, [b'\\', byte @ (b'/' | b'"' | b'\\'), ..]) => {
                plain.push(*byte);
                at += 2;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    plain
}

/// Reads a value without quotes. The header decides which bytes it may have.
fn bare(text: &[u8], at: usize, header: &str) -> Value {
    let end = match header {
        "x-amzn-trace-id" if text[at..].starts_with(b"Root%3") => token(text, at, b"%"),
        "x-amzn-trace-id" | "_X_AMZN_TRACE_ID" => xray(text, at, at).1,
        "tracestate" | "baggage" => list(text, at),
        "uber-trace-id" => token(text, at, b":%"),
        SERVER_TIMING => {
            at + text[at..]
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default()
                .len()
                .min(MAX_VALUE)
        }
        _ => joined(text, at, token(text, at, b"/+=|.")),
    };
    let end = at + trimmed(&text[at..end]);
    // cmd.exe's escape of the closing quote does not belong to the value
    let is_caret = text[at..end].ends_with(b"^") && matches!(text.get(end), Some(b'"' | b'\\'));
    let end = end - usize::from(is_caret);
    Value {
        bytes: text[at..end].to_vec(),
        end,
        ..Value::default()
    }
}

/// Reads bytes that are printed as decimal numbers: `48, 48, 45` as in Java and JSON, or `48 48 45`
/// as in Go.
fn numbers(text: &[u8], at: usize, header: &str) -> Option<Value> {
    let limit = text.len().min(at + MAX_VALUE);
    let length = text[at..limit].iter().position(|byte| *byte == b']')?;
    let list = std::str::from_utf8(&text[at..at + length]).ok()?;
    let parts = list.split([',', ' ', '\n']).filter(|part| !part.is_empty());
    let bytes = parts
        .map(|part| part.parse::<u8>().ok())
        .collect::<Option<Vec<u8>>>()?;
    // a state of one letter: 49 is 1, 48 is 0
    let is_state = matches!(header, "x-b3-sampled" | "x-b3-flags")
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    (bytes.len() > 1 || is_state).then_some(Value {
        bytes,
        end: at + length,
        ..Value::default()
    })
}

/// Reads a Buffer as Node.js prints it: `<Buffer 30 30 2d … 5 more bytes>`.
fn node_buffer(text: &[u8], at: usize) -> Option<Value> {
    let limit = text.len().min(at + MAX_VALUE);
    let length = text[at..limit].iter().position(|byte| *byte == b'>')?;
    let dump = std::str::from_utf8(&text[at..at + length]).ok()?;
    let words = dump.split(' ').skip(1);
    let digits = words.map_while(|word| {
        (word.len() == 2)
            .then(|| u8::from_str_radix(word, 16).ok())
            .flatten()
    });
    Some(Value {
        bytes: digits.collect(),
        end: at + length + 1,
        fault: dump.contains("more byte").then_some(
            "is cut: console.log shows 50 bytes of a Buffer. Log the value's toString()",
        ),
        ..Value::default()
    })
}

/// The fewest bytes in hexadecimal digits that count as a value.
const MIN_HEX_BYTES: usize = 3;

/// Reads bytes in hexadecimal digits: `30 30 2d`, as gRPC traces metadata. The same bytes may follow
/// as text in quotes.
fn hex_bytes(text: &[u8], at: usize) -> Option<Value> {
    let limit = text.len().min(at + MAX_VALUE);
    let words = text[at..limit].split(|byte| *byte == b' ');
    let bytes: Vec<u8> = words
        .map_while(|word| {
            (word.len() == 2)
                .then(|| u8::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok())
                .flatten()
        })
        .collect();
    let end = at + 3 * bytes.len();
    let rest = text.get(end..).and_then(|rest| rest.strip_prefix(b"'"));
    let again = rest.and_then(|rest| rest.strip_prefix(bytes.as_slice()));
    (bytes.len() >= MIN_HEX_BYTES).then(|| Value {
        end: match again {
            Some(_) => end + bytes.len() + 2,
            None => end - 1,
        }
        .min(text.len()),
        bytes,
        ..Value::default()
    })
}

/// An array of bytes as Java prints it: `[B@4c2af006`.
fn java_array(text: &[u8], at: usize) -> Value {
    let end = token(text, at, b"");
    Value {
        bytes: text[at - 1..end].to_vec(),
        end,
        fault: Some(
            "is printed as the address of a Java array, which says nothing about its value. Log new String(value)",
        ),
        ..Value::default()
    }
}

/// Further values of the same name in brackets: `["…","…"]`, or `[… …]` in Go.
pub(super) fn more(text: &[u8], hit: &Hit) -> Vec<Hit> {
    let mut more: Vec<Hit> = Vec::new();
    if !matches!(hit.kind, Kind::Header(_)) || hit.value.len() < 16 {
        return more;
    }
    let mut at = hit.end;
    loop {
        let gap = text.get(at..).unwrap_or_default().iter();
        let blanks = gap
            .take(8)
            .take_while(|byte| b" ,\"'\n".contains(byte))
            .count();
        let start = at + blanks;
        let end = token(text, start, b"");
        let value = text.get(start..end).unwrap_or_default();
        let shape = |value: &[u8]| std::str::from_utf8(value).ok().and_then(Shape::of);
        if blanks == 0 || shape(value).is_none() || shape(value) != shape(&hit.value) {
            return more;
        }
        more.push(Hit {
            value: value.to_vec(),
            start,
            end,
            ..hit.clone()
        });
        at = end;
    }
}

/// The word before a value, if a separator is between them.
pub(super) fn name_before(text: &[u8], start: usize) -> String {
    let before = &text[start.saturating_sub(MAX_GAP)..start];
    let end = before
        .iter()
        .rposition(|byte| !b" \t\"'`[({\\".contains(byte))
        .map_or(0, |end| end + 1);
    if end == 0 || !b":=".contains(&before[end - 1]) {
        return String::new();
    }
    let end = before[..end]
        .iter()
        .rposition(|byte| !b" \t\"'`:=\\".contains(byte))
        .map_or(0, |end| end + 1);
    let name = before[..end]
        .iter()
        .rposition(|byte| !is_word(*byte))
        .map_or(0, |start| start + 1);
    let name = String::from_utf8_lossy(&before[name..end]).into_owned();
    if name.len() > names::MAX_NAME {
        String::new()
    } else {
        name
    }
}

/// The last field of a line whose fields end with commas, semicolons or bars.
pub(super) fn last_field(line: &[u8]) -> &[u8] {
    let start = line
        .iter()
        .rposition(|byte| matches!(byte, b',' | b'{' | b'|'))
        .map_or(0, |end| end + 1);
    &line[start..]
}
