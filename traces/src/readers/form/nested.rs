//! Looks for a known form inside JSON of an unknown one, so that the error can say what to save.

use super::Form;
use super::json;
use crate::readers::json::{Fault, JsonReader};

/// How many values deep the search goes.
const MAX_DEPTH: usize = 4;

/// A value of a known form, and where it is.
struct Found {
    /// The path as jq writes it.
    path: String,
    /// Whether the value is JSON in a string.
    is_text: bool,
    form: Result<Form, String>,
}

/// A description of JSON whose members hold a known form; `None` if none does.
pub(super) fn found(text: &[u8]) -> Option<String> {
    let found = search(&mut JsonReader::new(text), "", 0)?;
    let (path, option) = match (found.path.as_str(), found.is_text) {
        ("", _) => (".", " -r"),
        (path, true) => (path, " -r"),
        (path, false) => (path, ""),
    };
    Some(match found.form {
        Ok(form) => format!(
            "JSON with {form} inside: save that part alone, as `jq{option} '{path}'` prints it"
        ),
        Err(found) => format!("JSON whose part `{path}` is {found}"),
    })
}

/// The first value of a known form within the next one. `path` is where that is.
fn search(json: &mut JsonReader<&[u8]>, path: &str, depth: usize) -> Option<Found> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut found = None;
    let stop = |json: &mut JsonReader<&[u8]>| Err::<(), Fault>(json.unexpected("no more"));
    // If the text is cut short, the search ends there.
    let _ = match json.peek().ok()?? {
        b'[' => json.array(|json| {
            found = at(json, &format!("{path}[0]"), depth);
            stop(json)
        }),
        b'{' => json.object(|json, name| {
            found = at(&mut json.ahead(), &member(path, name), depth);
            match found {
                Some(_) => stop(json),
                None => json.skip(),
            }
        }),
        b'"' => {
            found = at(json, path, depth);
            Ok(())
        }
        _ => Ok(()),
    };
    found
}

/// The value of a known form at a member or element, or within it.
fn at(json: &mut JsonReader<&[u8]>, path: &str, depth: usize) -> Option<Found> {
    let inner = match json.peek().ok()?? {
        b'"' => json.parse::<String>().ok()?,
        _ => {
            let form = json::known(json.ahead());
            return match form {
                Some(form) => Some(Found {
                    path: path.to_owned(),
                    is_text: false,
                    form,
                }),
                None => search(json, path, depth + 1),
            };
        }
    };
    let is_json = inner.trim_start().starts_with(['{', '[']);
    let form = is_json
        .then(|| json::known(JsonReader::new(inner.as_bytes())))
        .flatten()?;
    Some(Found {
        path: path.to_owned(),
        is_text: true,
        form,
    })
}

/// The path of a member, as jq writes it.
fn member(path: &str, name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_plain =
        !name.is_empty() && name.bytes().all(is_word) && !name.as_bytes()[0].is_ascii_digit();
    match is_plain {
        true => format!("{path}.{name}"),
        false => format!(
            "{}[\"{}\"]",
            if path.is_empty() { "." } else { path },
            name.escape_debug()
        ),
    }
}
