//! Requests and answers as sent over the network, and in the output of `curl -v`, sniffers and echo
//! servers.

use super::headers::{self, is_blank};
use super::{Form, any_text, paste};
use crate::carrier::Paste;
use crate::responses;
use crate::walk::Walk;

pub(super) const FORM: Form = Form { read };

/// A request: its label and its headers.
struct Request {
    label: String,
    headers: Vec<headers::Line>,
}

/// The requests that were read, and the remaining lines.
struct Read<'a> {
    requests: Vec<Request>,
    answers: Vec<headers::Line>,
    /// Lines outside of requests and answers, with a blank line in place of each line that was
    /// read.
    rest: Vec<&'a [u8]>,
}

fn read(text: &[u8]) -> Option<Paste> {
    let lines: Vec<&[u8]> = headers::lines(text).collect();
    let of_curl = lines
        .iter()
        .any(|line| matches!(line, [b'>' | b'<', b' ', ..]));
    let read = if of_curl {
        curl(&lines)
    } else {
        requests(&lines)
    };
    if read.requests.is_empty() && read.answers.is_empty() {
        return None;
    }
    let mut walk = Walk::default();
    let several = read.requests.len() > 1;
    for (place, request) in read.requests.iter().enumerate() {
        let unit = match (several, request.label.is_empty()) {
            (false, _) => "request".to_owned(),
            (true, true) => format!("request {}", place + 1),
            (true, false) => format!("request {} ({})", place + 1, request.label),
        };
        walk.findings
            .extend(headers::findings(&request.headers, &unit));
    }
    for mut finding in headers::findings(&read.answers, "the response") {
        finding.kind = responses::in_response(finding.kind);
        walk.findings.push(finding);
    }
    let rest = read.rest.join(&b'\n');
    any_text::rest(&rest, 0, &mut walk);
    let mut paste = paste(walk);
    // A single request in a text needs no label.
    if let [only] = paste.carriers.as_mut_slice()
        && only.place.as_deref() == Some("request")
    {
        only.place = None;
    }
    Some(paste)
}

/// Reads the output of `curl -v`: `>` begins a request's line, `<` an answer's line, `*` a comment.
fn curl<'a>(lines: &[&'a [u8]]) -> Read<'a> {
    let strip = |line: &&'a [u8], mark: u8| match **line {
        [first, b' ', ref rest @ ..] if first == mark => Some(rest),
        [first] if first == mark => Some(&[][..]),
        _ => None,
    };
    let sent: Vec<&[u8]> = lines
        .iter()
        .map(|line| strip(line, b'>').unwrap_or_default())
        .collect();
    let answered: Vec<&[u8]> = lines
        .iter()
        .map(|line| strip(line, b'<').unwrap_or_default())
        .collect();
    let rest = lines.iter().map(|line| match *line {
        [b'>' | b'<' | b'*' | b'}' | b'{', b' ', ..] | [b'>' | b'<'] => b"",
        line => line,
    });
    Read {
        requests: requests(&sent).requests,
        answers: requests(&answered).answers,
        rest: rest.collect(),
    }
}

/// Reads requests and answers in the form of HTTP/1.1.
fn requests<'a>(lines: &[&'a [u8]]) -> Read<'a> {
    let mut read = Read {
        requests: Vec::new(),
        answers: Vec::new(),
        rest: Vec::with_capacity(lines.len()),
    };
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].strip_suffix(b".").unwrap_or(lines[at]);
        let label = request_line(line);
        if label.is_none() && !is_status_line(line) {
            read.rest.push(lines[at]);
            at += 1;
            continue;
        }
        let start = at + 1;
        // Echo servers write a blank line after the first one.
        let blank = label.is_some()
            && line.starts_with(b"HTTP/")
            && lines.get(start).is_some_and(|line| is_blank(line));
        let start = start + usize::from(blank);
        let length = lines.get(start..).map_or(0, header_lines);
        let headers = lines
            .get(start..start + length)
            .and_then(|block| headers::block(block, start + 1));
        match headers {
            Some(headers) => {
                read.rest
                    .extend(std::iter::repeat_n(&b""[..], start + length - at));
                at = start + length;
                match label {
                    Some(label) => read.requests.push(Request { label, headers }),
                    None => read.answers.extend(headers),
                }
            }
            None => {
                read.rest.push(lines[at]);
                at += 1;
            }
        }
    }
    read
}

/// How many lines at the beginning are headers.
fn header_lines(lines: &[&[u8]]) -> usize {
    let is_header = |line: &&&[u8]| {
        headers::is_header(line) || !is_blank(line) && matches!(line.first(), Some(b' ' | b'\t'))
    };
    lines.iter().take_while(is_header).count()
}

/// The label of a line such as `GET /path HTTP/1.1`, which may follow other bytes in a packet dump,
/// or `HTTP/1.1 GET /path`; `None` for any other line.
fn request_line(line: &[u8]) -> Option<String> {
    let is_request = line.starts_with(b"HTTP/")
        || line[line.len().saturating_sub(9)..]
            .windows(5)
            .any(|part| part == b"HTTP/");
    if !is_request {
        return None;
    }
    let end = line.len().saturating_sub(8 << 10);
    let text = String::from_utf8_lossy(&line[end..]);
    let mut words = text.rsplit(' ');
    let (last, middle, first) = (words.next()?, words.next()?, words.next()?);
    let method = |word: &str| {
        let capitals = word
            .bytes()
            .rev()
            .take_while(u8::is_ascii_uppercase)
            .count();
        let method = &word[word.len() - capitals..];
        METHODS.contains(&method).then(|| method.to_owned())
    };
    if last.starts_with("HTTP/") {
        return Some(label(&method(first)?, middle));
    }
    let is_echo = first.starts_with("HTTP/") && words.next().is_none();
    is_echo
        .then(|| method(middle))
        .flatten()
        .map(|method| label(&method, last))
}

/// The methods of HTTP.
const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE",
];

fn is_status_line(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"HTTP/").unwrap_or_default();
    rest.first().is_some_and(u8::is_ascii_digit)
}

/// How many characters of a path are shown.
const MAX_PATH: usize = 60;

/// The label of a request by method and path. It is safe to print: without the query, and without a
/// user and password.
pub(super) fn label(method: &str, target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => path,
    };
    // A user and password end at an at sign, in any form of target.
    let (cut, path) = match path.rsplit_once('@') {
        Some((_, rest)) => ("…", rest),
        None => ("", path),
    };
    let start: String = path.chars().take(MAX_PATH).collect();
    format!("{} {cut}{}", method.escape_debug(), start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of each carrier, with the names and values of its headers.
    fn read(text: &str) -> Vec<(Option<String>, Vec<String>)> {
        let paste = crate::read(text.as_bytes());
        let headers = |carrier: &crate::Carrier| {
            let headers = carrier.headers.iter();
            headers
                .map(|header| format!("{}={}", header.name, String::from_utf8_lossy(&header.value)))
                .collect()
        };
        paste
            .carriers
            .iter()
            .map(|carrier| (carrier.place.clone(), headers(carrier)))
            .collect()
    }

    #[test]
    fn one_request_is_read_however_it_was_captured() {
        let expected = [(
            None,
            vec!["b3=0".to_owned(), "tracestate=a=1, b=2".to_owned()],
        )];
        for text in [
            "GET / HTTP/1.1\nb3: 0\ntracestate: a=1, b=2",
            "> GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n>\n< HTTP/2 200\n< server: x\n",
            "> b3: 0\n> tracestate: a=1, b=2\n>\n",
            "  % Total    % Received % Xferd\n\r  0     0 --:--:-- --:--:--\n* Host: a\n\n} [5 bytes data]\n\
             > GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n>\n",
            "* [HTTP/2] [1] [b3: 0]\n* [HTTP/2] [1] [tracestate: a=1, b=2]\n> GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n>\n",
            "GET / HTTP/1.1.\nb3: 0.\ntracestate: a=1, b=2.\n.\n",
            "E..4.@.@.GET / HTTP/1.1\nb3: 0\ntracestate: a=1, b=2\n",
            "HTTP/1.1 GET /\n\nb3: 0\ntracestate: a=1, b=2\n",
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_request_is_a_carrier_and_answers_are_not() {
        let text = "POST /a?token=x HTTP/1.1\nb3: 0\n\n{\"a\": 1}\nHTTP/1.1 302 Found\nb3: 2\n\n\
                    GET http://me:secret@host/b HTTP/1.1\nb3: 3\n";
        let paste = crate::read(text.as_bytes());
        let places: Vec<_> = paste
            .carriers
            .iter()
            .map(|carrier| carrier.place.as_deref())
            .collect();
        assert_eq!(
            places,
            [
                Some("request 1 (POST /a)"),
                Some("request 2 (GET /b)"),
                Some("the response")
            ]
        );
        assert_eq!(paste.carriers[2].headers, []);
        assert!(
            paste.carriers[2].unread[0]
                .why
                .contains("header of the response")
        );
    }

    #[test]
    fn a_label_shows_no_password() {
        for (method, target, expected) in [
            ("GET", "/a?token=SECRET#SECRET", "GET /a"),
            ("GET", "http://user:SECRET@h/x", "GET /x"),
            ("GET", "//user:SECRET@h/x", "GET …h/x"),
            ("CONNECT", "user:SECRET@h:443", "CONNECT …h:443"),
            ("GET", "http://user:SEC/RET@h/x", "GET …h/x"),
            ("GET", "http:user:SECRET@h", "GET …h"),
        ] {
            assert_eq!(label(method, target), expected);
        }
    }
}
