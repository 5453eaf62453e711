//! The headers of a record, as a consumer gets it from the stream.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use baton_propagators::envelope::{self, Record};

use super::headers::Headers;
use super::http_text::Sent;

const EXPECTED: &str = "an envelope is {\"tracecontext\":{…headers…},\"record\":…}";

/// Reads a record, or all of an event or a `get-records` answer; each of these may be Base64.
///
/// # Errors
///
/// A sentence that says what it is instead.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Sent>, String> {
    match envelope::decode(text) {
        Record::NotJson => match base64(text) {
            Some(bytes) => one("the record", &bytes).map(|record| vec![record]),
            None => Err(format!(
                "the record is neither JSON nor Base64 of it; {EXPECTED}"
            )),
        },
        Record::Json(json) => match serde_json::from_str::<Several>(json.get()) {
            Ok(several) => all(&several.records),
            Err(_) => Err(no_envelope("the record")),
        },
        Record::Envelope { tracecontext, .. } => Ok(vec![sent(None, tracecontext)]),
    }
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

/// The records that are envelopes; the error of the first where none is.
fn all(members: &[Member]) -> Result<Vec<Sent>, String> {
    let mut error = None;
    let mut found = Vec::new();
    for (place, member) in members.iter().enumerate() {
        let (Member::Event {
            kinesis: Data { data },
        }
        | Member::Answer(Data { data })) = member;
        let name = format!("record {}", place + 1);
        let record = match base64(data.as_bytes()) {
            Some(bytes) => one(&name, &bytes),
            None => Err(format!("{name} is not Base64")),
        };
        match record {
            Ok(record) => found.push(record),
            Err(reason) => {
                error.get_or_insert(reason);
            }
        }
    }
    match (found.as_slice(), error) {
        ([], Some(reason)) => Err(reason),
        ([], None) => Err("there are no records in it".to_owned()),
        _ => Ok(found),
    }
}

/// The headers of one record; `name` is what it is called.
fn one(name: &str, bytes: &[u8]) -> Result<Sent, String> {
    match envelope::decode(bytes) {
        Record::Envelope { tracecontext, .. } => Ok(sent(Some(name), tracecontext)),
        Record::Json(_) => Err(no_envelope(name)),
        Record::NotJson => Err(format!(
            "{name} is not JSON, so a consumer starts a new trace; {EXPECTED}"
        )),
    }
}

fn no_envelope(name: &str) -> String {
    format!(
        "{name} is JSON without an envelope: it holds no headers, so a consumer starts a new trace; {EXPECTED}"
    )
}

fn sent(name: Option<&str>, tracecontext: baton_propagators::HeaderList) -> Sent {
    let mut headers = Headers::default();
    for (name, value) in tracecontext {
        headers.push(name, value);
    }
    Sent {
        label: name.map(str::to_owned),
        headers,
    }
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
