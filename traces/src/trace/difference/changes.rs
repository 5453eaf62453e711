//! How two paired spans differ, without the fields that always differ.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::pairing::Pairs;
use super::side::Side;
use crate::shown;
use crate::span::{Kind, StatusCode};
use crate::trace::TraceSpan;

/// The fields that are not compared, because they differ between any two traces.
pub const MASKED: [&str; 5] = [
    "trace and span ids",
    "times, and durations that differ by less than half or by less than 1 ms",
    "the order of siblings",
    "the values of attributes that hold an id, an address, a port, a process or a thread",
    "what only one of the formats has a place for: the case of names, and the scope",
];

/// Attributes whose value identifies one request, record, connection, process or thread.
const MASKED_ATTRIBUTES: [&str; 20] = [
    "aws.request_id",
    "client.port",
    "container.id",
    "faas.instance",
    "faas.invocation_id",
    "host.id",
    "messaging.destination.partition.id",
    "messaging.kafka.offset",
    "messaging.message.id",
    "network.local.port",
    "network.peer.port",
    "process.pid",
    "server.port",
    "service.instance.id",
    "thread.id",
    "thread.name",
    "url.full",
    "net.peer.port",
    "http.url",
    "process.parent_pid",
];

/// One difference between two spans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The field: `name`, `kind`, `parent`, `status`, `duration`, `links`, `tracestate`, `events`,
    /// or an attribute's name after `attributes.` or `resource.`.
    pub what: String,
    /// The value in the left trace, or `None` if it has none.
    pub left: Option<String>,
    /// The value in the right trace, or `None` if it has none.
    pub right: Option<String>,
}

/// The left nodes whose resource is compared: the first of each service. The service's other spans
/// have the same resource.
pub(super) fn first_of_services(side: &Side<'_>, pairs: &Pairs) -> HashSet<usize> {
    let mut services = BTreeSet::new();
    (0..side.tree.len())
        .filter(|node| pairs.of_left[*node].is_some())
        .filter(|node| services.insert(&side.span(*node).service))
        .collect()
}

/// How two paired nodes differ.
pub(super) fn between(
    (left, left_node): (&Side<'_>, usize),
    (right, right_node): (&Side<'_>, usize),
    pairs: &Pairs,
    with_resource: bool,
) -> Vec<Change> {
    let (one, other) = (left.span(left_node), right.span(right_node));
    let mut changes = Vec::new();
    let mut text = |what: &str, left: String, right: String| {
        if left != right {
            changes.push(Change {
                what: what.to_owned(),
                left: (!left.is_empty()).then_some(left),
                right: (!right.is_empty()).then_some(right),
            });
        }
    };
    // Zipkin keeps names in lower case.
    if one.name.to_lowercase() != other.name.to_lowercase() {
        text("name", one.name.clone(), other.name.clone());
    }
    text("kind", kind(one), kind(other));
    let parents = (left.parent(left_node), right.parent(right_node));
    let places = (left.tree[left_node].place, right.tree[right_node].place);
    if places.0 != places.1 || parents.0.and_then(|parent| pairs.of_left[parent]) != parents.1 {
        let (left, mut right) = (left.parent_name(left_node), right.parent_name(right_node));
        if left == right {
            right = format!("another {right}");
        }
        text("parent", left, right);
    }
    text("status", status(one), status(other));
    if let (Some(before), Some(after)) = (one.duration(), other.duration())
        && is_relevant(before, after)
    {
        text("duration", shown::duration(before), shown::duration(after));
    }
    text(
        "links",
        left.link_names(left_node),
        right.link_names(right_node),
    );
    text(
        "tracestate",
        one.trace_state.clone(),
        other.trace_state.clone(),
    );
    text("events", events(one), events(other));
    changes.extend(attributes(
        "attributes",
        (&one.attributes, &one.resource),
        (&other.attributes, &other.resource),
    ));
    if with_resource {
        changes.extend(attributes(
            "resource",
            (&one.resource, &one.attributes),
            (&other.resource, &other.attributes),
        ));
    }
    changes
}

/// Whether the durations differ by at least half of the shorter one, and by at least a millisecond.
fn is_relevant(before: Duration, after: Duration) -> bool {
    let (shorter, longer) = (before.min(after), before.max(after));
    let difference = longer - shorter;
    difference >= shorter / 2 && difference >= Duration::from_millis(1)
}

fn status(span: &TraceSpan) -> String {
    let code = match span.status {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    };
    format!("{code} {}", span.status_message)
        .trim_end()
        .to_owned()
}

fn events(span: &TraceSpan) -> String {
    let names: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    names.join(", ")
}

/// The kind. In Zipkin and Jaeger, work inside a service has no kind.
fn kind(span: &TraceSpan) -> String {
    match span.kind {
        Kind::Unspecified => format!("{:?}", Kind::Internal),
        kind => format!("{kind:?}"),
    }
}

type Attributes = BTreeMap<String, Json>;

/// How attributes differ. Each side also has the values from other fields of the span, because
/// forms without a resource put its attributes on each span, and the service's name into a field.
fn attributes(
    place: &str,
    (left, left_elsewhere): (&Attributes, &Attributes),
    (right, right_elsewhere): (&Attributes, &Attributes),
) -> Vec<Change> {
    let names = left.keys().chain(right.keys()).map(|name| current(name));
    let names: BTreeSet<&str> = names.filter(|name| !OF_A_FORMAT.contains(name)).collect();
    let changed = names.into_iter().filter_map(|name| {
        let (before, after) = (value(left, name), value(right, name));
        let before = before.or_else(|| value(left_elsewhere, name));
        let after = after.or_else(|| value(right_elsewhere, name));
        let masked = MASKED_ATTRIBUTES.contains(&name);
        if before == after || (masked && before.is_some() && after.is_some()) {
            return None;
        }
        Some(Change {
            what: format!("{place}.{name}"),
            left: before,
            right: after,
        })
    });
    changed.collect()
}

/// The value of the attribute `name`, or of an older name for it, as text.
fn value(attributes: &Attributes, name: &str) -> Option<String> {
    let older = OLDER_NAMES.iter().filter(|(_, current)| *current == name);
    let mut names = std::iter::once(name).chain(older.map(|(older, _)| *older));
    names.find_map(|name| attributes.get(name)).map(plain)
}

/// The current name of an attribute.
fn current(name: &str) -> &str {
    let known = OLDER_NAMES.iter().find(|(older, _)| *older == name);
    known.map_or(name, |(_, current)| current)
}

/// Older names in the semantic conventions for values that Zipkin keeps in its endpoints.
const OLDER_NAMES: [(&str, &str); 6] = [
    ("net.host.ip", "network.local.address"),
    ("net.host.port", "network.local.port"),
    ("net.peer.ip", "network.peer.address"),
    ("net.peer.port", "network.peer.port"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
];

/// Attributes that depend on the form, or for which a form has a field.
const OF_A_FORMAT: [&str; 8] = [
    "internal.span.format",
    "service.name",
    "otel.library.name",
    "otel.library.version",
    "otel.scope.name",
    "otel.scope.version",
    "span.kind",
    "otel.status_code",
];

/// A value as text. Strings have no quotes, because some forms only keep strings.
fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
