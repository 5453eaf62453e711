//! The lengths of what programs print between a name and its value: types, indexes, cells, arrows.

use super::{FILLERS, Gap};

/// The most digits of an index. More are an id.
const MAX_INDEX: usize = 3;

impl Gap<'_> {
    /// The length of a type or a length in brackets at the current position: `(55)`, `(string)`,
    /// `([]string)`, `(len=1 cap=1)`; 0 if there is none.
    pub(super) fn type_in_brackets(&self) -> usize {
        let rest = &self.text[self.at + 1..self.limit];
        let Some(end) = rest.iter().position(|byte| *byte == b')') else {
            return 0;
        };
        let inside = &rest[..end];
        let kind = inside.strip_prefix(b"[]").unwrap_or(inside);
        let is_length = !inside.is_empty() && inside.iter().all(u8::is_ascii_digit);
        match is_length || FILLERS.contains(&kind) || kind.starts_with(b"len=") {
            true => end + 2,
            false => 0,
        }
    }

    /// The length of an index before an element of a list, or of a list's length before its
    /// elements: `[0] =>`, `0 =>`, `1 [`; 0 if there is none.
    pub(super) fn index_at(&self, at: usize) -> usize {
        let rest = &self.text[at..self.limit];
        let open = usize::from(rest.starts_with(b"["));
        let digits = rest[open..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let end = open + digits;
        let close: &[u8] = match open {
            1 => b"] =>",
            _ if self.text[..at].ends_with(b"array:") => b" [",
            _ => b" =>",
        };
        match (1..=MAX_INDEX).contains(&digits) && rest[end..].starts_with(close) {
            true => end + close.len(),
            false => 0,
        }
    }

    /// The length of the tags between a cell of an HTML table and the next one; 0 if they do not
    /// come next.
    pub(super) fn cell_end(&self) -> usize {
        let rest = &self.text[self.at..self.limit];
        let is_cell = self.text[..self.start].ends_with(b">");
        let closing = [&b"</td>"[..], b"</th>", b"</dt>"];
        let Some(closing) = closing.iter().find(|tag| is_cell && rest.starts_with(tag)) else {
            return 0;
        };
        let next = rest[closing.len()..].trim_ascii_start();
        let opens = next.starts_with(b"<td") || next.starts_with(b"<dd");
        let tag = next.iter().position(|byte| *byte == b'>').filter(|_| opens);
        tag.map_or(0, |end| rest.len() - next.len() + end + 1)
    }

    /// The length of the line end and the number before a value that `redis-cli` prints below its
    /// name: `3) "name"`, `4) "value"`; 0 if there is none.
    pub(super) fn number_below(&self) -> usize {
        let rest = &self.text[self.at..self.limit];
        let next = rest.trim_ascii_start();
        let digits = next.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_numbered = self.text[..self.start].ends_with(b") \"");
        let is_below = digits > 0 && next[digits..].starts_with(b") \"");
        match is_numbered && is_below {
            true => rest.len() - next.len() + digits + 2,
            false => 0,
        }
    }

    /// The length of an arrow `<-->`; 0 if none comes next.
    pub(super) fn arrow_length(&self) -> usize {
        let rest = &self.text[self.at + 1..self.limit];
        let dashes = rest.iter().take_while(|byte| **byte == b'-').count();
        match dashes > 0 && rest.get(dashes) == Some(&b'>') {
            true => dashes + 2,
            false => 0,
        }
    }
}
