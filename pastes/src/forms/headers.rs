//! Headers as HTTP writes them, one per line: `name: value`.

use baton_propagators::lambda::xray_header::X_AMZN_TRACE_ID;

use super::{Form, any_text, paste};
use crate::carrier::Paste;
use crate::finding::{Finding, Kind};
use crate::names::{self, Name};
use crate::responses;
use crate::scan;
use crate::shapes::Shape;
use crate::walk::Walk;

pub(super) const FORM: Form = Form { read };

/// The fewest digits of an id.
const MIN_ID: usize = 16;

/// The line of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    /// The number of the line, from 1.
    pub(super) number: usize,
}

fn read(text: &[u8]) -> Option<Paste> {
    let lines: Vec<&[u8]> = lines(text).collect();
    let first = lines.iter().position(|line| !is_blank(line))?;
    let mut walk = Walk::default();
    let mut start = first;
    let mut blocks = 0;
    // Blocks of headers with blank lines between them. The text after them is a body.
    while let Some(length) = lines
        .get(start..)
        .map(|rest| rest.iter().take_while(|line| !is_blank(line)).count())
    {
        let Some(headers) = block(&lines[start..start + length], start + 1)
            .filter(|headers| blocks == 0 || any_known(headers))
        else {
            break;
        };
        blocks += 1;
        let unit = format!("headers {blocks}");
        walk.findings
            .extend(findings(&headers, if blocks == 1 { "" } else { &unit }));
        start += length;
        start += lines[start..]
            .iter()
            .take_while(|line| is_blank(line))
            .count();
        if start == lines.len() {
            break;
        }
    }
    if blocks == 0 {
        return None;
    }
    if blocks > 1 {
        for finding in walk
            .findings
            .iter_mut()
            .filter(|finding| finding.unit.is_empty())
        {
            finding.unit = "headers 1".to_owned();
        }
    }
    any_text::rest(text, start, &mut walk);
    Some(paste(walk))
}

/// The headers in lines that contain nothing else. `None` if a line is not a header, or its value
/// contains other headers' names.
pub(super) fn block(lines: &[&[u8]], number: usize) -> Option<Vec<Line>> {
    let indent = indent(lines);
    let mut headers: Vec<Line> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let line = line.strip_prefix(indent).unwrap_or(line);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // A folded line continues the line before (RFC 9112, section 5.2). A complete value has
            // no second line: what follows is other text.
            let is_open = |last: &&mut Line| {
                let value = std::str::from_utf8(&last.value);
                value.is_ok_and(|value| Shape::of(value).is_none())
            };
            let last = headers.last_mut().filter(is_open)?;
            if !last.value.is_empty() {
                last.value.push(b' ');
            }
            last.value.extend_from_slice(line.trim_ascii());
            continue;
        }
        let (name, value) = header(line)?;
        headers.push(Line {
            name,
            value: value.to_vec(),
            number: number + place,
        });
    }
    // an object that a program prints after its name
    let is_object =
        |header: &Line| header.value.starts_with(b"{") || header.value.starts_with(b"[");
    if let [only] = headers.as_slice()
        && is_object(only)
        && !matches!(names::header(&only.name), Name::Header(_) | Name::System(_))
    {
        return None;
    }
    without_decoration(&mut headers);
    let is_plain = |header: &Line| match names::header(&header.name) {
        // several headers in one line: X-B3-TraceId: …, X-B3-SpanId: …
        Name::Header(own) => {
            let is_other =
                |hit: &scan::Hit| matches!(&hit.kind, Kind::Header(name) if *name != own);
            !scan::hits(&header.value).iter().any(is_other) && !has_next_name(&own, &header.value)
        }
        Name::System(_) | Name::Misspelt(_) | Name::Secret => true,
        // several ids in one line: SpanId:…, TraceId:…
        Name::Id if !is_id(&header.value) => scan::hits(&header.value).is_empty(),
        Name::Id | Name::Unknown => {
            let whole = std::str::from_utf8(&header.value)
                .ok()
                .and_then(Shape::of)
                .is_some();
            whole
                || scan::hits(&header.value)
                    .iter()
                    .all(|hit| matches!(hit.kind, Kind::Id | Kind::NoValue(_)))
        }
    };
    (!headers.is_empty() && headers.iter().all(is_plain)).then_some(headers)
}

/// Whether any header belongs to a format or to another system.
fn any_known(headers: &[Line]) -> bool {
    headers
        .iter()
        .any(|line| matches!(names::header(&line.name), Name::Header(_) | Name::System(_)))
}

/// What dumps print around every value: a dot or `\\r\\n` for the end of a line, or the brackets of
/// a list. Each has the fewest lines that must have it, because a value may have it too.
const DECORATIONS: &[(&str, &str, usize)] = &[("", ".", 2), ("", "\\r\\n", 1), ("[", "]", 2)];

/// Removes what a dump prints around values, if all lines have it.
fn without_decoration(headers: &mut [Line]) {
    for (before, after, least) in DECORATIONS {
        let inside = |line: &Line| {
            let value = line.value.strip_prefix(before.as_bytes())?;
            value.strip_suffix(after.as_bytes()).map(<[u8]>::to_vec)
        };
        let values = headers.iter().map(inside).collect::<Option<Vec<_>>>();
        if let Some(values) = values.filter(|values| values.len() >= *least) {
            for (header, value) in headers.iter_mut().zip(values) {
                header.value = value;
            }
        }
    }
}

/// Whether a value goes on with another header in the same line, as in `traceparent:00-…,name:…`,
/// which `kafka-console-consumer` prints.
fn has_next_name(header: &str, value: &[u8]) -> bool {
    let is_list = matches!(
        header,
        "tracestate" | "baggage" | "x-datadog-tags" | "x-amzn-trace-id"
    );
    let parts = value.split_inclusive(|byte| b",; \t|".contains(byte));
    let parts: Vec<&[u8]> = parts.collect();
    let is_next = |before: &[u8], part: &[u8]| {
        let end = part.iter().position(|byte| b":=".contains(byte));
        let (name, mark) = part.split_at(end.unwrap_or(0));
        let is_name = name.iter().all(is_token) && !name.iter().all(u8::is_ascii_hexdigit);
        let is_secret = names::is_secret(&String::from_utf8_lossy(name));
        // `src=x` after a space is an attribute in other text
        let is_attribute = before.ends_with(b" ") && mark.starts_with(b"=");
        let is_header = !is_list && !is_attribute;
        is_name && (is_header || is_secret)
    };
    let mut pairs = parts.windows(2);
    !is_list && value.contains(&b'\t') || pairs.any(|pair| is_next(pair[0], pair[1]))
}

/// Whether a value is the digits of an id.
fn is_id(value: &[u8]) -> bool {
    value.len() >= MIN_ID && value.iter().all(u8::is_ascii_hexdigit)
}

/// The findings in the headers of a unit.
pub(super) fn findings(headers: &[Line], unit: &str) -> Vec<Finding> {
    // a response of HTTP/2
    let is_response = headers.iter().any(|line| line.name == ":status");
    let finding = |line: &Line| {
        let kind = match names::header(&line.name) {
            Name::Header(header) => Kind::Header(header),
            Name::System(system) if system.fits(&String::from_utf8_lossy(&line.value)) => {
                Kind::System(system)
            }
            Name::Misspelt(meant) => Kind::Misspelt(meant),
            Name::Secret | Name::System(_) => Kind::Other,
            Name::Id if is_id(&line.value) => Kind::Id,
            Name::Id | Name::Unknown => {
                let shape = std::str::from_utf8(&line.value).ok().and_then(Shape::of);
                shape.map_or(Kind::Other, Kind::Unnamed)
            }
        };
        let kind = match is_response {
            true => responses::in_response(kind),
            false => kind,
        };
        Finding {
            value: if kind == Kind::Other {
                Vec::new()
            } else {
                line.value.clone()
            },
            kind,
            name: line.name.clone(),
            place: format!("line {}", line.number),
            unit: unit.to_owned(),
            scope: unit.to_owned(),
        }
    };
    headers.iter().map(finding).collect()
}

/// Reads `name: value`, or Lambda's variable as in the environment, `_X_AMZN_TRACE_ID=value`;
/// `None` for anything else. White space around the value is not part of it (RFC 9110, section
/// 5.5).
pub(super) fn header(line: &[u8]) -> Option<(String, &[u8])> {
    if let Some(value) = line.strip_prefix(b"_X_AMZN_TRACE_ID=") {
        return Some((X_AMZN_TRACE_ID.to_owned(), trimmed(value)));
    }
    // A value that stands alone may have colons too: uber-trace-id.
    if std::str::from_utf8(line).is_ok_and(|line| Shape::of(line).is_some()) {
        return None;
    }
    // HTTP/2 writes parts of the request line like this.
    let start = usize::from(line.starts_with(b":"));
    let colon = line[start..].iter().position(|byte| *byte == b':')?;
    let name = line[..start + colon].trim_ascii_end();
    let value = trimmed(&line[start + colon + 1..]);
    let first = name.get(start)?;
    let is_name =
        (first.is_ascii_alphabetic() || *first == b'_') && name[start..].iter().all(is_token);
    let is_address = value.starts_with(b"//");
    (is_name && !is_address).then(|| (String::from_utf8_lossy(name).into_owned(), value))
}

/// A value without spaces and tabs around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let (start, end) = (
        value.iter().position(is_text),
        value.iter().rposition(is_text),
    );
    start
        .zip(end)
        .map_or(&[], |(start, end)| &value[start..=end])
}

/// Whether a text is one header as HTTP writes it.
pub fn is_header(text: &[u8]) -> bool {
    header(text).is_some()
}

/// The characters of a name (RFC 9110, section 5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// The common beginning of lines from an indented example: the beginning of the first line.
fn indent<'a>(lines: &[&'a [u8]]) -> &'a [u8] {
    let first = lines.first().copied().unwrap_or_default();
    let end = first.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    &first[..end.unwrap_or(0)]
}

/// The lines of a text, without line breaks.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_however_they_were_copied() {
        let expected: &[(&str, &str)] = &[("b3", "0"), ("tracestate", "a=1, b=2")];
        for text in [
            "b3: 0\ntracestate: a=1, b=2\n",
            "b3: 0\r\ntracestate:a=1, b=2 \t\r\n\r\nthe body: is none",
            "\n\nb3:\t0\ntracestate: a=1,\n b=2",
            "    b3: 0\n    tracestate: a=1,\n      b=2\n",
            "b3: 0.\ntracestate: a=1, b=2.\n",
            ":path: /\nb3: 0\ntracestate: a=1, b=2\n",
        ] {
            let paste = crate::read(text.as_bytes());
            let headers = paste.carriers.iter().flat_map(|carrier| &carrier.headers);
            let found: Vec<_> = headers
                .map(|header| {
                    (
                        header.name.clone(),
                        String::from_utf8_lossy(&header.value).into_owned(),
                    )
                })
                .collect();
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn log_lines_are_no_headers() {
        for line in [
            "2024-05-24T08:11:02 got b3: 0",
            "trace parent: 0",
            ": 0",
            "no colon",
            "INFO: traceparent=00-1",
        ] {
            assert_eq!(block(&[line.as_bytes()], 1), None, "{line}");
        }
    }

    #[test]
    fn lambdas_variable_is_read_as_the_environment_has_it() {
        for text in ["_X_AMZN_TRACE_ID=Root=1", "_X_AMZN_TRACE_ID: Root=1"] {
            let paste = crate::read(text.as_bytes());
            assert_eq!(paste.carriers[0].environment(), Some("Root=1"));
        }
    }
}
