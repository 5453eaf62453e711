//! Spans as text, with one line for each field: the log of the Collector's `debug` exporter with
//! `verbosity: detailed`, and the output of Rust's `opentelemetry-stdout`.
//!
//! Both indent `Name : value` under `Span #0`, and write attributes as `-> key: Str(value)`. A
//! prefix on each line, as `docker compose logs` writes it, is removed. Other lines are skipped.

use std::borrow::Cow;
use std::io::BufRead;

use super::ids::{short_reference, short_span_id};
use super::input::lines::Lines;
use super::json::Fault;
use super::{MAX_LINE_BYTES, tags};
use crate::span::{AnyValue, Attribute, Link, Span, SpanEvent, StatusCode, UnixTime, Want};

/// The text before the first field of a span.
const SPAN: &str = "Span #";

/// Whether the text contains a span in this form.
pub(super) fn is_in(text: &str) -> bool {
    let after = text.split(SPAN).nth(1).unwrap_or_default();
    let mut fields = after.lines().take(12).filter_map(field);
    fields.any(|(name, _)| name == "traceid")
}

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    let mut log = Log::new(want);
    loop {
        let number = lines.number() + 1;
        let problem = |problem| Fault::Problem {
            line: number,
            problem,
        };
        match lines.next_text()? {
            None => return log.end_span(each).map_err(problem),
            Some(line) => log.add(&line, each).map_err(problem)?,
        }
    }
}

/// The part of the log to which the next lines belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Nothing,
    Resource,
    Span,
    Attributes,
    Event,
    Link,
}

/// The state of reading the log.
struct Log {
    want: Want,
    part: Part,
    resource: Vec<Attribute<'static>>,
    span: Option<Fields>,
}

/// The fields of one span, as text.
#[derive(Default)]
struct Fields {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    trace_state: String,
    name: String,
    kind: String,
    start: String,
    end: String,
    status: String,
    status_message: String,
    attributes: Vec<Attribute<'static>>,
    events: Vec<SpanEvent<'static>>,
    links: Vec<LinkFields>,
}

/// The fields of one link, as text.
#[derive(Default)]
struct LinkFields {
    trace_id: String,
    span_id: String,
    trace_state: String,
    /// `None` until the line that announces them.
    attributes: Option<Vec<Attribute<'static>>>,
}

impl LinkFields {
    fn add(&mut self, line: &str, name: &str, value: &str) {
        if let Some(attributes) = &mut self.attributes {
            attributes.extend(attribute(line));
            return;
        }
        match name {
            "traceid" => self.trace_id = value.to_owned(),
            "id" | "spanid" => self.span_id = value.to_owned(),
            "tracestate" => self.trace_state = value.to_owned(),
            "attributes" => self.attributes = Some(Vec::new()),
            _ => {}
        }
    }

    fn into_link(self) -> Option<Link<'static>> {
        Some(Link {
            to: short_reference(&self.trace_id, &self.span_id).ok()?,
            trace_state: self.trace_state.into(),
            attributes: self.attributes.unwrap_or_default(),
        })
    }
}

impl Log {
    fn new(want: Want) -> Log {
        Log {
            want,
            part: Part::Nothing,
            resource: Vec::new(),
            span: None,
        }
    }

    /// Takes the next line. The heading of the next part ends a span.
    fn add(&mut self, line: &str, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
        let line = without_prefix(line);
        if let Some(heading) = heading(line) {
            match heading {
                Part::Nothing | Part::Span => self.end_span(each)?,
                Part::Resource => {
                    self.end_span(each)?;
                    self.resource.clear();
                }
                _ => {}
            }
            match (heading, &mut self.span) {
                (Part::Span, span) => *span = Some(Fields::default()),
                (Part::Event, Some(span)) => span.events.push(SpanEvent {
                    time: None,
                    name: "".into(),
                    attributes: Vec::new(),
                }),
                (Part::Link, Some(span)) => span.links.push(Default::default()),
                _ => {}
            }
            // Attributes before the first span belong to the resource.
            if heading != Part::Attributes || self.span.is_some() {
                self.part = heading;
            }
            return Ok(());
        }
        match self.part {
            Part::Nothing => {}
            Part::Resource => self.resource.extend(attribute(line)),
            Part::Span | Part::Attributes | Part::Event | Part::Link => {
                if let Some(span) = &mut self.span {
                    span.add(self.part, line);
                }
            }
        }
        Ok(())
    }

    fn end_span(&mut self, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
        match self.span.take() {
            Some(span) => span.hand_over(&self.resource, self.want, each),
            None => Ok(()),
        }
    }
}

/// The part that this line begins, if it is a heading.
fn heading(line: &str) -> Option<Part> {
    // Before the first part of a batch, the log prints its own time and level.
    let line = line
        .rsplit('\t')
        .find(|part| !part.trim().is_empty())?
        .trim();
    let numbered = |name: &str| {
        let number = line
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(" #"));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Some(match line.trim_end_matches(':') {
        "Resource attributes" | "Resource labels" | "Resource" => Part::Resource,
        "Attributes" if line.ends_with("::") => return None,
        "Attributes" => Part::Attributes,
        _ if numbered("Span") => Part::Span,
        _ if numbered("SpanEvent") || numbered("Event") => Part::Event,
        _ if numbered("SpanLink") || numbered("Link") => Part::Link,
        _ if numbered("ResourceSpans") => Part::Resource,
        _ if numbered("ScopeSpans") || numbered("InstrumentationLibrarySpans") => Part::Nothing,
        _ => return None,
    })
}

/// The line without the container's name that `docker compose logs` writes before it.
fn without_prefix(line: &str) -> &str {
    match line.split_once("| ") {
        Some((container, rest)) if !container.trim().contains(' ') => rest,
        _ => line,
    }
}

/// A field's name in lower case and without spaces, and its value.
fn field(line: &str) -> Option<(String, &str)> {
    let line = without_prefix(line).trim().trim_start_matches("->").trim();
    let (name, value) = line.split_once(':')?;
    let letters = name.chars().filter(|letter| !letter.is_whitespace());
    Some((letters.flat_map(char::to_lowercase).collect(), value.trim()))
}

impl Fields {
    fn add(&mut self, part: Part, line: &str) {
        let Some((name, value)) = field(line) else {
            return;
        };
        let value = value.trim_matches('"');
        match (part, &*name) {
            (Part::Event, "name") => self.event(|event| event.name = value.to_owned().into()),
            (Part::Event, "timestamp") => self.event(|event| event.time = time(value)),
            (Part::Event, _) => {
                let attribute = attribute(line);
                self.event(|event| event.attributes.extend(attribute));
            }
            (Part::Link, _) => {
                if let Some(link) = self.links.last_mut() {
                    link.add(line, &name, value);
                }
            }
            (Part::Attributes, _) if line.contains("->") => self.attributes.extend(attribute(line)),
            (Part::Attributes, _) => {}
            (_, "traceid") => self.trace_id = value.to_owned(),
            (_, "id" | "spanid") => self.span_id = value.to_owned(),
            (_, "parentid" | "parentspanid") => self.parent_span_id = value.to_owned(),
            (_, "tracestate") => self.trace_state = value.to_owned(),
            (_, "name") => self.name = value.to_owned(),
            (_, "kind") => self.kind = value.to_owned(),
            (_, "starttime") => self.start = value.to_owned(),
            (_, "endtime") => self.end = value.to_owned(),
            (_, "statuscode" | "status") => self.status = value.to_owned(),
            (_, "statusmessage") => self.status_message = value.to_owned(),
            _ => {}
        }
    }

    fn event(&mut self, change: impl FnOnce(&mut SpanEvent<'static>)) {
        if let Some(event) = self.events.last_mut() {
            change(event);
        }
    }

    fn hand_over(
        self,
        resource: &[Attribute<'static>],
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let reference = short_reference(&self.trace_id, &self.span_id)?;
        let mut span = tags::span_in(reference, resource);
        span.parent_span_id = short_span_id(&self.parent_span_id);
        span.trace_state = Cow::Owned(self.trace_state);
        span.name = Cow::Owned(self.name);
        let kind = self.kind.strip_prefix("SPAN_KIND_").unwrap_or(&self.kind);
        span.kind = tags::kind_named(kind).unwrap_or_default();
        (span.start, span.end) = (time(&self.start), time(&self.end));
        let status = self
            .status
            .strip_prefix("STATUS_CODE_")
            .unwrap_or(&self.status);
        span.status.code = match status.to_ascii_lowercase() {
            status if status == "ok" => StatusCode::Ok,
            status if status.starts_with("error") => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        span.status.message = Cow::Owned(self.status_message);
        for (name, value) in self.attributes {
            tags::add_attribute(&mut span, want, name, value);
        }
        let links = self.links.into_iter();
        span.links = links.filter_map(LinkFields::into_link).collect();
        if want == Want::Everything {
            span.events = self.events;
            span.resource_attributes = resource;
        }
        each(&span);
        Ok(())
    }
}

/// Parses a UTC time as the log writes it: `2024-05-01 10:00:00.123456789 +0000 UTC`.
fn time(text: &str) -> Option<UnixTime> {
    let mut words = text.split(' ');
    let (date, time) = (words.next()?, words.next()?);
    super::time(&format!("{date}T{time}Z"))
}

/// Parses an attribute: `-> key: Str(value)`, `-> key: STRING(value)`, or Rust's `->
/// key=String(Owned("value"))`.
fn attribute(line: &str) -> Option<Attribute<'static>> {
    let text = line.trim().strip_prefix("->")?.trim();
    let (name, value) = text.split_once(": ").or_else(|| text.split_once('='))?;
    let (kind, value) = value.trim().strip_suffix(')')?.split_once('(')?;
    let value = match kind.to_ascii_lowercase().as_str() {
        "int" | "i64" => value.parse().map(AnyValue::Integer).ok()?,
        "double" | "f64" => value.parse().map(AnyValue::Double).ok()?,
        "bool" => value.parse().map(AnyValue::Boolean).ok()?,
        "str" | "string" => AnyValue::Text(text_of(value).into()),
        _ => AnyValue::Text(value.to_owned().into()),
    };
    Some((name.to_owned().into(), value))
}

/// The text inside Rust's debug form: `x` for `Owned("x")`.
fn text_of(value: &str) -> String {
    let inner = ["Owned(\"", "Static(\"", "RefCounted(\""]
        .iter()
        .find_map(|start| value.strip_prefix(start));
    let inner = inner.and_then(|inner| inner.strip_suffix("\")"));
    inner.unwrap_or(value).to_owned()
}
