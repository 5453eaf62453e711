//! The output of Python's `ConsoleSpanExporter`, which prints `ReadableSpan.to_json`.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Details, link};
use crate::readers::ids::{short_reference, short_span_id};
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::readers::tags;
use crate::readers::time;
use crate::span::{Attribute, Link, Span, SpanEvent, StatusCode, Want};

#[derive(Deserialize)]
pub(super) struct SpanFields<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    context: Context<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    parent_id: Text<'a>,
    #[serde(borrow, default)]
    start_time: Text<'a>,
    #[serde(borrow, default)]
    end_time: Text<'a>,
    #[serde(borrow, default)]
    status: Option<Status<'a>>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
    #[serde(borrow, default)]
    events: Option<Vec<Event<'a>>>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
    #[serde(borrow, default)]
    resource: Plain<'a>,
}

#[derive(Default, Deserialize)]
struct Context<'a> {
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, default)]
    status_code: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

#[derive(Deserialize)]
struct LinkFields<'a> {
    #[serde(borrow, default)]
    context: Context<'a>,
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
        let reference = short_reference(&self.context.trace_id.0, &self.context.span_id.0)?;
        let resource = resource(self.resource);
        let mut span = tags::span_in(reference, &resource);
        span.parent_span_id = short_span_id(&self.parent_id.0);
        span.name = self.name.0;
        let kind = self.kind.0.strip_prefix("SpanKind.");
        span.kind = kind.and_then(tags::kind_named).unwrap_or_default();
        (span.start, span.end) = (time(&self.start_time.0), time(&self.end_time.0));
        span.trace_state = self.context.trace_state();
        if let Some(status) = self.status {
            span.status.code = match &*status.status_code.0 {
                "OK" => StatusCode::Ok,
                "ERROR" => StatusCode::Error,
                _ => StatusCode::Unset,
            };
            span.status.message = status.description.0;
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

/// Resource attributes. Before version 1.12, they were members of the resource itself.
fn resource(resource: Plain<'_>) -> Vec<Attribute<'_>> {
    let members = resource.into_members();
    match members.iter().position(|(name, _)| name == "attributes") {
        Some(place) => {
            let mut members = members;
            Plain(members.swap_remove(place).1).into_members()
        }
        None => members,
    }
}

impl<'a> Context<'a> {
    /// `tracestate` as in the header. Python prints `[{key=a, value=1}, …]`.
    fn trace_state(&self) -> Cow<'a, str> {
        let text = self
            .trace_state
            .0
            .trim_start_matches('[')
            .trim_end_matches(']');
        let members = text.split("{key=").filter_map(|member| {
            let (key, value) = member.split_once(", value=")?;
            let value = value.split('}').next().unwrap_or_default();
            Some(format!("{key}={value}"))
        });
        members.collect::<Vec<_>>().join(",").into()
    }
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let ids = [&*self.context.trace_id.0, &*self.context.span_id.0];
        link(
            ids,
            self.context.trace_state(),
            self.attributes.into_members(),
        )
    }
}

impl<'a> Event<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        SpanEvent {
            time: time(&self.timestamp.0),
            name: self.name.0,
            attributes: self.attributes.into_members(),
        }
    }
}
