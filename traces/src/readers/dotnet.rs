//! The output of OpenTelemetry's console exporter for .NET: a line for each field of a span, then
//! its tags, events, links and resource.
//!
//! (<https://github.com/open-telemetry/opentelemetry-dotnet/tree/main/src/OpenTelemetry.Exporter.Console>)
//! The program's own lines may come between the spans, and so may logs and metrics from the same
//! exporter. Versions before 1.2 write `Activity.Id`, which is a `traceparent`.

use std::borrow::Cow;
use std::io::BufRead;
use std::time::Duration;

use super::ids::{short_reference, short_span_id};
use super::input::lines::Lines;
use super::json::Fault;
use super::{MAX_LINE_BYTES, tags, time};
use crate::span::{AnyValue, Attribute, Link, Span, SpanEvent, StatusCode, UnixTime, Want};

/// What begins each field of a span.
const ACTIVITY: &str = "Activity.";
const RESOURCE: &str = "Resource associated with Activity:";

/// Whether the text contains a span in this form.
pub(super) fn is_in(text: &str) -> bool {
    let mut fields = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(ACTIVITY));
    fields.any(|field| field.starts_with("TraceId:") || field.starts_with("Id:"))
}

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut lines = Lines::new(input, MAX_LINE_BYTES);
    let mut span: Option<Fields> = None;
    loop {
        let line = lines.number() + 1;
        let problem = |problem| Fault::Problem { line, problem };
        let Some(text) = lines.next_text()? else {
            let last = span.take();
            return last.map_or(Ok(()), |span| span.hand_over(want, each).map_err(problem));
        };
        let text = text.trim();
        if begins_span(text)
            && let Some(ended) = span.replace(Fields::default())
        {
            ended.hand_over(want, each).map_err(problem)?;
        }
        if let Some(span) = &mut span {
            span.add(text);
        }
    }
}

fn begins_span(line: &str) -> bool {
    line.starts_with("Activity.TraceId:") || line.starts_with("Activity.Id:")
}

/// The part of a span that the next lines belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Fields,
    Tags,
    Events,
    Links,
    Resource,
    /// Lines that are not of the span.
    Others,
}

/// The fields of one span, as text.
#[derive(Default)]
struct Fields {
    part: Part,
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    trace_state: String,
    name: String,
    kind: String,
    start: String,
    duration: String,
    status: String,
    status_message: String,
    tags: Vec<Attribute<'static>>,
    resource: Vec<Attribute<'static>>,
    events: Vec<SpanEvent<'static>>,
    links: Vec<Link<'static>>,
}

impl Fields {
    fn add(&mut self, line: &str) {
        if let Some(part) = heading(line) {
            self.part = part;
            return;
        }
        if let Some(field) = line.strip_prefix(ACTIVITY) {
            self.part = Part::Fields;
            if let Some((name, value)) = field.split_once(':') {
                self.set(name.trim_end(), value.trim());
            }
            return;
        }
        match self.part {
            // the tags of an older version end with the status
            Part::Fields | Part::Tags if line.starts_with("StatusCode") => {
                let value = line.split_once(':').map_or("", |(_, value)| value);
                self.status = value.trim().to_owned();
            }
            Part::Tags => self.tags.extend(attribute(line)),
            Part::Resource => self.resource.extend(attribute(line)),
            Part::Events => self.add_event(line),
            Part::Links => self.add_link(line),
            Part::Fields | Part::Others => {}
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        let field = match name {
            "TraceId" => &mut self.trace_id,
            "SpanId" => &mut self.span_id,
            "ParentSpanId" => &mut self.parent_span_id,
            "TraceState" => &mut self.trace_state,
            "DisplayName" => &mut self.name,
            "Kind" => &mut self.kind,
            "StartTime" => &mut self.start,
            "Duration" => &mut self.duration,
            "StatusDescription" => &mut self.status_message,
            "Id" => {
                let mut parts = value.split('-').skip(1).map(str::to_owned);
                self.trace_id = parts.next().unwrap_or_default();
                self.span_id = parts.next().unwrap_or_default();
                return;
            }
            "ParentId" => {
                let parent = value.split('-').nth(2).unwrap_or_default();
                self.parent_span_id = parent.to_owned();
                return;
            }
            _ => return,
        };
        *field = value.to_owned();
    }

    /// An event is `name [time]`; its attributes follow.
    fn add_event(&mut self, line: &str) {
        let event = line
            .strip_suffix(']')
            .and_then(|line| line.rsplit_once(" ["));
        match (event, self.events.last_mut()) {
            (Some((name, _)), _) => self.events.push(SpanEvent {
                // its time has the format of the program's culture
                time: None,
                name: name.to_owned().into(),
                attributes: Vec::new(),
            }),
            (None, Some(event)) => event.attributes.extend(attribute(line)),
            (None, None) => {}
        }
    }

    /// A link is the two ids; its tags follow.
    fn add_link(&mut self, line: &str) {
        let ids = line.split_once(' ');
        let to = ids.and_then(|(trace, span)| short_reference(trace, span).ok());
        match (to, self.links.last_mut()) {
            (Some(to), _) => self.links.push(Link {
                to,
                trace_state: "".into(),
                attributes: Vec::new(),
            }),
            (None, Some(link)) => link.attributes.extend(attribute(line)),
            (None, None) => {}
        }
    }

    fn hand_over(self, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
        let reference = short_reference(&self.trace_id, &self.span_id)?;
        let mut span = tags::span_in(reference, &self.resource);
        span.parent_span_id = short_span_id(&self.parent_span_id);
        span.trace_state = Cow::Owned(self.trace_state);
        span.name = Cow::Owned(self.name);
        span.kind = tags::kind_named(&self.kind).unwrap_or_default();
        span.start = time(&self.start);
        span.end = span
            .start
            .zip(duration(&self.duration))
            .and_then(|(start, duration)| {
                let nanoseconds = u64::try_from(duration.as_nanos()).ok()?;
                UnixTime::from_nanoseconds(start.as_nanoseconds().checked_add(nanoseconds)?)
            });
        span.status.code = match &*self.status {
            "Ok" | "OK" => StatusCode::Ok,
            "Error" | "ERROR" => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        span.status.message = Cow::Owned(self.status_message);
        for (name, value) in self.tags {
            tags::add_attribute(&mut span, want, name, value);
        }
        span.links = self.links;
        if want == Want::Everything {
            span.events = self.events;
            span.resource_attributes = &self.resource;
        }
        each(&span);
        Ok(())
    }
}

/// The part that this line begins, if it is a heading.
fn heading(line: &str) -> Option<Part> {
    Some(match line {
        "Activity.Tags:" | "Activity.TagObjects:" => Part::Tags,
        "Activity.Events:" => Part::Events,
        "Activity.Links:" => Part::Links,
        RESOURCE => Part::Resource,
        "" => Part::Others,
        _ if line.starts_with("LogRecord.") => Part::Others,
        _ if line.starts_with("Instrumentation scope") => Part::Others,
        _ if line.starts_with("Resource associated with") => Part::Others,
        _ => return None,
    })
}

/// Parses `key: value`. The exporter writes all values as text.
fn attribute(line: &str) -> Option<Attribute<'static>> {
    let (name, value) = line.split_once(": ")?;
    let value = AnyValue::Text(value.to_owned().into());
    Some((name.to_owned().into(), value))
}

/// Parses a duration of .NET: `hh:mm:ss.fffffff`, or `d.hh:mm:ss.fffffff`.
fn duration(text: &str) -> Option<Duration> {
    let (clock, seconds) = text.rsplit_once(':')?;
    let (hours, minutes) = clock.split_once(':')?;
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let number = |text: &str| text.parse::<u64>().ok();
    let whole = [(days, 86_400), (hours, 3600), (minutes, 60), (seconds, 1)];
    let mut sum: u64 = 0;
    for (text, worth) in whole {
        sum = sum.checked_add(number(text)?.checked_mul(worth)?)?;
    }
    let nanoseconds = format!("{fraction:0<9}");
    let nanoseconds = number(nanoseconds.get(..9)?)?;
    Some(Duration::from_secs(sum) + Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_dotnet_are_read() {
        for (text, expected) in [
            ("00:00:02.1028562", Some(2_102_856_200)),
            ("1.01:00:00", Some(90_000_000_000_000)),
            ("00:00:00.5", Some(500_000_000)),
            ("5", None),
            ("00:x:00", None),
            ("99999999999999999999.00:00:00", None),
        ] {
            let read = duration(text).map(|duration| duration.as_nanos());
            assert_eq!(read, expected, "{text}");
        }
    }
}
