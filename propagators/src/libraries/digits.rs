//! Hexadecimal as libraries read it: exactly, or with their language's number functions.

/// The value of exactly `count` lower-case digits.
pub(super) fn lower(text: &str, count: usize) -> Option<u128> {
    is_lower(text).then(|| any_case(text, count)).flatten()
}

/// The value of exactly `count` digits of either case.
pub(super) fn any_case(text: &str, count: usize) -> Option<u128> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

/// The value of 1 to `most` digits of either case, for libraries that pad ids with zeros.
pub(super) fn up_to(text: &str, most: usize) -> Option<u128> {
    (text.len() <= most)
        .then(|| any_case(text, text.len()))
        .flatten()
}

/// The value of 1 to `most` lower-case digits.
pub(super) fn lower_up_to(text: &str, most: usize) -> Option<u128> {
    (text.len() <= most)
        .then(|| lower(text, text.len()))
        .flatten()
}

/// Whether no digit is in upper case.
pub(super) fn is_lower(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Rust's `from_str_radix`: either case, any number of digits, and an optional plus sign.
pub(super) fn rust(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}

/// Python's `int(text, 16)`: it allows surrounding white space, a plus sign, `0x`, underscores
/// between digits, and digits of any script. A negative number or one of more than 128 bits gives
/// `None`.
pub(super) fn python(text: &str) -> Option<u128> {
    u128::from_str_radix(&python_digits(text)?, 16).ok()
}

/// Whether Python's `int(text, 16)` gives a number that does not fit into `bits` bits.
pub(super) fn python_exceeds(text: &str, bits: u32) -> bool {
    let negative = text
        .trim()
        .strip_prefix('-')
        .is_some_and(|text| python_digits(text).is_some());
    let wide = |digits: String| {
        let digits = digits.trim_start_matches('0');
        digits.len() > bits as usize / 4
    };
    negative || python_digits(text).is_some_and(wide)
}

/// Python's `int(text)`.
pub(super) fn python_decimal(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = without_underscores(digits)?;
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    decimal
        .then(|| digits.parse::<i128>().ok().map(|number| sign * number))
        .flatten()
}

fn python_digits(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .map_or(text, |digits| digits.strip_prefix('_').unwrap_or(digits));
    without_underscores(digits).filter(|digits| !digits.is_empty())
}

/// Digits as ASCII, without the underscores that Python allows between them.
fn without_underscores(digits: &str) -> Option<String> {
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    digits
        .chars()
        .filter(|letter| *letter != '_')
        .map(ascii_digit)
        .collect()
}

/// Java's `Character.digit` for each character: digits of any script.
pub(super) fn java(text: &str) -> Option<u128> {
    let digits: Option<String> = text.chars().map(ascii_digit).collect();
    digits.and_then(|digits| up_to(&digits, usize::MAX))
}

/// The ASCII digit for a digit of another script (`f.b3m-unicode`, `d.unicode-flags`).
pub(super) fn ascii_digit(letter: char) -> Option<char> {
    /// The zero digits of scripts: Arabic, Persian, Devanagari, Bengali, Thai, full width.
    const ZEROS: [u32; 6] = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10];
    if letter.is_ascii_hexdigit() {
        return Some(letter);
    }
    let value = ZEROS.iter().find_map(|zero| {
        u32::from(letter)
            .checked_sub(*zero)
            .filter(|value| *value < 10)
    });
    value.and_then(|value| char::from_digit(value, 10))
}

/// The trace id in X-Ray's `1-8digits-24digits`. `read` reads the digits. Only the first character
/// of the version is compared.
pub(super) fn xray_root(value: &str, read: fn(&str, usize) -> Option<u128>) -> Option<u128> {
    let dashes = value.get(1..2) == Some("-") && value.get(10..11) == Some("-");
    if value.len() != 35 || !value.starts_with('1') || !dashes {
        return None;
    }
    let digits = [value.get(2..10)?, value.get(11..)?].concat();
    read(&digits, 32)
}

/// Decodes each `%XX` of a text. `None` if a percent sign lacks its two digits, or the bytes are
/// not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let pair = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::try_from(any_case(pair, 2)?).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}
