//! Decodes JSON in memory, step by step and without copying text.
//!
//! A reader of spans skips most of the input, and there this is several times faster than decoding
//! into structs. Skipped text is only checked as far as its end must be found. After a mistake,
//! serde_json says what is wrong with the text, if anything is ([`Mistake::explain`]).

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::shown::visible;

/// The text, and the position in it.
#[derive(Clone, Debug)]
pub(in crate::readers) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A token that was not expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::readers) struct Mistake {
    /// Where the token starts, in bytes.
    at: usize,
    expected: &'static str,
}

impl Mistake {
    /// Whether the text ends too early, and what is wrong, with the column.
    pub(in crate::readers) fn explain(&self, json: &[u8]) -> (bool, String) {
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(json) {
            return (error.is_eof(), super::json_problem(&error));
        }
        const MAX_CHARACTERS: usize = 40;
        let rest = String::from_utf8_lossy(json.get(self.at..).unwrap_or_default());
        let line = rest.lines().next().unwrap_or_default();
        let start: String = line.chars().take(MAX_CHARACTERS).collect();
        let column = self.at + 1;
        let start = visible(&start);
        let problem = format!(
            "at column {column} found: {start}, expected {}",
            self.expected
        );
        (false, problem)
    }
}

/// A cursor at the beginning. Text that ends too early or is not UTF-8 is a mistake.
pub(in crate::readers) fn cursor(json: &[u8]) -> Result<Cursor<'_>, Mistake> {
    match std::str::from_utf8(json) {
        Ok(text) => Ok(Cursor { text, at: 0 }),
        Err(error) => Err(Mistake {
            at: error.valid_up_to(),
            expected: "UTF-8",
        }),
    }
}

impl<'a> Cursor<'a> {
    /// The error for a mistake at the next token.
    pub(in crate::readers) fn mistake(&mut self, expected: &'static str) -> Mistake {
        self.peek();
        Mistake {
            at: self.at,
            expected,
        }
    }

    /// The first byte of the next token; `None` at the end.
    pub(in crate::readers) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Checks that nothing follows.
    pub(in crate::readers) fn end(&mut self) -> Result<(), Mistake> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.mistake("nothing more")),
        }
    }

    /// Steps through an object. `member` gets each name and must take exactly one value. `null`
    /// counts as an empty object.
    pub(in crate::readers) fn object(
        &mut self,
        expected: &'static str,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Mistake>,
    ) -> Result<(), Mistake> {
        if self.take_null() {
            return Ok(());
        }
        self.take(b'{', expected)?;
        if self.take_if(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string("a member's name")?;
            self.take(b':', "`:`")?;
            member(self, &name)?;
            if !self.take_if(b',') {
                return self.take(b'}', "`,` or `}`");
            }
        }
    }

    /// Steps through an array. `element` must take exactly one value each time. `null` counts as an
    /// empty array.
    pub(in crate::readers) fn array(
        &mut self,
        expected: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<(), Mistake>,
    ) -> Result<(), Mistake> {
        if self.take_null() {
            return Ok(());
        }
        self.take(b'[', expected)?;
        if self.take_if(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.take_if(b',') {
                return self.take(b']', "`,` or `]`");
            }
        }
    }

    /// Reads a string. It is borrowed unless it contains escapes.
    pub(in crate::readers) fn string(
        &mut self,
        expected: &'static str,
    ) -> Result<Cow<'a, str>, Mistake> {
        self.take(b'"', expected)?;
        match self.rest_of_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.string_with_escapes(),
        }
    }

    /// Reads the rest of a string, with its closing quote.
    #[cold]
    fn string_with_escapes(&mut self) -> Result<Cow<'a, str>, Mistake> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            let stop = quote_or_backslash(bytes, self.at);
            match bytes.get(stop) {
                Some(b'"') => {
                    self.at = stop + 1;
                    let quoted = &self.text[start - 1..stop + 1];
                    let unescaped: Result<String, _> = serde_json::from_str(quoted);
                    return unescaped.map(Cow::Owned).map_err(|_| Mistake {
                        at: start,
                        expected: "valid escapes",
                    });
                }
                Some(_) if stop + 1 < bytes.len() => {
                    self.at = stop + 1;
                    // An escape may stand for several bytes.
                    self.at += usize::from(bytes[stop + 1].is_ascii());
                }
                _ => {
                    self.at = bytes.len();
                    return Err(self.mistake("the string's end"));
                }
            }
        }
    }

    /// Reads a string; `null` gives an empty one.
    pub(in crate::readers) fn text(&mut self) -> Result<Cow<'a, str>, Mistake> {
        if self.take_null() {
            return Ok(Cow::Borrowed(""));
        }
        self.string("a string")
    }

    /// Reads a number, or a word such as `true`: the text up to the next delimiter.
    pub(in crate::readers) fn scalar(&mut self) -> &'a str {
        self.peek();
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| {
            matches!(byte, b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"')
                || byte.is_ascii_whitespace()
        });
        let scalar = &rest[..end.unwrap_or(rest.len())];
        self.at += scalar.len();
        scalar
    }

    /// Takes `null`, if it comes next.
    pub(in crate::readers) fn take_null(&mut self) -> bool {
        let there = self.peek() == Some(b'n') && self.text[self.at..].starts_with("null");
        if there {
            self.at += "null".len();
        }
        there
    }

    /// Skips the next value, and returns its text.
    pub(in crate::readers) fn skipped(&mut self) -> Result<&'a str, Mistake> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Skips the next value.
    pub(in crate::readers) fn skip(&mut self) -> Result<(), Mistake> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                None => return Err(self.mistake("a value")),
                Some(b'"') => {
                    self.skip_string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(_) => {
                    if self.scalar().is_empty() {
                        return Err(self.mistake("a value"));
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_string(&mut self) -> Result<(), Mistake> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        loop {
            at = quote_or_backslash(bytes, at);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(_) => at += 2,
                None => break,
            }
        }
        self.at = bytes.len();
        Err(self.mistake("the string's end"))
    }

    /// Takes `text`, if exactly this comes next, without white space before it.
    pub(in crate::readers) fn take_text(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// Takes the rest of a string without escapes, and its closing quote. `None` if it has escapes
    /// or no end.
    pub(in crate::readers) fn rest_of_string(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let stop = quote_or_backslash(bytes, self.at);
        if bytes.get(stop) != Some(&b'"') {
            return None;
        }
        let text = &self.text[self.at..stop];
        self.at = stop + 1;
        Some(text)
    }

    /// The text that was not read yet.
    pub(in crate::readers) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Mistake> {
        if self.take_if(byte) {
            Ok(())
        } else {
            Err(self.mistake(expected))
        }
    }
}

/// The place of the first quote or backslash from `at` on; the end if there is none.
fn quote_or_backslash(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr2(b'"', b'\\', rest).map_or(bytes.len(), |place| at + place)
}
