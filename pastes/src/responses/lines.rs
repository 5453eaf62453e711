//! Whether the lines before a header in a text say that it was sent in a response.
//!
//! Tools mark a response by its status line, by an arrow, or by the word. The nearest mark counts.
//! It is before the header in its line, or above it, with nothing but headers between them.

use std::ops::Range;

/// How many lines above a header its mark may be.
const MAX_ABOVE: usize = 60;
/// How much of a line is examined.
const MAX_LINE: usize = 1000;

/// What a mark says about the headers after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Request,
    Response,
}

/// The headers of a text, which are asked about in order.
pub(crate) struct Directions<'a> {
    text: &'a [u8],
    /// The parts of the text that are a response printed by Node.js, in order.
    of_node: Vec<Range<usize>>,
    /// The start of the line of the header before, and whether that is one of a response.
    last: Option<(usize, bool)>,
}

impl<'a> Directions<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Directions {
            text,
            of_node: responses_of_node(text),
            last: None,
        }
    }

    /// Whether the header that begins at `at` is one of a response, as far as the text before it
    /// says.
    pub(crate) fn is_response(&mut self, at: usize) -> bool {
        let start = line_start(self.text, at);
        let before = lower(&self.text[start..at]);
        let before_it = self.of_node.partition_point(|part| part.end <= at);
        let part = self.of_node.get(before_it);
        if part.is_some_and(|part| part.contains(&at)) {
            return true;
        }
        let is_response = match in_line(&before) {
            Some(sent) => sent == Sent::Response,
            None => self.is_marked_above(start, before.trim_start()),
        };
        self.last = Some((start, is_response));
        is_response
    }

    /// Whether the lines above say so. `before` is the text before the header in its line, which
    /// begins at `start`.
    fn is_marked_above(&self, start: usize, before: &str) -> bool {
        // the member that holds the headers, and not what a logger writes before each of them
        let is_list = ["", "-> ", "- "].contains(&before) || before.starts_with("headers");
        let prefix = if is_list { "" } else { before };
        let mut has_status = false;
        let mut is_held = before.starts_with("headers");
        let mut end = start;
        for _ in 0..MAX_ABOVE {
            if end == 0 {
                break;
            }
            let start = line_start(self.text, end - 1);
            let line = lower(&self.text[start..end - 1]);
            end = start;
            // a logger writes its prefix before the mark too; Python's http.client does not
            let is_near = is_list || prefix == "header: " || without(line.trim(), prefix).is_some();
            match above(&line).filter(|_| is_near) {
                Some(sent) => return sent == Sent::Response,
                None if !goes_on(&line, prefix) => break,
                None => {}
            }
            let line = line.trim();
            let name = line.trim_start_matches(['"', '\'']);
            is_held |= line.ends_with(['{', '[']) && name.starts_with("headers");
            is_held |= line.ends_with("headers:");
            has_status |= is_held && is_status(name);
            let of_request = ["method", "url", "uri", "path"];
            if of_request.iter().any(|member| name.starts_with(member)) {
                return false;
            }
            // the same list
            if let Some((_, is_response)) = self.last.filter(|(line, _)| *line == start) {
                return is_response || has_status;
            }
        }
        has_status
    }
}

/// The parts of a text from the name `IncomingMessage` to the status that a response has and a
/// request has not.
fn responses_of_node(text: &[u8]) -> Vec<Range<usize>> {
    const NAME: &[u8] = b"IncomingMessage {";
    const STATUS: &[u8] = b"statusCode: ";
    let starts: Vec<usize> = memchr::memmem::find_iter(text, NAME).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let parts = starts.iter().zip(ends).filter_map(|(start, end)| {
        let status = *start + memchr::memmem::find(&text[*start..end], STATUS)?;
        let code = &text[status + STATUS.len()..end];
        code.first()?.is_ascii_digit().then_some(*start..status)
    });
    parts.collect()
}

/// The start of the line that ends at or after `at`; in a very long line, a position in it.
fn line_start(text: &[u8], at: usize) -> usize {
    let reach = at.saturating_sub(MAX_LINE);
    let end = text[reach..at].iter().rposition(|byte| *byte == b'\n');
    end.map_or(reach, |end| reach + end + 1)
}

/// The text in lower case.
fn lower(line: &[u8]) -> String {
    String::from_utf8_lossy(line).to_ascii_lowercase()
}

/// Whether a line above a header is one of its list: another header after the same prefix of a
/// logger, or a member or bracket of an object.
fn goes_on(line: &str, prefix: &str) -> bool {
    let line = line.trim().trim_start_matches("-> ");
    let rest = match prefix.is_empty() {
        true => line,
        false => match without(line, prefix) {
            Some(rest) => rest,
            None => return false,
        },
    };
    let rest = rest.trim_start_matches(['"', '\'', ':', '[', '(']);
    let name = rest.trim_start_matches(|letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ' ')
    });
    let after = name.trim_start_matches(['"', '\'', ' ']);
    let is_named = name.len() < rest.len() && after.starts_with([':', '=', ',']);
    let is_bracket = !line.is_empty() && line.chars().all(|letter| "{}[](),;\"".contains(letter));
    let is_element = prefix.is_empty() && line.starts_with("- ");
    is_named || is_bracket || is_element || rest.ends_with(" headers")
}

/// The rest of a line after a prefix, whose digits may differ.
fn without<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let same = |a: u8, b: u8| a == b || a.is_ascii_digit() && b.is_ascii_digit();
    let start = line.as_bytes().get(..prefix.len())?;
    let fits = start.iter().zip(prefix.bytes()).all(|(a, b)| same(*a, b));
    fits.then(|| line.get(prefix.len()..)).flatten()
}

/// Whether a line is the member with the status of a response.
fn is_status(line: &str) -> bool {
    let rest = line.strip_prefix("status").unwrap_or_default();
    let rest = rest.trim_start_matches("_").trim_start_matches("code");
    let code = rest.trim_start_matches(['"', '\'', ':', ' ', '=']);
    code.len() < rest.len()
        && is_code(code)
        && matches!(code.as_bytes().get(3), None | Some(b',' | b'"' | b'\''))
}

/// Whether a text begins with a status of three digits.
fn is_code(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 3 && matches!(text.as_bytes()[0], b'1'..=b'5')
}

/// What the text before a header in its own line says.
fn in_line(before: &str) -> Option<Sent> {
    let words = [
        before.rfind("response").map(|at| (at, Sent::Response)),
        last_request(before).map(|at| (at, Sent::Request)),
        // nginx logs what a server answers like this
        before
            .rfind("http proxy header: \"")
            .map(|at| (at, Sent::Response)),
        before.rfind("resp_headers").map(|at| (at, Sent::Response)),
        before.rfind("req_headers").map(|at| (at, Sent::Request)),
        before.rfind("res.headers").map(|at| (at, Sent::Response)),
        before.rfind("req.headers").map(|at| (at, Sent::Request)),
        before.rfind(":status").map(|at| (at, Sent::Response)),
        before.rfind(":method").map(|at| (at, Sent::Request)),
    ];
    let last = words.into_iter().flatten().max_by_key(|(at, _)| *at);
    let of_word = match last {
        Some((_, Sent::Request)) => Some(Sent::Request),
        Some((at, Sent::Response)) if !before[at..].starts_with("response") => Some(Sent::Response),
        Some((at, Sent::Response)) => introduces(before, at).then_some(Sent::Response),
        None => None,
    };
    let arrow = before.trim_end_matches(['"', '\'']);
    let ends = |mark: &str| {
        arrow
            .strip_suffix(mark)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
    };
    let of_arrow = if ends("<< ") || ends("< ") || before.starts_with("-> \"") {
        Some(Sent::Response)
    } else if ends(">> ") || ends("> ") || before.starts_with("<- \"") {
        Some(Sent::Request)
    } else {
        None
    };
    of_word.or(of_arrow).or_else(|| of_version(before))
}

/// The last word `request`. The id of a request comes in responses too.
fn last_request(before: &str) -> Option<usize> {
    let mut words = before.rmatch_indices("request");
    let is_id = |at: usize| {
        let rest = before[at + "request".len()..].trim_start_matches(['-', '_']);
        rest.starts_with("id")
    };
    words.find(|(at, _)| !is_id(*at)).map(|(at, _)| at)
}

/// Whether the word `response` at `at` introduces the headers behind it, as in `Response headers:`
/// and `Response { status: 200, headers: {`. In other sentences, and in other names, it does not.
fn introduces(before: &str, at: usize) -> bool {
    let rest = &before[at + "response".len()..];
    if before[..at].ends_with("http") && rest.starts_with(['(', '{']) {
        return true;
    }
    let next = rest.trim_start_matches(['_', '-', ' ']);
    let is_word =
        !rest.starts_with(|letter: char| "_-".contains(letter) || letter.is_alphanumeric());
    // a message that answers another one is a carrier, and a new sentence may tell of a request
    let others = [
        " for ", " to ", " of ", "message", "incoming", "inbound", "request", ";",
    ];
    let is_other = others.iter().any(|word| rest.contains(word));
    next.starts_with("header") || is_word && rest.contains("header") && !is_other
}

/// What a line above a header says.
fn above(line: &str) -> Option<Sent> {
    let line = line.trim();
    let words: Vec<&str> = line
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let is_title = |first: &str| {
        let others = [
            "headers", "header", "begin", "metadata", "received", "sent", "send", "to", "trailers",
        ];
        words.first() == Some(&first) && words[1..].iter().all(|word| others.contains(word))
    };
    let starts = |mark: &str| {
        let rest = line
            .find(mark)
            .map(|at| line[at + mark.len()..].trim_start_matches('-'));
        rest.map(str::trim_start)
    };
    let is_answered =
        |mark: &str| starts(mark).is_some_and(|rest| is_code(rest) || rest.starts_with("http/"));
    let introduces = |word: &str| line.starts_with(word) || line.contains(&format!(" {word}"));
    if is_title("response") || line.contains("response headers") || introduces("response: ") {
        Some(Sent::Response)
    } else if is_title("request") || words.first() == Some(&"config") || introduces("request: ") {
        Some(Sent::Request)
    } else if is_answered("<--") || is_answered("<<") || line.contains(":status") {
        Some(Sent::Response)
    } else if line.contains("--> ") || line.contains(":method") || line.contains(":path") {
        Some(Sent::Request)
    } else {
        of_version(line)
    }
}

/// What HTTP's version in a text says: a status follows it in a response, and a method and a target
/// precede it in a request.
fn of_version(text: &str) -> Option<Sent> {
    let at = text.rfind("http/")?;
    let rest = text[at + "http/".len()..]
        .trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let target = text[..at]
        .split_whitespace()
        .next_back()
        .unwrap_or_default();
    let has_target = text[..at].ends_with(' ') && (target.contains('/') || target == "*");
    let code = rest.trim_start_matches(['\'', '"', ',']);
    if has_target {
        Some(Sent::Request)
    } else if code.starts_with(' ') && is_code(code.trim_start()) {
        Some(Sent::Response)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mark_says_in_which_direction_a_header_was_sent() {
        for (before, is_response) in [
            ("HTTP/1.1 200 OK\ncontent-type: text/plain\n", true),
            ("GET / HTTP/1.1\nhost: a\n", false),
            ("HTTP/1.1 200 OK\n\nb: c\n", false),
            (
                "D/OkHttp: <-- 200 OK https://a/ (120ms)\nD/OkHttp: a: b\nD/OkHttp: ",
                true,
            ),
            (
                "D/OkHttp: --> GET https://a/\nD/OkHttp: a: b\nD/OkHttp: ",
                false,
            ),
            ("[A#b] <--- HTTP/1.1 200 (52ms)\n[A#b] ", true),
            ("out-0 >> \"", false),
            ("out-0 << \"", true),
            ("Response headers received:\na: b\n", true),
            ("Request metadata to send:\n", false),
            ("Response Headers\na: b\nRequest Headers\n", false),
            ("Response { status: 200, headers: {\"", true),
            (
                "Response { status: 200, request: Request { headers: {\"",
                false,
            ),
            ("no response to a message with the headers ", false),
            ("got a response, then ", false),
            ("\"GET / HTTP/1.1\" 200 612 ", false),
            ("(b'HTTP/1.1', 200, b'OK', [(b'", true),
            ("{\n  status: 200,\n  headers: {\n    a: 'b',\n    ", true),
            (
                "{\n  method: 'GET',\n  status: 200,\n  headers: {\n    a: 'b',\n    ",
                false,
            ),
            ("method: GET\nstatus: 200\n", false),
            ("10:00:00 response: 200\n10:00:01 consumed ", false),
            ("10:00:00 <-- 200 OK\n10:00:01 consumed ", false),
            ("-> calling orders ", false),
            ("2 < 200\n2 < ", true),
            ("Response headers: {'x-amzn-RequestId': 'a', '", true),
            ("res.headers: {\"", true),
            (
                "response:\n  headers:\n    A:\n    - b\n    C:\n    - ",
                true,
            ),
            (
                "request:\n  headers:\n    A:\n    - b\n    C:\n    - ",
                false,
            ),
            ("2 > GET http://a/\n2 > ", false),
            ("==response begin==\nText: a\nHeaders : [", true),
            ("==request begin==\nURI: a\nHeaders : [", false),
            ("StatusCode: 200, Version: 1.1, Headers:\n{\n  ", true),
            ("Method: GET, Version: 1.1, Headers:\n{\n  ", false),
            ("-> \"", true),
            ("consumed from response-queue, headers: {", false),
            ("got a response message with headers {", false),
            ("IncomingMessage { rawHeaders: [ '", false),
            ("sent response in 5 ms; incoming headers: {", false),
            ("response pending, inbound headers: {", false),
            ("receive_response_headers.complete value=[(b'", true),
            ("HttpResponse(200 OK,List(", true),
            ("RESPONSE: 200 OK\nCOMMON HEADERS\n-> a: b\n-> ", true),
        ] {
            let text = format!("{before}traceparent: 00-");
            let is_found = Directions::new(text.as_bytes()).is_response(before.len());
            assert_eq!(is_found, is_response, "{before}");
        }
    }
}
