//! The record on the stream: `{"tracecontext": {<header name>: <value>, …}, "record": <the request
//! body>}`.
//!
//! The body is in it byte for byte. A record without an envelope is valid too: decoding never
//! fails.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::carrier::HeaderList;
use crate::propagation::Mode;

/// A decoded record.
#[derive(Clone, Debug)]
pub enum Record<'a> {
    /// A JSON object with an object under `tracecontext` and anything under `record`.
    Envelope {
        /// The headers. Members that are not strings are ignored.
        tracecontext: HeaderList,
        /// The body, unchanged.
        record: &'a RawValue,
        /// The bytes of the object under `tracecontext`, with its braces.
        carrier_bytes: usize,
    },
    /// Any other JSON: the body, unchanged.
    Json(&'a RawValue),
    /// Not JSON.
    NotJson,
}

impl Record<'_> {
    /// The body as JSON text; `None` if the record is not JSON.
    pub fn body(&self) -> Option<&str> {
        match self {
            Record::Envelope { record, .. } | Record::Json(record) => Some(record.get()),
            Record::NotJson => None,
        }
    }

    /// The headers; `None` if there is no envelope.
    pub fn headers(&self) -> Option<&HeaderList> {
        match self {
            Record::Envelope { tracecontext, .. } => Some(tracecontext),
            Record::Json(_) | Record::NotJson => None,
        }
    }
}

/// Puts headers and a body, which must be JSON, into an envelope.
///
/// An envelope has one value for each name. Of a name that appears several times, it has the last
/// value.
pub fn encode(body: &str, headers: &HeaderList) -> String {
    let carrier = carrier(headers);
    let mut envelope = String::with_capacity(body.len() + carrier.len() + 28);
    envelope.push_str("{\"tracecontext\":");
    envelope.push_str(&carrier);
    envelope.push_str(",\"record\":");
    envelope.push_str(body);
    envelope.push('}');
    envelope
}

/// The record for the stream: an envelope, or in mode `none` the body unchanged.
pub fn record<'a>(mode: &Mode, body: &'a str, headers: &HeaderList) -> Cow<'a, str> {
    if mode.is_none() {
        Cow::Borrowed(body)
    } else {
        Cow::Owned(encode(body, headers))
    }
}

/// The bytes of the JSON object that [`encode`] writes under `tracecontext`, with its braces.
pub fn carrier_bytes(headers: &HeaderList) -> usize {
    carrier(headers).len()
}

/// The headers as a JSON object.
fn carrier(headers: &HeaderList) -> String {
    let mut object = String::from("{");
    for (place, (name, value)) in headers.iter().enumerate() {
        if headers.0[place + 1..]
            .iter()
            .any(|(later, _)| later == name)
        {
            continue;
        }
        if object.len() > 1 {
            object.push(',');
        }
        object.push_str(&Value::from(name).to_string());
        object.push(':');
        object.push_str(&Value::from(value).to_string());
    }
    object.push('}');
    object
}

/// The members of an envelope.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    tracecontext: &'a RawValue,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// Decodes a record. Any bytes are a record.
pub fn decode(bytes: &[u8]) -> Record<'_> {
    let Ok(whole) = serde_json::from_slice::<&RawValue>(bytes) else {
        return Record::NotJson;
    };
    envelope(whole.get()).unwrap_or(Record::Json(whole))
}

fn envelope(text: &str) -> Option<Record<'_>> {
    if !text.starts_with('{') {
        return None;
    }
    let Envelope {
        tracecontext,
        record,
    } = serde_json::from_str(text).ok()?;
    let carrier_bytes = tracecontext.get().len();
    let Headers(tracecontext) = serde_json::from_str(tracecontext.get()).ok()?;
    Some(Record::Envelope {
        tracecontext,
        record,
        carrier_bytes,
    })
}

/// The headers of an envelope: strings only, without the lists that [`HeaderList`] reads elsewhere.
struct Headers(HeaderList);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> serde::de::Visitor<'de> for Object {
            type Value = Headers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of header names and values")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Headers, A::Error> {
                let mut headers = HeaderList::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if let Ok(text) = serde_json::from_str::<String>(value.get()) {
                        headers.push(name, text);
                    }
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
