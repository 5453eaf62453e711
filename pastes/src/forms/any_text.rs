//! Any text: logs and dumps with JSON and Base64 in them.

use super::{Form, paste};
use crate::carrier::Paste;
use crate::decode;
use crate::json::Tree;
use crate::names::MAX_NAME;
use crate::responses;
use crate::scan;
use crate::walk::{At, Walk};

pub(super) const FORM: Form = Form {
    read: |text| Some(read(text)),
};

/// How many places that look like JSON but are not are tried.
const MAX_TRIES: usize = 400;
/// How many lines above a finding its JSON may begin.
const MAX_ABOVE: usize = 200;
/// The first characters of Base64 for JSON, gzip, and a traceparent.
const PACKED: [&[u8]; 3] = [b"eyJ", b"H4sI", b"MDAt"];
/// The fewest characters of Base64 in a text.
const MIN_PACKED: usize = 32;

fn read(text: &[u8]) -> Paste {
    let mut walk = Walk::default();
    rest(text, 0, &mut walk);
    paste(walk)
}

/// Reads the lines of a text from line `first` on, counted from 0.
pub(super) fn rest(text: &[u8], first: usize, walk: &mut Walk) {
    let skipped: usize = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(first)
        .map(<[u8]>::len)
        .sum();
    // Earlier lines become blank ones, so that line numbers stay.
    let mut kept = vec![b'\n'; first.min(text.len())];
    kept.extend_from_slice(&text[skipped..]);
    if kept.trim_ascii().is_empty() {
        return;
    }
    let kept = String::from_utf8_lossy(&kept).into_owned();
    let regions = Regions::new(&kept).find();
    let mut kept = kept.into_bytes();
    let mut last = 0;
    for (start, end, line, region) in regions {
        let mut at = At::unit(&format!("line {line}"));
        match member_before(&kept[..start]) {
            Some(name) => at = at.member(&name),
            // another object on the line of the one before
            None if last == line => at.path.push_str(" (2)"),
            None => {}
        }
        last = line;
        at.is_response = responses::is_response_at(&kept, start);
        match region {
            Region::Json(tree) => walk.tree(&tree, &at, ""),
            Region::Packed(text) => walk.text(&text, &at),
        }
        // Spaces in its place keep the line numbers of the rest.
        for byte in kept[start..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    walk.plain(&String::from_utf8_lossy(&kept), &At::default());
}

/// What a part of a text is.
enum Region {
    Json(Tree),
    Packed(String),
}

/// Searches for JSON and Base64 where something was found, or where something is packed.
struct Regions<'a> {
    text: &'a str,
    tries: usize,
    /// The byte up to which lines are counted, and its line number.
    counted: (usize, usize),
    /// The bytes before this position are finished.
    done: usize,
    found: Vec<(usize, usize, usize, Region)>,
}

impl<'a> Regions<'a> {
    fn new(text: &'a str) -> Self {
        Regions {
            text,
            tries: 0,
            counted: (0, 1),
            done: 0,
            found: Vec::new(),
        }
    }

    /// The parts in order, each with its start, end and line.
    fn find(mut self) -> Vec<(usize, usize, usize, Region)> {
        let mut anchors: Vec<usize> = scan::hits(self.text.as_bytes())
            .iter()
            .map(|hit| hit.start)
            .collect();
        let packed = packed(self.text.as_bytes());
        anchors.extend(&packed);
        anchors.sort_unstable();
        for anchor in anchors {
            if anchor < self.done {
                continue;
            }
            if !self.json(anchor) && packed.binary_search(&anchor).is_ok() {
                self.packed(anchor);
            }
        }
        self.found
    }

    /// Finds the JSON around a position: the outermost value that begins on a line not far above.
    fn json(&mut self, anchor: usize) -> bool {
        if self.tries >= MAX_TRIES {
            return false;
        }
        let above = self.text[self.done..anchor].bytes().enumerate().rev();
        let mut ends = above
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(place, _)| self.done + place + 1);
        let first = ends.nth(MAX_ABOVE).unwrap_or(self.done);
        let mut at = first;
        while let Some(open) = self.text[at..anchor].find('{').map(|open| at + open) {
            // an array of objects begins before its first object
            let before = self.text[at..open].trim_end();
            let start = if before.ends_with('[') {
                at + before.len() - 1
            } else {
                open
            };
            if self.tries >= MAX_TRIES {
                return false;
            }
            if !begins_object(&self.text[open..]) {
                self.done = open + 1;
                at = self.done;
                continue;
            }
            match Tree::first(&self.text[start..]) {
                Some((tree, length)) if start + length > anchor => {
                    self.push(start, start + length, Region::Json(tree));
                    return true;
                }
                Some((_, length)) => self.done = start + length,
                None => {
                    self.tries += 1;
                    self.done = open + 1;
                }
            }
            at = self.done;
        }
        // Everything that begins earlier has been tried.
        self.done = self.done.max(anchor);
        false
    }

    /// Finds packed text at a position.
    fn packed(&mut self, anchor: usize) {
        let rest = &self.text.as_bytes()[anchor..];
        let length = rest.iter().take_while(|byte| is_base64(byte)).count();
        let inner = decode::base64(&rest[..length]).and_then(decode::text);
        if let Some(inner) = inner.filter(|inner| !scan::hits(inner.as_bytes()).is_empty()) {
            self.push(anchor, anchor + length, Region::Packed(inner));
        }
    }

    fn push(&mut self, start: usize, end: usize, region: Region) {
        let (from, number) = self.counted;
        let line = number + self.text[from..start].matches('\n').count();
        self.counted = (start, line);
        self.done = end;
        self.found.push((start, end, line, region));
    }
}

/// Whether a text after `{` may be an object of JSON, and not one of a programming language.
fn begins_object(text: &str) -> bool {
    text[1..].trim_start().starts_with(['"', '}'])
}

/// The name of the member whose value comes after a text that ends with `"name":`.
fn member_before(text: &[u8]) -> Option<String> {
    let before = text.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let before = before.strip_suffix(b"\"")?;
    let start = before.iter().rposition(|byte| *byte == b'"')?;
    let name = std::str::from_utf8(&before[start + 1..]).ok()?;
    (1..=MAX_NAME)
        .contains(&name.len())
        .then(|| name.to_owned())
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)
}

/// The positions in a text where Base64 begins.
fn packed(text: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(place) = text[at..]
        .iter()
        .position(|byte| matches!(byte, b'e' | b'H' | b'M'))
    {
        let start = at + place;
        at = start + 1;
        let is_start = start == 0 || !is_base64(&text[start - 1]) || text[start - 1] == b'=';
        if is_start
            && PACKED
                .iter()
                .any(|beginning| text[start..].starts_with(beginning))
        {
            let length = text[start..]
                .iter()
                .take_while(|byte| is_base64(byte))
                .count();
            if length >= MIN_PACKED {
                places.push(start);
            }
            at = start + length;
        }
    }
    places
}
