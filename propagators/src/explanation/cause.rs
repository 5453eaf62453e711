//! Why a header was refused, in words that help a person: what the sender or a proxy did.

use crate::format::{Fault, Reject};
use crate::formats::{b3, b3multi, datadog, jaeger, tracecontext, xray};

/// What the sender or a proxy did to a refused header, and what to do; `None` if the refusal
/// already says everything. `value` is the header's first value.
pub fn cause(reject: &Reject, value: &str) -> Option<String> {
    invisible(value).or_else(|| {
        let value = value.trim();
        CAUSES.iter().find_map(|cause| cause(reject, value))
    })
}

type Cause = fn(&Reject, &str) -> Option<String>;

/// The most certain cause comes first.
const CAUSES: &[Cause] = &[
    missing_value,
    placeholder,
    joined,
    quoted,
    in_brackets,
    cut,
    uuid,
    prefixed,
    hexadecimal,
    other_format,
    more,
    separator,
    lower_case,
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

/// A character that is not seen, from text that was copied out of a document.
fn invisible(value: &str) -> Option<String> {
    let is_invisible = |character: &char| matches!(character, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    let character = value.chars().find(is_invisible)?;
    Some(format!(
        "the value has an invisible character, U+{:04X}, as text that was copied from a document: let the sender leave it out",
        u32::from(character)
    ))
}

/// A variable of a template that nothing replaced.
fn placeholder(_: &Reject, value: &str) -> Option<String> {
    let is_placeholder = value.contains('{')
        || value.len() > 2 && value.starts_with('%') && value.ends_with('%')
        || value.starts_with('<') && value.ends_with('>');
    is_placeholder.then(|| {
        "the value is a placeholder that nothing replaced: find the template that it comes from"
            .to_owned()
    })
}

fn joined(reject: &Reject, value: &str) -> Option<String> {
    let (first, second) = value.split_once(',')?;
    if reject.format == xray::NAME && !second.contains("Root=") {
        return Some("the fields are separated by ',' instead of ';'".to_owned());
    }
    let is_value = |part: &str| part.bytes().any(|byte| byte.is_ascii_alphanumeric());
    (is_value(first) && is_value(second)).then(|| {
        "two headers were joined by a comma, as proxies and frameworks do with a header that arrives twice: find what adds \
         the second one, and let it replace the first"
            .to_owned()
    })
}

fn quoted(_: &Reject, value: &str) -> Option<String> {
    let quotes = ["\"", "'", "`", "\\\"", "%22", "“", "”"];
    let is_quoted = quotes
        .iter()
        .any(|quote| value.starts_with(quote) || value.ends_with(quote));
    is_quoted.then(|| {
        "quotes are around the value, most often because JSON text was used as a header: let the sender leave them out"
            .to_owned()
    })
}

/// A list with one value, as a program prints it.
fn in_brackets(_: &Reject, value: &str) -> Option<String> {
    (value.starts_with('[') && value.ends_with(']')).then(|| {
        "brackets are around the value, as when a program writes a list as text: let the sender write only the value in it"
            .to_owned()
    })
}

/// A value that a tool shortened, or that ends within a field.
fn cut(reject: &Reject, value: &str) -> Option<String> {
    let is_shortened = value.ends_with("...") || value.ends_with('…');
    let expected: &[usize] = match reject.header {
        tracecontext::TRACEPARENT => &[2, 32, 16, 2],
        b3::HEADER => &[32, 16],
        _ => &[],
    };
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let ends_early = lengths.split_last().is_some_and(|(last, whole)| {
        let fits = whole.len() < expected.len() && whole == &expected[..whole.len()];
        fits && !whole.is_empty() && *last < expected[whole.len()]
    });
    let is_hex = || {
        value
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    (is_shortened || ends_early && is_hex())
        .then(|| "the value was cut, by what sent it or by what printed it".to_owned())
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
    is_prefixed.then(|| "an id begins with 0x: let the sender write only its digits".to_owned())
}

/// Hexadecimal digits where Datadog has decimal ones.
fn hexadecimal(reject: &Reject, value: &str) -> Option<String> {
    let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_id = reject.format == datadog::NAME && matches!(value.len(), 16 | 32) && is_hex;
    is_id.then(|| {
        format!(
            "the id is hexadecimal, but {} takes a decimal number: that of the low 64 bits",
            reject.header
        )
    })
}

/// A value in another format.
fn other_format(reject: &Reject, value: &str) -> Option<String> {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let is_hex = value
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let looks = match lengths.as_slice() {
        [2, 32, 16, 2] if is_hex => tracecontext::TRACEPARENT,
        [32 | 16, 16, 1] => b3::HEADER,
        [1, 8, 24] if reject.header == xray::HEADER => {
            return Some(
                "it is only a trace id, as logs and consoles show it: in a header, Root= comes before it and Parent= names the span"
                    .to_owned(),
            );
        }
        [1, 8, 24] => xray::HEADER,
        [32] if is_hex && reject.format != b3multi::NAME && !reject.header.starts_with("x-b3") => {
            return Some("it is only a trace id: the span id is missing".to_owned());
        }
        _ if value.starts_with("Root=") => xray::HEADER,
        _ => return None,
    };
    (looks != reject.header)
        .then(|| format!("the value is a {looks}: the sender wrote it under another name"))
}

/// Text after the value.
fn more(reject: &Reject, value: &str) -> Option<String> {
    let is_trailing = matches!(reject.fault, Fault::Trailing { .. });
    (is_trailing && value.contains(' ')).then(|| {
        "more text follows the value after a space: let the sender leave it out".to_owned()
    })
}

fn separator(reject: &Reject, value: &str) -> Option<String> {
    if reject.format == jaeger::NAME {
        let is_dashed = value.contains('-') && !value.contains(':');
        return is_dashed.then(|| "the fields are separated by '-' instead of ':'".to_owned());
    }
    let is_dashed = matches!(reject.header, tracecontext::TRACEPARENT | b3::HEADER);
    let other = ["_", ":", "/", " ", "–", "—", "−", "‐", "‑"]
        .iter()
        .find(|mark| value.contains(**mark))?;
    let what = if *other == " " {
        "spaces".to_owned()
    } else {
        format!("'{other}'")
    };
    is_dashed.then(|| format!("the fields are separated by {what} instead of '-'"))
}

/// The fields of X-Ray's header in lower case.
fn lower_case(reject: &Reject, value: &str) -> Option<String> {
    let is_lower = value.contains("root=") && !value.contains("Root=");
    (reject.header == xray::HEADER && is_lower).then(|| {
        "its fields are in lower case, as API Gateway logs the header of a response: let the sender write Root=, Parent= and Sampled="
            .to_owned()
    })
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
            "the id is a decimal number, as Datadog writes ids: this header takes hexadecimal digits"
                .to_owned(),
        );
    }
    let padded = format!("{digits:0>whole$}");
    match found {
        0 => None,
        16 if whole == 32 => Some(format!(
            "the id has 64 bits, but {} needs 128: with 16 zeros in front it is {padded}",
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
                "{zeros} missing, as when an id is printed as a number, or it was cut: with zeros in front it is {padded}"
            ))
        }
        _ if found > whole && digits.starts_with('0') => {
            let more = found - whole;
            let zeros = if more == 1 {
                "a leading zero"
            } else {
                "leading zeros"
            };
            Some(format!(
                "it has {zeros} too many: the id must have {whole} digits"
            ))
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
            ("b3", whole.clone(), "is a traceparent"),
            ("traceparent", TRACE.to_owned(), "only a trace id"),
            ("traceparent", whole.replace('-', "_"), "'_' instead of '-'"),
            ("traceparent", format!("\u{a0}{whole}"), "U+00A0"),
            ("traceparent", format!("\u{200b}{whole}"), "U+200B"),
            ("traceparent", format!("{whole} 00"), "after a space"),
            ("traceparent", whole[..40].to_owned(), "was cut"),
            ("traceparent", format!("{}...", &whole[..30]), "was cut"),
            ("b3", format!("{TRACE}-{}", &SPAN[..9]), "was cut"),
            (
                "x-amzn-trace-id",
                "Root=1-5da8fd98-31bcdfca8b188442316886fe,Parent=53995c3f42cd8ad8".to_owned(),
                "',' instead of ';'",
            ),
            ("traceparent", format!("[{whole}]"), "brackets"),
            (
                "uber-trace-id",
                format!("{TRACE}-{SPAN}-0-1"),
                "'-' instead of ':'",
            ),
            (
                "x-amzn-trace-id",
                "root=1-5da8fd98-31bcdfca8b188442316886fe;sampled=0".to_owned(),
                "in lower case",
            ),
            ("b3", "%REQ(B3)%".to_owned(), "placeholder"),
            (
                "traceparent",
                "00-{trace}-{span}-01".to_owned(),
                "placeholder",
            ),
            ("traceparent", whole.to_uppercase(), "upper case"),
            (
                "traceparent",
                format!("00-0x{TRACE}-{SPAN}-01"),
                "begins with 0x",
            ),
        ] {
            let format = find(match header {
                "uber-trace-id" => "jaeger",
                "x-amzn-trace-id" => "xray",
                "b3" => "b3",
                _ => "tracecontext",
            });
            let format = format.expect("a format");
            let candidate = format.extract(&HeaderList::from([(header, value.clone())]));
            let reject = candidate
                .reject()
                .unwrap_or_else(|| panic!("{value} is valid"));
            let cause = cause(reject, &value).unwrap_or_else(|| panic!("{value}: {reject}"));
            assert!(cause.contains(word), "{value}: {cause}");
        }
    }
}
