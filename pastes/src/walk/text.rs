//! Text in a walk, and what is packed in it: JSON, Base64, compressed bytes, and names with values.

use super::{At, Walk};
use crate::decode;
use crate::finding::Finding;
use crate::json::Tree;
use crate::marks;
use crate::responses::{self, Directions};
use crate::scan;

/// How many layers of packing are opened.
const MAX_LAYERS: usize = 6;
/// How many bytes are unpacked in total.
const MAX_UNPACKED: usize = 64 << 20;
/// The shortest text that can hold a header.
const MIN_TEXT: usize = 12;

impl Walk {
    /// Text, which may be JSON, Base64 or anything else.
    pub(crate) fn text(&mut self, text: &str, at: &At) {
        if text.len() < MIN_TEXT {
            return;
        }
        if at.layers >= MAX_LAYERS || self.unpacked > MAX_UNPACKED {
            self.is_cut = true;
            return;
        }
        let start = text.trim_start().bytes().next();
        if matches!(start, Some(b'{' | b'[' | b'"'))
            && let Some(trees) = Tree::all(text)
        {
            self.unpacked += text.len();
            for (_, tree) in &trees {
                self.tree(tree, &at.deeper(), "");
            }
            return;
        }
        if let Some(bytes) = decode::base64(text.as_bytes())
            && self.bytes(bytes, at)
        {
            return;
        }
        if let Some(inner) = decode::hex(text) {
            self.plain(&inner, &at.deeper());
            return;
        }
        self.plain(text, at);
    }

    /// Walks bytes that were packed as Base64; `false` if nothing is in them.
    fn bytes(&mut self, bytes: Vec<u8>, at: &At) -> bool {
        self.unpacked += bytes.len();
        if let Some(records) = decode::records(&bytes) {
            let mut parts = Vec::new();
            for (place, record) in records.iter().enumerate() {
                let mut at = at.deeper().element(place);
                at.unit.clone_from(&at.path);
                parts.push(at.unit.clone());
                self.text(&String::from_utf8_lossy(record), &at);
            }
            self.notes.divide(&at.unit, parts);
            return true;
        }
        let binary = || decode::texts_in_binary(&bytes);
        let text = match decode::text(bytes.clone()) {
            Some(text) => text,
            None => {
                let text = binary();
                match scan::hits(text.as_bytes()).is_empty() {
                    true => return false,
                    false => text,
                }
            }
        };
        self.text(&text, &at.deeper());
        true
    }

    /// Searches names and values in a text, and in the bytes that it has in hexadecimal digits.
    pub(crate) fn plain(&mut self, text: &str, at: &At) {
        let text = decode::plain(text.as_bytes());
        let text = String::from_utf8_lossy(&text);
        let text = &marks::plain(&text);
        for (place, inner) in decode::hex_texts(text) {
            let at = match at.path.as_str() {
                "" => At::unit(&format!("line {}", text[..place].matches('\n').count() + 1)),
                _ => at.deeper(),
            };
            self.unpacked += inner.len();
            self.text(&inner, &at);
        }
        let mut hits = scan::hits(text.as_bytes());
        let mut directions = Directions::new(text.as_bytes());
        let is_traefik_s = text.contains(responses::OF_TRAEFIK);
        for hit in &mut hits {
            let is_response = at.is_response
                || responses::is_field(&hit.name)
                || is_traefik_s && responses::is_field_of_traefik(&hit.name)
                || directions.is_response(hit.start);
            if is_response {
                hit.kind = responses::in_response(hit.kind.clone());
            }
        }
        // an address or a form field whose text is encoded
        if hits.is_empty()
            && at.layers < MAX_LAYERS
            && let Some(decoded) = decode::percent(text)
        {
            self.unpacked += decoded.len();
            self.plain(&decoded, &at.deeper());
            return;
        }
        let units = scan::units(text.as_bytes(), &hits);
        let several = units.last().is_some_and(|(unit, _)| *unit > 0);
        let has_lines = at.path.is_empty() || text.contains('\n');
        let place = |line: usize| match (has_lines, at.path.as_str()) {
            (false, path) => path.to_owned(),
            (true, "") => format!("line {line}"),
            (true, path) => format!("{path}, line {line}"),
        };
        let (mut last, mut name, mut on_line) = (None, String::new(), (0, 0));
        for (hit, (unit, line)) in hits.into_iter().zip(units) {
            if last != Some(unit) {
                last = Some(unit);
                on_line = if on_line.0 == line {
                    (line, on_line.1 + 1)
                } else {
                    (line, 1)
                };
                name = place(line);
                // one line with several carriers
                if on_line.1 > 1 {
                    name.push_str(&format!(" ({})", on_line.1));
                }
            }
            let is_own = several || at.path.is_empty();
            self.findings.push(Finding {
                kind: hit.kind,
                name: hit.name,
                value: hit.value,
                place: place(line),
                unit: if is_own {
                    name.clone()
                } else {
                    at.unit.clone()
                },
                scope: if is_own {
                    name.clone()
                } else {
                    at.path.clone()
                },
            });
        }
    }
}
