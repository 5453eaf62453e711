//! The forms of text, and the list of them.

mod any_text;
mod base64;
mod command;
mod headers;
mod hex_dump;
mod json;
mod requests;

use crate::carrier::Paste;
use crate::decode;

pub use headers::is_header;

/// A form in which people paste headers.
struct Form {
    /// Reads a text of this form; `None` if the text has another form.
    read: fn(&[u8]) -> Option<Paste>,
}

/// Every form. The first one that accepts a text is used. The last one accepts any text.
static FORMS: &[Form] = &[
    json::FORM,
    headers::FORM,
    requests::FORM,
    command::FORM,
    base64::FORM,
    hex_dump::FORM,
    any_text::FORM,
];

/// Finds the carriers in a text, or in a file that is packed with gzip or zlib.
pub fn read(text: &[u8]) -> Paste {
    // only one layer: a file that was packed twice is read as text
    let inner = decode::unpacked(text);
    let is_cut = inner
        .as_ref()
        .is_some_and(|inner| inner.len() == decode::MAX_DECODED);
    let mut paste = of_text(inner.as_deref().unwrap_or(text));
    if is_cut {
        let limit = decode::MAX_DECODED >> 20;
        let note =
            format!("The file unpacks to more than {limit} MiB. What is beyond was not read.");
        paste.notes.push(note);
    }
    paste
}

fn of_text(text: &[u8]) -> Paste {
    let text = decode::plain(text);
    let mut forms = FORMS.iter();
    forms
        .find_map(|form| (form.read)(&text))
        .unwrap_or_default()
}

/// The carriers in the findings of a walk.
fn paste(walk: crate::walk::Walk) -> Paste {
    let cut = cut(&walk);
    let mut paste = crate::group::paste(walk.findings, &walk.notes);
    paste.notes.extend(cut);
    paste
}

/// A sentence about what was not opened because of a limit.
fn cut(walk: &crate::walk::Walk) -> Option<String> {
    walk.is_cut.then(|| {
        "The text is packed too deeply, or unpacks to too much, to be read completely. What is nested deeper is unknown."
            .to_owned()
    })
}
