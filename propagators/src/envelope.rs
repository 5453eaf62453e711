//! The record on the stream: `{"tracecontext": {<header name>: <value>, …}, "record": <the request body>}`.
//!
//! The body stands in it byte for byte as it came. A record without an envelope, whoever wrote it, is as good a
//! record; decoding never fails.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::carrier::HeaderList;
use crate::mode::Mode;

/// What a record turned out to be.
#[derive(Clone, Debug)]
pub enum Record<'a> {
    /// A JSON object with an object under `tracecontext` and anything under `record`.
    Envelope {
        /// The headers; members of the object that are no text are no headers.
        tracecontext: HeaderList,
        /// The body, as it came.
        record: &'a RawValue,
        /// Bytes of the object under `tracecontext` as it stands in the record, its braces included.
        carrier_bytes: usize,
    },
    /// Any other JSON: a body as it came.
    Json(&'a RawValue),
    /// Not JSON.
    NotJson,
}

impl Record<'_> {
    /// The body as JSON text; `None` where the record is no JSON.
    pub fn body(&self) -> Option<&str> {
        match self {
            Record::Envelope { record, .. } | Record::Json(record) => Some(record.get()),
            Record::NotJson => None,
        }
    }

    /// The headers; `None` where there is no envelope.
    pub fn headers(&self) -> Option<&HeaderList> {
        match self {
            Record::Envelope { tracecontext, .. } => Some(tracecontext),
            Record::Json(_) | Record::NotJson => None,
        }
    }
}

/// Puts a body, which must be JSON, and headers into an envelope.
///
/// A name that stands several times in `headers` is written with its last value, since an envelope has one
/// value for each.
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

/// What goes onto the stream under a mode: an envelope, or under `none` the body as it came.
pub fn record<'a>(mode: &Mode, body: &'a str, headers: &HeaderList) -> Cow<'a, str> {
    if mode.is_none() {
        Cow::Borrowed(body)
    } else {
        Cow::Owned(encode(body, headers))
    }
}

/// Bytes of the JSON object that [`encode`] writes under `tracecontext`, its braces included.
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

/// Finds out what a record is. It takes any bytes.
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

/// Headers as an envelope has them: text only, and not the lists that [`HeaderList`] reads elsewhere.
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
