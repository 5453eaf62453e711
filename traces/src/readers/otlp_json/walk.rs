//! OTLP/JSON that is not one request per line: walked through span by span, so that its size does not matter.

use std::io::BufRead;

use super::decode;
use crate::readers::cursor::{Cursor, Mistake, cursor};
use crate::readers::json::{Fault, JsonReader};
use crate::span::{Span, Want};

/// Hands every span of the requests in `input`, which follow one another or are in a list, to `each`.
pub(crate) fn walk(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    while let Some(byte) = json.peek()? {
        match byte {
            b'[' => json.array(|json| request(json, want, each))?,
            _ => request(&mut json, want, each)?,
        }
    }
    Ok(())
}

fn request<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    json.object(|json, name| match name {
        "resourceSpans" => json.array(|json| resource_spans(json, want, each)),
        // Jaeger's API v3 wraps each part of an answer.
        "result" => json.object(|json, name| match name {
            "resourceSpans" => json.array(|json| resource_spans(json, want, each)),
            _ => json.skip(),
        }),
        _ => json.skip(),
    })
}

/// The resource usually comes first; what comes before it waits.
fn resource_spans<R: BufRead>(
    json: &mut JsonReader<R>,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let mut resource: Option<Vec<u8>> = None;
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    json.object(|json, name| match (name, &resource) {
        ("resource", _) => {
            resource = Some(json.value()?.to_vec());
            Ok(())
        }
        ("scopeSpans", None) => {
            waiting.push(json.value()?.to_vec());
            Ok(())
        }
        ("scopeSpans", Some(resource)) => scopes(json, resource, want, each),
        _ => json.skip(),
    })?;
    let resource = resource.as_deref().unwrap_or(b"null");
    for waiting in waiting {
        let mut json = JsonReader::new(waiting.as_slice());
        scopes(&mut json, resource, want, each)?;
    }
    Ok(())
}

fn scopes<R: BufRead>(
    json: &mut JsonReader<R>,
    resource: &[u8],
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<(), Fault> {
    let line = json.line();
    let resource = decoded(resource, line, |cursor| decode::resource(cursor, want))?;
    json.array(|json| {
        json.object(|json, name| match name {
            "spans" => json.array(|json| {
                let line = json.line();
                let mut span = decoded(json.value()?, line, |cursor| decode::span(cursor, want))?;
                span.service = &resource.service;
                span.resource_attributes = &resource.attributes;
                each(&span);
                Ok(())
            }),
            _ => json.skip(),
        })
    })
}

fn decoded<'a, T>(
    json: &'a [u8],
    line: u64,
    decode: impl FnOnce(&mut Cursor<'a>) -> Result<T, Mistake>,
) -> Result<T, Fault> {
    let decoded = cursor(json).and_then(|mut cursor| decode(&mut cursor));
    decoded.map_err(|mistake| Fault::Problem {
        line,
        problem: mistake.explain(json).1,
    })
}
