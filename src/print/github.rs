//! Annotations of a workflow in GitHub Actions: one line for each, which GitHub shows beside the job.

use baton_traces::shown::visible;

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// A check failed, or something was lost.
    Error,
    /// Something differs or broke, and no check was set for it.
    Warning,
    /// The result.
    Notice,
}

/// One annotation: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
/// `title` and `text` may hold foreign text.
pub(crate) fn annotation(level: Level, title: &str, text: &str) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let title = escaped(&visible(title))
        .replace(':', "%3A")
        .replace(',', "%2C");
    format!("::{level} title={title}::{}", escaped(&visible(text)))
}

/// The text with the escapes of a workflow command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_command() {
        assert_eq!(
            annotation(Level::Error, "a,b: c", "100 % of 3"),
            "::error title=a%2Cb%3A c::100 %25 of 3"
        );
        let hostile = annotation(Level::Notice, "x", "a\n::error::b");
        assert_eq!(hostile.lines().count(), 1, "{hostile}");
    }
}
