//! A JSON object that does not end on its line, as programs print it with indents.

use super::names_spans;

/// The lines of an object up to now.
pub(super) struct OpenObject {
    text: Vec<u8>,
    /// The line on which it begins.
    pub(super) line: u64,
    /// How many lists and objects are open.
    depth: usize,
    /// Whether its last line ends inside a text, so that nothing can follow.
    is_broken: bool,
}

/// What a line adds to an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The whole line.
    All,
    /// The object ends after this many bytes of the line.
    Closed(usize),
    /// The line does not continue an object.
    Nothing,
}

impl OpenObject {
    /// The beginning of an object, on this line.
    pub(super) fn new(text: &str, line: u64) -> OpenObject {
        let mut object = OpenObject {
            text: Vec::new(),
            line,
            depth: 0,
            is_broken: false,
        };
        object.is_broken = object.count(text.as_bytes()) == Added::Nothing;
        object
    }

    /// Its text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether it has a member with a span id.
    pub(super) fn holds_spans(&self) -> bool {
        names_spans(&String::from_utf8_lossy(&self.text))
    }

    /// Adds the next line, if it continues the object.
    pub(super) fn add(&mut self, line: &[u8]) -> Added {
        let line_text = line.trim_ascii();
        match !self.is_broken && self.may_be_followed_by(line_text.first()) && continues(line_text)
        {
            true => self.count(line),
            false => Added::Nothing,
        }
    }

    /// Whether JSON allows this byte after what there is. The lines of a program's output that are
    /// objects of their own do not follow an open brace.
    fn may_be_followed_by(&self, next: Option<&u8>) -> bool {
        let Some(next) = next else {
            return true;
        };
        match self.text.trim_ascii_end().last() {
            Some(b'{') => matches!(next, b'"' | b'}'),
            Some(b'[') => !matches!(next, b'}' | b',' | b':'),
            Some(b',' | b':') => !matches!(next, b'}' | b']' | b',' | b':'),
            _ => matches!(next, b'}' | b']' | b',' | b':'),
        }
    }

    /// Adds a line, and counts what it opens and closes. No text in JSON goes on in the next line.
    fn count(&mut self, line: &[u8]) -> Added {
        let (mut is_text, mut is_escaped) = (false, false);
        for (place, byte) in line.iter().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = is_text,
                b'"' => is_text = !is_text,
                _ if is_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => continue,
            }
            if self.depth == 0 {
                self.text.extend_from_slice(&line[..=place]);
                return Added::Closed(place + 1);
            }
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        match is_text {
            true => Added::Nothing,
            false => Added::All,
        }
    }
}

/// Whether a line may be the next one of an object: it is empty, or begins with a member, an element
/// or a bracket.
fn continues(line: &[u8]) -> bool {
    let alone = line.strip_suffix(b",").unwrap_or(line);
    match line.first() {
        None | Some(b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':') => true,
        Some(_) => serde_json::from_slice::<serde::de::IgnoredAny>(alone).is_ok(),
    }
}
