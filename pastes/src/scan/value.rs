//! What follows a name: separators, quotes, brackets, and the value.

use super::Hit;
use super::is_word;
use crate::finding::Kind;
use crate::names::{self, Name};
use crate::shapes::Shape;

/// The most bytes between a name and its value.
const MAX_GAP: usize = 96;
/// The most bytes of a value.
const MAX_VALUE: usize = 64 << 10;
/// Words between a name and its value: members that hold it, its type.
const FILLERS: &[&[u8]] = &[
    b"value",
    b"stringvalue",
    b"string_value",
    b"string",
    b"datatype",
    b"type",
    b"s",
    b"m",
    b"b",
    b"u",
    b"v",
    b"val",
    b"some",
    b"bytes",
    b"data",
    b"list",
    b"array",
    b"buffer",
    b"from",
    b"text",
    b"stringlistvalues",
    b"slice",
    b"str",
];

/// A value behind a name.
#[derive(Debug, Default)]
pub(super) struct Value {
    pub(super) bytes: Vec<u8>,
    /// The byte behind it.
    pub(super) end: usize,
    /// Whether a separator says that it is one.
    pub(super) is_strong: bool,
    pub(super) is_quoted: bool,
    /// Whether the text has only the beginning of it.
    pub(super) is_cut: bool,
}

/// A quote, and how many backslashes are before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quote {
    mark: u8,
    slashes: usize,
}

/// Reads what follows a name at `start..end`; `header` is the one it stands for.
pub(super) fn after(text: &[u8], start: usize, end: usize, header: &str) -> Option<Value> {
    let mut gap = Gap::new(text, start, end);
    gap.read();
    let (at, quote) = (gap.at, gap.quote);
    let rest = text.get(at..)?;
    let mut value =
        if gap.is_list && rest.first().is_some_and(u8::is_ascii_digit) && quote.is_none() {
            numbers(text, at).unwrap_or_else(|| bare(text, at, header))
        } else if rest.starts_with(b"<Buffer ") || rest.starts_with(b"Buffer ") {
            node_buffer(text, at)?
        } else if let Some(quote) = quote {
            quoted(text, at, quote)
        } else {
            bare(text, at, header)
        };
    value.is_strong = gap.is_strong;
    Some(value)
}

/// What is between a name and its value.
struct Gap<'a> {
    text: &'a [u8],
    at: usize,
    limit: usize,
    is_strong: bool,
    is_list: bool,
    /// Whether the name is in quotes, or the first of a pair in brackets.
    is_pair: bool,
    quote: Option<Quote>,
}

impl<'a> Gap<'a> {
    fn new(text: &'a [u8], start: usize, end: usize) -> Self {
        let before = start.checked_sub(1).map(|place| text[place]);
        Gap {
            text,
            at: end,
            limit: text.len().min(end + MAX_GAP),
            is_strong: false,
            is_list: false,
            is_pair: matches!(before, Some(b'"' | b'\'' | b'`' | b'(' | b'[')),
            quote: None,
        }
    }

    fn read(&mut self) {
        // the quote that ends the name
        if let Some((_, end)) = quote_at(self.text, self.at) {
            self.at = end;
        }
        while self.at < self.limit {
            match self.text[self.at] {
                b':' | b'=' | b'|' => self.separator(),
                b'>' => self.at += 1,
                b'-' if self.text.get(self.at + 1) == Some(&b'>') => self.separator(),
                b',' if self.is_pair || self.is_filler_behind() => self.separator(),
                b',' if self.is_strong && self.quote_is_over() => self.at += 1,
                b'[' | b'(' | b'{' => {
                    self.is_list = true;
                    self.at += 1;
                }
                b' ' | b'\t' => self.at += 1,
                b'\r' | b'\n' if self.is_strong && self.is_value_below() => self.at += 1,
                _ => {
                    if !self.quote_or_filler() {
                        return;
                    }
                }
            }
            if self.quote.is_some() {
                return;
            }
        }
    }

    fn separator(&mut self) {
        self.is_strong = true;
        self.at += 1;
    }

    fn quote_is_over(&self) -> bool {
        self.is_list && self.is_filler_behind()
    }

    /// Whether a filler and a separator follow a comma: `, value = `.
    fn is_filler_behind(&self) -> bool {
        let mut at = self.at + 1;
        while matches!(self.text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        if let Some((_, end)) = quote_at(self.text, at) {
            at = end;
        }
        self.filler_at(at).is_some()
    }

    /// The end of a filler and of the quote behind it, where a separator follows.
    fn filler_at(&self, at: usize) -> Option<usize> {
        let mut end = at;
        while self.text.get(end).is_some_and(|byte| is_word(*byte)) {
            end += 1;
        }
        let word = self.text[at.min(end)..end].to_ascii_lowercase();
        if !FILLERS.contains(&word.as_slice()) {
            return None;
        }
        let after = quote_at(self.text, end).map_or(end, |(_, end)| end);
        let mut next = after;
        while matches!(self.text.get(next), Some(b' ' | b'\t')) {
            next += 1;
        }
        matches!(self.text.get(next), Some(b':' | b'=' | b',' | b'(')).then_some(after)
    }

    /// Whether the value is on the next line: in quotes or brackets, or of a known shape.
    fn is_value_below(&self) -> bool {
        let rest = &self.text[self.at..self.limit];
        let Some(start) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return false;
        };
        let next = &rest[start..];
        let end = next
            .iter()
            .position(|byte| !is_word(*byte))
            .unwrap_or(next.len());
        let is_shaped =
            std::str::from_utf8(&next[..end]).is_ok_and(|word| Shape::of(word).is_some());
        is_shaped
            || self.is_list
            || matches!(next[0], b'"' | b'\'' | b'[' | b'{')
            || self.filler_at(self.at + start).is_some()
    }

    /// Goes on over a quote or a filler; `false` where the value begins.
    fn quote_or_filler(&mut self) -> bool {
        if let Some((quote, end)) = quote_at(self.text, self.at) {
            if let Some(end) = self.filler_at(end) {
                self.at = end;
                // the value of a member that says the type: "Type":"String","Value":
                return true;
            }
            self.at = end;
            self.quote = Some(quote);
            return true;
        }
        // bytes of Python: b'…'
        let prefix =
            matches!(self.text[self.at], b'b' | b'u') && quote_at(self.text, self.at + 1).is_some();
        if prefix {
            self.at += 1;
            return true;
        }
        match self.filler_at(self.at) {
            Some(end) => {
                self.at = end;
                true
            }
            None => false,
        }
    }
}

/// A quote at a place, and the byte behind it.
fn quote_at(text: &[u8], at: usize) -> Option<(Quote, usize)> {
    let slashes = text
        .get(at..)?
        .iter()
        .take_while(|byte| **byte == b'\\')
        .count();
    let mark = *text.get(at + slashes)?;
    if slashes == 0 && text[at..].starts_with(b"&quot;") {
        return Some((
            Quote {
                mark: b'&',
                slashes,
            },
            at + 6,
        ));
    }
    matches!(mark, b'"' | b'\'' | b'`').then_some((Quote { mark, slashes }, at + slashes + 1))
}

/// A value up to its quote.
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
        end += slashes.max(1);
    }
    let bytes = text[at..end].strip_suffix(b"\r").unwrap_or(&text[at..end]);
    Value {
        bytes: unescaped(bytes),
        end: (end + quote.slashes + 1).min(text.len()),
        is_quoted: true,
        ..Value::default()
    }
}

/// Text in which JSON's escapes are resolved, as far as they are ASCII.
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

/// A value without quotes. Which bytes it may have depends on the header.
fn bare(text: &[u8], at: usize, header: &str) -> Value {
    let end = match header {
        "x-amzn-trace-id" | "_X_AMZN_TRACE_ID" => xray(text, at).1,
        "tracestate" | "baggage" => list(text, at),
        "uber-trace-id" => token(text, at, b":%"),
        _ => joined(text, at, token(text, at, b"/+=|.")),
    };
    let end = at + trimmed(&text[at..end]);
    Value {
        bytes: text[at..end].to_vec(),
        end,
        ..Value::default()
    }
}

/// The length without dots, semicolons and white space at the end: dumps print a line's end as a dot.
fn trimmed(value: &[u8]) -> usize {
    let last = value
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b';' | b',' | b' ' | b'\t' | b'\r'));
    let end = last.map_or(0, |last| last + 1);
    // Only dots and the like: it is what it is.
    if end == 0 { value.len().min(0) } else { end }
}

/// The end of letters, digits, dashes and `others`; of anything else where it begins with something else.
fn token(text: &[u8], at: usize, others: &[u8]) -> usize {
    let limit = text.len().min(at + MAX_VALUE);
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",;\"'`)]}>(<[{&|\\".contains(byte);
    let rest = &text[at.min(limit)..limit];
    let length = rest.iter().enumerate().position(|(place, byte)| {
        let dots = *byte == b'.' && rest.get(place + 1) == Some(&b'.');
        dots || is_end(byte) && !(others.contains(byte) && *byte != b'|')
    });
    at + length.unwrap_or(rest.len())
}

/// The end of a value that is joined with others like it by commas: what a proxy makes of a repeated header.
fn joined(text: &[u8], at: usize, end: usize) -> usize {
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

/// Where X-Ray's header begins and ends, which has `Root=` or an id at `at`.
pub(super) fn xray(text: &[u8], at: usize) -> (usize, usize) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"=;:-_?|~".contains(byte);
    let before = text[..at]
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

/// The end of ids in hexadecimal digits with colons between.
pub(super) fn jaeger(text: &[u8], at: usize) -> usize {
    let rest = text[at..].iter();
    at + rest
        .take(80)
        .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b':')
        .count()
}

/// The end of a list such as `a=1, b=2;c`.
fn list(text: &[u8], at: usize) -> usize {
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

/// Whether the next word is the name of a header and no member of a list.
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

/// Bytes as decimal numbers, `48, 48, 45`: what Java and JSON print.
fn numbers(text: &[u8], at: usize) -> Option<Value> {
    let limit = text.len().min(at + MAX_VALUE);
    let length = text[at..limit].iter().position(|byte| *byte == b']')?;
    let list = std::str::from_utf8(&text[at..at + length]).ok()?;
    let parts = list.split(',').map(str::trim);
    let bytes = parts
        .map(|part| part.parse::<u8>().ok())
        .collect::<Option<Vec<u8>>>()?;
    (bytes.len() > 1).then_some(Value {
        bytes,
        end: at + length,
        ..Value::default()
    })
}

/// A Buffer as Node.js prints it: `<Buffer 30 30 2d … 5 more bytes>`.
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
        is_cut: dump.contains("more byte"),
        ..Value::default()
    })
}

/// More values of the same name behind the first, in brackets: `["…","…"]`, or `[… …]` as Go prints it.
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

/// The word before a value, if a separator is between.
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

/// The last field of a line that has several, which end with commas, semicolons or bars.
pub(super) fn last_field(line: &[u8]) -> &[u8] {
    let start = line
        .iter()
        .rposition(|byte| matches!(byte, b',' | b'{' | b'|'))
        .map_or(0, |end| end + 1);
    &line[start..]
}
