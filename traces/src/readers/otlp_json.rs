//! OTLP/JSON: `ExportTraceServiceRequest` objects, plain or compressed.
//!
//! One request on each line is what the OpenTelemetry Collector's file exporter writes and its
//! `otlpjsonfile` receiver reads
//! (<https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>). A document of many lines,
//! a list of requests, and one line of any length are also read.
//!
//! The encoding is protobuf's JSON mapping with two exceptions: ids are hex, and enums are numbers
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>). Output that follows the
//! plain mapping is also read (ids in base64, enums by name, names in snake_case), and so are the
//! names that older versions and Tempo use. 64-bit numbers are strings or numbers. Unknown members
//! are skipped, and reported if they may hold spans. Only the fields of [`Span`] are decoded.

mod containers;
mod recent;
mod span;
mod values;
mod walk;

use std::io::{self, BufRead};
use std::path::Path;

use self::containers::ResourceSpans;
use self::recent::Recent;
use super::input::blocks::{self, Blocks};

use super::collect::Collect;
use super::input::lines::LineError;
use super::json::Fault;
use super::json::objects::Parts;
use super::sink::{Each, Sink};
use super::skipped::{Skipped, names_spans};
use super::{Form, MAX_LINE_BYTES, ReadError, Reading};
use crate::span::{Span, Want};

pub(super) use self::walk::walk;

/// Passes every span of a file of lines at `path` to `each`, in the order of the file.
///
/// Several zstd frames, one after the other, read as one.
///
/// # Errors
/// If the file cannot be read, a frame is damaged, or a line is not a request or is longer than
/// [`MAX_LINE_BYTES`]. The spans of the lines before were passed on. A file that is cut short is
/// not an error: see [`Reading::truncated`].
pub fn read_file(
    path: &Path,
    want: Want,
    each: &mut (dyn FnMut(&Span<'_>) + Send),
) -> Result<Reading, ReadError> {
    super::take_lines(path, want, &mut Each(each))
}

/// Passes every span of one request, the body of an OTLP/HTTP export, to `each`. Returns the number
/// of spans.
///
/// # Errors
/// What is wrong, if `json` is not an `ExportTraceServiceRequest`. In that case none of its spans
/// is passed on.
pub fn read_request(
    json: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<u64, String> {
    let mut recent = Recent::default();
    let decoded = containers::request(json, want, &mut Skipped::default(), &mut recent);
    let all = decoded.map_err(|mistake| mistake.explain(json).1)?;
    let spans = all.into_iter().map(|all| all.hand_over(each));
    Ok(spans.sum())
}

/// Passes on one span that has its resource in the same object, or the spans of a request (see
/// [`read_request`]).
pub(super) fn read_alone(
    json: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), String> {
    let decoded = containers::alone(json, want, skipped);
    let all = decoded.map_err(|mistake| mistake.explain(json).1)?;
    for resource_spans in all {
        resource_spans.hand_over(each);
    }
    Ok(())
}

/// Whether a file with this beginning has a whole request on its first line. Otherwise [`walk()`]
/// reads it.
pub(super) fn is_in_lines(beginning: &[u8]) -> bool {
    let beginning = beginning.trim_ascii_start();
    let line_end = beginning.iter().position(|byte| *byte == b'\n');
    let line = &beginning[..line_end.unwrap_or(beginning.len())];
    let (mut skipped, mut recent) = (Skipped::default(), Recent::default());
    line.is_empty() || containers::request(line, Want::Judging, &mut skipped, &mut recent).is_ok()
}

/// Reads lines, which several threads decode.
pub(super) fn take_lines(
    input: impl BufRead + Send,
    file: &str,
    want: Want,
    sink: &mut impl Sink,
) -> Result<Reading, ReadError> {
    match sink.in_parts() {
        Some(into) => collect_lines(input, file, want, into),
        None => sink.one_by_one(|each| read_lines(input, file, want, each)),
    }
}

/// Reads lines. Several threads decode them, and `each` gets their spans in order.
pub(super) fn read_lines(
    input: impl BufRead + Send,
    file: &str,
    want: Want,
    each: &mut (dyn FnMut(&Span<'_>) + Send),
) -> Result<Reading, ReadError> {
    let blocks = Blocks::new(input, MAX_LINE_BYTES);
    let state = (Progress::default(), each);
    let ((progress, _), error) = blocks::in_turn(blocks, state, |block, turn| {
        let mut decoded = Vec::new();
        let lines = decode_lines(block, want, &mut |spans| decoded.push(spans));
        let mut current = turn.wait();
        let (progress, each) = current.state();
        if progress.fault.is_some() {
            return false;
        }
        let spans = decoded.into_iter().map(|spans| spans.hand_over(each));
        progress.add(lines, spans.sum())
    });
    progress.finish(error, file)
}

/// Reads lines. Several threads decode them and fill parts, and `into` takes these in order.
pub(super) fn collect_lines(
    input: impl BufRead + Send,
    file: &str,
    want: Want,
    into: &mut dyn Collect,
) -> Result<Reading, ReadError> {
    let blocks = Blocks::new(input, MAX_LINE_BYTES);
    let empty = into.part();
    let takes_spans = into.takes_spans();
    let state = (Progress::default(), into);
    let ((progress, _), error) = blocks::in_turn(blocks, state, |block, turn| {
        let (mut part, mut decoded, mut count) = (empty.another(), Vec::new(), 0);
        let lines = decode_lines(block, want, &mut |mut spans| {
            count += spans.spans.len() as u64;
            let mut add = |span: &Span<'_>| part.add(span);
            if !takes_spans {
                spans.hand_over(&mut add);
            } else {
                let is_added = spans.show(&mut add);
                decoded.push((spans, is_added));
            }
        });
        let mut current = turn.wait();
        let (progress, into) = current.state();
        if progress.fault.is_some() {
            return false;
        }
        for (spans, is_added) in decoded {
            spans.hand_over(&mut |span| {
                if !is_added {
                    part.add(span);
                }
                if takes_spans {
                    into.add_span(span);
                }
            });
        }
        into.add_part(part);
        progress.add(lines, count)
    });
    progress.finish(error, file)
}

/// The lines of a block, up to the first one that is not a request.
struct Lines {
    /// How many there are, with the empty ones.
    count: u64,
    /// Whether the last line is complete.
    is_whole: bool,
    fault: Option<LineFault>,
    skipped: Skipped,
}

enum LineFault {
    /// The input ends in the middle of its last line and of a request.
    CutShort,
    Problem(String),
}

/// Decodes the lines of a block. The spans of a line that is not a request are not passed on.
fn decode_lines<'a>(block: &'a [u8], want: Want, each: &mut dyn FnMut(ResourceSpans<'a>)) -> Lines {
    let mut lines = Lines {
        count: 0,
        is_whole: block.ends_with(b"\n"),
        fault: None,
        skipped: Skipped::default(),
    };
    let mut recent = Recent::default();
    let mut rest = block;
    while !rest.is_empty() {
        let line = take_line(&mut rest);
        if !line.trim_ascii().is_empty() {
            lines.skipped.line = lines.count + 1;
            match containers::request(line, want, &mut lines.skipped, &mut recent) {
                Ok(spans) => spans.into_iter().for_each(&mut *each),
                Err(mistake) => match inside_text(line, want, &mut lines.skipped) {
                    Some(spans) => spans.into_iter().for_each(&mut *each),
                    None => {
                        let (is_cut, problem) = mistake.explain(line);
                        lines.fault = Some(match is_cut && !line.ends_with(b"\n") {
                            true => LineFault::CutShort,
                            false => LineFault::Problem(problem),
                        });
                        break;
                    }
                },
            }
        }
        lines.count += 1;
    }
    lines
}

/// Takes the first line, with its line feed.
fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    // many times faster than a look at one byte after the other
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    let (line, others) = rest.split_at(end);
    *rest = others;
    line
}

/// The spans in a line of text between requests, such as a log line. A line without spans counts as
/// skipped. `None` for a damaged request.
fn inside_text<'a>(
    line: &'a [u8],
    want: Want,
    skipped: &mut Skipped,
) -> Option<Vec<ResourceSpans<'a>>> {
    let text = line.trim_ascii();
    if text.starts_with(b"{") || has_spans_of_another_form(text) {
        return None;
    }
    if !names_spans(&String::from_utf8_lossy(line)) {
        skipped.add_line();
        return Some(Vec::new());
    }
    let mut parts = Parts::of(std::str::from_utf8(line).ok()?);
    let mut read = Vec::new();
    while let Some(object) = parts.next_with_span() {
        read.extend(containers::alone(object.as_bytes(), want, skipped).ok()?);
    }
    let is_whole = !parts.is_damaged() && !names_spans(parts.rest);
    is_whole.then_some(read)
}

/// Whether the line is a list of spans in another form, such as Zipkin's.
fn has_spans_of_another_form(text: &[u8]) -> bool {
    text.starts_with(b"[") && Form::of(text).is_ok_and(|form| form != Form::OtlpJson)
}

/// How many lines of a file were read.
#[derive(Default)]
struct Progress {
    lines: u64,
    spans: u64,
    has_unfinished_line: bool,
    fault: Option<LineFault>,
    skipped: Skipped,
}

impl Progress {
    /// Counts the lines of a block and their `spans`. Returns whether to go on.
    fn add(&mut self, lines: Lines, spans: u64) -> bool {
        self.spans += spans;
        self.skipped.append(lines.skipped, self.lines);
        self.lines += lines.count;
        self.has_unfinished_line = !lines.is_whole;
        self.fault = lines.fault;
        self.fault.is_none()
    }

    fn finish(self, error: Option<LineError>, file: &str) -> Result<Reading, ReadError> {
        let line = self.lines + 1;
        let ended = match (self.fault, error) {
            (Some(LineFault::Problem(problem)), _) => Err(Fault::Problem { line, problem }),
            (Some(LineFault::CutShort), _) => {
                Err(Fault::Input(io::ErrorKind::UnexpectedEof.into()))
            }
            (None, Some(error)) => Err(error.fault(line, MAX_LINE_BYTES)),
            (None, None) => Ok(()),
        };
        let reading = super::finish(ended, Form::OtlpJson, self.spans, &self.skipped, file)?;
        Ok(Reading {
            whole_lines: Some(reading.truncated.is_none() && !self.has_unfinished_line),
            ..reading
        })
    }
}

#[cfg(test)]
mod tests;
