//! The text between a name and its value: quotes, separators, brackets, and names of members.

mod lengths;

use super::is_word;
use crate::shapes::Shape;

/// The most bytes between a name and its value.
pub(super) const MAX_GAP: usize = 96;
/// The deepest indentation of a name.
const MAX_INDENT: usize = 64;
/// Words between a name and its value: names of the member with the value, or of its type.
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
    b"byte",
    b"data",
    b"list",
    b"array",
    b"buffer",
    b"uint8array",
    b"from",
    b"text",
    b"stringlistvalues",
    b"slice",
    b"str",
];

/// A quote, and the number of backslashes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) mark: u8,
    pub(super) slashes: usize,
}

/// The text between a name and its value.
pub(super) struct Gap<'a> {
    text: &'a [u8],
    /// Where the name begins.
    start: usize,
    pub(super) at: usize,
    limit: usize,
    pub(super) is_strong: bool,
    pub(super) is_list: bool,
    /// Whether the name is in quotes, or is the first of a pair in brackets.
    is_pair: bool,
    /// Whether the name is the first word of its line.
    is_first: bool,
    pub(super) quote: Option<Quote>,
}

impl<'a> Gap<'a> {
    pub(super) fn new(text: &'a [u8], start: usize, end: usize) -> Self {
        let before = start.checked_sub(1).map(|place| text[place]);
        let line = text[..start].iter().rev().take(MAX_INDENT);
        let indent = line.take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        Gap {
            text,
            start,
            at: end,
            limit: text.len().min(end + MAX_GAP),
            is_strong: false,
            is_list: false,
            is_pair: matches!(before, Some(b'"' | b'\'' | b'`' | b'(' | b'[')),
            is_first: matches!(text[..start - indent].last(), None | Some(b'\n')),
            quote: None,
        }
    }

    pub(super) fn read(&mut self) {
        // the closing quote of the name
        if let Some((_, end)) = quote_at(self.text, self.at) {
            self.at = end;
        }
        // Markdown: **traceparent**
        if self.text[..self.start].ends_with(b"*") {
            let marks = self.text[self.at..].iter();
            self.at += marks.take(2).take_while(|byte| **byte == b'*').count();
        }
        // the closing bracket of the name: [traceparent] => …
        if self.is_pair && matches!(self.text.get(self.at), Some(b']' | b')')) {
            self.at += 1;
        }
        while self.at < self.limit {
            match self.text[self.at] {
                // Request-Id: |trace.span.
                b'|' if self.is_strong
                    && self
                        .text
                        .get(self.at + 1)
                        .is_some_and(u8::is_ascii_hexdigit) =>
                {
                    return;
                }
                b':' | b'=' | b'|' => self.separator(),
                b'>' => self.at += 1,
                b'-' if self.text.get(self.at + 1) == Some(&b'>') => self.separator(),
                b',' if self.is_pair || self.is_filler_behind() || self.is_column() => {
                    self.separator();
                }
                b',' if self.is_strong && self.quote_is_over() => self.at += 1,
                // PHP: string(55) "…", Go: (string) (len=55) "…"
                b'(' if self.type_in_brackets() > 0 => self.at += self.type_in_brackets(),
                // PHP: [0] => "…", or array:1 [ 0 => "…" ]
                b'[' | b'0'..=b'9' if self.is_strong && self.index_at(self.at) > 0 => {
                    self.is_list = true;
                    self.at += self.index_at(self.at);
                }
                b'[' | b'(' | b'{' => {
                    self.is_list = true;
                    self.at += 1;
                }
                // Go: []string{"…"}
                b']' if self.text[..self.at].ends_with(b"[") => self.at += 1,
                // a table with columns
                b'\t' if self.is_first => self.separator(),
                b' ' if self.is_first && self.text[self.at..].starts_with(b"  ") => {
                    self.separator()
                }
                // Lua, as in Envoy's examples: key:traceparent <--> value:…
                b'<' if self.arrow_length() > 0 => {
                    self.at += self.arrow_length() - 1;
                    self.separator();
                }
                // Erlang: <<"…">>
                b'<' if self.text[self.at..].starts_with(b"<<\"") => self.at += 2,
                b'<' if self.cell_end() > 0 => {
                    self.at += self.cell_end() - 1;
                    self.separator();
                }
                b'&' if self.text[self.at..].starts_with(b"&nbsp;") => self.at += 6,
                b' ' | b'\t' => self.at += 1,
                b'\r' | b'\n' if self.is_id_below() => self.separator(),
                b'\r' | b'\n' if self.number_below() > 0 => {
                    self.at += self.number_below() - 1;
                    self.separator();
                }
                b'\r' | b'\n'
                    if (self.is_strong && self.is_value_below()) || self.is_named_below() =>
                {
                    self.at += 1;
                }
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

    /// The end of a filler and its closing quote, if a separator or the next column follows.
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
        // PHP's print_r opens an array on the next line
        let below = self.text[next.min(self.text.len())..].trim_ascii_start();
        if word == b"array" && below.starts_with(b"(") {
            return Some(after);
        }
        // a table with a column for the type
        let is_wide = self.text[after..next].contains(&b'\t') || next - after > 1;
        let is_column = self.is_first && self.is_strong && is_wide;
        let is_followed = match self.text.get(next) {
            Some(b':' | b'=' | b',' | b'(' | b'{' | b'|') => true,
            Some(byte) => is_column && !byte.is_ascii_whitespace(),
            None => false,
        };
        is_followed.then_some(after)
    }

    /// The end of a type's name, if the member with the value follows in brackets:
    /// `MessageAttributeValue(StringValue=`.
    fn constructor_at(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..self.limit).filter(|_| self.is_strong)?;
        let length = rest.iter().position(|byte| !is_word(*byte))?;
        let is_opened = length > 0 && matches!(rest[length], b'(' | b'{');
        let inside = at + length + 1;
        let is_member = is_opened && self.filler_at(inside).is_some();
        is_member.then_some(at + length)
    }

    /// Whether the value is on the next line: in quotes or brackets, or with a known shape.
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
            || self.is_alone_on_its_line() && self.is_last_line_of_pair(next)
            || self.is_list
            || matches!(next[0], b'"' | b'\'' | b'[' | b'{' | b'(')
            || self.filler_at(self.at + start).is_some()
    }

    /// Whether name and value are alone on their lines, as browsers copy headers, and the value is
    /// an id, a state or a whole context.
    fn is_id_below(&self) -> bool {
        let rest = &self.text[self.at..self.limit];
        let mut lines = rest.split(|byte| *byte == b'\n').skip(1);
        let next = lines.next().unwrap_or_default().trim_ascii();
        let is_id = matches!(next.len(), 1 | 16 | 32) && next.iter().all(u8::is_ascii_hexdigit);
        let is_whole = || std::str::from_utf8(next).is_ok_and(|value| Shape::of(value).is_some());
        self.is_first && !self.is_strong && (is_id || is_whole())
    }

    /// Whether the next column of a table begins: `traceparent,00-…`.
    fn is_column(&self) -> bool {
        let next = self.text.get(self.at + 1);
        self.is_first && next.is_some_and(|byte| !byte.is_ascii_whitespace())
    }

    /// Whether the name is the value of a member, and the next line is the member with its value,
    /// as in YAML.
    fn is_named_below(&self) -> bool {
        let before = &self.text[self.start.saturating_sub(MAX_INDENT)..self.start];
        let line = before.trim_ascii_end().to_ascii_lowercase();
        let rest = &self.text[self.at..self.limit];
        let next = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        [&b"- name:"[..], b"- key:", b"- header:"]
            .iter()
            .any(|member| line.ends_with(member))
            && next.is_some_and(|next| self.filler_at(self.at + next).is_some())
    }

    /// Whether the line has only the name and a colon, as browsers copy headers.
    fn is_alone_on_its_line(&self) -> bool {
        self.is_first && self.text[..self.at].trim_ascii_end().ends_with(b":")
    }

    /// Whether a line is a value and not the next name.
    fn is_last_line_of_pair(&self, line: &[u8]) -> bool {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.trim_ascii_end();
        let is_header = line.windows(2).position(|pair| pair == b": ");
        let is_header = is_header.is_some_and(|end| line[..end].iter().all(|byte| is_word(*byte)));
        !line.is_empty() && !line.ends_with(b":") && !is_header
    }

    /// Skips a quote or a filler; `false` at the beginning of the value.
    fn quote_or_filler(&mut self) -> bool {
        if let Some((quote, end)) = quote_at(self.text, self.at) {
            if let Some(end) = self.filler_at(end) {
                self.at = end;
                // the value of a member with the type: "Type":"String","Value":
                return true;
            }
            self.at = end;
            self.quote = Some(quote);
            return true;
        }
        // bytes in Python: b'…'
        let prefix =
            matches!(self.text[self.at], b'b' | b'u') && quote_at(self.text, self.at + 1).is_some();
        if prefix {
            self.at += 1;
            return true;
        }
        match self
            .filler_at(self.at)
            .or_else(|| self.constructor_at(self.at))
        {
            Some(end) => {
                self.at = end;
                true
            }
            None => false,
        }
    }
}

/// The quote at a position, and the position after it.
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
