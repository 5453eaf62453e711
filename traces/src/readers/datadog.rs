//! The JSON that Datadog's tracers send to the agent: a list of traces, each a list of spans.
//!
//! (<https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/>) Ids are decimal 64-bit
//! numbers. At least one span of a trace has the high half of the trace id as hex, in the tag
//! `_dd.p.tid`. Tags are in `meta`, numbers in `metrics`.

use std::collections::HashMap;
use std::io::BufRead;

use baton_propagators::{SpanId, TraceId};
use serde::Deserialize;

use super::ids::short_reference;
use super::json::number::Number;
use super::json::plain::Plain;
use super::json::text::Text;
use super::json::{Fault, JsonReader};
use super::tags;
use crate::span::{AnyValue, Link, Span, SpanFormat, SpanReference, StatusCode, UnixTime, Want};

/// The tag that holds the high 64 bits of a trace id.
const HIGH_BITS: &str = "_dd.p.tid";
/// The tag in which tracers write links for agents that do not know `span_links`.
const LINKS_TAG: &str = "_dd.span_links";
const SAMPLING_PRIORITY: &str = "_sampling_priority_v1";

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    json.documents(|json| trace_or_span(json, want, each))
}

/// Reads a trace or a span. A whole trace is held in memory, because any of its spans may have the
/// high bits of the trace id.
fn trace_or_span<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let line = json.line();
    let spans: Vec<SpanFields<'_>> = match json.peek()? {
        Some(b'[') => json.parse()?,
        _ => vec![json.parse()?],
    };
    // A list may hold several traces. The high bits of each come from one of its own spans.
    let known: HashMap<_, _> = spans
        .iter()
        .filter_map(|span| Some((span.trace_id.unsigned()?, span.high_bits()?)))
        .collect();
    for span in spans {
        let id = span.trace_id.unsigned().unwrap_or_default();
        let high_bits = known.get(&id).copied().unwrap_or_default();
        let read = span.hand_over(high_bits, want, each);
        read.map_err(|problem| Fault::Problem { line, problem })?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(expecting = "a Datadog span object")]
struct SpanFields<'a> {
    trace_id: Number,
    span_id: Number,
    #[serde(default)]
    parent_id: Number,
    #[serde(borrow, default)]
    service: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    resource: Text<'a>,
    /// In nanoseconds, like the duration.
    #[serde(default)]
    start: Number,
    #[serde(default)]
    duration: Number,
    #[serde(default)]
    error: Number,
    #[serde(borrow, default)]
    meta: Plain<'a>,
    #[serde(borrow, default)]
    metrics: Plain<'a>,
    #[serde(borrow, default)]
    span_links: Option<Vec<LinkFields<'a>>>,
}

#[derive(Deserialize)]
struct LinkFields<'a> {
    trace_id: Number,
    #[serde(default)]
    trace_id_high: Number,
    span_id: Number,
    #[serde(borrow, default)]
    tracestate: Text<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

/// A link in [`LINKS_TAG`], with ids in hex.
#[derive(Deserialize)]
struct LinkInTag<'a> {
    #[serde(borrow)]
    trace_id: Text<'a>,
    #[serde(borrow)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    tracestate: Text<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

impl<'a> SpanFields<'a> {
    fn high_bits(&self) -> Option<u64> {
        let AnyValue::Map(members) = &self.meta.0 else {
            return None;
        };
        let (_, value) = members.iter().find(|(name, _)| name == HIGH_BITS)?;
        match value {
            AnyValue::Text(hex) => u64::from_str_radix(hex, 16).ok(),
            _ => None,
        }
    }

    fn hand_over(
        self,
        high_bits: u64,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let reference = reference(high_bits, self.trace_id, self.span_id).ok_or_else(|| {
            "a trace id and a span id are decimal numbers of 64 bits, not 0".to_owned()
        })?;
        let mut span = Span::new(reference, &self.service.0);
        span.read_as = Some(SpanFormat::Datadog);
        span.parent_span_id = self.parent_id.unsigned().and_then(span_id);
        // Datadog's `name` is the kind of operation; its `resource` is OpenTelemetry's name.
        span.name = match self.resource.0.is_empty() {
            true => self.name.0,
            false => self.resource.0,
        };
        let (start, duration) = (self.start.unsigned(), self.duration.unsigned());
        span.start = start.and_then(UnixTime::from_nanoseconds);
        let end = start
            .zip(duration)
            .and_then(|(start, duration)| start.checked_add(duration));
        span.end = end.and_then(UnixTime::from_nanoseconds);
        for (name, value) in self.meta.into_members() {
            if let (LINKS_TAG, AnyValue::Text(json)) = (&*name, &value) {
                span.links.extend(links_in(json));
            }
            tags::add(&mut span, want, name, value);
        }
        for (name, value) in self.metrics.into_members() {
            if name == SAMPLING_PRIORITY {
                span.sampled = match value {
                    AnyValue::Integer(priority) => Some(priority > 0),
                    AnyValue::Double(priority) => Some(priority > 0.0),
                    _ => None,
                };
            }
            tags::add(&mut span, want, name, value);
        }
        if self.error.unsigned().unwrap_or_default() != 0 {
            span.status.code = StatusCode::Error;
        }
        let links = self.span_links.unwrap_or_default().into_iter();
        span.links.extend(links.filter_map(LinkFields::into_link));
        each(&span);
        Ok(())
    }
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let high_bits = self.trace_id_high.unsigned().unwrap_or_default();
        Some(Link {
            to: reference(high_bits, self.trace_id, self.span_id)?,
            trace_state: self.tracestate.0,
            attributes: self.attributes.into_members(),
        })
    }
}

/// The links in the JSON of a tag. Anything else there is no link.
fn links_in(json: &str) -> Vec<Link<'static>> {
    let links: Vec<LinkInTag<'_>> = serde_json::from_str(json).unwrap_or_default();
    let links = links.into_iter().filter_map(|link| {
        Some(Link {
            to: short_reference(&link.trace_id.0, &link.span_id.0).ok()?,
            trace_state: link.tracestate.0.into_owned().into(),
            attributes: Plain(link.attributes.0.into_owned()).into_members(),
        })
    });
    links.collect()
}

fn reference(high_bits: u64, trace: Number, span: Number) -> Option<SpanReference> {
    let low_bits = trace.unsigned().filter(|id| *id != 0)?;
    let trace_id = u128::from(high_bits) << 64 | u128::from(low_bits);
    Some(SpanReference {
        trace_id: TraceId::from_bytes(trace_id.to_be_bytes())?,
        span_id: span_id(span.unsigned()?)?,
    })
}

fn span_id(number: u64) -> Option<SpanId> {
    SpanId::from_bytes(number.to_be_bytes())
}
