//! Headers as JSON: a HAR file, or an object of names and values.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::headers::Headers;
use super::http_text::{Sent, label};

const EXPECTED: &str =
    "{\"log\":{\"entries\":[{\"request\":{\"headers\":[{\"name\":…,\"value\":…}]}}]}}";

/// Reads the requests of a HAR file, or the headers of an object as one request.
///
/// # Errors
///
/// A sentence that says what the JSON is not.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Sent>, String> {
    let no_json =
        |error: &serde_json::Error| format!("standard input looks like JSON and is not: {error}");
    let Members(members) = serde_json::from_slice(text).map_err(|error| {
        if error.is_data() {
            "standard input is JSON and no object of headers, as in {\"b3\":\"0\"}".to_owned()
        } else {
            no_json(&error)
        }
    })?;
    if members.iter().any(|(name, _)| name == "log") {
        return har(text);
    }
    let mut headers = Headers::default();
    for (name, value) in members {
        let values: Texts = serde_json::from_str(value.get()).map_err(|_| {
            format!(
                "{name:?} in the JSON object is neither text nor a list of texts, so it is no header; \
                 give the object of headers alone"
            )
        })?;
        match values {
            Texts::One(value) => headers.push(name, value),
            Texts::Several(values) => values
                .into_iter()
                .for_each(|value| headers.push(name.as_str(), value)),
        }
    }
    Ok(vec![Sent {
        headers,
        ..Sent::default()
    }])
}

/// The requests of a HAR file (HAR 1.2).
fn har(text: &[u8]) -> Result<Vec<Sent>, String> {
    // The parser's own sentence would quote what it found, which may be anybody's password.
    let Har { log } = serde_json::from_slice(text).map_err(|error| {
        format!(
            "the HAR file cannot be read, line {} column {} is not as a HAR has it: {EXPECTED}",
            error.line(),
            error.column()
        )
    })?;
    let requests = log.entries.into_iter().map(|entry| {
        let mut headers = Headers::default();
        for header in entry.request.headers {
            headers.push(header.name, header.value.unwrap_or_default());
        }
        Sent {
            label: Some(label(&entry.request.method, &entry.request.url)),
            headers,
            ..Sent::default()
        }
    });
    Ok(requests.collect())
}

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: HarRequest,
}

#[derive(Deserialize)]
struct HarRequest {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    headers: Vec<HarHeader>,
}

#[derive(Deserialize)]
struct HarHeader {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// A header's value, or the values of one that arrived several times.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

/// The members of an object in their order, a name possibly several times.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of header names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
