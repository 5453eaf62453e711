//! Why a header was refused, in words that help a person: what the sender or a proxy did.

use crate::reject::{Fault, Reject};

/// What the sender or a proxy did to a refused header, and what to do; `None` if the refusal
/// already says everything. `value` is the header's first value.
pub fn cause(reject: &Reject, value: &str) -> Option<String> {
    let value = value.trim();
    CAUSES.iter().find_map(|cause| cause(reject, value))
}

type Cause = fn(&Reject, &str) -> Option<String>;

/// The most certain cause comes first.
const CAUSES: &[Cause] = &[
    missing_value,
    joined,
    quoted,
    uuid,
    prefixed,
    other_format,
    separator,
    length,
    upper_case,
];

/// The words that programming languages print for a missing value.
const NO_VALUES: [&str; 8] = [
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "[object object]",
    "<nil>",
    "(null)",
];

fn missing_value(_: &Reject, value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    NO_VALUES.contains(&lower.as_str()).then(|| {
        format!("the sender had no value and wrote the word {lower}: let it leave the header out")
    })
}

fn joined(_: &Reject, value: &str) -> Option<String> {
    let (first, second) = value.split_once(',')?;
    let is_value = |part: &str| part.bytes().any(|byte| byte.is_ascii_alphanumeric());
    (is_value(first) && is_value(second)).then(|| {
        "two headers were joined by a comma, as proxies and frameworks do with a header that arrives twice: find what adds \
         the second one, and let it replace the first instead"
            .to_owned()
    })
}

fn quoted(_: &Reject, value: &str) -> Option<String> {
    let quotes = ["\"", "'", "`", "\\\"", "%22", "“", "”"];
    let is_quoted = quotes
        .iter()
        .any(|quote| value.starts_with(quote) || value.ends_with(quote));
    is_quoted.then(|| {
        "quotes are around the value, most often because JSON text was used as a header: let the sender leave them out".to_owned()
    })
}

/// A UUID with its dashes as the trace id.
fn uuid(_: &Reject, value: &str) -> Option<String> {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let is_uuid = lengths.windows(5).any(|window| window == [8, 4, 4, 4, 12]);
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    (is_uuid && digits >= 32).then(|| {
        "the trace id has the dashes of a UUID: let the sender write its 32 digits without them"
            .to_owned()
    })
}

fn prefixed(_: &Reject, value: &str) -> Option<String> {
    let is_prefixed = value
        .split(['-', ':', ',', ';', '='])
        .any(|field| field.starts_with("0x"));
    is_prefixed.then(|| "an id begins with 0x: let the sender write its digits alone".to_owned())
}

/// A value in another format.
fn other_format(reject: &Reject, value: &str) -> Option<String> {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let is_hex = value
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let looks = match lengths.as_slice() {
        [2, 32, 16, 2] if is_hex => "traceparent",
        [32 | 16, 16, 1] => "b3",
        [1, 8, 24] => "x-amzn-trace-id",
        [32] if is_hex && reject.format != "b3multi" && !reject.header.starts_with("x-b3") => {
            return Some("it is a trace id alone: the span id is missing".to_owned());
        }
        _ if value.starts_with("Root=") => "x-amzn-trace-id",
        _ => return None,
    };
    (looks != reject.header)
        .then(|| format!("the value is one of {looks}: the sender wrote it under another name"))
}

fn separator(reject: &Reject, value: &str) -> Option<String> {
    let is_dashed = matches!(reject.header, "traceparent" | "b3");
    let other = ["_", ":", "/", " "]
        .iter()
        .find(|mark| value.contains(**mark))?;
    let what = if *other == " " {
        "blanks".to_owned()
    } else {
        format!("'{other}'")
    };
    is_dashed.then(|| format!("the fields are divided by {what} where '-' belongs"))
}

/// Missing or extra digits.
fn length(reject: &Reject, value: &str) -> Option<String> {
    let Fault::Length { field, found } = reject.fault else {
        return None;
    };
    let start = reject.position.unwrap_or(0).min(value.len());
    let digits: String = value
        .get(start..)?
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || digits.len() != found {
        return None;
    }
    let (whole, half) = if field.name.to_ascii_lowercase().starts_with("trace") {
        (32, 16)
    } else {
        (16, 16)
    };
    let is_decimal = (17..=20).contains(&found) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal {
        return Some(
            "the id is a decimal number, as Datadog writes ids: here belong hexadecimal digits"
                .to_owned(),
        );
    }
    let padded = format!("{digits:0>whole$}");
    match found {
        0 => None,
        16 if whole == 32 => Some(format!(
            "the id has 64 bits, and {} needs 128: with 16 zeros before it, it is {padded}",
            reject.header
        )),
        _ if found < whole => {
            let missing = if found < half && whole == 32 {
                half - found
            } else {
                whole - found
            };
            let zeros = if missing == 1 {
                "a leading zero is".to_owned()
            } else {
                format!("{missing} leading zeros are")
            };
            Some(format!(
                "{zeros} missing, as where an id is printed as a number, unless the value was cut: with zeros before it, it is {padded}"
            ))
        }
        _ if found > whole && digits.starts_with('0') => {
            let more = found - whole;
            let zeros = if more == 1 {
                "a leading zero"
            } else {
                "leading zeros"
            };
            Some(format!("{zeros} too many: the id has {whole} digits"))
        }
        _ => None,
    }
}

fn upper_case(reject: &Reject, value: &str) -> Option<String> {
    let place = reject.position?;
    let is_upper = value
        .as_bytes()
        .get(place)
        .is_some_and(|byte| matches!(byte, b'A'..=b'F'));
    (matches!(reject.fault, Fault::NotLowerHex { .. }) && is_upper)
        .then(|| "the digits are in upper case: let the sender write lower case".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderList;
    use crate::formats::find;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_refusal_names_what_was_done_to_the_header() {
        let whole = format!("00-{TRACE}-{SPAN}-01");
        for (header, value, word) in [
            (
                "traceparent",
                format!("{whole}, {whole}"),
                "joined by a comma",
            ),
            ("b3", format!("\"{TRACE}-{SPAN}-1\""), "quotes"),
            (
                "traceparent",
                "00-0af76519-16cd-43dd-8448-eb211c80319c-b7ad6b7169203331-01".to_owned(),
                "UUID",
            ),
            (
                "traceparent",
                format!("00-{}-{SPAN}-01", &TRACE[1..]),
                "a leading zero is missing",
            ),
            (
                "traceparent",
                format!("00-0{TRACE}-{SPAN}-01"),
                "a leading zero too many",
            ),
            (
                "traceparent",
                format!("00-{}-{SPAN}-01", &TRACE[16..]),
                "has 64 bits",
            ),
            (
                "b3",
                format!("{TRACE}-{}-1", &SPAN[3..]),
                "3 leading zeros are missing",
            ),
            ("b3", "undefined".to_owned(), "the word undefined"),
            ("b3", whole.clone(), "one of traceparent"),
            ("traceparent", TRACE.to_owned(), "a trace id alone"),
            (
                "traceparent",
                whole.replace('-', "_"),
                "'_' where '-' belongs",
            ),
            ("traceparent", whole.to_uppercase(), "upper case"),
            (
                "traceparent",
                format!("00-0x{TRACE}-{SPAN}-01"),
                "begins with 0x",
            ),
        ] {
            let format =
                find(if header == "b3" { "b3" } else { "tracecontext" }).expect("a format");
            let candidate = format.extract(&HeaderList::from([(header, value.clone())]));
            let reject = candidate
                .reject()
                .unwrap_or_else(|| panic!("{value} is valid"));
            let cause = cause(reject, &value).unwrap_or_else(|| panic!("{value}: {reject}"));
            assert!(cause.contains(word), "{value}: {cause}");
        }
    }
}
