//! The shape of an output: its words in their order, with placeholders for what differs in every
//! run.
//!
//! - Ids, sequence numbers and addresses on loopback are names. Their value does not matter, but
//!   equal names in the document must be equal in the output.
//! - Times, durations, bars, numbers with a fraction and numbers of several digits are measures.
//!   Any measure fits any other.
//! - Everything else must be equal, even numbers of one digit ("2 spans") and any number before a
//!   verdict ("2,000 connected").
//! - Line breaks do not matter, because they move with the measures. Blank lines do.

use baton_traces::hand_off::Verdict;

/// A piece of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Word(&'a str),
    Name(&'a str),
    Measure,
    /// A blank line.
    Break,
}

impl Token<'_> {
    /// Whether it is an address on loopback.
    pub(crate) fn is_address(self) -> bool {
        matches!(self, Token::Name(name) if name.contains(':'))
    }
}

/// A piece, and the index of its line.
pub(crate) type Placed<'a> = (Token<'a>, usize);

const UNITS: [&str; 8] = ["ns", "µs", "ms", "s", "min", "h", "%", "KiB"];
/// The length of `2026-11-23T06:09:46`. Other separators are possible.
const TIME_LENGTH: usize = 19;
/// A number with at least this many digits is a name.
const MIN_SEQUENCE_NUMBER: usize = 20;

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

/// The first piece of a text that does not begin with white space, and its length in bytes.
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

/// The length of the longest beginning of `text` whose characters are all of one kind.
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
        MIN_SEQUENCE_NUMBER.. if is_decimal => Some(word),
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
    // a full stop after it ends a sentence
    .map(|length| text[..length].trim_end_matches('.').len())
}

/// A number with its unit, or with several digits. `00` and `01` are a version or flags instead.
fn measure(text: &str) -> Option<usize> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let sign = text.len() - unsigned.len();
    let number = run(unsigned, |character| {
        matches!(character, '0'..='9' | ',' | '.')
    });
    let number = unsigned[..number].trim_end_matches([',', '.']).len();
    // an id may follow a hyphen
    if sign > 1
        || id(unsigned).is_some()
        || !unsigned.starts_with(|digit: char| digit.is_ascii_digit())
    {
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
    let word = run(&behind[spaces..], |character| {
        character.is_alphanumeric() || character == '_'
    });
    let word = &behind[spaces..spaces + word];
    if Verdict::ALL.iter().any(|verdict| verdict.name() == word) {
        return None;
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
