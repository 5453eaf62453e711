//! Decides which findings in a text belong together: those of one request, one object or one log
//! line.

use baton_propagators::FORMATS;

use super::Hit;
use crate::finding::Kind;

/// How many lines without tracing headers one dump of headers may contain.
const MAX_GAP: usize = 60;
/// How many lines below a header its value may be repeated.
const MAX_AGAIN: usize = 5;
/// Words between two values of a header that were sent in different directions.
const DIRECTIONS: &[&str] = &[
    "incoming",
    "outgoing",
    "in",
    "out",
    "sent",
    "received",
    "injected",
    "extracted",
    "request",
    "response",
    "before",
    "after",
];
/// How far into a line its time may begin.
const MAX_STAMP: usize = 48;
/// How far back the start of a line is searched.
const MAX_LINE: usize = 4096;

/// Lines and the carriers in them.
struct Lines<'a> {
    text: &'a [u8],
    /// The byte up to which lines are counted, and its line number.
    counted: (usize, usize),
}

/// For each hit, the number of its carrier (from 0) and the number of its line (from 1).
pub(crate) fn units(text: &[u8], hits: &[Hit]) -> Vec<(usize, usize)> {
    let mut lines = Lines {
        text,
        counted: (0, 1),
    };
    let mut units: Vec<(usize, usize)> = Vec::with_capacity(hits.len());
    // the hits of the current carrier
    let mut first = 0;
    for (place, hit) in hits.iter().enumerate() {
        let line = lines.number(hit.start);
        let unit = match units.last() {
            None => 0,
            Some((unit, last_line)) => {
                let own = &hits[first..place];
                let is_new = lines.is_new(own, hit, line - last_line);
                if is_new {
                    first = place;
                }
                unit + usize::from(is_new)
            }
        };
        units.push((unit, line));
    }
    units
}

impl Lines<'_> {
    /// The line number of a byte. Bytes must be given in ascending order.
    fn number(&mut self, at: usize) -> usize {
        let (from, number) = self.counted;
        let more = self.text[from..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        self.counted = (at, number + more);
        number + more
    }

    /// Whether a hit starts a new carrier. `gap` is the number of lines since the previous hit.
    fn is_new(&self, own: &[Hit], hit: &Hit, gap: usize) -> bool {
        let Some(last) = own.last() else {
            return false;
        };
        let name = header(hit);
        let between = &self.text[last.end.min(hit.start)..hit.start];
        if let Some(same) = own
            .iter()
            .find(|other| header(other) == name && !name.is_empty())
        {
            // a dump may write a header whole, and then its name and its value again
            let is_again = gap == 0 || gap <= MAX_AGAIN && hit.name.eq_ignore_ascii_case("value");
            let is_repeated = same.value == hit.value && is_whole(hit) && is_again;
            return !is_repeated && !self.is_duplicate(last, hit, between, gap);
        }
        let is_apart = gap > MAX_GAP || is_paragraph(between) || self.has_other_time(last, hit);
        let needs_more = !is_whole(hit) && own.iter().any(|other| family(other) == family(hit));
        is_apart && !needs_more
    }

    /// Whether a second value of a header belongs to the same message as the first.
    fn is_duplicate(&self, last: &Hit, hit: &Hit, between: &[u8], gap: usize) -> bool {
        let other_object = || {
            let end = between.iter().position(|byte| *byte == b'}');
            end.is_some_and(|end| between[end..].contains(&b'{')) && !is_pair(self.text, hit)
        };
        let starts_line = |hit: &Hit| {
            let line = &self.text[self.line(hit.start)..hit.start];
            line.iter().all(|byte| b" \t>*-'\"".contains(byte))
        };
        match gap {
            0 => !other_object() && !is_prose(between),
            1 => {
                let is_header =
                    |hit: &Hit| !hit.name.is_empty() && starts_line(hit) && self.ends_line(hit);
                is_header(last) && is_header(hit) || is_pair(self.text, hit)
            }
            _ => is_pair(self.text, hit) && gap < 8,
        }
    }

    /// Whether nothing but punctuation follows a value in its line.
    fn ends_line(&self, hit: &Hit) -> bool {
        let rest = self.text[hit.end..].split(|byte| *byte == b'\n').next();
        let rest = rest.unwrap_or_default().iter().take(MAX_LINE);
        rest.copied()
            .all(|byte| byte.is_ascii_punctuation() || byte.is_ascii_whitespace())
    }

    /// The first byte of a line; in a very long line, some byte of it.
    fn line(&self, at: usize) -> usize {
        let reach = at.saturating_sub(MAX_LINE);
        let end = self.text[reach..at].iter().rposition(|byte| *byte == b'\n');
        end.map_or(reach, |end| reach + end + 1)
    }

    /// Whether both lines have a time, and the times differ by a second or more.
    fn has_other_time(&self, last: &Hit, hit: &Hit) -> bool {
        let lines = [last, hit].map(|hit| self.line(hit.start));
        let times = lines.map(|start| stamp(&self.text[start..]));
        lines[0] != lines[1] && matches!(times, [Some(a), Some(b)] if a != b)
    }
}

/// Whether the name is in a pair such as `{"key":"traceparent","value":"…"}` or `('traceparent',
/// b'…')`.
fn is_pair(text: &[u8], hit: &Hit) -> bool {
    let before = &text[hit.start.saturating_sub(24)..hit.start];
    let before: Vec<u8> = before.iter().map(u8::to_ascii_lowercase).collect();
    let end = before
        .iter()
        .rposition(|byte| !b" \"'\\:=".contains(byte))
        .map_or(0, |end| end + 1);
    let word = &before[..end];
    [&b"key"[..], b"name", b"("]
        .iter()
        .any(|start| word.ends_with(start))
}

/// The time at the start of a line, up to its seconds: `Aug 17 00:35:36`, `2024-05-24T08:11:02`.
fn stamp(line: &[u8]) -> Option<&[u8]> {
    let start = &line[..line.len().min(MAX_STAMP)];
    let is_time = |window: &[u8]| {
        let shape = window
            .iter()
            .map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte });
        shape.eq(b"00:00:00".iter().copied())
    };
    let place = start.windows(8).position(is_time)?;
    Some(&start[..place + 8])
}

/// Whether a text has two words in a row, or one that names a direction.
fn is_prose(between: &[u8]) -> bool {
    let between = String::from_utf8_lossy(between);
    let words: Vec<&str> = between.split_whitespace().collect();
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_direction = |word: &&str| {
        let word = word.trim_matches(|letter: char| !letter.is_ascii_alphabetic());
        DIRECTIONS.contains(&word.to_ascii_lowercase().as_str())
    };
    words
        .windows(2)
        .any(|pair| pair.iter().all(|word| is_word(word)))
        || words.iter().any(is_direction)
}

/// Whether a text contains a blank line.
fn is_paragraph(between: &[u8]) -> bool {
    let mut ends = between.split(|byte| *byte == b'\n');
    ends.next();
    let mut lines = ends.peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_some()
            && line
                .iter()
                .all(|byte| byte.is_ascii_whitespace() || b">*".contains(byte))
        {
            return true;
        }
    }
    false
}

/// The header that a hit represents.
fn header(hit: &Hit) -> &str {
    match &hit.kind {
        Kind::Header(header) | Kind::NoValue(header) => header,
        Kind::Shape(shape) => shape.header(),
        _ => "",
    }
}

/// Whether the hit alone is a complete context.
fn is_whole(hit: &Hit) -> bool {
    matches!(
        header(hit),
        "traceparent" | "b3" | "x-amzn-trace-id" | "uber-trace-id" | "_X_AMZN_TRACE_ID"
    )
}

/// The format that reads the hit.
fn family(hit: &Hit) -> Option<&'static str> {
    let name = header(hit);
    let format = FORMATS
        .iter()
        .rev()
        .find(|format| crate::carrier::belongs_to(name, **format));
    format.map(|format| format.name())
}
