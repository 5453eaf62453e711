//! The functions' structured logs: one JSON object per line.
//!
//! The functions write a line for every request and record, even if its span was not recorded. So
//! baton can tell a receiver that was not sampled from a record that never arrived. Lines that are
//! not JSON, or have no `event`, come from other software and are skipped.

use std::path::Path;

use baton_propagators::SpanId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ids::{span_id, trace_id};
use super::input::lines::{LineError, Lines};
use super::json::text::Text;
use super::{MAX_LINE_BYTES, ReadError, input};
use crate::hand_off::MessageKey;
use crate::span::SpanReference;

/// How many problems are kept as sentences. All are counted.
const MAX_PROBLEMS: usize = 5;

/// The ids of a line's span, recorded or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSpan {
    /// The span; `None` if the function ran without tracing.
    pub reference: Option<SpanReference>,
    /// Its parent; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent is in another process; `None` if the line does not say.
    pub parent_is_remote: Option<bool>,
    /// Whether the span was sampled; `None` if the line does not say.
    pub sampled: Option<bool>,
}

/// What a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// `request`: the producer answered a request.
    Request {
        /// The API's id of the request.
        request_id: &'a str,
    },
    /// `record.sent`: Kinesis accepted a record.
    RecordSent {
        /// The record.
        key: MessageKey<'a>,
        /// The API's id of the request that led to it; `None` if there was none.
        request_id: Option<&'a str>,
        /// Size of the JSON object that carries the context; `None` if the record carries none.
        carrier_bytes: Option<u64>,
    },
    /// `record.received`: the consumer handled a record.
    RecordReceived {
        /// The record.
        key: MessageKey<'a>,
        /// Whether headers arrived in the record, understood or not.
        carrier: bool,
    },
    /// `record.failed`: the consumer could not read a record and asked for it again.
    RecordFailed,
    /// `record.refused`: Kinesis refused a record.
    RecordRefused,
    /// `spans.dropped`: spans did not reach the exporter's backend.
    SpansDropped {
        /// How many, this time.
        dropped: u64,
    },
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// What it reports.
    pub event: Event<'a>,
    /// The span it belongs to: the server span of a request, the send span of a sent record, the
    /// record span of a received one.
    pub span: LogSpan,
}

/// The result of reading a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogReading {
    /// How many lines report an event that baton uses.
    pub events: u64,
    /// How many lines should report one, but lack a field or are too long.
    pub problem_lines: u64,
    /// What is wrong with the first few of them: one sentence each, with file and line.
    pub problems: Vec<String>,
}

/// Passes every line of the log at `path` that reports a known event to `each`.
///
/// # Errors
/// If the file cannot be read. A broken line is counted as a problem, and reading goes on.
pub fn read_file(path: &Path, each: &mut dyn FnMut(&LogLine<'_>)) -> Result<LogReading, ReadError> {
    let file = path.display().to_string();
    let failed = |source| ReadError::Input {
        file: file.clone(),
        source,
    };
    let mut lines = Lines::new(input::open(path).map_err(failed)?, MAX_LINE_BYTES);
    let mut reading = LogReading::default();
    loop {
        let read = match lines.next_line() {
            Ok(None) => return Ok(reading),
            Ok(Some(line)) => read_line(line, each),
            Err(LineError::TooLong) => Err(format!("it is longer than {MAX_LINE_BYTES} bytes")),
            Err(LineError::Input(source)) => return Err(failed(source)),
        };
        match read {
            Ok(true) => reading.events += 1,
            Ok(false) => {}
            Err(problem) => {
                reading.problem_lines += 1;
                if reading.problems.len() < MAX_PROBLEMS {
                    let number = lines.number();
                    reading.problems.push(format!(
                        "{file}, line {number}: expected an event of the functions' log, but {problem}"
                    ));
                }
            }
        }
    }
}

/// Passes one line of a log to `each` if it reports a known event. Returns whether it did.
///
/// # Errors
/// What is wrong with a line that should report one, as the rest of a sentence.
pub fn read_line(bytes: &[u8], each: &mut dyn FnMut(&LogLine<'_>)) -> Result<bool, String> {
    let fields: Fields<'_> = match serde_json::from_slice(bytes) {
        Ok(fields) => fields,
        Err(error) => {
            return match serde_json::from_slice(bytes) {
                Ok(Marker { event }) if EVENTS.contains(&event.0.as_ref()) => {
                    Err(super::json::json_problem(&error))
                }
                _ => Ok(false),
            };
        }
    };
    let line = fields.line()?;
    if let Some(line) = &line {
        each(line);
    }
    Ok(line.is_some())
}

/// The events that baton uses.
const EVENTS: [&str; 6] = [
    "request",
    "record.sent",
    "record.received",
    "record.failed",
    "record.refused",
    "spans.dropped",
];

/// The member that marks a line as the functions' own, even if the rest is wrong.
#[derive(Deserialize)]
struct Marker<'a> {
    #[serde(borrow)]
    event: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "a log line object")]
struct Fields<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    parent_span_id: Text<'a>,
    parent_is_remote: Option<bool>,
    sampled: Option<bool>,
    #[serde(borrow, default)]
    request_id: Text<'a>,
    #[serde(borrow, default)]
    stream: Text<'a>,
    #[serde(borrow, default)]
    shard_id: Text<'a>,
    #[serde(borrow, default)]
    sequence_number: Text<'a>,
    carrier_bytes: Option<u64>,
    #[serde(borrow, default)]
    tracecontext: Option<&'a RawValue>,
    dropped: Option<u64>,
}

impl Fields<'_> {
    fn line(&self) -> Result<Option<LogLine<'_>>, String> {
        let request_id = Some(&*self.request_id.0).filter(|id| !id.is_empty());
        let event = match (&*self.event.0, request_id) {
            ("request", Some(request_id)) => Event::Request { request_id },
            ("record.sent", request_id) => Event::RecordSent {
                key: self.key()?,
                request_id,
                carrier_bytes: self.carrier_bytes,
            },
            ("record.received", _) => Event::RecordReceived {
                key: self.key()?,
                carrier: self.has_carrier(),
            },
            ("record.failed", _) => Event::RecordFailed,
            ("record.refused", _) => Event::RecordRefused,
            ("spans.dropped", _) => Event::SpansDropped {
                dropped: self.dropped.unwrap_or_default(),
            },
            _ => return Ok(None),
        };
        Ok(Some(LogLine {
            event,
            span: self.span(),
        }))
    }

    fn key(&self) -> Result<MessageKey<'_>, String> {
        if self.sequence_number.0.is_empty() {
            return Err(format!("{} has no sequence_number", self.event.0));
        }
        Ok(MessageKey {
            stream: &self.stream.0,
            shard: &self.shard_id.0,
            sequence_number: &self.sequence_number.0,
        })
    }

    fn has_carrier(&self) -> bool {
        self.tracecontext
            .is_some_and(|headers| headers.get().bytes().any(|byte| byte == b':'))
    }

    /// The ids of the line's span. A function without tracing writes no ids, or ids of zeros.
    fn span(&self) -> LogSpan {
        let reference = trace_id(&self.trace_id.0).zip(span_id(&self.span_id.0));
        LogSpan {
            reference: reference.map(|(trace_id, span_id)| SpanReference { trace_id, span_id }),
            parent_span_id: span_id(&self.parent_span_id.0),
            parent_is_remote: self.parent_is_remote,
            sampled: self.sampled,
        }
    }
}

#[cfg(test)]
mod tests;
