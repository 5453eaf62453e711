//! Lines of an input, one at a time, none longer than a limit.

use std::io::{self, BufRead, Read};

/// Why the next line could not be had.
#[derive(Debug)]
pub(super) enum LineError {
    /// Reading failed; an input cut short is `UnexpectedEof`.
    Input(io::Error),
    /// The line is longer than the limit. The next call goes on with the line after it.
    TooLong,
}

/// One line, without its end.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
    /// Whether a line feed ended it; the last line of an input may have none.
    pub(super) ended: bool,
}

/// Reads lines into one buffer.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    bytes_limit: usize,
    inside_long_line: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, bytes_limit: usize) -> Self {
        Lines {
            input,
            buffer: Vec::new(),
            number: 0,
            bytes_limit,
            inside_long_line: false,
        }
    }

    /// The number of the line last begun; 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line, or `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<Line<'_>>, LineError> {
        if self.inside_long_line {
            self.skip_to_line_end().map_err(LineError::Input)?;
            self.inside_long_line = false;
        }
        self.buffer.clear();
        let limit = u64::try_from(self.bytes_limit).unwrap_or(u64::MAX);
        // One byte more than the limit, for the line feed itself.
        self.input
            .by_ref()
            .take(limit.saturating_add(1))
            .read_until(b'\n', &mut self.buffer)
            .map_err(LineError::Input)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.buffer.last() == Some(&b'\n');
        if ended {
            self.buffer.pop();
        } else if self.buffer.len() > self.bytes_limit {
            self.inside_long_line = true;
            return Err(LineError::TooLong);
        }
        Ok(Some(Line {
            number: self.number,
            bytes: &self.buffer,
            ended,
        }))
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

    fn read(input: &str, limit: usize) -> Vec<Result<(u64, String, bool), &'static str>> {
        let mut lines = Lines::new(input.as_bytes(), limit);
        let mut read = Vec::new();
        loop {
            match lines.next_line() {
                Ok(None) => return read,
                Ok(Some(line)) => {
                    let text = String::from_utf8_lossy(line.bytes).into_owned();
                    read.push(Ok((line.number, text, line.ended)));
                }
                Err(LineError::TooLong) => read.push(Err("too long")),
                Err(LineError::Input(_)) => panic!("memory does not fail"),
            }
        }
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_beyond_it_is_skipped() {
        assert_eq!(
            read("1234\n12345\n\n123456789012\nend", 4),
            [
                Ok((1, "1234".into(), true)),
                Err("too long"),
                Ok((3, "".into(), true)),
                Err("too long"),
                Ok((5, "end".into(), false)),
            ]
        );
    }
}
