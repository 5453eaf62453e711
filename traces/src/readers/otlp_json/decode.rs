//! Decodes an `ExportTraceServiceRequest` in JSON into spans.

use std::borrow::Cow;

use baton_propagators::id::{SpanId, TraceId};

use crate::readers::cursor::{Cursor, Mistake, cursor};
use crate::readers::{span_id, tags, trace_id};
use crate::span::{
    AnyValue, Attribute, Key, Kind, Link, Span, SpanEvent, SpanReference, Status, StatusCode,
    UnixTime, Want,
};

/// The flags' bit that says whether the next one means anything (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`).
const HAS_IS_REMOTE: u64 = 0x100;
/// The flags' bit for a parent in another process (`SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`).
const IS_REMOTE: u64 = 0x200;
/// The sampled bit among the W3C trace flags, the low eight.
const SAMPLED: u64 = 0x01;

/// How deep lists and maps in an attribute's value may be nested.
const DEPTH_LIMIT: usize = 64;

/// The spans of one resource.
#[derive(Default)]
pub(super) struct ResourceSpans<'a> {
    pub(super) resource: Resource<'a>,
    /// Their service and resource attributes are in `resource`.
    pub(super) spans: Vec<Span<'a>>,
}

/// What sent them.
#[derive(Default)]
pub(super) struct Resource<'a> {
    pub(super) service: Cow<'a, str>,
    /// For [`Want::Everything`].
    pub(super) attributes: Vec<Attribute<'a>>,
}

impl ResourceSpans<'_> {
    /// Hands the spans over, and gives their number.
    pub(super) fn hand_over(self, each: &mut dyn FnMut(&Span<'_>)) -> u64 {
        let count = self.spans.len() as u64;
        for span in self.spans {
            let mut span: Span<'_> = span;
            span.service = &self.resource.service;
            span.resource_attributes = &self.resource.attributes;
            each(&span);
        }
        count
    }
}

/// Decodes one request.
pub(super) fn request(json: &[u8], want: Want) -> Result<Vec<ResourceSpans<'_>>, Mistake> {
    let mut cursor = cursor(json)?;
    let mut all = Vec::new();
    add_request(&mut cursor, want, &mut all)?;
    cursor.end()?;
    Ok(all)
}

fn add_request<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    all: &mut Vec<ResourceSpans<'a>>,
) -> Result<(), Mistake> {
    let mut add = |cursor: &mut Cursor<'a>| {
        cursor.array("a list of ResourceSpans", |cursor| {
            all.push(resource_spans(cursor, want)?);
            Ok(())
        })
    };
    cursor.object(
        "an ExportTraceServiceRequest object",
        |cursor, name| match name {
            "resourceSpans" => add(cursor),
            // Jaeger's API v3 wraps each part of an answer.
            "result" => cursor.object("a TracesData object", |cursor, name| match name {
                "resourceSpans" => add(cursor),
                _ => cursor.skip(),
            }),
            _ => cursor.skip(),
        },
    )
}

fn resource_spans<'a>(cursor: &mut Cursor<'a>, want: Want) -> Result<ResourceSpans<'a>, Mistake> {
    let mut all = ResourceSpans::default();
    cursor.object("a ResourceSpans object", |cursor, name| {
        match name {
            "resource" => all.resource = resource(cursor, want)?,
            "scopeSpans" => cursor.array("a list of ScopeSpans", |cursor| {
                cursor.object("a ScopeSpans object", |cursor, name| match name {
                    "spans" => cursor.array("a list of spans", |cursor| {
                        all.spans.push(span(cursor, want)?);
                        Ok(())
                    }),
                    _ => cursor.skip(),
                })
            })?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(all)
}

/// Decodes a resource.
pub(super) fn resource<'a>(cursor: &mut Cursor<'a>, want: Want) -> Result<Resource<'a>, Mistake> {
    let mut resource = Resource::default();
    cursor.object("a Resource object", |cursor, name| match name {
        "attributes" => each_attribute(cursor, |name, value| {
            if name == Key::ServiceName.name() {
                if let AnyValue::Text(service) = any_value(&mut value.clone(), 0)? {
                    resource.service = service;
                }
            }
            if want == Want::Everything {
                resource.attributes.push((name, any_value(value, 0)?));
            }
            Ok(())
        }),
        _ => cursor.skip(),
    })?;
    Ok(resource)
}

/// Decodes a span, all but its service and resource.
pub(super) fn span<'a>(cursor: &mut Cursor<'a>, want: Want) -> Result<Span<'a>, Mistake> {
    let start = cursor.clone();
    let mut ids: (Option<TraceId>, Option<SpanId>) = (None, None);
    // Any ids will do until its own are known.
    let placeholder = SpanReference {
        trace_id: TraceId::from_bytes([1; 16]).expect("not zero"),
        span_id: SpanId::from_bytes([1; 8]).expect("not zero"),
    };
    let mut span = Span::new(placeholder, "");
    let mut flags = 0;
    cursor.object("a Span object", |cursor, name| {
        match name {
            "traceId" => {
                let found = cursor.clone();
                ids.0 = Some(trace_id(&cursor.text()?).ok_or_else(|| {
                    found
                        .clone()
                        .mistake("a trace id of 32 hex digits, not all zero")
                })?);
            }
            "spanId" => {
                let found = cursor.clone();
                ids.1 = Some(span_id(&cursor.text()?).ok_or_else(|| {
                    found
                        .clone()
                        .mistake("a span id of 16 hex digits, not all zero")
                })?);
            }
            "parentSpanId" => span.parent_span_id = parent_span_id(cursor)?,
            "flags" => flags = unsigned(cursor)?,
            "traceState" => span.trace_state = cursor.text()?,
            "name" => span.name = cursor.text()?,
            "kind" => span.kind = kind(cursor)?,
            "startTimeUnixNano" => span.start = UnixTime::from_nanoseconds(unsigned(cursor)?),
            "endTimeUnixNano" => span.end = UnixTime::from_nanoseconds(unsigned(cursor)?),
            "attributes" => each_attribute(cursor, |name, value| {
                if want == Want::Everything || Key::from_name(&name).is_some() {
                    let value = any_value(value, 0)?;
                    tags::add_attribute(&mut span, want, name, value);
                }
                Ok(())
            })?,
            "links" => cursor.array("a list of links", |cursor| {
                span.links.extend(link(cursor)?);
                Ok(())
            })?,
            "status" if want == Want::Everything => span.status = status(cursor)?,
            "events" if want == Want::Everything => cursor.array("a list of events", |cursor| {
                span.events.push(event(cursor)?);
                Ok(())
            })?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    let (Some(trace_id), Some(span_id)) = ids else {
        return Err(start.clone().mistake("a span with `traceId` and `spanId`"));
    };
    span.reference = SpanReference { trace_id, span_id };
    if flags & HAS_IS_REMOTE != 0 {
        span.parent_is_remote = Some(flags & IS_REMOTE != 0);
        span.sampled = Some(flags & SAMPLED != 0);
    }
    Ok(span)
}

/// A root has an empty parent id, or none, or one of zeros.
fn parent_span_id(cursor: &mut Cursor<'_>) -> Result<Option<SpanId>, Mistake> {
    let mut found = cursor.clone();
    let text = cursor.text()?;
    if text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    let id = span_id(&text);
    id.map(Some)
        .ok_or_else(|| found.mistake("a parent span id of 16 hex digits"))
}

/// A link to an invalid context points nowhere and is left out.
fn link<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Link<'a>>, Mistake> {
    let (mut trace, mut span, mut trace_state) = (None, None, Cow::Borrowed(""));
    cursor.object("a Link object", |cursor, name| {
        match name {
            "traceId" => trace = trace_id(&cursor.text()?),
            "spanId" => span = span_id(&cursor.text()?),
            "traceState" => trace_state = cursor.text()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(trace.zip(span).map(|(trace_id, span_id)| Link {
        to: SpanReference { trace_id, span_id },
        trace_state,
    }))
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Result<Status<'a>, Mistake> {
    let mut status = Status::default();
    cursor.object("a Status object", |cursor, name| {
        match name {
            "code" => {
                status.code = match &*number_or_name(cursor)? {
                    "1" | "STATUS_CODE_OK" => StatusCode::Ok,
                    "2" | "STATUS_CODE_ERROR" => StatusCode::Error,
                    _ => StatusCode::Unset,
                }
            }
            "message" => status.message = cursor.text()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(status)
}

fn event<'a>(cursor: &mut Cursor<'a>) -> Result<SpanEvent<'a>, Mistake> {
    let mut event = SpanEvent {
        time: None,
        name: Cow::Borrowed(""),
        attributes: Vec::new(),
    };
    cursor.object("an Event object", |cursor, name| {
        match name {
            "timeUnixNano" => event.time = UnixTime::from_nanoseconds(unsigned(cursor)?),
            "name" => event.name = cursor.text()?,
            "attributes" => event.attributes = attributes(cursor, 0)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(event)
}

/// A span kind: the number OTLP/JSON prescribes, or the enum's name, as other protobuf writers put it.
fn kind(cursor: &mut Cursor<'_>) -> Result<Kind, Mistake> {
    let mut found = cursor.clone();
    Ok(match &*number_or_name(cursor)? {
        "1" | "SPAN_KIND_INTERNAL" => Kind::Internal,
        "2" | "SPAN_KIND_SERVER" => Kind::Server,
        "3" | "SPAN_KIND_CLIENT" => Kind::Client,
        "4" | "SPAN_KIND_PRODUCER" => Kind::Producer,
        "5" | "SPAN_KIND_CONSUMER" => Kind::Consumer,
        "" => return Err(found.mistake("a span kind, 0 to 5")),
        _ => Kind::Unspecified,
    })
}

/// An enum's value. Nothing is the default, and an unknown one is left to whoever asked.
fn number_or_name<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Mistake> {
    match cursor.peek() {
        Some(b'"') => cursor.text(),
        _ => Ok(Cow::Borrowed(cursor.scalar())),
    }
}

/// A number of 64 bits, as a string or not; `null` and what is negative are 0.
fn unsigned(cursor: &mut Cursor<'_>) -> Result<u64, Mistake> {
    let mut found = cursor.clone();
    let number = whole_number(cursor).map(|number| u64::try_from(number).unwrap_or(0));
    number.ok_or_else(|| found.mistake("a whole number of 64 bits, or a string that holds one"))
}

/// A whole number, as a string or not, in digits or with an exponent: some writers put nanoseconds into a double.
fn whole_number(cursor: &mut Cursor<'_>) -> Option<i128> {
    let text = match cursor.peek()? {
        b'"' => cursor.text().ok()?,
        _ => Cow::Borrowed(cursor.scalar()),
    };
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if text == "null" {
        return Some(0);
    }
    let double: f64 = text.parse().ok()?;
    (double.fract() == 0.0 && double.abs() < 2f64.powi(64)).then_some(double as i128)
}

/// Gives the name and the place of the value of each attribute in a list.
fn each_attribute<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(Cow<'a, str>, &mut Cursor<'a>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    cursor.array("a list of attributes", |cursor| {
        let (mut key, mut value) = (Cow::Borrowed(""), None);
        cursor.object("a KeyValue object", |cursor, name| {
            match name {
                "key" => key = cursor.text()?,
                "value" => {
                    cursor.peek();
                    value = Some(cursor.clone());
                    cursor.skip()?;
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        match value {
            Some(mut value) => each(key, &mut value),
            None => Ok(()),
        }
    })
}

fn attributes<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Vec<Attribute<'a>>, Mistake> {
    let mut attributes = Vec::new();
    each_attribute(cursor, |name, value| {
        attributes.push((name, any_value(value, depth)?));
        Ok(())
    })?;
    Ok(attributes)
}

fn any_value<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<AnyValue<'a>, Mistake> {
    if depth > DEPTH_LIMIT {
        return Err(cursor.mistake("a value of at most 64 levels"));
    }
    let mut value = AnyValue::Empty;
    cursor.object("an AnyValue object", |cursor, name| {
        if !matches!(value, AnyValue::Empty) || cursor.peek() == Some(b'n') {
            return cursor.skip();
        }
        match name {
            "stringValue" => value = AnyValue::Text(cursor.text()?),
            "intValue" => {
                let mut found = cursor.clone();
                let number = whole_number(cursor).and_then(|number| i64::try_from(number).ok());
                value = AnyValue::Integer(number.ok_or_else(|| {
                    found.mistake("a whole number of 64 bits, or a string that holds one")
                })?);
            }
            "doubleValue" => {
                let text = number_or_name(cursor)?;
                value = AnyValue::Double(text.parse().unwrap_or(f64::NAN));
            }
            "boolValue" => value = AnyValue::Boolean(cursor.scalar() == "true"),
            "bytesValue" => value = AnyValue::Bytes(cursor.text()?),
            "arrayValue" => {
                let mut values = Vec::new();
                cursor.object("an ArrayValue object", |cursor, name| match name {
                    "values" => cursor.array("a list of values", |cursor| {
                        values.push(any_value(cursor, depth + 1)?);
                        Ok(())
                    }),
                    _ => cursor.skip(),
                })?;
                value = AnyValue::List(values);
            }
            "kvlistValue" => {
                let mut members = Vec::new();
                cursor.object("a KeyValueList object", |cursor, name| {
                    match name {
                        "values" => members = attributes(cursor, depth + 1)?,
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?;
                value = AnyValue::Map(members);
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(value)
}
