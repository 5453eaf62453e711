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
/// The most bytes that are read; a browser's session as a HAR file has some ten million.
const LARGEST_INPUT: u64 = 64 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
        let (name, value) = http_text::header(argument).map_err(|fault| {
            Failure::usage(format!("argument {} is no header: {fault}", place + 1))
        })?;
        headers.push(name, value);
    }
    Ok(Request {
        notes: headers.notes(),
        headers,
        choice: None,
    })
}

fn from_text(text: &[u8]) -> Result<Request, Failure> {
    let start = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        None => Err(Failure::usage(
            "standard input is empty; give headers there, one a line, or as arguments",
        )),
        Some(b'{' | b'[') if record::is_record(text) => first(record::parse(text), "record"),
        Some(b'{' | b'[') => first(json::parse(text), "request"),
        Some(_) => first(http_text::parse(text), "request"),
    }
}

/// All of standard input, without the byte order mark that some programs write before it.
fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .take(LARGEST_INPUT + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    if text.len() as u64 > LARGEST_INPUT {
        return Err(Failure::usage(format!(
            "standard input has more than {} MiB; give no more than the requests to explain",
            LARGEST_INPUT >> 20
        )));
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
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
    let place = known.unwrap_or(0);
    let sent = found.remove(place);
    let choice = (number > 1).then(|| {
        let label = sent
            .label
            .map(|label| format!(" ({label})"))
            .unwrap_or_default();
        let reason = match known {
            Some(_) => "the first with a header of any format",
            None => "none has a header of any format",
        };
        format!(
            "{what} {} of {number}{label} is explained: {reason}",
            place + 1
        )
    });
    let mut notes = sent.headers.notes();
    notes.extend(sent.faults);
    let mut faulty = found
        .iter()
        .filter(|other| !other.faults.is_empty())
        .peekable();
    if let Some(example) = faulty.peek().and_then(|other| other.faults.first()) {
        let example = example.trim_end_matches('.').to_owned();
        notes.push(format!(
            "Of the others, {} of {} cannot be read whole: {example}.",
            faulty.count(),
            number - 1
        ));
    }
    Ok(Request {
        headers: sent.headers,
        choice,
        notes,
    })
}
