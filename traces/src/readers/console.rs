//! The output of OpenTelemetry's console exporters: one object for each span, on one or several
//! lines.
//!
//! Python ([`python`]), PHP ([`php`]) and Go ([`go`]) print JSON. JavaScript ([`node`]) prints
//! objects as Node.js displays them. Other output of the program may come between the spans: lines
//! that do not begin an object are skipped, and so are objects that are not spans.

mod go;
mod node;
mod php;
mod python;

use std::borrow::Cow;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::ids::short_reference;
use super::input::lines::Lines;
use super::json::{Fault, MAX_VALUE_BYTES, ended, json_problem, parse_json};
use super::tags;
use crate::span::{Attribute, Link, Span, SpanEvent, Want};

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut objects = Objects::new(input);
    while let Some((line, text)) = objects.next()? {
        let problem = |problem| Fault::Problem { line, problem };
        span(text, want, each).map_err(problem)?;
    }
    Ok(())
}

/// Whether the text contains an object that one of the exporters may have printed.
pub(super) fn is_in(text: &[u8]) -> bool {
    let mut objects = Objects::new(text);
    while let Ok(Some((_, object))) = objects.next() {
        let mut is_span = false;
        if span(object, Want::Judging, &mut |_| is_span = true).is_ok() && is_span {
            return true;
        }
    }
    false
}

/// The members that show which exporter printed an object.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(default)]
    context: Option<IgnoredAny>,
    /// Python's exporter calls it `parent_id`.
    #[serde(default)]
    parent_span_id: Option<IgnoredAny>,
    #[serde(default, rename = "SpanContext")]
    span_context: Option<IgnoredAny>,
    /// Only JavaScript's exporter has a member `id`, the span's id.
    #[serde(default, rename = "traceId")]
    trace_id: Option<IgnoredAny>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Passes the object on if it is a span. Other objects are skipped.
fn span(text: &str, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
    if text.starts_with('[') {
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            return Ok(());
        };
        return list
            .into_iter()
            .try_for_each(|object| span(object.get(), want, each));
    }
    let converted;
    let json = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => text,
        Err(error) => match node::to_json(text) {
            Some(json) => {
                converted = json;
                &converted
            }
            None if text.contains("trace_id") || text.contains("TraceID") => {
                return Err(json_problem(&error));
            }
            None => return Ok(()),
        },
    };
    match parse_json(json.as_bytes()) {
        Ok(Marks {
            context: Some(_),
            parent_span_id: Some(_),
            ..
        }) => decoded::<php::SpanFields<'_>>(json)?.hand_over(want, each),
        Ok(Marks {
            context: Some(_), ..
        }) => decoded::<python::SpanFields<'_>>(json)?.hand_over(want, each),
        Ok(Marks {
            span_context: Some(_),
            ..
        }) => decoded::<go::SpanFields<'_>>(json)?.hand_over(want, each),
        Ok(Marks {
            trace_id: Some(_),
            id: Some(_),
            ..
        }) => decoded::<node::SpanFields<'_>>(json)?.hand_over(want, each),
        _ => Ok(()),
    }
}

/// What a printed span has beside its ids, kind, times and status.
struct Details<'a> {
    attributes: Vec<Attribute<'a>>,
    links: Vec<Link<'a>>,
    events: Vec<SpanEvent<'a>>,
}

/// Passes the span on with its details, and with the attributes of its resource.
fn hand_over<'a>(
    mut span: Span<'a>,
    details: Details<'a>,
    resource: &'a [Attribute<'a>],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) {
    for (name, value) in details.attributes {
        tags::add_attribute(&mut span, want, name, value);
    }
    span.links = details.links;
    if want == Want::Everything {
        span.events = details.events;
        span.resource_attributes = resource;
    }
    each(&span);
}

/// A link to the span with these ids; `None` if an id is not valid.
fn link<'a>(
    [trace_id, span_id]: [&str; 2],
    trace_state: Cow<'a, str>,
    attributes: Vec<Attribute<'a>>,
) -> Option<Link<'a>> {
    let to = short_reference(trace_id, span_id).ok()?;
    Some(Link {
        to,
        trace_state,
        attributes,
    })
}

fn decoded<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    parse_json(json.as_bytes()).map_err(|error| json_problem(&error))
}

/// The objects in the text, each as one string.
struct Objects<R> {
    lines: Lines<R>,
    text: String,
}

impl<R: BufRead> Objects<R> {
    fn new(input: R) -> Self {
        Objects {
            lines: Lines::new(input, MAX_VALUE_BYTES),
            text: String::new(),
        }
    }

    /// The next object, or a list of objects on one line, and the line on which it begins.
    fn next(&mut self) -> Result<Option<(u64, &str)>, Fault> {
        self.text.clear();
        let (mut first, mut indent) = (0, String::new());
        loop {
            let number = self.lines.number() + 1;
            let Some(line) = next_line(&mut self.lines)? else {
                return if self.text.is_empty() {
                    Ok(None)
                } else {
                    Err(ended())
                };
            };
            let trimmed = line.trim();
            if self.text.is_empty() {
                if !trimmed.starts_with(['{', '[']) || trimmed == "[" {
                    continue;
                }
                (first, indent) = (number, indentation(&line).to_owned());
                // The first object of a list that continues on the next line.
                let is_list = trimmed.starts_with("[{") && !trimmed.ends_with(']');
                let trimmed = if is_list { &trimmed[1..] } else { trimmed };
                self.text.push_str(trimmed.trim_end_matches(','));
                if trimmed.len() > 1 && is_whole(&self.text) {
                    break;
                }
            } else if self.text.len() + line.len() > MAX_VALUE_BYTES {
                let problem = format!("one object is longer than {MAX_VALUE_BYTES} bytes");
                return Err(Fault::Problem {
                    line: first,
                    problem,
                });
            } else {
                self.text.push('\n');
                let closes = indentation(&line) == indent && matches!(trimmed, "}" | "}," | "}]");
                if closes {
                    self.text.push('}');
                    break;
                }
                self.text.push_str(&line);
            }
        }
        Ok(Some((first, &self.text)))
    }
}

/// Whether an object that begins on this line also ends on it. True for a line that only looks like
/// the beginning of an object.
fn is_whole(line: &str) -> bool {
    line.ends_with(['}', ']']) || !line.starts_with('{')
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The next line, without escape sequences for colours.
fn next_line(lines: &mut Lines<impl BufRead>) -> Result<Option<String>, Fault> {
    Ok(lines.next_text()?.map(|line| without_colours(&line)))
}

/// The text without escape sequences for colours: `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.trim_end_matches('\r').split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_digit() && letter != ';');
        match end {
            Some(end) if part[end..].starts_with('m') => plain.push_str(&part[end + 1..]),
            _ => plain.push_str(part),
        }
    }
    plain
}
