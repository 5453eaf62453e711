//! Walks through a JSON document of any size, with at most one value of it in memory.
//!
//! The walk steps through outer arrays and objects. The values that a reader needs are read into
//! memory one by one and decoded there. Several documents may follow each other, as in JSON lines.

pub(super) mod cursor;
pub(super) mod number;
pub(super) mod objects;
pub(super) mod plain;
pub(super) mod text;
mod value_end;

use std::io::{self, BufRead};

use serde::Deserialize;

use self::value_end::ValueEnd;

/// The largest value that is read into memory, in bytes. A Jaeger trace of 100,000 spans has about
/// 100 MB.
pub(super) const MAX_VALUE_BYTES: usize = 256 << 20;

/// Why the walk ended.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading failed; an input cut short is `UnexpectedEof`.
    Input(io::Error),
    /// A line has wrong content.
    Problem {
        /// The line's number, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A message of a binary form has wrong content.
    Message {
        /// The message's number, from 1.
        number: u64,
        /// What is wrong.
        problem: String,
    },
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Input(error)
    }
}

/// A position in a stream of JSON.
pub(super) struct JsonReader<R> {
    input: R,
    line: u64,
    value: Vec<u8>,
    bytes_limit: usize,
}

impl<'a> JsonReader<&'a [u8]> {
    /// A reader of what comes next, which leaves this one where it is.
    pub(super) fn ahead(&self) -> JsonReader<&'a [u8]> {
        JsonReader::new(self.input)
    }
}

impl<R: BufRead> JsonReader<R> {
    pub(super) fn new(input: R) -> Self {
        JsonReader {
            input,
            line: 1,
            value: Vec::new(),
            bytes_limit: MAX_VALUE_BYTES,
        }
    }

    /// The number of the current line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The first byte of the next token; `None` at the end of the input.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let available = self.input.fill_buf()?;
            let Some(byte) = available.first().copied() else {
                return Ok(None);
            };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
    }

    /// Steps through all documents of the input, and through those in lists. `document` must take
    /// exactly one value each time.
    pub(super) fn documents(
        &mut self,
        mut document: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        while let Some(byte) = self.peek()? {
            match byte {
                b'[' => self.array(&mut document)?,
                _ => document(self)?,
            }
        }
        Ok(())
    }

    /// Steps through an array. `element` must take exactly one value each time. `null` counts as an
    /// empty array.
    pub(super) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.take_null(b'[', "an array")? {
            return Ok(());
        }
        if self.take_if(b']')? {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.take_if(b',')? {
                return self.take(b']', "`,` or `]`");
            }
        }
    }

    /// Steps through an object. `member` gets each name and must take exactly one value. `null`
    /// counts as an empty object.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.take_null(b'{', "an object")? {
            return Ok(());
        }
        if self.take_if(b'}')? {
            return Ok(());
        }
        loop {
            if self.next()? != b'"' {
                return Err(self.unexpected("a member's name"));
            }
            let name: String = self.parse()?;
            self.take(b':', "`:`")?;
            member(self, &name)?;
            if !self.take_if(b',')? {
                return self.take(b'}', "`,` or `}`");
            }
        }
    }

    /// Decodes the next value.
    pub(super) fn parse<'s, T: Deserialize<'s>>(&'s mut self) -> Result<T, Fault> {
        let line = self.line;
        let json = self.value()?;
        parse_json(json).map_err(|error| Fault::Problem {
            line,
            problem: json_problem(&error),
        })
    }

    /// The text of the next value, whether it is well-formed or not.
    pub(super) fn value(&mut self) -> Result<&[u8], Fault> {
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        let taken = self.take_value(|bytes, limit| {
            value.extend_from_slice(bytes);
            value.len() <= limit
        });
        self.value = value;
        taken?;
        Ok(&self.value)
    }

    /// Skips the next value.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        self.take_value(|_, _| true)
    }

    /// Skips the next value, and returns its first characters.
    pub(super) fn skip_showing(&mut self) -> Result<String, Fault> {
        const MAX_BYTES: usize = 64 << 10;
        let mut beginning = Vec::new();
        self.take_value(|bytes, _| {
            let room = MAX_BYTES.saturating_sub(beginning.len());
            beginning.extend_from_slice(&bytes[..bytes.len().min(room)]);
            true
        })?;
        Ok(String::from_utf8_lossy(&beginning).into_owned())
    }

    /// The error for a next token that is not `expected`.
    pub(super) fn unexpected(&mut self, expected: &str) -> Fault {
        match self.peek() {
            Ok(Some(byte)) => {
                let found = byte.escape_ascii();
                self.problem(format!("found: `{found}` instead of {expected}"))
            }
            Ok(None) => ended(),
            Err(fault) => fault,
        }
    }

    fn problem(&self, problem: String) -> Fault {
        Fault::Problem {
            line: self.line,
            problem,
        }
    }

    fn next(&mut self) -> Result<u8, Fault> {
        self.peek()?.ok_or_else(ended)
    }

    fn take_if(&mut self, byte: u8) -> Result<bool, Fault> {
        let there = self.next()? == byte;
        if there {
            self.input.consume(1);
        }
        Ok(there)
    }

    fn take(&mut self, byte: u8, expected: &str) -> Result<(), Fault> {
        if self.take_if(byte)? {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// Takes the opening bracket, or `null` in its place.
    fn take_null(&mut self, bracket: u8, expected: &str) -> Result<bool, Fault> {
        if self.next()? == b'n' {
            let Option::<()>::None = self.parse()? else {
                return Err(self.unexpected(expected));
            };
            return Ok(true);
        }
        self.take(bracket, expected)?;
        Ok(false)
    }

    /// Reads the next value to its end and hands it to `keep` in pieces, until `keep` says that the
    /// value is too large.
    fn take_value(&mut self, mut keep: impl FnMut(&[u8], usize) -> bool) -> Result<(), Fault> {
        if matches!(self.next()?, b',' | b':' | b']' | b'}') {
            return Err(self.unexpected("a value"));
        }
        let mut value = ValueEnd::default();
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return if value.may_end_here() {
                    Ok(())
                } else {
                    Err(ended())
                };
            }
            let (taken, whole) = match value.find(available) {
                Some(end) => (end, true),
                None => (available.len(), false),
            };
            let piece = &available[..taken];
            let fits = keep(piece, self.bytes_limit);
            self.line += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.input.consume(taken);
            if !fits {
                let limit = self.bytes_limit;
                return Err(self.problem(format!("one value is longer than {limit} bytes")));
            }
            if whole {
                return Ok(());
            }
        }
    }
}

pub(super) fn ended() -> Fault {
    Fault::Input(io::ErrorKind::UnexpectedEof.into())
}

/// The message of serde_json for one line: with the column only, because its line number is always
/// 1, and shortened, because it may quote a long value.
pub(super) fn json_problem(error: &serde_json::Error) -> String {
    const MAX_CHARACTERS: usize = 300;
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let (place, found) = match text.strip_suffix(&place) {
        Some(found) => (format!("at column {} ", error.column()), found),
        None => (String::new(), text.as_str()),
    };
    match found.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{place}found: {}…", &found[..end]),
        None => format!("{place}found: {found}"),
    }
}

/// Parses JSON. Checking UTF-8 once for the whole text is cheaper than for each string. Text that
/// is not UTF-8 is refused, with the position.
pub(super) fn parse_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(json) {
        Ok(json) => serde_json::from_str(json),
        Err(_) => serde_json::from_slice(json),
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Every element of an array, read through a buffer of `buffer` bytes.
    fn elements(text: &str, buffer: usize) -> Result<Vec<String>, Fault> {
        let mut json = JsonReader::new(BufReader::with_capacity(buffer, text.as_bytes()));
        let mut elements = Vec::new();
        json.array(|json| {
            elements.push(String::from_utf8_lossy(json.value()?).into_owned());
            Ok(())
        })?;
        assert_eq!(json.peek()?, None, "{text}");
        Ok(elements)
    }

    #[test]
    fn elements_are_whole_wherever_the_buffer_ends() {
        let expected = [
            r#"{"a":[1,"]}\"\\"],"b":{}}"#,
            "-1.5e3",
            r#""\\""#,
            "null",
            "[[]]",
        ];
        let text = format!(" [ {} ] ", expected.join(" ,\n"));
        for buffer in 1..text.len() {
            assert_eq!(elements(&text, buffer).expect("an array"), expected);
        }
    }

    #[test]
    fn an_input_cut_anywhere_is_reported_as_cut() {
        let text = r#"[{"a":["b\"",1]},7]"#;
        for end in 0..text.len() {
            match elements(&text[..end], 4) {
                Err(Fault::Input(error)) => {
                    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{end}");
                }
                other => panic!("{end}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_value_that_is_not_an_array_is_a_problem_with_its_line() {
        for (text, line, found) in [
            ("\n{}", 2, "found: `{` instead of an array"),
            ("[1\n2]", 2, "found: `2` instead of `,` or `]`"),
            ("[,]", 1, "found: `,` instead of a value"),
            ("[1,\x1b]", 1, ""),
        ] {
            match (elements(text, 8), found) {
                (Err(Fault::Problem { line: at, problem }), _) => {
                    assert_eq!((at, problem.as_str()), (line, found));
                }
                // The reader only finds a value's end. Decoding it checks the text.
                (Ok(elements), "") => assert_eq!(elements, ["1", "\x1b"]),
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }
}
