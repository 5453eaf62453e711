//! The checks as JUnit's XML: one suite for each source, one test case for each limit.

use std::fmt::Write;

use baton_traces::shown::visible;

use super::checks::Checked;

/// Writes the document.
pub(super) fn render(checks: &[Checked]) -> String {
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // what is written to a string cannot fail
    let _ = write(&mut document, checks);
    document
}

fn write(document: &mut String, checks: &[Checked]) -> std::fmt::Result {
    let failures = |checks: &[Checked]| {
        let failed = checks.iter().filter(|checked| !checked.check.passed);
        failed.count()
    };
    writeln!(
        document,
        "<testsuites name=\"baton compare\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        checks.len(),
        failures(checks)
    )?;
    for suite in checks.chunk_by(|one, next| one.run == next.run) {
        let name = escaped(&suite[0].run);
        writeln!(
            document,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
            suite.len(),
            failures(suite)
        )?;
        for checked in suite {
            let limit = escaped(&checked.limit);
            let sentence = escaped(&checked.sentence());
            write!(
                document,
                "    <testcase classname=\"{name}\" name=\"{limit}\""
            )?;
            if checked.check.passed {
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

/// Text as XML 1.0 allows it, in attributes too: markup as entities, control characters written out, and without the
/// two other characters that no document may hold (section 2.2).
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
