//! The headers of a record, as a consumer gets it from the stream.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use baton_propagators::envelope::{self, Record};

use super::headers::Headers;
use super::http_text::Sent;
use super::json::Members;

const EXPECTED: &str = "an envelope is {\"tracecontext\":{…headers…},\"record\":…}";

/// Reads a record, or all of an event or a `get-records` answer; each of these may be Base64. Of several, those without an
/// envelope have no headers but their fault.
///
/// # Errors
///
/// A sentence that says what it is instead.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Sent>, String> {
    if let Some(several) = several(text) {
        return all(&several.records);
    }
    let record = match (envelope::decode(text), base64(text)) {
        (Record::NotJson, None) => Err(format!(
            "the record is neither JSON nor Base64 of it; {EXPECTED}"
        )),
        (Record::NotJson, Some(bytes)) => one("the record", &bytes),
        _ => one("the record", text),
    };
    record.map(|record| vec![record])
}

/// Whether JSON is an envelope, or holds records that may be.
pub(super) fn is_record(text: &[u8]) -> bool {
    envelope::decode(text).headers().is_some() || several(text).is_some()
}

/// Several records, as an event for Lambda or the answer to `get-records` has them.
#[derive(Deserialize)]
struct Several {
    #[serde(rename = "Records")]
    records: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Member {
    Event { kinesis: Data },
    Answer(Data),
}

#[derive(Deserialize)]
struct Data {
    #[serde(alias = "Data")]
    data: String,
}

fn several(text: &[u8]) -> Option<Several> {
    let is_envelope = envelope::decode(text).headers().is_some();
    serde_json::from_slice(text).ok().filter(|_| !is_envelope)
}

/// All records in their order; the error of the first where none is an envelope.
fn all(members: &[Member]) -> Result<Vec<Sent>, String> {
    let read = |(place, member): (usize, &Member)| {
        let (Member::Event {
            kinesis: Data { data },
        }
        | Member::Answer(Data { data })) = member;
        let name = format!("record {}", place + 1);
        match base64(data.as_bytes()) {
            Some(bytes) => one(&name, &bytes),
            None => Err(format!("{name} is not Base64")),
        }
    };
    let records: Vec<_> = members.iter().enumerate().map(read).collect();
    if records.iter().all(Result::is_err) {
        let first = records.into_iter().find_map(Result::err);
        return Err(first.unwrap_or_else(|| "there are no records in it".to_owned()));
    }
    let without = |fault| Sent {
        faults: vec![fault],
        ..Sent::default()
    };
    let records = records.into_iter();
    Ok(records
        .map(|record| record.unwrap_or_else(without))
        .collect())
}

/// The headers of one record; `name` is what it is called.
fn one(name: &str, bytes: &[u8]) -> Result<Sent, String> {
    match envelope::decode(bytes) {
        Record::Envelope { tracecontext, .. } => {
            let mut headers = Headers::default();
            for (name, value) in tracecontext {
                headers.push(name, value);
            }
            Ok(Sent {
                label: None,
                headers,
                faults: no_texts(name, bytes),
            })
        }
        Record::Json(_) => Ok(Sent {
            faults: vec![format!(
                "{name} is JSON without an envelope, as mode none writes it: it holds no headers, so a consumer starts a new trace; {EXPECTED}."
            )],
            ..Sent::default()
        }),
        Record::NotJson => Err(format!(
            "{name} is not JSON, so a consumer starts a new trace; {EXPECTED}"
        )),
    }
}

/// What of an envelope's headers is no text, and so no header.
fn no_texts(name: &str, envelope: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        tracecontext: Members<'a>,
    }
    let Ok(Envelope { tracecontext }) = serde_json::from_slice(envelope) else {
        return Vec::new();
    };
    let is_text = |value: &RawValue| serde_json::from_str::<String>(value.get()).is_ok();
    let members = tracecontext.0.iter().filter(|(_, value)| !is_text(value));
    let fault = |(member, _): &(String, &RawValue)| {
        format!("{member:?} in the envelope of {name} is no text, so a consumer does not read it.")
    };
    members.map(fault).collect()
}

/// Decodes Base64, which may be broken into lines.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    BASE64_STANDARD
        .decode(&text)
        .ok()
        .filter(|bytes| !bytes.is_empty())
}
