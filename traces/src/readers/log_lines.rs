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

mod open_object;

use std::io::{self, BufRead};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use self::open_object::{Added, OpenObject};
use super::input::lines::{LineError, Lines};
use super::json::objects::Parts;
use super::json::{Fault, JsonReader};
use super::skipped::{Skipped, holds_spans, names_spans};
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
            read.map_err(|problem| Fault::Problem { line, problem })?;
            Ok(())
        });
    }
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    let mut open: Option<OpenObject> = None;
    loop {
        let number = lines.number() + 1;
        skipped.line = number;
        let line = lines.next_line();
        let Some(line) = line.map_err(|error| error.fault(number, MAX_LINE_BYTES))? else {
            return match open {
                Some(open) if open.holds_spans() => {
                    Err(Fault::Input(io::ErrorKind::UnexpectedEof.into()))
                }
                _ => Ok(()),
            };
        };
        let mut rest = line;
        if let Some(mut object) = open.take() {
            match object.add(line) {
                Added::All if object.len() > MAX_LINE_BYTES => {
                    return Err(LineError::TooLong.fault(object.line, MAX_LINE_BYTES));
                }
                Added::All => {
                    open = Some(object);
                    continue;
                }
                Added::Closed(length) => {
                    rest = &line[length..];
                    let line = object.line;
                    let read = message(object.text(), want, each, skipped);
                    read.map_err(|problem| Fault::Problem { line, problem })?;
                }
                // it has no end, and so no spans that can be read
                Added::Nothing if object.holds_spans() => {
                    skipped.line = object.line;
                    skipped.add_line();
                    skipped.line = number;
                }
                Added::Nothing => {}
            }
        }
        let begun = message(rest, want, each, skipped);
        let begun = begun.map_err(|problem| Fault::Problem {
            line: number,
            problem,
        })?;
        open = begun.map(|text| OpenObject::new(&text, number));
    }
}

/// Whether other text follows a JSON object that begins the input.
pub(super) fn has_text_below(beginning: &[u8]) -> bool {
    let mut values = Deserializer::from_slice(beginning).into_iter::<IgnoredAny>();
    let is_whole = |value: Option<&Result<_, _>>| matches!(value, Some(Ok(_)));
    beginning.trim_ascii_start().starts_with(b"{")
        && is_whole(values.next().as_ref())
        && matches!(values.find_map(Result::err), Some(error) if !error.is_eof())
}

/// Whether the input is JSON over several lines and nothing else: it begins with a list of objects,
/// or with an object that does not end on its first line.
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
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    begins
        && values
            .find_map(Result::err)
            .is_none_or(|error| error.is_eof())
}

/// Passes on the spans in one log message. It may have several objects, with text between them.
/// Returns the object that does not end in it, if there is one.
fn message(
    text: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<Option<String>, String> {
    // other text on the line may have another encoding
    let text = String::from_utf8_lossy(text);
    let mut parts = Parts::of(text.trim_ascii());
    while let Some(object) = parts.next_with_span() {
        otlp_json::read_alone(object.as_bytes(), want, each, skipped)?;
    }
    if parts.is_damaged() {
        return Err("found: an object with spans that is not valid JSON".to_owned());
    }
    Ok((!parts.rest.is_empty()).then(|| parts.rest.to_owned()))
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
                let problem = |problem| Fault::Problem { line, problem };
                messages.texts().try_for_each(|text| {
                    let open = message(text.as_bytes(), want, each, skipped);
                    match open.map_err(problem)? {
                        Some(open) if holds_spans(&open) => Err(problem(
                            "found: a message that ends inside its spans".to_owned(),
                        )),
                        _ => Ok(()),
                    }
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
