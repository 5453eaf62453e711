//! The tags or annotations of Zipkin, Jaeger and X-Ray: attributes, and fields of OpenTelemetry
//! that these formats lack.

use std::borrow::Cow;

use super::ids::{span_id, trace_id};
use super::json::plain::members_in;
use crate::span::{
    AnyValue, Attribute, Class, Key, Kind, Link, SERVICE_NAMESPACE, Span, SpanReference,
    StatusCode, Value, Want,
};

/// The tag in which the OpenTelemetry Collector stores `tracestate`.
const TRACE_STATE: &str = "w3c.tracestate";
/// How the Collector names the links among Zipkin's tags: `otlp.link.0`, …
const LINK: &str = "otlp.link.";

/// A span with these ids, in the service that the resource attributes name.
pub(super) fn span_in<'r>(reference: SpanReference, resource: &'r [Attribute<'_>]) -> Span<'r> {
    let mut span = Span::new(reference, text_of(resource, Key::ServiceName.name()));
    span.namespace = Cow::Borrowed(namespace(resource));
    span
}

/// The service's namespace among resource attributes; empty if there is none.
pub(super) fn namespace<'r>(resource: &'r [Attribute<'_>]) -> &'r str {
    text_of(resource, SERVICE_NAMESPACE)
}

fn text_of<'r>(resource: &'r [Attribute<'_>], wanted: &str) -> &'r str {
    let mut values = resource.iter().rev();
    let found = values.find_map(|(name, value)| match value {
        AnyValue::Text(text) if name == wanted => Some(&**text),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Adds a tag to `span`.
pub(super) fn add<'a>(span: &mut Span<'a>, want: Want, name: Cow<'a, str>, value: AnyValue<'a>) {
    match (&*name, value) {
        ("span.kind", AnyValue::Text(kind)) => span.kind = kind_named(&kind).unwrap_or(span.kind),
        (TRACE_STATE, AnyValue::Text(trace_state)) => span.trace_state = trace_state,
        ("otel.status_code", AnyValue::Text(code)) => match &*code {
            "OK" | "Ok" => span.status.code = StatusCode::Ok,
            "ERROR" | "Error" => span.status.code = StatusCode::Error,
            _ => {}
        },
        ("otel.status_description", AnyValue::Text(message)) => span.status.message = message,
        (name, AnyValue::Text(link)) if name.starts_with(LINK) => {
            span.links.extend(link_in(link));
        }
        (tag, value) => {
            if tag == "error" && value != AnyValue::Boolean(false) {
                span.status.code = StatusCode::Error;
            }
            add_attribute(span, want, name, value);
        }
    }
}

/// Adds an attribute to `span`: to the field that judging uses, or to the other attributes.
pub(super) fn add_attribute<'a>(
    span: &mut Span<'a>,
    want: Want,
    name: Cow<'a, str>,
    value: AnyValue<'a>,
) {
    let class = Class::of(&name);
    add_classed(span, want, &class, name, value);
}

/// Adds an attribute with a name of this class, as [`add_attribute`] does.
pub(super) fn add_classed<'a>(
    span: &mut Span<'a>,
    want: Want,
    class: &Class,
    name: Cow<'a, str>,
    value: AnyValue<'a>,
) {
    let Some(key) = class.key else {
        if want.takes(class) {
            span.other_attributes.push((name, value));
        }
        return;
    };
    match value {
        AnyValue::Text(text) => span.attributes.set(key, Value::Text(text)),
        AnyValue::Integer(number) => span.attributes.set(key, Value::Integer(number)),
        AnyValue::Boolean(value) => span.attributes.set(key, Value::Boolean(value)),
        value if want != Want::Judging => span.other_attributes.push((name, value)),
        _ => {}
    }
}

/// The kind in Zipkin's `kind` or Jaeger's `span.kind`, in either case.
pub(super) fn kind_named(name: &str) -> Option<Kind> {
    [
        ("internal", Kind::Internal),
        ("server", Kind::Server),
        ("client", Kind::Client),
        ("producer", Kind::Producer),
        ("consumer", Kind::Consumer),
    ]
    .into_iter()
    .find(|(kind, _)| name.eq_ignore_ascii_case(kind))
    .map(|(_, kind)| kind)
}

/// Parses a link as the Collector writes it: `TRACE_ID|SPAN_ID|TRACESTATE|ATTRIBUTES|DROPPED`.
fn link_in(text: Cow<'_, str>) -> Option<Link<'_>> {
    let mut parts = text.splitn(3, '|');
    let to = SpanReference {
        trace_id: trace_id(parts.next()?)?,
        span_id: span_id(parts.next()?)?,
    };
    let rest = parts.next().unwrap_or_default();
    // a member of tracestate may have a `|`, and so may the attributes, which are JSON
    let rest = rest.rsplit_once('|').map_or(rest, |(rest, _dropped)| rest);
    let (trace_state, attributes) = match rest.find("|{") {
        Some(place) => (&rest[..place], &rest[place + 1..]),
        None => (rest.trim_end_matches('|'), ""),
    };
    Some(Link {
        to,
        trace_state: trace_state.to_owned().into(),
        attributes: members_in(attributes),
    })
}
