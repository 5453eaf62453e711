//! A trace id as a person pastes it. Backends write ids in different ways.

use baton_propagators::TraceId;

use crate::readers::trace_id;

/// A trace id, or the beginning of one.
///
/// An id may be written
/// - in hex digits of either case, complete or as its first digits,
/// - without its leading zeros, as Jaeger and Zipkin write it,
/// - after `0x`, as Python writes it,
/// - as X-Ray does: `1-5759e988-bd862e3fe1be46a994272793`, even after `Root=`,
/// - as a UUID: `5759e988-bd86-2e3f-e1be-46a994272793`,
/// - in base64, as in older answers of Tempo,
/// - as a decimal 64-bit number, as Datadog writes it. It is the low half of the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The hex digits, in lower case.
    digits: String,
    /// Whether the text is certainly a complete id.
    is_whole: bool,
    /// The value as a decimal number, if the digits allow it.
    decimal: Option<u64>,
}

impl Wanted {
    /// Parses an id; `None` if the text has none of these forms.
    pub fn parse(text: &str) -> Option<Wanted> {
        let text = text.trim();
        let text = text.strip_prefix("Root=").unwrap_or(text);
        let lower = text.to_ascii_lowercase();
        let (digits, is_whole) = if let Some(digits) = lower.strip_prefix("0x") {
            (digits.to_owned(), true)
        } else if let Some(digits) = without_dashes(&lower) {
            (digits, true)
        } else if is_hex(&lower) {
            let is_whole = lower.len() == TraceId::DIGITS;
            (lower, is_whole)
        } else {
            // Case matters in base64.
            (trace_id(text)?.to_string(), true)
        };
        let fits = is_hex(&digits) && digits.len() <= TraceId::DIGITS;
        let decimal = text.parse().ok().filter(|_| !text.starts_with('0'));
        fits.then_some(Wanted {
            digits,
            is_whole,
            decimal,
        })
    }

    /// Whether the text can hardly be anything but a trace id: it is complete, or has at least
    /// `digits` digits.
    pub fn is_plain(&self, digits: usize) -> bool {
        self.is_whole || self.digits.len() >= digits
    }

    /// Whether it means exactly `id`.
    pub fn is(&self, id: TraceId) -> bool {
        let digits = id.to_string();
        let short = digits.trim_start_matches('0');
        short == self.digits.trim_start_matches('0')
            || self.decimal.map(u64::to_be_bytes) == Some(id.low_64())
    }

    /// Whether `id` begins with it, with or without leading zeros.
    pub fn begins(&self, id: TraceId) -> bool {
        let digits = id.to_string();
        let low_half = id.is_64_bit().then(|| &digits[TraceId::DIGITS / 2..]);
        !self.is_whole
            && [
                Some(&*digits),
                low_half,
                Some(digits.trim_start_matches('0')),
            ]
            .into_iter()
            .flatten()
            .any(|written| written.starts_with(&self.digits))
    }
}

/// The digits of an id that is written like X-Ray's or like a UUID.
fn without_dashes(text: &str) -> Option<String> {
    const XRAY: &[usize] = &[1, 8, 24];
    const UUID: &[usize] = &[8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    match lengths.as_slice() {
        XRAY if parts[0] == "1" => Some(parts[1..].concat()),
        UUID => Some(parts.concat()),
        _ => None,
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(hex: &str) -> TraceId {
        TraceId::from_hex(hex).expect("an id")
    }

    #[test]
    fn an_id_is_found_however_a_backend_writes_it() {
        for (written, whole) in [
            (
                "61dc455f6ea9978529a7aed4065a86cf",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "61DC455F6EA9978529A7AED4065A86CF",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "0x61dc455f6ea9978529a7aed4065a86cf",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "1-61dc455f-6ea9978529a7aed4065a86cf",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "Root=1-61dc455f-6ea9978529a7aed4065a86cf",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "61dc455f-6ea9-9785-29a7-aed4065a86cf",
                "61dc455f6ea9978529a7aed4065a86cf",
            ),
            (
                "W47/95gDgQPSabYzgT/GDA==",
                "5b8efff798038103d269b633813fc60c",
            ),
            ("123456789abcdef", "00000000000000000123456789abcdef"),
            ("0123456789abcdef", "00000000000000000123456789abcdef"),
            ("0x123456789ABCDEF", "00000000000000000123456789abcdef"),
            ("5b8efff79803810", "05b8efff79803810d269b633813fc60c"),
            ("81985529216486895", "00000000000000000123456789abcdef"),
            ("81985529216486895", "61dc455f6ea997850123456789abcdef"),
            ("0x1", "00000000000000000000000000000001"),
        ] {
            let wanted = Wanted::parse(written).unwrap_or_else(|| panic!("{written}"));
            let whole = id(whole);
            assert!(wanted.is(whole) || wanted.begins(whole), "{written}");
        }
    }

    #[test]
    fn a_whole_id_means_no_other() {
        for written in [
            "0x61dc455f",
            "1-61dc455f-6ea9978529a7aed4065a86c0",
            "61dc455f-6ea9-9785-29a7-aed4065a86c0",
        ] {
            let wanted = Wanted::parse(written).unwrap_or_else(|| panic!("{written}"));
            let other = id("61dc455f6ea9978529a7aed4065a86cf");
            assert!(!wanted.is(other) && !wanted.begins(other), "{written}");
        }
    }

    #[test]
    fn other_text_is_not_an_id() {
        for text in [
            "",
            "traces.json",
            "0x",
            "zz",
            "1-61dc455f",
            &"a".repeat(33),
            "./abcdef12",
        ] {
            assert_eq!(Wanted::parse(text), None, "{text}");
        }
    }
}
