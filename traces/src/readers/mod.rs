//! What spans and logs are read from: one file for each form.
//!
//! Readers stream: they hand over one span or log line at a time and hold at most one line of the input.

mod lines;
pub mod log;
pub mod otlp_json;
mod text;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use baton_propagators::id::{SpanId, TraceId};

/// The longest line that is read, in bytes; a longer one is refused, so that memory stays bounded.
pub const LINE_BYTES_LIMIT: usize = 64 << 20;

/// What a zstd frame starts with (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How much is decompressed or read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Why an input could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read, or its compression is damaged.
    #[error("cannot read {file}: {source}")]
    Input {
        /// The input's name.
        file: String,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("{file}, line {line}: expected {expected}, but {problem}")]
    Line {
        /// The input's name.
        file: String,
        /// The line's number, from 1.
        line: u64,
        /// What a line should hold.
        expected: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// An input that ends in the middle of a frame or line, as when whoever wrote it was killed.
///
/// What comes before the cut was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// The input's name.
    pub file: String,
    /// How many whole lines were read.
    pub whole_lines: u64,
}

impl fmt::Display for Truncated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} is cut short after line {}, as when its writer was killed; what comes before was read",
            self.file, self.whole_lines
        )
    }
}

/// What serde_json says of one line, with the column only, because it counts lines within the one it was given;
/// and no longer than a message should be, because it quotes what it found.
fn json_problem(error: &serde_json::Error) -> String {
    const CHARACTERS_LIMIT: usize = 300;
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let (place, found) = match text.strip_suffix(&place) {
        Some(found) => (format!("at column {} ", error.column()), found),
        None => (String::new(), text.as_str()),
    };
    match found.char_indices().nth(CHARACTERS_LIMIT) {
        Some((end, _)) => format!("{place}found: {}…", &found[..end]),
        None => format!("{place}found: {found}"),
    }
}

/// Opens a file of lines, decompressing zstd (all frames, one after the other) where the file starts with it.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    decompress(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
}

fn decompress<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    if input.fill_buf()?.starts_with(&ZSTD_MAGIC) {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
    } else {
        Ok(Box::new(input))
    }
}

/// A trace id from 32 hex digits of either case, as OTLP/JSON allows; `None` if it is not one or all zeros.
fn trace_id(hex: &str) -> Option<TraceId> {
    TraceId::from_hex(lower(hex, &mut [0; TraceId::DIGITS])?)
}

/// A span id from 16 hex digits of either case; `None` if it is not one or all zeros.
fn span_id(hex: &str) -> Option<SpanId> {
    SpanId::from_hex(lower(hex, &mut [0; SpanId::DIGITS])?)
}

fn lower<'a, const DIGITS: usize>(hex: &str, buffer: &'a mut [u8; DIGITS]) -> Option<&'a str> {
    *buffer = hex.as_bytes().try_into().ok()?;
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).ok()
}
