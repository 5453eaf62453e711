//! Text in Markdown. Text from outside never becomes markup.

use baton_traces::shown::visible;

/// A name as code. It contains no markup and mentions no user.
pub(crate) fn code(name: &str) -> String {
    format!("<code>{}</code>", escaped(name))
}

/// Escaped text. Characters with a meaning in Markdown or HTML become character references.
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
