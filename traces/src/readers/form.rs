//! The forms of exports, recognised by content and never by a file's name.

mod about;
mod json;
mod known_json;
mod nested;
mod packed;
mod refused;

use std::fmt;

use serde::de::IgnoredAny;

use super::bounds::varint;
use super::input::ZSTD_MAGIC;
use super::json::MAX_VALUE_BYTES;
use super::json::objects::{objects, open_object};

use super::skipped::holds_spans;
use super::{console, debug_log, dotnet, ruby};
use crate::span::SpanFormat;

use self::json::Unread;

/// A form of export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// OTLP/JSON: one or more `ExportTraceServiceRequest`, one on each line or not. Jaeger's API v3
    /// also answers in it.
    #[default]
    OtlpJson,
    /// OTLP in protobuf: one `ExportTraceServiceRequest` or `TracesData`.
    OtlpProtobuf,
    /// Such messages, or OTLP/JSON ones, each after its length in four bytes, as the Collector's
    /// file exporter writes them.
    OtlpFrames,
    /// Such messages, each after its length as a protobuf varint.
    OtlpDelimited,
    /// OTLP/JSON as log lines: CloudWatch's `aws/spans`, or Java's `logging-otlp` exporter.
    OtlpLogLines,
    /// An answer of CloudWatch Logs from the log group `aws/spans`.
    CloudWatch,
    /// The log of the Collector's `debug` exporter, or the output of Rust's `opentelemetry-stdout`.
    DebugLog,
    /// The output of OpenTelemetry's console exporters for Python, PHP, Go and JavaScript.
    Console,
    /// The output of OpenTelemetry's console exporter for .NET.
    DotnetConsole,
    /// The output of OpenTelemetry's console exporter for Ruby.
    RubyConsole,
    /// Rows of ClickHouse's table `otel_traces` as JSON.
    ClickHouse,
    /// Zipkin's JSON, version 2 or 1: a list of spans, or of traces.
    Zipkin,
    /// Jaeger's JSON: an answer of its query API, one trace, spans, or documents from
    /// Elasticsearch.
    Jaeger,
    /// AWS X-Ray's segments, alone or in the wrappers of its API, console and daemon.
    XRay,
    /// The JSON that Datadog's tracers send to the agent.
    Datadog,
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Form::OtlpJson => "OTLP/JSON",
            Form::OtlpProtobuf | Form::OtlpFrames | Form::OtlpDelimited => "OTLP protobuf",
            Form::OtlpLogLines => "OTLP/JSON in log lines",
            Form::CloudWatch => "an answer of CloudWatch Logs",
            Form::DebugLog => "the debug exporter's log",
            Form::Console => "the console exporter's output",
            Form::DotnetConsole => "the output of .NET's console exporter",
            Form::RubyConsole => "the output of Ruby's console exporter",
            Form::ClickHouse => "rows of ClickHouse's otel_traces",
            Form::Zipkin => "Zipkin JSON",
            Form::Jaeger => "Jaeger JSON",
            Form::XRay => "X-Ray segments",
            Form::Datadog => "Datadog JSON",
        })
    }
}

impl Form {
    /// The mark that a span of this form keeps when it is written as OTLP. `None` for
    /// OpenTelemetry's own forms, which have fields for links and `tracestate`.
    pub(crate) fn mark(self) -> Option<SpanFormat> {
        match self {
            Form::OtlpJson
            | Form::OtlpProtobuf
            | Form::OtlpFrames
            | Form::OtlpDelimited
            | Form::OtlpLogLines
            | Form::CloudWatch
            | Form::DebugLog
            | Form::Console
            | Form::DotnetConsole
            | Form::RubyConsole
            | Form::ClickHouse => None,
            Form::Zipkin => Some(SpanFormat::Zipkin),
            Form::Jaeger => Some(SpanFormat::Jaeger),
            Form::XRay => Some(SpanFormat::XRay),
            Form::Datadog => Some(SpanFormat::Datadog),
        }
    }

    /// What each document of this form should be, as a phrase.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Form::OtlpJson => "OTLP/JSON ExportTraceServiceRequest objects",
            Form::OtlpProtobuf | Form::OtlpFrames | Form::OtlpDelimited => {
                "OTLP protobuf ExportTraceServiceRequest messages"
            }
            Form::OtlpLogLines | Form::CloudWatch => "OTLP/JSON spans in log messages",
            Form::DebugLog => "the fields of a span, a line each",
            Form::Console => "an object that a console exporter prints",
            Form::DotnetConsole => "the lines of a span, as .NET's console exporter prints them",
            Form::RubyConsole => "a span, as Ruby's console exporter prints it",
            Form::ClickHouse => "rows of otel_traces as JSON",
            Form::Zipkin => "a list of Zipkin spans",
            Form::Jaeger => "an answer of Jaeger's query API",
            Form::XRay => "X-Ray segment documents",
            Form::Datadog => "a list of Datadog traces",
        }
    }

    /// The form of an export with this beginning, or a description of what it is instead.
    pub(super) fn of(beginning: &[u8]) -> Result<Form, String> {
        let text = beginning.trim_ascii_start();
        let found = match text.first() {
            None => return Ok(Form::default()),
            Some(b'{' | b'[') => match json::form(text) {
                Ok(form) => return Ok(form),
                Err(Unread::Known(found)) => found,
                Err(Unread::Unknown(found)) => nested::found(text).unwrap_or(found),
            },
            Some(b'"') => nested::found(text).unwrap_or_else(|| starts_with(text)),
            Some(_) => starts_with(text),
        };
        if let Some(found) = packed::found(beginning).or_else(|| refused::bytes(beginning)) {
            return Err(found);
        }
        if let Some(form) = form_of_protobuf(beginning) {
            return Ok(form);
        }
        // A JavaScript object can begin like JSON.
        form_of_text(text).unwrap_or_else(|| {
            let other = refused::other_signal(text).or_else(|| refused::headers(text));
            Err(other.unwrap_or(found))
        })
    }
}

fn starts_with(text: &[u8]) -> String {
    // enough to recognise a kind of file, and too little for a secret in it
    const MAX_BYTES: usize = 12;
    let start = text[..text.len().min(MAX_BYTES)].escape_ascii();
    format!("something that starts with `{start}`")
}

/// The form of text that is not JSON from its first byte; `None` if no line shows it.
fn form_of_text(text: &[u8]) -> Option<Result<Form, String>> {
    if let Some(found) = refused::text(text) {
        return Some(Err(found));
    }
    let lossy = String::from_utf8_lossy(text);
    if debug_log::is_in(&lossy) {
        return Some(Ok(Form::DebugLog));
    }
    if dotnet::is_in(&lossy) {
        return Some(Ok(Form::DotnetConsole));
    }
    if ruby::is_in(&lossy) {
        return Some(Ok(Form::RubyConsole));
    }
    // The first line with an object that shows the form.
    let objects = lossy
        .lines()
        .flat_map(objects)
        .filter(|object| holds_spans(object) || object.contains("\"localEndpoint\""));
    let forms = objects
        .take(MAX_LINES)
        .map(|object| json::form(object.as_bytes()));
    let mut other = None;
    for form in forms {
        match form {
            Ok(Form::OtlpLogLines | Form::OtlpJson) => return Some(Ok(Form::OtlpLogLines)),
            Ok(form) => other = other.or(Some(form)),
            Err(_) => {}
        }
    }
    if console::is_in(text) {
        return Some(Ok(Form::Console));
    }
    if is_in_open_objects(&lossy) {
        return Some(Ok(Form::OtlpLogLines));
    }
    other.map(|form| {
        Err(format!(
            "text with {form} in its lines: save the JSON alone, without what is before and after it"
        ))
    })
}

/// Whether an object that does not end on its line has spans of OTLP.
fn is_in_open_objects(text: &str) -> bool {
    let mut end = 0;
    let begun = text.split_inclusive('\n').filter_map(|line| {
        end += line.len();
        let object = open_object(line);
        (!object.is_empty()).then(|| &text[end - object.len()..])
    });
    let mut begun = begun.take(MAX_LINES);
    begun.any(|rest| {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let object = match values.next() {
            Some(Ok(_)) => &rest[..values.byte_offset()],
            Some(Err(error)) if error.is_eof() => rest,
            _ => return false,
        };
        let form = || json::form(object.as_bytes());
        holds_spans(object) && matches!(form(), Ok(Form::OtlpLogLines | Form::OtlpJson))
    })
}

/// How many lines of text are examined.
const MAX_LINES: usize = 1000;

/// Field 1 of every message here, length-delimited: `resource_spans`, and `resource` within it.
const FIRST_FIELD: u8 = 0x0a;

fn form_of_protobuf(bytes: &[u8]) -> Option<Form> {
    if is_message(bytes) {
        return Some(Form::OtlpProtobuf);
    }
    if let Some((length, message)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length);
        let plausible = is_message(message)
            || message.starts_with(&ZSTD_MAGIC)
            || message.starts_with(b"{\"resource");
        if (1..=MAX_VALUE_BYTES).contains(&(length as usize)) && plausible {
            return Some(Form::OtlpFrames);
        }
    }
    let mut message = bytes;
    let length = varint(&mut message)?;
    (length > 0 && is_message(message)).then_some(Form::OtlpDelimited)
}

/// Whether `bytes` start with a `ResourceSpans` in field 1.
fn is_message(bytes: &[u8]) -> bool {
    /// `resource`, `scope_spans` and `schema_url` of `ResourceSpans`, length-delimited.
    const FIELDS: [u8; 3] = [0x0a, 0x12, 0x1a];
    let Some(mut inner) = bytes.strip_prefix(&[FIRST_FIELD]) else {
        return false;
    };
    match varint(&mut inner) {
        Some(0) => true,
        Some(length) => {
            let inner_length = |mut rest| varint(&mut rest);
            inner.first().is_none_or(|field| FIELDS.contains(field))
                && inner
                    .get(1..)
                    .and_then(inner_length)
                    .is_none_or(|inner| inner < length)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_recognised_by_its_beginning() {
        let frame = |message: &[u8]| {
            let length = u32::try_from(message.len()).expect("short").to_be_bytes();
            [&length[..], message].concat()
        };
        let message = [0x0a, 0x04, 0x0a, 0x02, 0x0a, 0x00];
        for (beginning, form) in [
            (b"".to_vec(), Form::OtlpJson),
            (b" {}".to_vec(), Form::OtlpJson),
            (b"[]".to_vec(), Form::OtlpJson),
            (b"{\"resourceSpans\":[".to_vec(), Form::OtlpJson),
            (b"\n{\n\"resourceSpans\":[".to_vec(), Form::OtlpJson),
            (b"[{\"resourceSpans\":[".to_vec(), Form::OtlpJson),
            (b"{\"result\":{\"resourceSpans\":[".to_vec(), Form::OtlpJson),
            (b"{\"resourceLogs\":[{}]}".to_vec(), Form::OtlpJson),
            (b"[{\"traceId\":\"1\",\"id\":\"2\"".to_vec(), Form::Zipkin),
            (
                b"[[{\"id\":\"2\",\"tags\":{},\"traceId\":".to_vec(),
                Form::Zipkin,
            ),
            (b"[[],[{\"id\":\"2\",\"traceId\":".to_vec(), Form::Zipkin),
            (
                b"[]\n[ ]\n[{\"id\":\"2\",\"traceId\":".to_vec(),
                Form::Zipkin,
            ),
            (b"[][{\"resourceSpans\":[".to_vec(), Form::OtlpJson),
            (b"{\"total\":0,\"data\":[".to_vec(), Form::Jaeger),
            (b"[{\"traceID\":\"1\"".to_vec(), Form::Jaeger),
            (b"{\"spans\":[{}],\"traceID\":\"1\"".to_vec(), Form::Jaeger),
            (b"{\"Traces\":[".to_vec(), Form::XRay),
            (b"[{\"Id\":\"1-2-3\",\"Segments\":[".to_vec(), Form::XRay),
            (message.to_vec(), Form::OtlpProtobuf),
            (frame(&message), Form::OtlpFrames),
            (frame(b"{\"resourceSpans\":[]}"), Form::OtlpFrames),
            (frame(&ZSTD_MAGIC), Form::OtlpFrames),
            ([&[6][..], &message].concat(), Form::OtlpDelimited),
        ] {
            let text = beginning.escape_ascii();
            assert_eq!(Form::of(&beginning), Ok(form), "{text}");
        }
    }

    #[test]
    fn anything_else_is_named() {
        for (beginning, found) in [
            (
                &b"hello \x1b[31m"[..],
                r"something that starts with `hello \x1b[31m`",
            ),
            (b"{\"a\":1,\"b\x1b\":[2]}", r"something that starts with `{"),
            (b"{\"a\":1,\"b\":[2]}", "JSON with the members `a`, `b`"),
            (
                b"{\"traceId\":\"1\",\"spanId\":\"2\"}",
                "JSON with the members `traceId`, `spanId`",
            ),
            (b"[1,2]", "JSON with the members of another kind"),
            (
                b"\x00\x00\x00\x00\x00\x00",
                r"something that starts with `\x00",
            ),
            (b"PAR1\x15\x04", "a table in Parquet"),
            (b"{\"open\":", "something that starts with `{"),
        ] {
            let other = Form::of(beginning).expect_err(found);
            assert!(other.starts_with(found), "{other}");
        }
    }
}
