//! Where the headers come from: arguments, standard input, a record.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};

use crate::arguments::ExplainArguments;
use crate::failure::Failure;

use super::Request;
use super::headers::Headers;
use super::http_text::{self, Sent};
use super::{json, record};

const STANDARD_INPUT: &str = "-";

/// The headers that the command line asks for. Of several requests, or records, the first that has any header of a
/// format is taken.
pub(super) fn read(arguments: &ExplainArguments) -> Result<Request, Failure> {
    if let Some(given) = &arguments.record {
        let text = if given == STANDARD_INPUT {
            standard_input()?
        } else {
            given.as_encoded_bytes().to_vec()
        };
        return first(record::parse(&text), "record");
    }
    match arguments.headers.as_slice() {
        [] if std::io::stdin().is_terminal() => Err(Failure::usage(
            "there is nothing to explain; give headers as arguments or on standard input, as in\n  \
             baton explain 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'\n  \
             curl -v https://example.com 2>&1 | baton explain",
        )),
        [] => from_text(&standard_input()?),
        [only] if only == STANDARD_INPUT => from_text(&standard_input()?),
        headers => from_arguments(headers),
    }
}

fn from_arguments(arguments: &[impl AsRef<OsStr>]) -> Result<Request, Failure> {
    let mut headers = Headers::default();
    for (place, argument) in arguments.iter().enumerate() {
        let argument = argument.as_ref().as_encoded_bytes();
        // The environment's own way to write it; a header's name has no such letters in practice.
        let line = match argument.strip_prefix(b"_X_AMZN_TRACE_ID=") {
            Some(value) => [b"_X_AMZN_TRACE_ID:", value].concat(),
            None => argument.to_vec(),
        };
        let (name, value) = http_text::header(&line).map_err(|fault| {
            Failure::usage(format!("argument {} is no header: {fault}", place + 1))
        })?;
        headers.push(name, value);
    }
    Ok(Request {
        headers,
        note: None,
    })
}

fn from_text(text: &[u8]) -> Result<Request, Failure> {
    // Some programs write a byte order mark before it.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let start = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        None => Err(Failure::usage(
            "standard input is empty; give headers there, one a line, or as arguments",
        )),
        Some(b'{' | b'[') if is_record(text) => first(record::parse(text), "record"),
        Some(b'{' | b'[') => first(json::parse(text), "request"),
        Some(_) => first(http_text::parse(text), "request"),
    }
}

/// Whether JSON is a record's envelope.
fn is_record(text: &[u8]) -> bool {
    baton_propagators::envelope::decode(text)
        .headers()
        .is_some()
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

/// The first that has a header of any format, or the first of all; says which where there are several.
fn first(found: Result<Vec<Sent>, String>, what: &str) -> Result<Request, Failure> {
    let mut found = found.map_err(Failure::usage)?;
    let number = found.len();
    if number == 0 {
        return Err(Failure::usage(format!("standard input holds no {what}")));
    }
    let known = found.iter().position(|sent| sent.headers.any_known());
    let sent = found.swap_remove(known.unwrap_or(0));
    let note = (number > 1).then(|| {
        let place = known.unwrap_or(0) + 1;
        let label = sent.label.map(|label| format!(" ({label})")).unwrap_or_default();
        match known {
            Some(_) => format!("{what} {place} of {number}{label} is explained: the first with a header of any format"),
            None => format!("{what} 1 of {number}{label} is explained: none has a header of any format"),
        }
    });
    Ok(Request {
        headers: sent.headers,
        note,
    })
}
