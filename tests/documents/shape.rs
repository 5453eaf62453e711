//! The shape of an output: its words and their order, with placeholders for what is another in every run.
//!
//! - Ids, sequence numbers and addresses on loopback are names: which one it is does not matter, but the same one in the
//!   document is the same one here.
//! - Times, durations, bars, numbers with a fraction and numbers of several digits are measures: any fits any other.
//! - Everything else has to be the same, numbers of one digit too: nothing lost, two spans.
//! - Where lines are broken does not matter, since that moves with the measures. A blank line does.

use super::names::Names;

/// A piece of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Word(&'a str),
    Name(&'a str),
    Measure,
    /// A blank line.
    Break,
}

/// A piece, and the index of its line.
pub(crate) type Placed<'a> = (Token<'a>, usize);

const UNITS: [&str; 8] = ["ns", "µs", "ms", "s", "min", "h", "%", "KiB"];
/// `2026-11-23T06:09:46`, with other signs between its parts too.
const TIME_LENGTH: usize = 19;
/// From so many digits on a number is a name.
const SEQUENCE_NUMBER_MIN: usize = 20;

/// The shape of some lines.
pub(crate) fn shape<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Placed<'a>> {
    let mut tokens = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        if line.trim().is_empty() {
            tokens.push((Token::Break, index));
            continue;
        }
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (token, length) = first(rest);
            tokens.push((token, index));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The first piece of a text that does not begin with a space, and its length in bytes.
fn first(text: &str) -> (Token<'_>, usize) {
    if let Some(length) = address(text).or_else(|| id(text)) {
        return (Token::Name(&text[..length]), length);
    }
    if let Some(length) = time(text).or_else(|| measure(text)).or_else(|| bar(text)) {
        return (Token::Measure, length);
    }
    let word = run(text, |character| {
        character.is_alphanumeric() || character == '_'
    });
    let length = word.max(text.chars().next().map_or(0, char::len_utf8));
    (Token::Word(&text[..length]), length)
}

/// The length of what `text` begins with, as far as all its characters are of a kind.
fn run(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|character| !kind(character))
        .unwrap_or(text.len())
}

fn address(text: &str) -> Option<usize> {
    const LOOPBACK: &str = "127.0.0.1:";
    let port = run(text.strip_prefix(LOOPBACK)?, |digit| digit.is_ascii_digit());
    (port > 0).then_some(LOOPBACK.len() + port)
}

/// A trace id, a span id, the beginning of one before `…`, a request id or a sequence number.
fn id(text: &str) -> Option<usize> {
    let is_hex = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
    let word = run(text, |character| {
        character.is_alphanumeric() || character == '_'
    });
    let digits = run(text, is_hex);
    if digits != word {
        return None;
    }
    let is_decimal = text[..word].bytes().all(|byte| byte.is_ascii_digit());
    match word {
        16 | 32 => Some(word),
        SEQUENCE_NUMBER_MIN.. if is_decimal => Some(word),
        8 if text[word..].starts_with('…') => Some(word),
        8 => {
            let request_id = run(text, |digit| is_hex(digit) || digit == '-');
            (request_id == 36).then_some(request_id)
        }
        _ => None,
    }
}

fn time(text: &str) -> Option<usize> {
    let moment = text.get(..TIME_LENGTH)?;
    let fits = moment.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T' || byte == b' ',
        13 | 16 => byte == b':' || byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    fits.then(|| {
        TIME_LENGTH
            + run(&text[TIME_LENGTH..], |rest| {
                matches!(rest, '0'..='9' | '.' | 'Z')
            })
    })
    // a point behind it ends a sentence
    .map(|length| text[..length].trim_end_matches('.').len())
}

/// A number with its unit, or one that is not a single digit. What is written as `00` and `01` is a version or flags.
fn measure(text: &str) -> Option<usize> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let sign = text.len() - unsigned.len();
    let number = run(unsigned, |character| {
        matches!(character, '0'..='9' | ',' | '.')
    });
    let number = unsigned[..number].trim_end_matches([',', '.']).len();
    if sign > 1 || !unsigned.starts_with(|digit: char| digit.is_ascii_digit()) {
        return None;
    }
    let behind = &unsigned[number..];
    let spaces = run(behind, |character| character == ' ').min(1);
    let unit = run(&behind[spaces..], |character| {
        character.is_alphanumeric() || character == '%'
    });
    if UNITS.contains(&&behind[spaces..spaces + unit]) {
        return Some(sign + number + spaces + unit);
    }
    let is_word =
        behind.starts_with(|character: char| character.is_alphanumeric() || character == '_');
    let is_flags = number == 2 && unsigned.starts_with('0');
    (number > 1 && !is_word && !is_flags).then_some(sign + number)
}

/// A bar of a drawing.
fn bar(text: &str) -> Option<usize> {
    let length = run(text, |character| matches!(character, '▀'..='▟'));
    (length > 0).then_some(length)
}

/// The ids in a text.
pub(crate) fn ids(command: &str) -> impl Iterator<Item = &str> {
    let tokens = shape(command.lines());
    tokens.into_iter().filter_map(|(token, _)| match token {
        Token::Name(name) if !name.contains(':') => Some(name),
        _ => None,
    })
}

/// Where an output does not fit: indexes of lines, one beyond the last for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) documented: usize,
    pub(crate) printed: usize,
}

/// Which printed lines fit which part of the document between elisions: the index of the part's first line, how many it
/// has, and the printed ones.
pub(crate) type Fit = (std::ops::Range<usize>, std::ops::Range<usize>);

/// Whether the printed lines have the shape of the documented ones, in which `…` on a line of its own stands for any lines.
/// What names stand for is kept, if they do.
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
        let ends: &dyn Fn(usize) -> bool = match is_last {
            true => &|end| tokens[end..].iter().all(is_break),
            false => &|end| end == tokens.len() || begins_line(end),
        };
        let starts = at..if is_first { at + 1 } else { tokens.len() };
        let mut misfit = None;
        let found = starts
            .filter(|start| is_first || begins_line(*start))
            .find_map(|start| {
                let mut attempt = names.clone();
                match match_tokens(&expected, &tokens[start..], &mut attempt) {
                    Ok(length) if ends(start + length) => {
                        *names = attempt;
                        Some(start..start + length)
                    }
                    Ok(length) => {
                        let printed = tokens
                            .get(start + length)
                            .map_or(printed.len(), |(_, line)| *line);
                        misfit.get_or_insert(Misfit {
                            documented: part.end,
                            printed,
                        });
                        None
                    }
                    Err(error) => {
                        misfit.get_or_insert(Misfit {
                            documented: error.0.unwrap_or(part.end),
                            printed: error.1.unwrap_or(printed.len()),
                        });
                        None
                    }
                }
            });
        let Some(found) = found else {
            return Err(misfit.unwrap_or(Misfit {
                documented: part.start,
                printed: printed.len(),
            }));
        };
        at = found.end;
        if let (Some(first), Some(last)) = (tokens.get(found.start), tokens[..found.end].last()) {
            fits.push((part.clone(), first.1..last.1 + 1));
        }
    }
    Ok(fits)
}

/// How many of the printed tokens are as expected; or the lines of the first that is not.
fn match_tokens(
    expected: &[Placed<'_>],
    printed: &[Placed<'_>],
    names: &mut Names,
) -> Result<usize, (Option<usize>, Option<usize>)> {
    for (index, (token, line)) in expected.iter().enumerate() {
        let Some((other, printed_line)) = printed.get(index) else {
            return Err((Some(*line), None));
        };
        let fits = match (token, other) {
            (Token::Name(documented), Token::Name(actual)) => names.pair(documented, actual),
            _ => token == other,
        };
        if !fits {
            return Err((Some(*line), Some(*printed_line)));
        }
    }
    Ok(expected.len())
}

/// Whether the second text has the shape of the first.
#[cfg(test)]
fn fits(documented: &str, printed: &str) -> bool {
    let [documented, printed] = [documented, printed].map(|text| text.lines().collect::<Vec<_>>());
    fit(&documented, &printed, &mut Names::default()).is_ok()
}

#[test]
fn what_is_another_in_every_run_fits_and_nothing_else() {
    const ONE: &str = "0af7651916cd43dd8448eb211c80319c";
    const OTHER: &str = "463ac35c9f6413ad48485a3953bb6124";
    for (documented, printed, expected) in [
        ("2 spans · 15.0 ms", "2 spans · 329 µs", true),
        ("2 spans · 15.0 ms", "3 spans · 15.0 ms", false),
        ("2,000 connected", "21 connected", true),
        ("2,000 connected", "0 connected", false),
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
    ] {
        assert_eq!(
            fits(documented, printed),
            expected,
            "{documented:?} and {printed:?}"
        );
    }
}
