//! Decodes one span of OTLP/JSON.

use std::borrow::Cow;

use baton_propagators::{SpanId, TraceId};

use super::recent::Recent;
use super::values::{attributes, each_of_span, kind, status_code, unsigned};
use crate::readers::ids::{span_id, trace_id};
use crate::readers::json::cursor::{Cursor, Mistake};
use crate::readers::skipped::{Place, Skipped};
use crate::readers::tags;
use crate::span::{Link, Span, SpanEvent, SpanReference, Status, StatusCode, UnixTime, Want};

/// The bit of `flags` that says whether [`IS_REMOTE`] has a meaning
/// (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`).
const HAS_IS_REMOTE: u64 = 0x100;
/// The bit of `flags` for a parent in another process (`SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`).
const IS_REMOTE: u64 = 0x200;
/// The sampled bit. The W3C trace flags are the low eight bits of `flags`.
const SAMPLED: u64 = 0x01;

/// The members that are read.
static SPAN: Place = Place {
    name: "a Span",
    members: &[
        "traceId",
        "spanId",
        "parentSpanId",
        "flags",
        "traceState",
        "name",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "links",
        "status",
        "events",
    ],
    others: OTHER_NAMES,
};

/// Members of spans in Zipkin's and Jaeger's JSON, and in programs of one's own. A span without its
/// parent would be a root.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("parentId", "parentSpanId"),
    ("startTime", "startTimeUnixNano"),
    ("endTime", "endTimeUnixNano"),
    ("tags", "attributes"),
];

/// Decodes a span, except its service and resource.
pub(super) fn span<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<Span<'a>, Mistake> {
    let start = cursor.clone();
    let mut ids: (Option<TraceId>, Option<SpanId>) = (None, None);
    // Any valid ids will do until the span's own are read.
    let placeholder = SpanReference {
        trace_id: TraceId::from_bytes([1; 16]).expect("not zero"),
        span_id: SpanId::from_bytes([1; 8]).expect("not zero"),
    };
    let mut span = Span::new(placeholder, "");
    let mut flags = 0;
    cursor.object("a Span object", |cursor, name| {
        match name {
            "traceId" | "trace_id" => ids.0 = Some(own_trace_id(cursor)?),
            "spanId" | "span_id" => ids.1 = Some(own_span_id(cursor)?),
            "parentSpanId" | "parent_span_id" => span.parent_span_id = parent_span_id(cursor)?,
            "flags" => flags = unsigned(cursor)?,
            "traceState" | "trace_state" => span.trace_state = cursor.text()?,
            "name" => span.name = cursor.text()?,
            "kind" => span.kind = kind(cursor)?,
            "startTimeUnixNano" | "start_time_unix_nano" => {
                span.start = UnixTime::from_nanoseconds(unsigned(cursor)?);
            }
            "endTimeUnixNano" | "end_time_unix_nano" => {
                span.end = UnixTime::from_nanoseconds(unsigned(cursor)?);
            }
            "attributes" => each_of_span(cursor, recent, |name, class, value| {
                if want.takes(class) {
                    tags::add_classed(&mut span, want, class, name, value.value(0)?);
                }
                Ok(())
            })?,
            "links" => cursor.array("a list of links", |cursor| {
                span.links.extend(link(cursor, want)?);
                Ok(())
            })?,
            "status" if want != Want::Judging => span.status = status(cursor)?,
            "events" if want == Want::Everything => cursor.array("a list of events", |cursor| {
                span.events.push(event(cursor)?);
                Ok(())
            })?,
            "status" | "events" => cursor.skip()?,
            "droppedAttributesCount" | "droppedEventsCount" | "droppedLinksCount" => {
                cursor.skip()?;
            }
            _ => unknown(cursor, &SPAN, name, skipped)?,
        }
        Ok(())
    })?;
    let (Some(trace_id), Some(span_id)) = ids else {
        return Err(start.clone().mistake("a span with `traceId` and `spanId`"));
    };
    span.reference = SpanReference { trace_id, span_id };
    if flags & HAS_IS_REMOTE != 0 {
        span.parent_is_remote = Some(flags & IS_REMOTE != 0);
        let sampled = flags & SAMPLED != 0;
        // other formats have no sampling flags, so a missing flag of a converted span means nothing
        span.sampled = (sampled || span.format().is_none()).then_some(sampled);
    }
    Ok(span)
}

/// Skips an unknown member of `place`, and counts it if it should be reported.
pub(super) fn unknown(
    cursor: &mut Cursor<'_>,
    place: &'static Place,
    name: &str,
    skipped: &mut Skipped,
) -> Result<(), Mistake> {
    let value = cursor.skipped()?;
    if place.misses(name, value) {
        skipped.add(place, name);
    }
    Ok(())
}

fn own_trace_id(cursor: &mut Cursor<'_>) -> Result<TraceId, Mistake> {
    let mut found = cursor.clone();
    let id = trace_id(&cursor.text()?);
    id.ok_or_else(|| found.mistake("a trace id of 32 hex digits, not all zero"))
}

fn own_span_id(cursor: &mut Cursor<'_>) -> Result<SpanId, Mistake> {
    let mut found = cursor.clone();
    let id = span_id(&cursor.text()?);
    id.ok_or_else(|| found.mistake("a span id of 16 hex digits, not all zero"))
}

/// Reads the parent's id. A root has an empty one, none, or one of zeros.
fn parent_span_id(cursor: &mut Cursor<'_>) -> Result<Option<SpanId>, Mistake> {
    const ZEROS_IN_BASE64: &str = "AAAAAAAAAAA";
    let mut found = cursor.clone();
    let text = cursor.text()?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.bytes().all(|byte| byte == b'0') || text.trim_end_matches('=') == ZEROS_IN_BASE64 {
        return Ok(None);
    }
    let id = span_id(&text);
    id.map(Some)
        .ok_or_else(|| found.mistake("a parent span id of 16 hex digits"))
}

/// Reads a link. A link to an invalid context is left out.
fn link<'a>(cursor: &mut Cursor<'a>, want: Want) -> Result<Option<Link<'a>>, Mistake> {
    let (mut trace, mut span, mut trace_state) = (None, None, Cow::Borrowed(""));
    let mut own = Vec::new();
    cursor.object("a Link object", |cursor, name| {
        match name {
            "traceId" | "trace_id" => trace = trace_id(&cursor.text()?),
            "spanId" | "span_id" => span = span_id(&cursor.text()?),
            "traceState" | "trace_state" => trace_state = cursor.text()?,
            "attributes" if want != Want::Judging => own = attributes(cursor, 0)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(trace.zip(span).map(|(trace_id, span_id)| Link {
        to: SpanReference { trace_id, span_id },
        trace_state,
        attributes: own,
    }))
}

/// Reads a status. If it has both an old and a new code, the new one counts.
fn status<'a>(cursor: &mut Cursor<'a>) -> Result<Status<'a>, Mistake> {
    let (mut code, mut deprecated_code) = (None, StatusCode::Unset);
    let mut message = Cow::Borrowed("");
    cursor.object("a Status object", |cursor, name| {
        match name {
            "code" => code = Some(status_code(cursor)?),
            "deprecatedCode" | "deprecated_code" => deprecated_code = deprecated(cursor)?,
            "message" => message = cursor.text()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    let code = code.unwrap_or(deprecated_code);
    Ok(Status { code, message })
}

/// Reads a code of OTLP before version 0.8: 0 is no error, any other number is one.
fn deprecated(cursor: &mut Cursor<'_>) -> Result<StatusCode, Mistake> {
    if cursor.peek() != Some(b'"') {
        return Ok(match unsigned(cursor)? {
            0 => StatusCode::Unset,
            _ => StatusCode::Error,
        });
    }
    Ok(match &*cursor.text()? {
        "" | "DEPRECATED_STATUS_CODE_OK" => StatusCode::Unset,
        _ => StatusCode::Error,
    })
}

fn event<'a>(cursor: &mut Cursor<'a>) -> Result<SpanEvent<'a>, Mistake> {
    let mut event = SpanEvent {
        time: None,
        name: Cow::Borrowed(""),
        attributes: Vec::new(),
    };
    cursor.object("an Event object", |cursor, name| {
        match name {
            "timeUnixNano" | "time_unix_nano" => {
                event.time = UnixTime::from_nanoseconds(unsigned(cursor)?);
            }
            "name" => event.name = cursor.text()?,
            "attributes" => event.attributes = attributes(cursor, 0)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(event)
}
