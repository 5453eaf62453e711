//! The values of attributes as text.

use std::borrow::Cow;

use crate::span::{AnyValue, Class, Span};

/// The text of an attribute's value, if it is text; of a list of texts the first.
pub(crate) fn plain<'v>(value: &'v AnyValue<'_>) -> Option<Cow<'v, str>> {
    Some(match value {
        AnyValue::Text(text) => Cow::Borrowed(first_of_list(text)),
        AnyValue::Integer(number) => Cow::Owned(number.to_string()),
        AnyValue::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        AnyValue::List(values) => return plain(values.first()?),
        _ => return None,
    })
}

/// The first text in `["text"]`. Zipkin and Jaeger have no lists, so exporters write lists like
/// this.
fn first_of_list(text: &str) -> &str {
    let inside = text
        .strip_prefix("[\"")
        .and_then(|text| text.strip_suffix("\"]"));
    match inside {
        Some(inside) if !inside.contains('"') => inside,
        _ => text,
    }
}

/// Passes on every attribute of `span` whose value is text, with its name and what that says.
pub(crate) fn each_attribute<'s>(
    span: &'s Span<'_>,
    mut each: impl FnMut(&'s str, &Class, Cow<'s, str>),
) {
    for (key, value) in span.attributes.iter() {
        each(key.name(), Class::of_key(key), value.plain());
    }
    for (name, value) in &span.other_attributes {
        if let Some(text) = plain(value) {
            each(name, &Class::of(name), text);
        }
    }
}

/// Whether this program asks whether a service is alive, or reads its metrics.
pub(super) fn is_monitor(user_agent: &str) -> bool {
    const PROGRAMS: [&str; 10] = [
        "kube-probe/",
        "ELB-HealthChecker/",
        "GoogleHC/",
        "GoogleStackdriverMonitoring",
        "Amazon-Route53-Health-Check-Service",
        "Consul Health Check",
        "Envoy/HC",
        "Prometheus/",
        "Blackbox Exporter/",
        "Edge Health Probe",
    ];
    PROGRAMS.iter().any(|name| user_agent.starts_with(name))
}

/// `text` with each letter changed as `change` says. It is only copied if it changes.
pub(super) fn in_case(text: &str, change: fn(&char) -> char) -> Cow<'_, str> {
    match text.chars().all(|letter| change(&letter) == letter) {
        true => Cow::Borrowed(text),
        false => text.chars().map(|letter| change(&letter)).collect(),
    }
}

/// The path without the slash at its end. Clients and servers differ in that.
pub(super) fn plain_path(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some(rest) if !rest.is_empty() => rest,
        _ => path,
    }
}
