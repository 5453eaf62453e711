//! Reads the lines of an input, one at a time, with a limit on their length.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use crate::readers::json::Fault;

/// Why the next line could not be read.
#[derive(Debug)]
pub(crate) enum LineError {
    /// Reading failed; an input cut short is `UnexpectedEof`.
    Input(io::Error),
    /// The line is longer than the limit. The next call continues with the line after it.
    TooLong,
}

impl LineError {
    /// The fault of an input in which the line with this number could not be read.
    pub(in crate::readers) fn fault(self, line: u64, bytes_limit: usize) -> Fault {
        match self {
            LineError::Input(error) => Fault::Input(error),
            LineError::TooLong => Fault::Problem {
                line,
                problem: format!("it is longer than {bytes_limit} bytes"),
            },
        }
    }
}

/// Reads lines into one buffer.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    bytes_limit: usize,
    inside_long_line: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R, bytes_limit: usize) -> Self {
        Lines {
            input,
            buffer: Vec::new(),
            number: 0,
            bytes_limit,
            inside_long_line: false,
        }
    }

    /// The number of the current line; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, or `None` at the end of the input.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, LineError> {
        if self.inside_long_line {
            self.skip_to_line_end().map_err(LineError::Input)?;
            self.inside_long_line = false;
        }
        self.buffer.clear();
        let limit = u64::try_from(self.bytes_limit).unwrap_or(u64::MAX);
        // One byte more than the limit, for the line feed.
        self.input
            .by_ref()
            .take(limit.saturating_add(1))
            .read_until(b'\n', &mut self.buffer)
            .map_err(LineError::Input)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() > self.bytes_limit {
            self.inside_long_line = true;
            return Err(LineError::TooLong);
        }
        Ok(Some(&self.buffer))
    }

    /// The next line as text. Bytes that are not UTF-8 are replaced.
    pub(in crate::readers) fn next_text(&mut self) -> Result<Option<Cow<'_, str>>, Fault> {
        let (line, limit) = (self.number + 1, self.bytes_limit);
        let next = self.next_line().map_err(|error| error.fault(line, limit))?;
        Ok(next.map(String::from_utf8_lossy))
    }

    fn skip_to_line_end(&mut self) -> io::Result<()> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            if let Some(end) = available.iter().position(|byte| *byte == b'\n') {
                self.input.consume(end + 1);
                return Ok(());
            }
            let length = available.len();
            self.input.consume(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, limit: usize) -> Vec<(u64, String)> {
        let mut lines = Lines::new(input.as_bytes(), limit);
        let mut read = Vec::new();
        loop {
            let line = match lines.next_line() {
                Ok(None) => return read,
                Ok(Some(line)) => String::from_utf8_lossy(line).into_owned(),
                Err(LineError::TooLong) => "too long".to_owned(),
                Err(LineError::Input(_)) => panic!("memory does not fail"),
            };
            read.push((lines.number(), line));
        }
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_beyond_it_is_skipped() {
        let expected = ["1234", "too long", "", "too long", "end"];
        let expected: Vec<_> = (1..).zip(expected.map(str::to_owned)).collect();
        assert_eq!(read("1234\n12345\n\n123456789012\nend", 4), expected);
    }
}
