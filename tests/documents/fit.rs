//! Compares an output with the shape that a document shows. `…` stands for any lines.

use std::ops::Range;

use super::names::Names;
use super::shape::{Placed, Token, shape};

/// Where an output does not fit: indexes of lines. The end has the index after the last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) documented: usize,
    pub(crate) printed: usize,
}

/// The documented lines of one part between elisions, and the printed lines that fit them.
pub(crate) type Fit = (Range<usize>, Range<usize>);

/// Compares printed lines with the shape of documented ones, in which a line with only `…` stands
/// for any lines. If they fit, `names` keeps what the names stand for.
pub(crate) fn fit(
    documented: &[&str],
    printed: &[&str],
    names: &mut Names,
) -> Result<Vec<Fit>, Misfit> {
    let mut parts = Vec::new();
    let mut start = 0;
    for part in documented.split(|line| *line == "…") {
        parts.push(start..start + part.len());
        start += part.len() + 1;
    }
    let tokens = shape(printed.iter().copied());
    let mut fits = Vec::new();
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        let (is_first, is_last) = (index == 0, index + 1 == parts.len());
        let mut expected = shape(documented[part.clone()].iter().copied());
        expected
            .iter_mut()
            .for_each(|(_, line)| *line += part.start);
        let is_break = |(token, _): &Placed<'_>| *token == Token::Break;
        if !is_first {
            let breaks = expected
                .iter()
                .take_while(|placed| is_break(placed))
                .count();
            expected.drain(..breaks);
        }
        while expected.pop_if(|placed| is_break(placed)).is_some() {}
        if expected.is_empty() && !(is_first && is_last) {
            continue;
        }
        let begins_line = |index: usize| index == 0 || tokens[index - 1].1 != tokens[index].1;
        let ends = |end: usize| !is_last || tokens[end..].iter().all(is_break);
        let starts = at..if is_first { at + 1 } else { tokens.len() };
        // the attempt that came furthest shows the difference best
        let mut misfit = (
            0,
            Misfit {
                documented: part.start,
                printed: printed.len(),
            },
        );
        let found = starts
            .filter(|start| is_first || begins_line(*start))
            .find_map(|start| {
                let mut attempt = names.clone();
                let length = matching(&expected, &tokens[start..], &mut attempt);
                let end = start + length;
                if length == expected.len() && ends(end) {
                    *names = attempt;
                    return Some(start..end);
                }
                if length >= misfit.0 {
                    let line = |place: Option<&Placed<'_>>| place.map(|(_, line)| *line);
                    misfit = (
                        length + 1,
                        Misfit {
                            documented: line(expected.get(length)).unwrap_or(part.end),
                            printed: line(tokens.get(end)).unwrap_or(printed.len()),
                        },
                    );
                }
                None
            });
        let Some(found) = found else {
            return Err(misfit.1);
        };
        at = found.end;
        if let (Some(first), Some(last)) = (tokens.get(found.start), tokens[..found.end].last()) {
            fits.push((part.clone(), first.1..last.1 + 1));
        }
    }
    Ok(fits)
}

/// The number of expected tokens before the first one that differs.
fn matching(expected: &[Placed<'_>], printed: &[Placed<'_>], names: &mut Names) -> usize {
    let pairs = expected.iter().zip(printed);
    let fitting = pairs.take_while(
        |((documented, _), (actual, _))| match (documented, actual) {
            (Token::Name(documented), Token::Name(actual)) => names.pair(documented, actual),
            _ => documented == actual,
        },
    );
    fitting.count()
}

/// Whether the second text has the shape of the first.
fn fits(documented: &str, printed: &str) -> bool {
    let [documented, printed] = [documented, printed].map(|text| text.lines().collect::<Vec<_>>());
    fit(&documented, &printed, &mut Names::default()).is_ok()
}

#[test]
fn values_that_differ_in_every_run_fit_and_nothing_else() {
    const ONE: &str = "0af7651916cd43dd8448eb211c80319c";
    const OTHER: &str = "463ac35c9f6413ad48485a3953bb6124";
    for (documented, printed, expected) in [
        ("2 spans · 15.0 ms", "2 spans · 329 µs", true),
        ("2 spans · 15.0 ms", "3 spans · 15.0 ms", false),
        ("2,000 connected", "2,000 connected", true),
        ("2,000 connected", "21 connected", false),
        ("20 spans", "38 spans", true),
        ("20 connected", "20 new_trace", false),
        ("send ███▊ 1.00 ms", "send ▐ 12 ms", true),
        (
            "at 2026-11-23 12:25:01.587 UTC",
            "at 2027-01-01 00:00:00.1 UTC",
            true,
        ),
        (
            "runs/2026-11-23T12-27-02.900Z.",
            "runs/2027-01-01T00-00-00.1Z.",
            true,
        ),
        (
            "http://127.0.0.1:3000/dev",
            "http://127.0.0.1:41234/dev",
            true,
        ),
        (
            "127.0.0.1:3000 127.0.0.1:3001",
            "127.0.0.1:41234 127.0.0.1:41234",
            false,
        ),
        ("00-01", "00-00", false),
        ("a\nb c", "a b\nc", true),
        ("a\n\nb", "a\nb", false),
        ("a\n…", "a\nb\n\nc", true),
        ("a\n…\nd\n…", "a\nb\nd\ne", true),
        ("a b\n…", "a b c\nd", true),
        ("…\nb", "a\nb\nc", false),
        ("…\nc\n…\nb", "a\nb\nc", false),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
        ("", "a", false),
        (&format!("{ONE} {ONE}"), &format!("{OTHER} {OTHER}"), true),
        (&format!("{ONE} {ONE}"), &format!("{OTHER} {ONE}"), false),
        (
            &format!("{ONE} 0af76519…"),
            &format!("{OTHER} 463ac35c…"),
            true,
        ),
        (
            &format!("{ONE} 0af76519…"),
            &format!("{OTHER} 0af76519…"),
            false,
        ),
        (ONE, "none", false),
        ("a-b7ad6b7169203331", "a-1234567890123456", true),
    ] {
        assert_eq!(
            fits(documented, printed),
            expected,
            "{documented:?} and {printed:?}"
        );
    }
}
