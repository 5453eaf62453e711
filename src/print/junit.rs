//! Checks as JUnit XML: one suite for each source, one test case for each limit.

use std::fmt::Write;

use baton_traces::shown::visible;

/// One check.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What was checked: a source.
    pub(crate) suite: String,
    /// The name of the test case: the limit.
    pub(crate) limit: String,
    /// The result in one sentence.
    pub(crate) sentence: String,
    /// Whether the figure is within the limit.
    pub(crate) passed: bool,
}

/// Writes the document. `command` is the command that made the checks.
pub(crate) fn render(command: &str, cases: &[Case]) -> String {
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // writing to a string cannot fail
    let _ = write(&mut document, command, cases);
    document
}

fn write(document: &mut String, command: &str, cases: &[Case]) -> std::fmt::Result {
    let failures = |cases: &[Case]| cases.iter().filter(|case| !case.passed).count();
    writeln!(
        document,
        "<testsuites name=\"{command}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        cases.len(),
        failures(cases)
    )?;
    for suite in cases.chunk_by(|one, next| one.suite == next.suite) {
        let name = escaped(&suite[0].suite);
        writeln!(
            document,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
            suite.len(),
            failures(suite)
        )?;
        for case in suite {
            let limit = escaped(&case.limit);
            let sentence = escaped(&case.sentence);
            write!(
                document,
                "    <testcase classname=\"{name}\" name=\"{limit}\""
            )?;
            if case.passed {
                writeln!(document, "/>")?;
            } else {
                writeln!(
                    document,
                    ">\n      <failure message=\"{sentence}\">{sentence}</failure>\n    </testcase>"
                )?;
            }
        }
        writeln!(document, "  </testsuite>")?;
    }
    write!(document, "</testsuites>")
}

/// Text as XML 1.0 allows it, even in attributes: markup becomes entities, control characters are
/// written out, and the two other characters that no document may hold are removed (section 2.2).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}
