//! Reads spans and logs: one file for each form.
//!
//! The bytes of an input go in. [`Form`] recognises what they are. Spans go to a closure
//! or to a [`collect::Collect`]. Two folders serve all forms: `input` for decompression and lines,
//! `json` for decoding JSON.
//!
//! Readers stream. They pass on one span or log line at a time, and hold at most one line of the
//! input in memory, or one value of a larger document.

pub mod bounds;
mod clickhouse;
pub mod collect;
mod console;
mod datadog;
mod debug_log;
mod dotnet;
mod form;
mod ids;
pub(crate) mod input;
pub mod jaeger;
mod json;
pub mod log;
mod log_lines;
pub mod otlp_json;
pub mod otlp_protobuf;
mod ruby;
pub(crate) mod sink;
mod skipped;
mod tags;
pub mod xray;
pub mod zipkin;

use std::fmt;
use std::io::{self, BufRead};
use std::path::Path;

pub use self::form::Form;
pub(crate) use self::ids::trace_id;
use self::input::Input;
use self::input::wrapped_lines::{self, Wrapping};
use self::json::Fault;
use self::sink::{Each, Sink};
use self::skipped::Skipped;
use crate::span::{Span, UnixTime, Want};

/// The longest line that is read, in bytes. A longer line is refused, so that memory stays bounded.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// The forms that baton reads, as a phrase.
const ACCEPTED: &str = "OTLP (JSON or protobuf), Zipkin JSON, Jaeger JSON, X-Ray segments, rows of ClickHouse's otel_traces as \
     JSON, or what an OpenTelemetry console exporter prints (plain, zstd or gzip)";

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
    /// The input is not an export of spans.
    #[error("{file}: expected spans as {ACCEPTED}, but found {found}")]
    Form {
        /// The input's name.
        file: String,
        /// The beginning of the input.
        found: String,
    },
    /// The input has a known form, but its spans are in members that the form does not have.
    #[error("{file}: this looks like {form}, but no span was read; skipped: {skipped}")]
    Misplaced {
        /// The input's name.
        file: String,
        /// The form that the input resembles.
        form: Form,
        /// The members, and where they are.
        skipped: String,
    },
    /// The input has logs, metrics or profiles, and no spans.
    #[error(
        "{file} has logs, metrics or profiles in OTLP/JSON, but no spans; export the traces signal"
    )]
    OtherSignals {
        /// The input's name.
        file: String,
    },
    /// A message of a binary form is not valid.
    #[error("{file}, message {number}: expected {expected}, but {problem}")]
    Message {
        /// The input's name.
        file: String,
        /// The message's number, from 1.
        number: u64,
        /// What a message should be.
        expected: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A line is not valid.
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

/// What was read of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The form of the input.
    pub form: Form,
    /// How many spans were read.
    pub spans: u64,
    /// For OTLP/JSON in lines: whether the last line is complete, so that more lines can be
    /// appended. `None` for all other forms.
    pub whole_lines: Option<bool>,
    /// Set if the input ends in the middle of a frame, a line or a document.
    pub truncated: Option<Truncated>,
    /// One sentence about what was skipped although it may hold spans.
    pub skipped: Option<String>,
}

/// An input that ends in the middle of a compressed frame, a line or a document. This happens when
/// its writer was killed. Everything before the cut was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// The input's name.
    pub file: String,
    /// How many spans were read.
    pub spans: u64,
}

impl fmt::Display for Truncated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Truncated { file, spans } = self;
        let spans = match spans {
            1 => "1 span".to_owned(),
            count => format!("{count} spans"),
        };
        write!(
            formatter,
            "{file} is cut short after {spans}, as when its writer was killed; what comes before was read"
        )
    }
}

/// Passes every span of `input` to `each`, in the order of the input. The input may have any form,
/// and may be compressed. `name` is its name in errors.
///
/// # Errors
/// If it cannot be read, its compression is damaged, or it holds something other than spans. The
/// spans before the fault were passed on. An input that is cut short is not an error: see
/// [`Reading::truncated`].
pub fn read(
    input: impl BufRead + Send,
    name: &str,
    want: Want,
    each: &mut (dyn FnMut(&Span<'_>) + Send),
) -> Result<Reading, ReadError> {
    take(input, name, want, &mut Each(each))
}

/// Passes the spans of `input` on, as [`read`] does.
pub(crate) fn take(
    input: impl BufRead + Send,
    name: &str,
    want: Want,
    sink: &mut impl Sink,
) -> Result<Reading, ReadError> {
    match input::decompress(input) {
        Ok(input) => read_input(input, name, want, sink),
        Err(error) => cut_or_failed(error, name),
    }
}

/// Passes the spans of the file at `path` on, as [`read`] does.
pub(crate) fn take_file(
    path: &Path,
    want: Want,
    sink: &mut impl Sink,
) -> Result<Reading, ReadError> {
    let (input, file) = open(path)?;
    read_input(input, &file, want, sink)
}

/// Passes the spans of the file at `path` on, as [`otlp_json::read_file`] does: it is OTLP/JSON in
/// lines, even if it is empty.
pub(crate) fn take_lines(
    path: &Path,
    want: Want,
    sink: &mut impl Sink,
) -> Result<Reading, ReadError> {
    let (input, file) = open(path)?;
    otlp_json::take_lines(input, &file, want, sink)
}

/// The content of a file, and its name in errors.
fn open(path: &Path) -> Result<(Input<'static>, String), ReadError> {
    let file = path.display().to_string();
    match input::open(path) {
        Ok(input) => Ok((input, file)),
        Err(source) => Err(ReadError::Input { file, source }),
    }
}

fn read_input(
    input: Input<'_>,
    file: &str,
    want: Want,
    sink: &mut impl Sink,
) -> Result<Reading, ReadError> {
    let (beginning, input) = input::beginning(input);
    let (mut form, mut beginning, mut input) = (Form::of(&beginning), beginning, input);
    if let Err(_) | Ok(Form::OtlpLogLines) = form
        && let Some(wrapping) = Wrapping::of(&beginning)
        // the container runtime splits long lines, so their objects cannot be read alone
        && (form.is_err() || wrapping == Wrapping::Cri)
    {
        (beginning, input) = input::beginning(wrapped_lines::unwrapped(input, wrapping));
        form = Form::of(&beginning);
    }
    match form {
        Ok(Form::OtlpJson) if otlp_json::is_in_lines(&beginning) => {
            otlp_json::take_lines(input, file, want, sink)
        }
        // a program printed its spans with indents, and other text below them
        Ok(Form::OtlpJson) if log_lines::has_text_below(&beginning) => {
            sink.one_by_one(|each| read_form(Form::OtlpLogLines, input, file, want, each))
        }
        Ok(form) => sink.one_by_one(|each| read_form(form, input, file, want, each)),
        Err(found) => Err(ReadError::Form {
            file: file.to_owned(),
            found,
        }),
    }
}

fn read_form(
    form: Form,
    input: Input<'_>,
    file: &str,
    want: Want,
    each: &mut (dyn FnMut(&Span<'_>) + Send),
) -> Result<Reading, ReadError> {
    let mut skipped = Skipped::default();
    let mut spans = 0;
    let counted = &mut |span: &Span<'_>| {
        spans += 1;
        each(span);
    };
    let read = match form {
        Form::OtlpJson => otlp_json::walk(input, want, counted, &mut skipped),
        Form::OtlpProtobuf => otlp_protobuf::read_message(input, want, counted),
        Form::OtlpFrames | Form::OtlpDelimited => {
            otlp_protobuf::read_frames(input, form, want, counted, &mut skipped)
        }
        Form::OtlpLogLines => log_lines::read_lines(input, want, counted, &mut skipped),
        Form::CloudWatch => log_lines::read_answer(input, want, counted, &mut skipped),
        Form::DebugLog => debug_log::read(input, want, counted),
        Form::Console => console::read(input, want, counted),
        Form::DotnetConsole => dotnet::read(input, want, counted),
        Form::RubyConsole => ruby::read(input, want, counted),
        Form::ClickHouse => clickhouse::read(input, want, counted, &mut skipped),
        Form::Zipkin => zipkin::read(input, want, counted),
        Form::Jaeger => jaeger::read(input, want, counted, &mut skipped),
        Form::XRay => xray::read(input, want, counted, &mut skipped),
        Form::Datadog => datadog::read(input, want, counted),
    };
    finish(read, form, spans, &skipped, file)
}

/// The result of reading, given how it ended.
fn finish(
    read: Result<(), Fault>,
    form: Form,
    spans: u64,
    skipped: &Skipped,
    file: &str,
) -> Result<Reading, ReadError> {
    let file = file.to_owned();
    let said =
        |skipped: &Skipped| format!("{file}: not all of it was read as {form}; skipped: {skipped}");
    let reading = Reading {
        form,
        spans,
        whole_lines: None,
        truncated: None,
        skipped: (!skipped.is_empty()).then(|| said(skipped)),
    };
    match read {
        Ok(()) if spans == 0 && !skipped.is_empty() => Err(ReadError::Misplaced {
            file,
            form,
            skipped: skipped.to_string(),
        }),
        Ok(()) if spans == 0 && skipped.other_signals > 0 => Err(ReadError::OtherSignals { file }),
        Ok(()) => Ok(reading),
        Err(Fault::Input(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Reading {
            truncated: Some(Truncated { file, spans }),
            ..reading
        }),
        Err(Fault::Input(source)) => Err(ReadError::Input { file, source }),
        Err(Fault::Problem { line, problem }) => Err(ReadError::Line {
            file,
            line,
            expected: form.expected(),
            problem,
        }),
        Err(Fault::Message { number, problem }) => Err(ReadError::Message {
            file,
            number,
            expected: form.expected(),
            problem,
        }),
    }
}

/// An input that ends within the first bytes of its compression counts as cut short.
fn cut_or_failed(error: io::Error, file: &str) -> Result<Reading, ReadError> {
    finish(
        Err(Fault::Input(error)),
        Form::default(),
        0,
        &Skipped::default(),
        file,
    )
}

/// Parses an RFC 3339 time; `None` for anything else.
fn time(text: &str) -> Option<UnixTime> {
    UnixTime::of(text.parse().ok()?)
}

/// A start in microseconds, and the end after a duration in microseconds.
fn times(start: Option<u64>, duration: Option<u64>) -> (Option<UnixTime>, Option<UnixTime>) {
    let at = |microseconds: u64| UnixTime::from_nanoseconds(microseconds.saturating_mul(1000));
    let end = start
        .zip(duration)
        .map(|(start, duration)| start.saturating_add(duration));
    (start.and_then(at), end.and_then(at))
}
