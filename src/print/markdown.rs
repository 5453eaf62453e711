//! Text in Markdown. Text from outside never becomes markup.

use baton_traces::shown::visible;

/// A name as code. It contains no markup and mentions no user.
pub(crate) fn code(name: &str) -> String {
    let name = visible(name);
    // within backticks nothing is markup except a backtick, and in a table a bar; HTML in them is safe, but alarms readers
    if name.trim().is_empty() || name.contains(['`', '|', '<', '&']) {
        return format!("<code>{}</code>", escaped(&name));
    }
    format!("`{name}`")
}

/// Escaped text. Characters with a meaning in Markdown get a backslash; those with a meaning in HTML,
/// and the sign that mentions a user, become character references.
pub(crate) fn escaped(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // an underscore within a word marks nothing
        let is_within = before.is_alphanumeric()
            && characters.peek().is_some_and(|next| next.is_alphanumeric());
        match character {
            '<' | '>' | '&' | '@' => escaped.push_str(&format!("&#{};", u32::from(character))),
            '_' if is_within => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_no_markup() {
        for (text, shown) in [
            ("new_trace, _x_", "new_trace, \\_x\\_"),
            ("a|b [c](d) *e*", "a\\|b \\[c\\](d) \\*e\\*"),
            ("<img> @user &lt;", "&#60;img&#62; &#64;user &#38;lt;"),
        ] {
            assert_eq!(escaped(text), shown);
        }
        assert_eq!(code("record.new_trace"), "`record.new_trace`");
        assert_eq!(code("a`b|c"), "<code>a\\`b\\|c</code>");
    }
}
