//! Text in Markdown in which nothing that came from outside is markup.

use baton_traces::shown::visible;

/// A name as code: nothing in it is markup, and it mentions nobody.
pub(crate) fn code(name: &str) -> String {
    format!("<code>{}</code>", escaped(name))
}

/// Text in which nothing is markup: what Markdown or HTML could read something into becomes a character reference.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '@'
            | '~' | '!' | '$' => escaped.push_str(&format!("&#{};", u32::from(character))),
            other => escaped.push(other),
        }
    }
    escaped
}
