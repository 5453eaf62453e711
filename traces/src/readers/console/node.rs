//! The output of JavaScript's `ConsoleSpanExporter`: objects as Node.js displays them with
//! `console.dir`.
//!
//! That is not JSON: names have no quotes, strings have any of three kinds of quotes, and class
//! names precede their objects. [`to_json`] makes it JSON.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Details, link};
use crate::readers::ids::{short_reference, short_span_id};
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::readers::tags;
use crate::span::{AnyValue, Attribute, Kind, Link, Span, SpanEvent, StatusCode, UnixTime, Want};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpanFields<'a> {
    #[serde(borrow)]
    trace_id: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    /// In versions before 2 of the SDK.
    #[serde(borrow, default)]
    parent_id: Text<'a>,
    /// In version 2 and later.
    #[serde(borrow, default)]
    parent_span_context: Option<Context<'a>>,
    #[serde(borrow, default)]
    trace_state: Plain<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    kind: Option<u64>,
    /// In microseconds, like the duration.
    #[serde(default)]
    timestamp: Option<f64>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
    #[serde(borrow, default)]
    status: Option<Status<'a>>,
    #[serde(borrow, default)]
    events: Option<Vec<Event<'a>>>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
    #[serde(borrow, default)]
    resource: Option<Resource<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Plain<'a>,
    #[serde(default)]
    is_remote: Option<bool>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(default)]
    code: Option<u64>,
    #[serde(borrow, default)]
    message: Text<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
    /// Seconds, and the nanoseconds of the last second.
    #[serde(default)]
    time: Option<(u64, u64)>,
}

#[derive(Deserialize)]
struct LinkFields<'a> {
    #[serde(borrow)]
    context: Context<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

impl<'a> SpanFields<'a> {
    /// Passes the span on. An error says what is wrong with it.
    pub(super) fn hand_over(
        self,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let reference = short_reference(&self.trace_id.0, &self.id.0)?;
        let resource: Vec<Attribute<'_>> = match self.resource {
            Some(resource) => resource.attributes.into_members(),
            None => Vec::new(),
        };
        let mut span = tags::span_in(reference, &resource);
        span.parent_span_id = short_span_id(&self.parent_id.0);
        if let Some(parent) = self.parent_span_context {
            span.parent_span_id = short_span_id(&parent.span_id.0);
            span.parent_is_remote = span.parent_span_id.and(parent.is_remote);
        }
        span.trace_state = trace_state(self.trace_state);
        span.name = self.name.0;
        span.kind = match self.kind {
            Some(0) => Kind::Internal,
            Some(1) => Kind::Server,
            Some(2) => Kind::Client,
            Some(3) => Kind::Producer,
            Some(4) => Kind::Consumer,
            _ => Kind::Unspecified,
        };
        span.start = self.timestamp.and_then(time);
        let end = self.timestamp.zip(self.duration);
        span.end = end.and_then(|(start, duration)| time(start + duration));
        if let Some(status) = self.status {
            span.status.code = match status.code {
                Some(1) => StatusCode::Ok,
                Some(2) => StatusCode::Error,
                _ => StatusCode::Unset,
            };
            span.status.message = status.message.0;
        }
        let links = self.links.unwrap_or_default().into_iter();
        let events = self.events.unwrap_or_default().into_iter();
        let details = Details {
            attributes: self.attributes.into_members(),
            links: links.filter_map(LinkFields::into_link).collect(),
            events: events.map(Event::into_event).collect(),
        };
        super::hand_over(span, details, &resource, want, each);
        Ok(())
    }
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let ids = [&*self.context.trace_id.0, &*self.context.span_id.0];
        link(
            ids,
            trace_state(self.context.trace_state),
            self.attributes.into_members(),
        )
    }
}

impl<'a> Event<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        let time = self.time.and_then(|(seconds, nanoseconds)| {
            seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
        });
        SpanEvent {
            time: time.and_then(UnixTime::from_nanoseconds),
            name: self.name.0,
            attributes: self.attributes.into_members(),
        }
    }
}

/// A time in microseconds since the epoch. NaN and negative numbers are unknown.
fn time(microseconds: f64) -> Option<UnixTime> {
    UnixTime::from_nanoseconds((microseconds.round() as u64).saturating_mul(1000))
}

/// `tracestate` as in the header, from the map inside Node's object.
fn trace_state(value: Plain<'_>) -> Cow<'_, str> {
    let mut objects = value.into_members().into_iter();
    let map = objects.find(|(name, _)| name == "_internalState" || name == "_map");
    let members = map
        .map(|(_, map)| Plain(map).into_members())
        .unwrap_or_default();
    let members = members.iter().filter_map(|(key, value)| match value {
        AnyValue::Text(value) => Some(format!("{key}={value}")),
        _ => None,
    });
    members.collect::<Vec<_>>().join(",").into()
}

/// Converts Node's output to JSON; `None` if it is not an object as Node.js displays it.
pub(super) fn to_json(text: &str) -> Option<String> {
    let mut json = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' | '"' | '`' => {
                let (string, after) = string(rest)?;
                json.push_str(&serde_json::Value::from(string).to_string());
                after
            }
            // Node prints `[Object]` and `[Array]` for values that are too deep, and `[Object: null
            // prototype]` for a class.
            '[' if rest[1..].starts_with(|next: char| next.is_ascii_alphabetic()) => {
                let after = &rest[rest.find(']')? + 1..];
                if !after.trim_start().starts_with('{') {
                    json.push_str("null");
                }
                after
            }
            '.' if rest.starts_with("... ") => {
                json.push_str("null");
                rest.trim_start_matches(|letter: char| !matches!(letter, ']' | '}' | '\n'))
            }
            '=' if rest.starts_with("=>") => {
                json.push(':');
                &rest[2..]
            }
            _ if first.is_alphabetic() || matches!(first, '_' | '$') => word(rest, &mut json),
            _ if first.is_ascii_digit() => number(rest, &mut json),
            '{' | '}' | '[' | ']' | ':' | ',' | '-' => {
                json.push(first);
                &rest[1..]
            }
            _ if first.is_whitespace() => &rest[first.len_utf8()..],
            _ => return None,
        };
    }
    Some(json)
}

/// Converts a name, a constant, or a class name before an object. Returns the text after it.
fn word<'a>(text: &'a str, json: &mut String) -> &'a str {
    let is_of_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let end = text
        .find(|letter| !is_of_word(letter))
        .unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let next = after.trim_start();
    if next.starts_with(':') {
        json.push_str(&serde_json::Value::from(word).to_string());
    } else if matches!(word, "true" | "false") {
        json.push_str(word);
    } else if let Some(size) = after.strip_prefix('(') {
        // `Map(1) {`
        return size.split_once(')').map_or(after, |(_, after)| after);
    } else if !next.starts_with('{') {
        json.push_str("null");
    }
    after
}

fn number<'a>(text: &'a str, json: &mut String) -> &'a str {
    let is_of_number =
        |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | 'e' | '+' | '-');
    let end = text
        .find(|letter| !is_of_number(letter))
        .unwrap_or(text.len());
    let (number, after) = text.split_at(end);
    json.push_str(number);
    after.strip_prefix('n').unwrap_or(after)
}

/// Reads a string in quotes of any kind, with all parts that `+` joins. Returns the text after it,
/// too.
fn string(text: &str) -> Option<(String, &str)> {
    let mut string = String::new();
    let mut rest = text;
    loop {
        let after = quoted(rest, &mut string)?;
        match after.trim_start().strip_prefix('+').map(str::trim_start) {
            Some(next) if next.starts_with(['\'', '"', '`']) => rest = next,
            _ => return Some((string, after)),
        }
    }
}

/// Appends one quoted part to `string`, and returns the text after it.
fn quoted<'a>(text: &'a str, string: &mut String) -> Option<&'a str> {
    let mut letters = text.char_indices();
    let (_, quote) = letters.next()?;
    loop {
        match letters.next()? {
            (place, letter) if letter == quote => return Some(&text[place + 1..]),
            (_, '\\') => match letters.next()?.1 {
                'n' => string.push('\n'),
                't' => string.push('\t'),
                'r' => string.push('\r'),
                'b' => string.push('\u{8}'),
                'f' => string.push('\u{c}'),
                code @ ('x' | 'u') => {
                    let digits = if code == 'x' { 2 } else { 4 };
                    let hex: String = letters
                        .by_ref()
                        .take(digits)
                        .map(|(_, digit)| digit)
                        .collect();
                    let number = u32::from_str_radix(&hex, 16).ok()?;
                    string.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other => string.push(other),
            },
            (_, letter) => string.push(letter),
        }
    }
}
