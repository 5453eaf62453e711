//! JSON: one value, several, or one per line. Each element of an array of objects is a carrier, and
//! so is each of several values. The members of an object may come without its braces.

use super::{Form, cut};
use crate::carrier::{Carrier, Paste};
use crate::group;
use crate::json::Tree;
use crate::walk::{At, Walk};

pub(super) const FORM: Form = Form { read };

fn read(text: &[u8]) -> Option<Paste> {
    let text = std::str::from_utf8(text).ok()?;
    if !matches!(text.trim_start().bytes().next(), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    let trees = Tree::all(text).or_else(|| members(text))?;
    let mut walk = Walk::default();
    let (mut counted, mut line) = (0, 1);
    for (start, tree) in &trees {
        line += text[counted..*start].matches('\n').count();
        counted = *start;
        let at = match trees.len() {
            1 => At::default(),
            _ => At::unit(&format!("line {line}")),
        };
        walk.tree(tree, &at, "");
    }
    let notes = std::mem::take(&mut walk.notes);
    let mut found = group::paste(std::mem::take(&mut walk.findings), &notes);
    if found.carriers.is_empty() {
        // An empty result is an answer too.
        let mut carrier = Carrier::default();
        carrier.notes = notes.about("", &carrier);
        found.carriers.push(carrier);
    }
    found.notes.extend(cut(&walk));
    Some(found)
}

/// The object whose members a text has without its braces, as people copy a part of a document.
fn members(text: &str) -> Option<Vec<(usize, Tree)>> {
    let text = text.trim();
    let members = text.strip_suffix(',').unwrap_or(text);
    let is_part = members.starts_with('"');
    let object = || Tree::all(&format!("{{{members}}}"));
    is_part.then(object).flatten()
}
