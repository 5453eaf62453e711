//! The functions' structured log: one JSON object per line on standard output, where Lambda
//! collects it.
//!
//! There is one line per request and per record, even if its span was not recorded. This is how
//! baton tells a span that was not sampled from a record that never arrived.

use std::io::Write;

use baton_propagators::{Extraction, HeaderList};
use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, SpanId};
use serde::Serialize;
use serde_json::value::RawValue;

/// How serious a line is.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
}

/// The ids of a line's span, recorded or not.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SpanIds {
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    parent_is_remote: bool,
    sampled: bool,
}

impl SpanIds {
    /// The ids of `span`, and of its parent if it has one.
    pub(crate) fn new(span: &SpanContext, parent: &SpanContext) -> Self {
        let parent = Some(parent).filter(|parent| parent.span_id() != SpanId::INVALID);
        SpanIds {
            trace_id: span.trace_id().to_string(),
            span_id: span.span_id().to_string(),
            parent_span_id: parent.map(|parent| parent.span_id().to_string()),
            parent_is_remote: parent.is_some_and(SpanContext::is_remote),
            sampled: span.is_sampled(),
        }
    }
}

/// What happened.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event")]
pub(crate) enum Event<'a> {
    /// The producer answered a request.
    #[serde(rename = "request")]
    Request {
        request_id: Option<&'a str>,
        status: u16,
    },
    /// Kinesis accepted a record.
    #[serde(rename = "record.sent")]
    RecordSent {
        request_id: Option<&'a str>,
        stream: &'a str,
        shard_id: &'a str,
        sequence_number: &'a str,
        carrier_bytes: Option<usize>,
        #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
        record: Option<&'a RawValue>,
    },
    /// Kinesis refused a record.
    #[serde(rename = "record.refused")]
    RecordRefused {
        request_id: Option<&'a str>,
        stream: &'a str,
    },
    /// The consumer handled a record.
    #[serde(rename = "record.received")]
    RecordReceived {
        stream: &'a str,
        shard_id: &'a str,
        sequence_number: &'a str,
        #[cfg_attr(test, schemars(with = "Option<baton_schemas::HeaderList>"))]
        tracecontext: Option<&'a HeaderList>,
        #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
        record: Option<&'a RawValue>,
    },
    /// The consumer could not read a record and asked for it again.
    #[serde(rename = "record.failed")]
    RecordFailed {
        stream: &'a str,
        shard_id: &'a str,
        sequence_number: &'a str,
    },
    /// A header could not be used, at least not all of it. The message says why.
    #[serde(rename = "context.refused")]
    ContextRefused {
        format: &'a str,
        header: &'a str,
        spec: &'a str,
    },
    /// Spans did not reach the exporter's backend.
    #[serde(rename = "spans.dropped")]
    SpansDropped {
        dropped: usize,
        dropped_since_start: usize,
    },
    /// The function could not start.
    #[serde(rename = "init.error")]
    InitError,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Line<'a> {
    timestamp: Timestamp,
    level: Level,
    service: &'a str,
    message: &'a str,
    #[serde(flatten)]
    event: Event<'a>,
    #[serde(flatten)]
    span: Option<&'a SpanIds>,
}

/// Collects an invocation's lines and writes them in one system call, so that the lines of several
/// instances never mix in a shared file.
#[derive(Debug)]
pub(crate) struct Log {
    service: String,
    lines: Vec<u8>,
}

impl Log {
    /// A log whose lines carry this service name.
    pub(crate) fn new(service: &str) -> Self {
        Log {
            service: service.to_owned(),
            lines: Vec::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn line(
        &mut self,
        level: Level,
        message: &str,
        event: Event<'_>,
        span: Option<&SpanIds>,
    ) {
        let line = Line {
            timestamp: Timestamp::now(),
            level,
            service: &self.service,
            message,
            event,
            span,
        };
        let start = self.lines.len();
        if serde_json::to_writer(&mut self.lines, &line).is_err() {
            self.lines.truncate(start);
            return;
        }
        // Replacing line feeds does not change a record: between JSON's tokens a line feed is white
        // space
        for byte in &mut self.lines[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.lines.push(b'\n');
    }

    /// Adds a line for each part of the headers that could not be used, with the reason.
    pub(crate) fn refusals(&mut self, extraction: &Extraction, span: Option<&SpanIds>) {
        for candidate in &extraction.candidates {
            let objection = candidate.objection.as_deref();
            for reject in candidate.reject().into_iter().chain(objection) {
                let event = Event::ContextRefused {
                    format: reject.format,
                    header: reject.header,
                    spec: reject.spec,
                };
                self.line(Level::Warn, &reject.to_string(), event, span);
            }
        }
    }

    /// Writes the collected lines. If that fails, the invocation still succeeds.
    pub(crate) fn flush(&mut self) {
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(&self.lines).and_then(|()| output.flush());
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_over_several_lines_stays_one_line_of_log() {
        let mut log = Log::new("producer-lambda");
        let record = serde_json::from_str("{\r\n  \"name\": \"a\\nb\"\n}").expect("JSON");
        let event = Event::RecordSent {
            request_id: None,
            stream: "baton",
            shard_id: "shardId-000000000000",
            sequence_number: "1",
            carrier_bytes: None,
            record: Some(record),
        };
        log.line(Level::Info, "sent", event, None);
        let lines = String::from_utf8(log.lines).expect("text");
        assert_eq!(lines.lines().count(), 1, "{lines}");
        let line: serde_json::Value = serde_json::from_str(&lines).expect("JSON");
        assert_eq!(line["record"]["name"], "a\nb");
    }
}
