//! Reads span attributes from a record's body.

use opentelemetry::KeyValue;
use serde::Deserialize;
use serde_json::Value;

/// The longest attribute value taken from a body, in characters. The record itself is not
/// shortened.
const MAX_ATTRIBUTE_LENGTH: usize = 1024;

#[derive(Deserialize)]
struct Body {
    name: Option<Value>,
    superpower: Option<Value>,
}

/// The span attributes `custom.tag.name` and `custom.tag.superpower` of a JSON body.
///
/// Takes the JSON text. Returns an attribute for each of the two members that is a string. Any
/// other body gives no attributes.
pub(crate) fn attributes(body: &str) -> Vec<KeyValue> {
    // serde would read an array into the struct too
    let is_object = body.trim_start().starts_with('{');
    let Some(body) = is_object
        .then(|| serde_json::from_str::<Body>(body).ok())
        .flatten()
    else {
        return Vec::new();
    };
    [
        ("custom.tag.name", body.name),
        ("custom.tag.superpower", body.superpower),
    ]
    .into_iter()
    .filter_map(|(key, value)| match value {
        Some(Value::String(text)) => Some(KeyValue::new(key, shortened(text))),
        _ => None,
    })
    .collect()
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_ATTRIBUTE_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(body: &str) -> Vec<(String, String)> {
        attributes(body)
            .into_iter()
            .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
            .collect()
    }

    #[test]
    fn name_and_superpower_become_attributes() {
        assert_eq!(
            pairs(r#"{"name":"Kate","superpower":"Distributed Tracing","age":3}"#),
            [
                ("custom.tag.name".into(), "Kate".into()),
                ("custom.tag.superpower".into(), "Distributed Tracing".into())
            ]
        );
    }

    #[test]
    fn bodies_of_other_shapes_give_no_attributes() {
        for body in [
            "[1,2]",
            "[\"Kate\",\"x\"]",
            "\"text\"",
            "{}",
            r#"{"name":7,"superpower":null}"#,
            "not json",
        ] {
            assert_eq!(pairs(body), [], "{body}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_in_the_attribute() {
        let body = format!(r#"{{"name":"{}"}}"#, "é".repeat(5000));
        let attributes = pairs(&body);
        assert_eq!(attributes[0].1.chars().count(), MAX_ATTRIBUTE_LENGTH + 1);
        assert!(attributes[0].1.ends_with('…'));
    }
}
