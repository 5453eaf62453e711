//! OTLP's spans as log lines: one JSON object on each line, with or without text before it.
//!
//! - CloudWatch's log group `aws/spans` has one span on each line, with its resource, and with
//!   attributes as an object
//!   (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Transaction-Search.html>).
//!   baton reads the lines themselves, an export to S3 (which has the time before each line), and the
//!   answers of `aws logs filter-log-events` and `get-query-results`.
//! - Java's `logging-otlp` exporter logs one `ResourceSpans` on each line.
//!
//! Lines without a span are other output of the same program and are skipped. A list of such
//! objects, and objects over several lines, are also read.

use std::io::BufRead;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::input::lines::Lines;
use super::json::{Fault, JsonReader};
use super::skipped::{Skipped, holds_spans};
use super::{MAX_LINE_BYTES, otlp_json};
use crate::span::{Span, Want};

/// Passes every span in the lines or the JSON documents of `input` to `each`.
pub(super) fn read_lines(
    mut input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    if is_document(input.fill_buf()?) {
        return JsonReader::new(input).documents(|json| {
            let line = json.line();
            skipped.line = line;
            let read = message(json.value()?, want, each, skipped);
            read.map_err(|problem| Fault::Problem { line, problem })
        });
    }
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    loop {
        let number = lines.number() + 1;
        let problem = |problem| Fault::Problem {
            line: number,
            problem,
        };
        skipped.line = number;
        let line = lines.next_line();
        match line.map_err(|error| error.fault(number, MAX_LINE_BYTES))? {
            None => return Ok(()),
            Some(line) => message(line, want, each, skipped).map_err(problem)?,
        }
    }
}

/// Whether the input is JSON over several lines: it begins with a list of objects, or with an
/// object that does not end on its first line, and goes on as JSON. A program may print its
/// configuration in this way before its log lines.
fn is_document(beginning: &[u8]) -> bool {
    let text = beginning.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    let begins = match text.first() {
        Some(b'[') => matches!(text[1..].trim_ascii_start().first(), Some(b'{' | b'[')),
        Some(b'{') => matches!(
            serde_json::from_slice::<IgnoredAny>(line),
            Err(error) if error.is_eof()
        ),
        _ => false,
    };
    begins && goes_on_as_json(text)
}

/// Whether `text` has only JSON, or has spans before something else. Those spans may be on several
/// lines, so reading single lines would lose them.
fn goes_on_as_json(text: &[u8]) -> bool {
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.find_map(Result::err) {
        Some(error) if !error.is_eof() => {
            let lines = text.split_inclusive(|byte| *byte == b'\n');
            let above: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
            let json = &text[..text.len().min(above + error.column())];
            holds_spans(&String::from_utf8_lossy(json))
        }
        _ => true,
    }
}

/// Passes on the spans in one log message. It may have several objects, with text between them.
fn message(
    text: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), String> {
    // other text on the line may have another encoding
    let text = String::from_utf8_lossy(text);
    let mut rest = text.trim_ascii();
    while let Some(start) = rest.find('{') {
        rest = &rest[start..];
        let mut objects = Deserializer::from_str(rest).into_iter::<&RawValue>();
        let (object, end) = match objects.next() {
            Some(Ok(object)) => (object.get(), objects.byte_offset()),
            _ => (rest, rest.len()),
        };
        if holds_spans(object) {
            otlp_json::read_alone(object.as_bytes(), want, each, skipped)?;
        }
        rest = &rest[end..];
    }
    Ok(())
}

/// Passes every span in an answer of CloudWatch Logs to `each`. The answer has events with
/// messages, or rows of fields.
pub(super) fn read_answer(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    while json.peek()?.is_some() {
        json.object(|json, name| match name {
            "events" | "results" => json.array(|json| {
                let line = json.line();
                skipped.line = line;
                let messages: Entry = json.parse()?;
                messages.texts().try_for_each(|text| {
                    let read = message(text.as_bytes(), want, each, skipped);
                    read.map_err(|problem| Fault::Problem { line, problem })
                })
            }),
            _ => json.skip(),
        })?;
    }
    Ok(())
}

/// A log event, or a row of a query's result.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Event {
        #[serde(default)]
        message: String,
    },
    Row(Vec<Field>),
}

#[derive(Deserialize)]
struct Field {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: String,
}

impl Entry {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let (message, row) = match self {
            Entry::Event { message } => (Some(&**message), &[][..]),
            Entry::Row(row) => (None, row.as_slice()),
        };
        let fields = row.iter().filter(|field| field.field == "@message");
        message.into_iter().chain(fields.map(|field| &*field.value))
    }
}
