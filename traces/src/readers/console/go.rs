//! The output of Go's `stdouttrace` exporter.

use serde::Deserialize;

use super::{Details, link};
use crate::readers::ids::{short_reference, short_span_id};
use crate::readers::json::number::Number;
use crate::readers::json::plain::Plain;
use crate::readers::json::text::Text;
use crate::readers::tags;
use crate::readers::time;
use crate::span::{AnyValue, Attribute, Kind, Link, Span, SpanEvent, StatusCode, Want};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SpanFields<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    span_context: Context<'a>,
    #[serde(borrow, default)]
    parent: Option<Context<'a>>,
    #[serde(default)]
    span_kind: Number,
    #[serde(borrow, default)]
    start_time: Text<'a>,
    #[serde(borrow, default)]
    end_time: Text<'a>,
    #[serde(borrow, default)]
    attributes: Option<Vec<KeyValue<'a>>>,
    #[serde(borrow, default)]
    events: Option<Vec<Event<'a>>>,
    #[serde(borrow, default)]
    links: Option<Vec<LinkFields<'a>>>,
    #[serde(borrow, default)]
    status: Option<Status<'a>>,
    #[serde(borrow, default)]
    resource: Option<Vec<KeyValue<'a>>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow, default, rename = "TraceID")]
    trace_id: Text<'a>,
    #[serde(borrow, default, rename = "SpanID")]
    span_id: Text<'a>,
    /// Two hex digits.
    #[serde(borrow, default, rename = "TraceFlags")]
    trace_flags: Text<'a>,
    #[serde(borrow, default, rename = "TraceState")]
    trace_state: Text<'a>,
    #[serde(default, rename = "Remote")]
    remote: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    value: TypedValue<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TypedValue<'a> {
    #[serde(borrow, default)]
    value: Plain<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    attributes: Option<Vec<KeyValue<'a>>>,
    #[serde(borrow, default)]
    time: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LinkFields<'a> {
    #[serde(borrow)]
    span_context: Context<'a>,
    #[serde(borrow, default)]
    attributes: Option<Vec<KeyValue<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status<'a> {
    #[serde(borrow, default)]
    code: Plain<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
}

impl<'a> SpanFields<'a> {
    /// Passes the span on. An error says what is wrong with it.
    pub(super) fn hand_over(
        self,
        want: Want,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Result<(), String> {
        let own = &self.span_context;
        let reference = short_reference(&own.trace_id.0, &own.span_id.0)?;
        let resource = attributes(self.resource);
        let mut span = tags::span_in(reference, &resource);
        if let Some(parent) = &self.parent {
            span.parent_span_id = short_span_id(&parent.span_id.0);
            span.parent_is_remote = span.parent_span_id.and(parent.remote);
        }
        let flags = u8::from_str_radix(&own.trace_flags.0, 16).ok();
        span.sampled = flags.map(|flags| flags & 1 != 0);
        span.trace_state = self.span_context.trace_state.0;
        span.name = self.name.0;
        span.kind = match self.span_kind.unsigned() {
            Some(1) => Kind::Internal,
            Some(2) => Kind::Server,
            Some(3) => Kind::Client,
            Some(4) => Kind::Producer,
            Some(5) => Kind::Consumer,
            _ => Kind::Unspecified,
        };
        (span.start, span.end) = (time(&self.start_time.0), time(&self.end_time.0));
        if let Some(status) = self.status {
            // Older versions print the number of Go's own code, in which 1 is an error.
            span.status.code = match status.code.0 {
                AnyValue::Text(code) if code == "Ok" => StatusCode::Ok,
                AnyValue::Text(code) if code == "Error" => StatusCode::Error,
                AnyValue::Integer(1) => StatusCode::Error,
                AnyValue::Integer(2) => StatusCode::Ok,
                _ => StatusCode::Unset,
            };
            span.status.message = status.description.0;
        }
        let links = self.links.unwrap_or_default().into_iter();
        let events = self.events.unwrap_or_default().into_iter();
        let details = Details {
            attributes: attributes(self.attributes),
            links: links.filter_map(LinkFields::into_link).collect(),
            events: events.map(Event::into_event).collect(),
        };
        super::hand_over(span, details, &resource, want, each);
        Ok(())
    }
}

impl<'a> LinkFields<'a> {
    fn into_link(self) -> Option<Link<'a>> {
        let ids = [
            &*self.span_context.trace_id.0,
            &*self.span_context.span_id.0,
        ];
        link(
            ids,
            self.span_context.trace_state.0,
            attributes(self.attributes),
        )
    }
}

impl<'a> Event<'a> {
    fn into_event(self) -> SpanEvent<'a> {
        SpanEvent {
            time: time(&self.time.0),
            name: self.name.0,
            attributes: attributes(self.attributes),
        }
    }
}

fn attributes(list: Option<Vec<KeyValue<'_>>>) -> Vec<Attribute<'_>> {
    let list = list.unwrap_or_default().into_iter();
    list.map(|attribute| (attribute.key.0, attribute.value.value.0))
        .collect()
}
