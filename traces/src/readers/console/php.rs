//! The output of PHP's `ConsoleSpanExporter`, which prints a list with one span each.

use serde::Deserialize;

use super::{Details, link};
use crate::readers::ids::{short_reference, short_span_id};
use crate::readers::json::number::Number;
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::readers::tags;
use crate::span::{Attribute, Link, Span, SpanEvent, StatusCode, UnixTime, Want};

#[derive(Deserialize)]
pub(super) struct SpanFields<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    context: Context<'a>,
    #[serde(borrow, default)]
    resource: Plain<'a>,
    #[serde(borrow, default)]
    parent_span_id: Text<'a>,
    /// The name of a constant, such as `KIND_SERVER`.
    #[serde(borrow, default)]
    kind: Text<'a>,
    /// In nanoseconds.
    #[serde(default)]
    start: Number,
    #[serde(default)]
    end: Number,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
    #[serde(borrow, default)]
    status: Option<Status<'a>>,
    #[serde(borrow, default)]
    events: Option<Vec<Event<'a>>>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    trace_state: Text<'a>,
    #[serde(default)]
    trace_flags: Number,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(default)]
    timestamp: Number,
    #[serde(borrow, default)]
    attributes: Plain<'a>,
}

#[derive(Deserialize)]
struct LinkFields<'a> {
    #[serde(borrow)]
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
        let resource: Vec<Attribute<'_>> = self.resource.into_members();
        let mut span = tags::span_in(reference, &resource);
        span.parent_span_id = short_span_id(&self.parent_span_id.0);
        let flags = self.context.trace_flags.unsigned();
        span.sampled = flags.map(|flags| flags & 1 != 0);
        span.trace_state = self.context.trace_state.0;
        span.name = self.name.0;
        let kind = self.kind.0.strip_prefix("KIND_");
        span.kind = kind.and_then(tags::kind_named).unwrap_or_default();
        (span.start, span.end) = (time(&self.start), time(&self.end));
        if let Some(status) = self.status {
            span.status.code = match &*status.code.0 {
                "Ok" => StatusCode::Ok,
                "Error" => StatusCode::Error,
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

fn time(nanoseconds: &Number) -> Option<UnixTime> {
    UnixTime::from_nanoseconds(nanoseconds.unsigned()?)
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let ids = [&*self.context.trace_id.0, &*self.context.span_id.0];
        link(
            ids,
            self.context.trace_state.0.clone(),
            self.attributes.into_members(),
        )
    }
}

impl<'a> Event<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        SpanEvent {
            time: time(&self.timestamp),
            name: self.name.0,
            attributes: self.attributes.into_members(),
        }
    }
}
