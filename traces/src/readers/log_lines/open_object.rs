//! A JSON object that does not end on its line, as programs print it with indents.

use super::names_spans;

/// The lines of an object up to now.
pub(super) struct OpenObject {
    text: Vec<u8>,
    /// The line on which it begins.
    pub(super) line: u64,
    /// How many lists and objects are open.
    depth: usize,
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
        };
        object.count(text.as_bytes());
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
        match continues(line.trim_ascii()) {
            true => self.count(line),
            false => Added::Nothing,
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
        if is_text {
            return Added::Nothing;
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        Added::All
    }
}

/// Whether a line may be the next one of an object: empty, or with a member, an element or a bracket.
fn continues(line: &[u8]) -> bool {
    let alone = line.strip_suffix(b",").unwrap_or(line);
    match line.first() {
        None | Some(b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':') => true,
        Some(_) => serde_json::from_slice::<serde::de::IgnoredAny>(alone).is_ok(),
    }
}
