//! Rows of `otel_traces`, the table that the Collector's ClickHouse exporter writes, as JSON.
//!
//! (<https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter>)
//! ClickHouse writes a row on each line (`FORMAT JSONEachRow`), or one document with the rows in
//! `data` (`FORMAT JSON`). Events and links are lists of the same length, such as `Links.TraceId`
//! and `Links.SpanId`, or lists of objects. All attributes are text.

use std::io::BufRead;

use std::borrow::Cow;

use serde::Deserialize;

use super::ids::{short_reference, short_span_id};
use super::json::number::Number;
use super::json::plain::Plain;
use super::json::text::Text;
use super::json::{Fault, JsonReader, json_problem, parse_json};
use super::skipped::{Place, Skipped};
use super::{tags, time};
use crate::span::{AnyValue, Attribute, Link, Span, SpanEvent, StatusCode, UnixTime, Want};

/// The document around the rows.
static ANSWER: Place = Place {
    name: "an answer of ClickHouse",
    members: &["data"],
    others: &[],
};

/// Whether an object with these members is a row.
pub(super) fn is_row(names: &[String]) -> bool {
    let has = |name: &str| names.iter().any(|known| known == name);
    has("TraceId") && has("SpanId") && (has("SpanName") || has("SpanKind") || has("SpanAttributes"))
}

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    json.documents(|json| object(json, want, each, skipped))
}

/// Reads a row, or a document with rows in `data`.
fn object<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let line = json.line();
    let mut row = Vec::new();
    json.object(|json, name| match name {
        "data" => json.array(|json| {
            let line = json.line();
            hand_over(json.value()?, line, want, each)
        }),
        // the names and types of the columns
        "meta" | "statistics" => json.skip(),
        _ if name.starts_with(|first: char| first.is_ascii_uppercase()) => {
            let name = serde_json::Value::from(name).to_string();
            row.push(if row.is_empty() { b'{' } else { b',' });
            row.extend_from_slice(name.as_bytes());
            row.push(b':');
            row.extend_from_slice(json.value()?);
            Ok(())
        }
        _ => {
            skipped.line = json.line();
            let beginning = json.skip_showing()?;
            if ANSWER.misses(name, &beginning) {
                skipped.add(&ANSWER, name);
            }
            Ok(())
        }
    })?;
    if row.is_empty() {
        return Ok(());
    }
    row.push(b'}');
    hand_over(&row, line, want, each)
}

fn hand_over(
    json: &[u8],
    line: u64,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let problem = |problem| Fault::Problem { line, problem };
    let row: Row<'_> = parse_json(json).map_err(|error| problem(json_problem(&error)))?;
    row.hand_over(want, each).map_err(problem)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", expecting = "a row of otel_traces")]
struct Row<'a> {
    #[serde(borrow, default)]
    timestamp: Plain<'a>,
    #[serde(borrow)]
    trace_id: Text<'a>,
    #[serde(borrow)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    parent_span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
    #[serde(borrow, default)]
    span_name: Text<'a>,
    #[serde(borrow, default)]
    span_kind: Text<'a>,
    #[serde(borrow, default)]
    service_name: Text<'a>,
    #[serde(borrow, default)]
    resource_attributes: Plain<'a>,
    #[serde(borrow, default)]
    span_attributes: Plain<'a>,
    /// In nanoseconds.
    #[serde(default)]
    duration: Number,
    #[serde(borrow, default)]
    status_code: Text<'a>,
    #[serde(borrow, default)]
    status_message: Text<'a>,
    #[serde(borrow, default)]
    events: Vec<Nested<'a>>,
    #[serde(borrow, default)]
    links: Vec<Nested<'a>>,
    #[serde(borrow, default, rename = "Events.Timestamp")]
    event_times: Vec<Plain<'a>>,
    #[serde(borrow, default, rename = "Events.Name")]
    event_names: Vec<Text<'a>>,
    #[serde(borrow, default, rename = "Events.Attributes")]
    event_attributes: Vec<Plain<'a>>,
    #[serde(borrow, default, rename = "Links.TraceId")]
    link_trace_ids: Vec<Text<'a>>,
    #[serde(borrow, default, rename = "Links.SpanId")]
    link_span_ids: Vec<Text<'a>>,
    #[serde(borrow, default, rename = "Links.TraceState")]
    link_trace_states: Vec<Text<'a>>,
    #[serde(borrow, default, rename = "Links.Attributes")]
    link_attributes: Vec<Plain<'a>>,
}

/// An event or a link of a table whose nested columns are not flattened.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Nested<'a> {
    #[serde(borrow, default)]
    timestamp: Plain<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
}

impl Row<'_> {
    /// Passes the span on. An error says what is wrong with it.
    fn hand_over(mut self, want: Want, each: &mut dyn FnMut(&Span<'_>)) -> Result<(), String> {
        let reference = short_reference(&self.trace_id.0, &self.span_id.0)?;
        let links = self.links();
        let events = if want == Want::Everything {
            self.events()
        } else {
            Vec::new()
        };
        let resource: Vec<Attribute<'_>> = self.resource_attributes.into_members();
        let mut span = Span::new(reference, &self.service_name.0);
        span.namespace = Cow::Borrowed(tags::namespace(&resource));
        span.parent_span_id = short_span_id(&self.parent_span_id.0);
        span.trace_state = self.trace_state.0;
        span.name = self.span_name.0;
        // older versions of the exporter write the names of the protobuf
        let kind = self.span_kind.0.trim_start_matches("SPAN_KIND_");
        span.kind = tags::kind_named(kind).unwrap_or_default();
        span.start = moment(&self.timestamp.0);
        span.end = span
            .start
            .zip(self.duration.unsigned())
            .and_then(|(start, duration)| {
                UnixTime::from_nanoseconds(start.as_nanoseconds().checked_add(duration)?)
            });
        span.status.code = match self.status_code.0.trim_start_matches("STATUS_CODE_") {
            "Ok" | "OK" => StatusCode::Ok,
            "Error" | "ERROR" => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        span.status.message = self.status_message.0;
        for (name, value) in self.span_attributes.into_members() {
            tags::add_attribute(&mut span, want, name, value);
        }
        span.links = links;
        if want == Want::Everything {
            span.events = events;
            span.resource_attributes = &resource;
        }
        each(&span);
        Ok(())
    }
}

impl<'a> Row<'a> {
    fn links(&mut self) -> Vec<Link<'a>> {
        let nested = std::mem::take(&mut self.links).into_iter();
        let nested = nested.map(|link| {
            (
                link.trace_id,
                link.span_id,
                link.trace_state,
                link.attributes,
            )
        });
        let traces = std::mem::take(&mut self.link_trace_ids).into_iter();
        let spans = std::mem::take(&mut self.link_span_ids).into_iter();
        let mut states = std::mem::take(&mut self.link_trace_states).into_iter();
        let mut attributes = std::mem::take(&mut self.link_attributes).into_iter();
        let flat = traces.zip(spans).map(|(trace, span)| {
            let state = states.next().unwrap_or_default();
            (trace, span, state, attributes.next().unwrap_or_default())
        });
        let links = nested
            .chain(flat)
            .filter_map(|(trace, span, state, attributes)| {
                Some(Link {
                    to: short_reference(&trace.0, &span.0).ok()?,
                    trace_state: state.0,
                    attributes: attributes.into_members(),
                })
            });
        links.collect()
    }

    fn events(&mut self) -> Vec<SpanEvent<'a>> {
        let nested = std::mem::take(&mut self.events).into_iter();
        let nested = nested.map(|event| (event.timestamp, event.name, event.attributes));
        let times = std::mem::take(&mut self.event_times).into_iter();
        let names = std::mem::take(&mut self.event_names).into_iter();
        let mut attributes = std::mem::take(&mut self.event_attributes).into_iter();
        let flat = times.zip(names);
        let flat = flat.map(|(time, name)| (time, name, attributes.next().unwrap_or_default()));
        let events = nested
            .chain(flat)
            .map(|(time, name, attributes)| SpanEvent {
                time: moment(&time.0),
                name: name.0,
                attributes: attributes.into_members(),
            });
        events.collect()
    }
}

/// A time in any of ClickHouse's formats (`date_time_output_format`): `2024-05-01 10:00:00.123`,
/// RFC 3339, or seconds since the epoch. A time without a zone is taken as UTC.
fn moment(value: &AnyValue<'_>) -> Option<UnixTime> {
    let seconds = |seconds: u64| UnixTime::from_nanoseconds(seconds.checked_mul(1_000_000_000)?);
    let text = match value {
        AnyValue::Integer(number) => return seconds(u64::try_from(*number).ok()?),
        AnyValue::Double(number) => return UnixTime::from_nanoseconds((number * 1e9) as u64),
        AnyValue::Text(text) => text,
        _ => return None,
    };
    if let Some((date, clock)) = text.split_once(' ') {
        return time(&format!("{date}T{clock}Z"));
    }
    if text.contains('T') {
        return time(text);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?;
    UnixTime::from_nanoseconds(whole.checked_add(nanoseconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_every_format() {
        let expected = UnixTime::from_nanoseconds(1_714_557_600_123_000_000);
        for text in [
            "2024-05-01 10:00:00.123000000",
            "2024-05-01T10:00:00.123Z",
            "1714557600.123",
        ] {
            assert_eq!(moment(&AnyValue::Text(text.into())), expected, "{text}");
        }
        for text in ["", "yesterday", "2024-05-01", "9999999999999999999999.1"] {
            assert_eq!(moment(&AnyValue::Text(text.into())), None, "{text}");
        }
    }
}
