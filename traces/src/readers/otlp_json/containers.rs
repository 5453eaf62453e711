//! Decodes the containers of spans in OTLP/JSON: requests, resources and scopes, under their
//! current names and those of older versions.

use std::borrow::Cow;

use super::recent::{Recent, Resource};
use super::span::{span, unknown};
use super::values::each_attribute;
use crate::readers::json::cursor::{Cursor, Mistake, cursor};
use crate::readers::skipped::{Place, Skipped};
use crate::span::{AnyValue, Key, SERVICE_NAMESPACE, Span, Want};

/// A request, in any of its wrappers.
pub(super) static REQUEST: Place = Place {
    name: "an ExportTraceServiceRequest",
    members: &["resourceSpans", "batches", "result", "trace"],
    others: &[],
};
/// The spans of a resource.
pub(super) static RESOURCE_SPANS: Place = Place {
    name: "a ResourceSpans",
    members: &["resource", "scopeSpans", "instrumentationLibrarySpans"],
    others: &[],
};
/// The spans of a scope.
pub(super) static SCOPE_SPANS: Place = Place {
    name: "a ScopeSpans",
    members: &["scope", "spans", "instrumentationLibrary"],
    others: &[],
};
static RESOURCE: Place = Place {
    name: "a Resource",
    members: &["attributes"],
    others: &[],
};

/// What a member of a request or of a `ResourceSpans` holds, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A list of `ResourceSpans`; Tempo calls them batches.
    ResourceSpans,
    /// A request inside a wrapper: Jaeger's API v3 has `result`, Tempo's API v2 has `trace`.
    Wrapped,
    /// The resource of a `ResourceSpans`.
    Resource,
    /// A list of `ScopeSpans`; before version 0.15 of OTLP they were `InstrumentationLibrarySpans`.
    ScopeSpans,
    /// Logs, metrics or profiles.
    OtherSignal,
    /// Anything else.
    Unknown,
}

impl Member {
    /// The member called `name`. Protobuf's own names (`resource_spans`) are also known.
    pub(super) fn of(name: &str) -> Member {
        match name {
            "resourceSpans" | "resource_spans" | "batches" => Member::ResourceSpans,
            "result" | "trace" => Member::Wrapped,
            "resource" => Member::Resource,
            "scopeSpans"
            | "scope_spans"
            | "instrumentationLibrarySpans"
            | "instrumentation_library_spans" => Member::ScopeSpans,
            _ if is_other_signal(name) => Member::OtherSignal,
            _ => Member::Unknown,
        }
    }
}

/// Whether a member of this name holds logs, metrics or profiles of OTLP.
pub(super) fn is_other_signal(name: &str) -> bool {
    let name = name.replace('_', "").to_ascii_lowercase();
    let signal = name.strip_prefix("resource").or(name.strip_prefix("scope"));
    matches!(signal, Some("logs" | "metrics" | "profiles"))
}

/// The spans of one resource.
#[derive(Default)]
pub(in crate::readers) struct ResourceSpans<'a> {
    pub(super) resource: Resource<'a>,
    /// The spans. Their service and resource attributes are in `resource`.
    pub(in crate::readers) spans: Vec<Span<'a>>,
}

impl ResourceSpans<'_> {
    /// Passes the spans on, and returns their number.
    pub(in crate::readers) fn hand_over(self, each: &mut dyn FnMut(&Span<'_>)) -> u64 {
        let count = self.spans.len() as u64;
        for span in self.spans {
            let mut span: Span<'_> = span;
            span.service = &self.resource.service;
            span.namespace = Cow::Borrowed(&self.resource.namespace);
            span.resource_attributes = &self.resource.attributes;
            each(&span);
        }
        count
    }

    /// Shows the spans before they are passed on, without the attributes of their resource. Returns
    /// whether it could: a service's name with escapes is not part of the input.
    pub(in crate::readers) fn show(&mut self, each: &mut dyn FnMut(&Span<'_>)) -> bool {
        let Cow::Borrowed(service) = self.resource.service else {
            return false;
        };
        for span in &mut self.spans {
            span.service = service;
            span.namespace = self.resource.namespace.clone();
            each(span);
        }
        true
    }
}

/// Decodes one request, or a single `ResourceSpans`, as Java's `logging-otlp` exporter prints it.
pub(super) fn request<'a>(
    json: &'a [u8],
    want: Want,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<Vec<ResourceSpans<'a>>, Mistake> {
    let mut cursor = cursor(json)?;
    let mut all = Vec::new();
    add_request(&mut cursor, want, &mut all, skipped, recent)?;
    cursor.end()?;
    Ok(all)
}

/// Decodes a request, or a span that has its resource in the same object, as CloudWatch stores it.
/// An object with a span id and no time is other text.
pub(super) fn alone<'a>(
    json: &'a [u8],
    want: Want,
    skipped: &mut Skipped,
) -> Result<Vec<ResourceSpans<'a>>, Mistake> {
    let mut outer = cursor(json)?;
    let (mut has_id, mut has_time) = (false, false);
    let mut found = ResourceSpans::default();
    outer.object("an object", |cursor, name| match name {
        "spanId" | "span_id" => {
            has_id = true;
            cursor.skip()
        }
        "startTimeUnixNano" | "start_time_unix_nano" | "endTimeUnixNano" | "end_time_unix_nano" => {
            has_time = true;
            cursor.skip()
        }
        "resource" => {
            found.resource = resource(cursor, want, skipped, &mut Recent::default())?;
            Ok(())
        }
        _ => cursor.skip(),
    })?;
    if !has_id {
        return request(json, want, skipped, &mut Recent::default());
    }
    // an application's log line may name the span that was active
    if !has_time {
        return Ok(Vec::new());
    }
    let mut recent = Recent::default();
    let span = span(&mut cursor(json)?, want, skipped, &mut recent)?;
    found.spans.push(span);
    Ok(vec![found])
}

fn add_request<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    all: &mut Vec<ResourceSpans<'a>>,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<(), Mistake> {
    let mut alone = ResourceSpans::default();
    cursor.object(
        "an ExportTraceServiceRequest object",
        |cursor, name| match Member::of(name) {
            Member::ResourceSpans => add_list(cursor, want, all, skipped, recent),
            Member::Wrapped => {
                cursor.object("a TracesData object", |cursor, name| {
                    match Member::of(name) {
                        Member::ResourceSpans => add_list(cursor, want, all, skipped, recent),
                        _ => unknown(cursor, &REQUEST, name, skipped),
                    }
                })
            }
            Member::Resource => {
                alone.resource = resource(cursor, want, skipped, recent)?;
                Ok(())
            }
            Member::ScopeSpans => scopes(cursor, want, &mut alone.spans, skipped, recent),
            Member::OtherSignal => {
                skipped.other_signals += 1;
                cursor.skip()
            }
            Member::Unknown => unknown(cursor, &REQUEST, name, skipped),
        },
    )?;
    if !alone.spans.is_empty() {
        all.push(alone);
    }
    Ok(())
}

fn add_list<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    all: &mut Vec<ResourceSpans<'a>>,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<(), Mistake> {
    cursor.array("a list of ResourceSpans", |cursor| {
        all.push(resource_spans(cursor, want, skipped, recent)?);
        Ok(())
    })
}

fn resource_spans<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<ResourceSpans<'a>, Mistake> {
    let mut all = ResourceSpans::default();
    cursor.object("a ResourceSpans object", |cursor, name| {
        match Member::of(name) {
            Member::Resource => all.resource = resource(cursor, want, skipped, recent)?,
            Member::ScopeSpans => scopes(cursor, want, &mut all.spans, skipped, recent)?,
            Member::Unknown if name == "schemaUrl" => cursor.skip()?,
            _ => unknown(cursor, &RESOURCE_SPANS, name, skipped)?,
        }
        Ok(())
    })?;
    Ok(all)
}

fn scopes<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    spans: &mut Vec<Span<'a>>,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<(), Mistake> {
    cursor.array("a list of ScopeSpans", |cursor| {
        cursor.object("a ScopeSpans object", |cursor, name| match name {
            "spans" => cursor.array("a list of spans", |cursor| {
                spans.push(span(cursor, want, skipped, recent)?);
                Ok(())
            }),
            "scope" | "instrumentationLibrary" | "schemaUrl" => cursor.skip(),
            _ => unknown(cursor, &SCOPE_SPANS, name, skipped),
        })
    })
}

/// Decodes a resource, or takes it from those before it.
pub(super) fn resource<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    skipped: &mut Skipped,
    recent: &mut Recent<'a>,
) -> Result<Resource<'a>, Mistake> {
    if let Some(resource) = recent.resource(cursor) {
        return Ok(resource);
    }
    let text = cursor.rest();
    let resource = new_resource(cursor, want, skipped)?;
    // what was skipped in it must be counted each time
    if want != Want::Everything && skipped.is_empty() && text.starts_with('{') {
        recent.add_resource(&text[..text.len() - cursor.rest().len()], &resource);
    }
    Ok(resource)
}

fn new_resource<'a>(
    cursor: &mut Cursor<'a>,
    want: Want,
    skipped: &mut Skipped,
) -> Result<Resource<'a>, Mistake> {
    let mut resource = Resource::default();
    cursor.object("a Resource object", |cursor, name| match name {
        "attributes" => each_attribute(cursor, |name, value| {
            let into = match &*name {
                name if name == Key::ServiceName.name() => Some(&mut resource.service),
                SERVICE_NAMESPACE => Some(&mut resource.namespace),
                _ => None,
            };
            if into.is_none() && want != Want::Everything {
                return Ok(());
            }
            let value = value.value(0)?;
            if let (Some(into), AnyValue::Text(text)) = (into, &value) {
                *into = text.clone();
            }
            if want == Want::Everything {
                resource.attributes.push((name, value));
            }
            Ok(())
        }),
        _ => unknown(cursor, &RESOURCE, name, skipped),
    })?;
    Ok(resource)
}
