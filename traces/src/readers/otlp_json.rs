//! OTLP/JSON lines: one `ExportTraceServiceRequest` per line, plain or zstd.
//!
//! This is what the OpenTelemetry Collector's file exporter writes and its `otlpjsonfile` receiver reads
//! (<https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>). The encoding is protobuf's JSON mapping
//! with two exceptions: ids are hex, and enums are numbers
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>). 64-bit numbers are strings; plain
//! numbers are read too. Unknown fields are skipped. Only what [`Span`] holds is decoded.

mod decode;
mod details;

use std::io::{self, BufRead};
use std::path::Path;

use serde::Deserialize;

use self::details::RequestDetails;
use super::lines::{LineError, Lines};
use super::{LINE_BYTES_LIMIT, ReadError, Truncated};
use crate::span::{Key, Span, Want};

/// What each line should be.
const EXPECTED: &str = "one OTLP/JSON ExportTraceServiceRequest object per line";

/// What was read of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many whole lines, the empty ones included.
    pub lines: u64,
    /// How many spans.
    pub spans: u64,
    /// Set if the input ends in the middle of a frame or line.
    pub truncated: Option<Truncated>,
}

/// Hands every span of the file at `path` to `each`, in the order of the file.
///
/// Several zstd frames, one after the other, read as one.
///
/// # Errors
/// If the file cannot be read, a frame is damaged, or a line is not a request or longer than
/// [`LINE_BYTES_LIMIT`]; the spans of the lines before were handed over. A file that is merely cut short is no
/// error: see [`Reading::truncated`].
pub fn read_file(
    path: &Path,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<Reading, ReadError> {
    let file = path.display().to_string();
    match super::open(path) {
        Ok(input) => read_lines(input, &file, LINE_BYTES_LIMIT, want, each),
        Err(source) => Err(ReadError::Input { file, source }),
    }
}

/// Hands every span of `input` to `each`; `name` stands for the input in errors.
///
/// # Errors
/// As [`read_file`].
pub fn read(
    input: impl BufRead,
    name: &str,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<Reading, ReadError> {
    match super::decompress(input) {
        Ok(input) => read_lines(input, name, LINE_BYTES_LIMIT, want, each),
        Err(source) => Err(ReadError::Input {
            file: name.to_owned(),
            source,
        }),
    }
}

/// Hands every span of one request, as the body of an OTLP/HTTP export holds it, to `each`. Gives their number.
///
/// # Errors
/// If `json` is not an `ExportTraceServiceRequest`; none of its spans is handed over then.
pub fn read_request(
    json: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<u64, serde_json::Error> {
    let request: decode::Request<'_> = parse(json)?;
    let details = match want {
        Want::Judging => None,
        Want::Everything => Some(parse::<RequestDetails<'_>>(json)?),
    };
    let mut details = details
        .into_iter()
        .flat_map(|details| details.resource_spans);
    let mut spans = 0;
    for resource_spans in request.resource_spans {
        let service = resource_spans
            .resource
            .attributes
            .text(Key::ServiceName)
            .unwrap_or_default();
        let details = details.next();
        let (resource, scopes) = details
            .map(|details| (details.resource.attributes, details.scope_spans))
            .unwrap_or_default();
        let mut details = scopes.into_iter().flat_map(|scope| scope.spans);
        for span in resource_spans
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            spans += 1;
            let mut span = span.into_span(service);
            span.resource_attributes = &resource;
            if let Some(details) = details.next() {
                details.complete(&mut span);
            }
            each(&span);
        }
    }
    Ok(spans)
}

/// Checking the whole text at once is cheaper than each of its strings; what is not UTF-8 is refused with its place.
fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(json) {
        Ok(json) => serde_json::from_str(json),
        Err(_) => serde_json::from_slice(json),
    }
}

fn read_lines(
    input: impl BufRead,
    file: &str,
    bytes_limit: usize,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<Reading, ReadError> {
    let mut lines = Lines::new(input, bytes_limit);
    let mut reading = Reading::default();
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(reading),
            Err(LineError::Input(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(cut_short(reading, file));
            }
            Err(LineError::Input(source)) => {
                return Err(ReadError::Input {
                    file: file.to_owned(),
                    source,
                });
            }
            Err(LineError::TooLong) => {
                return Err(ReadError::Line {
                    file: file.to_owned(),
                    line: lines.number(),
                    expected: EXPECTED,
                    problem: format!("it is longer than {bytes_limit} bytes"),
                });
            }
        };
        if !line.bytes.trim_ascii().is_empty() {
            match read_request(line.bytes, want, each) {
                Ok(spans) => reading.spans += spans,
                Err(error) if error.is_eof() && !line.ended => {
                    return Ok(cut_short(reading, file));
                }
                Err(error) => {
                    return Err(ReadError::Line {
                        file: file.to_owned(),
                        line: line.number,
                        expected: EXPECTED,
                        problem: super::json_problem(&error),
                    });
                }
            }
        }
        reading.lines += 1;
    }
}

fn cut_short(reading: Reading, file: &str) -> Reading {
    Reading {
        truncated: Some(Truncated {
            file: file.to_owned(),
            whole_lines: reading.lines,
        }),
        ..reading
    }
}

#[cfg(test)]
mod tests;
