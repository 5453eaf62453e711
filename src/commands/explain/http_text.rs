//! Headers as text: one a line, whole requests, what `curl -v` prints.

use baton_propagators::xray_from_lambda::X_AMZN_TRACE_ID;

use super::headers::Headers;

/// Why a text holds no header: a half sentence, to be put behind where it stands.
pub(super) type Fault = &'static str;

const NO_COLON: Fault = "it has no colon; write the name, a colon and the value, as in 'b3: 0'";
const NO_NAME: Fault =
    "what stands before its colon cannot be a header's name; write it as in 'b3: 0'";

/// A request or a record of several.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Method and path, without what may be secret: the query, and a user's name and password.
    pub(super) label: Option<String>,
    pub(super) headers: Headers,
    /// Sentences about what of it holds no headers.
    pub(super) faults: Vec<String>,
}

/// Where in a text the next line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Before any request.
    Start,
    Headers,
    /// In a body, or in an answer.
    Other,
}

/// Reads all requests of a text, which may be headers alone. Line feeds end lines, with or without a carriage return; a
/// blank line ends headers.
///
/// # Errors
///
/// A sentence that names the line.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Sent>, String> {
    let lines = text.split(|&byte| byte == b'\n');
    let lines: Vec<&[u8]> = lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let of_curl = is_of_curl(&lines);
    if of_curl && !lines.iter().any(|line| line.starts_with(b"> ")) {
        let reason = if lines.iter().any(|line| line.starts_with(b"< ")) {
            "the lines of an answer (<) and none of a request (>)"
        } else {
            "what curl -v tells (*) and none of a request (>): curl did not get as far as to send one"
        };
        return Err(format!("standard input has {reason}"));
    }
    let indent = indent(&lines);
    let mut requests: Vec<Sent> = Vec::new();
    let mut part = Part::Start;
    for (place, line) in lines.iter().enumerate() {
        let line = match line {
            [b'>'] if of_curl => &[],
            [b'>', b' ', line @ ..] if of_curl => line,
            _ if of_curl => continue,
            line => line.strip_prefix(indent).unwrap_or(line),
        };
        if let Some(label) = request_line(line) {
            requests.push(Sent {
                label: Some(label),
                ..Sent::default()
            });
            part = Part::Headers;
        } else if is_status_line(line) {
            part = Part::Other;
        } else if trim(line).is_empty() {
            part = if part == Part::Start {
                part
            } else {
                Part::Other
            };
        } else if part != Part::Other {
            if part == Part::Start {
                requests.push(Sent::default());
                part = Part::Headers;
            }
            let headers = requests.last_mut().map(|request| &mut request.headers);
            let added = headers.map_or(Ok(()), |headers| add(headers, line));
            added.map_err(|fault| format!("line {} is no header: {fault}", place + 1))?;
        }
    }
    Ok(requests)
}

/// Whether a text is what `curl -v` prints. The first line tells that is not one of its progress; a body may have all sorts.
fn is_of_curl(lines: &[&[u8]]) -> bool {
    let mut told = false;
    for line in lines.iter().copied() {
        match line {
            [b'>' | b'<', b' ', ..] => return true,
            [b'*', b' ', ..] => told = true,
            _ if line.starts_with(b"Note: ") || line.starts_with(b"Warning: ") => {}
            _ if line.starts_with(b"curl: ") => {}
            _ if request_line(line).is_some() || header(line).is_ok() => return false,
            _ => {}
        }
    }
    told
}

/// Adds a line: a header, or what a folded one goes on with.
fn add(headers: &mut Headers, line: &[u8]) -> Result<(), Fault> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        let last = headers
            .last_mut()
            .ok_or("it is indented, and there is none before it to go on with")?;
        last.value.push(b' ');
        last.value.extend_from_slice(trim(line));
        return Ok(());
    }
    let (name, value) = header(line)?;
    headers.push(name, value);
    Ok(())
}

/// Reads `name: value`, or Lambda's variable as the environment has it, `_X_AMZN_TRACE_ID=value`. White space around the value is no part of it (RFC 9110, section 5.5).
///
/// # Errors
///
/// When it has no colon, or before it nothing that can be a name.
pub(super) fn header(line: &[u8]) -> Result<(String, &[u8]), Fault> {
    if let Some(value) = line.strip_prefix(b"_X_AMZN_TRACE_ID=") {
        return Ok((X_AMZN_TRACE_ID.to_owned(), trim(value)));
    }
    // HTTP/2 calls parts of the request line so; they are no headers, and others follow.
    let start = usize::from(line.starts_with(b":"));
    let Some(colon) = line[start..].iter().position(|&byte| byte == b':') else {
        return Err(if start == 0 { NO_COLON } else { NO_NAME });
    };
    let (name, value) = (&line[..start + colon], &line[start + colon + 1..]);
    let name = trim(name);
    match std::str::from_utf8(name) {
        Ok(text) if !name[start..].is_empty() && name[start..].iter().all(is_token) => {
            Ok((text.to_owned(), trim(value)))
        }
        _ => Err(NO_NAME),
    }
}

/// What a name is made of (RFC 9110, section 5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    match (
        bytes.iter().position(is_text),
        bytes.iter().rposition(is_text),
    ) {
        (Some(start), Some(end)) => &bytes[start..=end],
        _ => &[],
    }
}

/// What all lines begin with that were copied from an indented example: what the first one begins with.
fn indent<'a>(lines: &[&'a [u8]]) -> &'a [u8] {
    let first = lines
        .iter()
        .copied()
        .find(|line| !trim(line).is_empty())
        .unwrap_or_default();
    let end = first.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    &first[..end.unwrap_or(0)]
}

/// The label of a line such as `GET /path HTTP/1.1`; `None` for any other.
fn request_line(line: &[u8]) -> Option<String> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_method = !method.is_empty()
        && method
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    (is_method && version.starts_with("HTTP/") && words.next().is_none())
        .then(|| label(method, target))
}

fn is_status_line(line: &[u8]) -> bool {
    line.strip_prefix(b"HTTP/")
        .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

/// A request by its method and path, safe to print.
pub(super) fn label(method: &str, target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => path,
    };
    // A name and a password end at an at sign, however the target is written.
    let (cut, path) = match path.rsplit_once('@') {
        Some((_, rest)) => ("…", rest),
        None => ("", path),
    };
    let start: String = path.chars().take(60).collect();
    format!("{} {cut}{}", method.escape_debug(), start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(String, String)>;

    /// The requests as label and headers.
    fn read(text: &str) -> Vec<(Option<String>, Pairs)> {
        let requests = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        let pairs = |headers: &Headers| {
            let pair = |header: &super::super::headers::Header| {
                (
                    header.name.clone(),
                    String::from_utf8_lossy(&header.value).into_owned(),
                )
            };
            headers.iter().map(pair).collect()
        };
        requests
            .iter()
            .map(|request| (request.label.clone(), pairs(&request.headers)))
            .collect()
    }

    #[test]
    fn headers_are_read_however_they_were_copied() {
        let expected: &[(&str, &str)] = &[("b3", "0"), ("tracestate", "a=1, b=2")];
        for text in [
            "b3: 0\ntracestate: a=1, b=2\n",
            "b3: 0\r\ntracestate:a=1, b=2 \t\r\n\r\nthe body: is none",
            "\n\nb3:\t0\ntracestate: a=1,\n b=2",
            "b3: 0\ntracestate: a=1,\n\tb=2",
            "    b3: 0\n    tracestate: a=1,\n      b=2\n",
            "GET / HTTP/1.1\nb3: 0\ntracestate: a=1, b=2",
            "> GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n>\n< HTTP/2 200\n< b3: 1\n",
            "> b3: 0\n> tracestate: a=1, b=2\n",
            "  % Total    % Received % Xferd\n\r  0     0 --:--:-- --:--:--\n* Host: a\n\n} [5 bytes data]\n\
             > GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n>\n",
            "Warning: curl says\n> GET / HTTP/2\n> b3: 0\n> tracestate: a=1, b=2\n",
            // what a body says is no header, whatever it begins with
            "GET / HTTP/1.1\nb3: 0\ntracestate: a=1, b=2\n\n> note\n> GET / HTTP/1.1\n> b3: 1\n",
            "b3: 0\ntracestate: a=1, b=2\n\n< note\n",
        ] {
            let found = read(text);
            assert_eq!(found.len(), 1, "{text:?}");
            let found = found[0]
                .1
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn each_request_is_one_of_its_own() {
        let text = "POST /a?token=x HTTP/1.1\nb3: 0\n\n{\"b3\": 1}\nHTTP/1.1 302 Found\nb3: 2\n\n\
                    GET http://me:secret@host/b HTTP/1.1\nb3: 3\n";
        let labels: Vec<_> = read(text)
            .into_iter()
            .map(|(label, headers)| (label.unwrap_or_default(), headers.len()))
            .collect();
        assert_eq!(
            labels,
            [("POST /a".to_owned(), 1), ("GET /b".to_owned(), 1)]
        );
        assert_eq!(
            read("* note\n> GET / HTTP/1.1\n> a: 1\n> \n> GET / HTTP/1.1\n> a: 2\n> \n").len(),
            2
        );
    }

    #[test]
    fn what_is_no_header_is_refused_by_its_line() {
        for (text, sentence) in [
            ("b3: 0\nnonsense\n", "line 2 is no header: it has no colon"),
            (
                "trace parent: 0\n",
                "line 1 is no header: what stands before its colon",
            ),
            (": 0\n", "line 1 is no header: what stands before its colon"),
            (
                "GET / HTTP/1.1\n b3: 0\n",
                "line 2 is no header: it is indented",
            ),
            (
                "< HTTP/1.1 200 OK\n< b3: 0\n",
                "standard input has the lines of an answer (<)",
            ),
            (
                "*   Trying 127.0.0.1:1...\n* connect to 127.0.0.1 port 1 failed\ncurl: (7) Failed to connect\n",
                "standard input has what curl -v tells (*) and none of a request (>)",
            ),
        ] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert!(error.starts_with(sentence), "{text:?}: {error}");
        }
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

    #[test]
    fn lambdas_variable_is_read_as_the_environment_has_it() {
        let expected = [("_X_AMZN_TRACE_ID".to_owned(), "Root=1".to_owned())];
        assert_eq!(read("_X_AMZN_TRACE_ID=Root=1\n")[0].1, expected);
        assert_eq!(read("_X_AMZN_TRACE_ID: Root=1\n")[0].1, expected);
    }

    #[test]
    fn pseudo_headers_of_http_2_are_passed_over() {
        assert_eq!(read(":method: GET\n:path: /\nb3: 0\n")[0].1.len(), 3);
        assert_eq!(
            header(b":path: /a:b"),
            Ok((":path".to_owned(), &b"/a:b"[..]))
        );
    }
}
