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
