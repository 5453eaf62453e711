//! Trace and span ids, in every spelling that exporters and backends use.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use baton_propagators::{SpanId, TraceId};

use crate::span::SpanReference;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
/// Base64 in the alphabet that protobuf's JSON mapping writes, and in the URL alphabet, which it
/// also accepts.
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&STANDARD, LENIENT),
    GeneralPurpose::new(&URL_SAFE, LENIENT),
];

/// A trace id of 32 hex digits of either case, after `0x` or as a UUID, or of 16 bytes in base64.
/// `None` for anything else and for zeros.
pub(crate) fn trace_id(text: &str) -> Option<TraceId> {
    if let Some(id) = TraceId::from_hex(text) {
        return Some(id);
    }
    match lower(text, &mut [0; TraceId::DIGITS]) {
        Some(hex) => TraceId::from_hex(hex),
        None => match bare::<{ TraceId::DIGITS }>(text) {
            Some(hex) => short_trace_id(&hex),
            None => TraceId::from_bytes(base64(text)?),
        },
    }
}

/// A span id of 16 hex digits of either case, also after `0x`, or of 8 bytes in base64. `None` for
/// anything else and for zeros.
pub(super) fn span_id(text: &str) -> Option<SpanId> {
    if let Some(id) = SpanId::from_hex(text) {
        return Some(id);
    }
    match lower(text, &mut [0; SpanId::DIGITS]) {
        Some(hex) => SpanId::from_hex(hex),
        None => match bare::<{ SpanId::DIGITS }>(text) {
            Some(hex) => short_span_id(&hex),
            None => SpanId::from_bytes(base64(text)?),
        },
    }
}

/// The digits after `0x`, or those of a UUID, if there are exactly `DIGITS`.
fn bare<const DIGITS: usize>(text: &str) -> Option<Cow<'_, str>> {
    const UUID_CHARACTERS: usize = 36;
    if let Some(hex) = text.strip_prefix("0x") {
        return (hex.len() == DIGITS).then_some(Cow::Borrowed(hex));
    }
    let hex = (text.len() == UUID_CHARACTERS).then(|| text.replace('-', ""))?;
    (hex.len() == DIGITS).then_some(Cow::Owned(hex))
}

/// A trace id of up to 32 hex digits: Zipkin and Jaeger leave leading zeros out, others write `0x`.
pub(super) fn short_trace_id(hex: &str) -> Option<TraceId> {
    TraceId::from_hex(padded(hex, &mut [b'0'; TraceId::DIGITS])?)
}

/// A span id of up to 16 hex digits; see [`short_trace_id`].
pub(super) fn short_span_id(hex: &str) -> Option<SpanId> {
    SpanId::from_hex(padded(hex, &mut [b'0'; SpanId::DIGITS])?)
}

/// The ids of a span whose leading zeros may be missing. An error says which id is wrong, and why.
pub(super) fn short_reference(trace: &str, span: &str) -> Result<SpanReference, String> {
    let invalid = |what: &str, digits: usize, hex: &str| {
        let start: String = hex.chars().take(40).collect();
        format!("found: {start:?}, expected a {what} id of up to {digits} hex digits, not all zero")
    };
    Ok(SpanReference {
        trace_id: short_trace_id(trace).ok_or_else(|| invalid("trace", TraceId::DIGITS, trace))?,
        span_id: short_span_id(span).ok_or_else(|| invalid("span", SpanId::DIGITS, span))?,
    })
}

/// A trace id as X-Ray writes it: `1-`, 8 hex digits of time, `-`, 24 more digits. The 32 digits of
/// W3C's header are also accepted.
pub(super) fn xray_trace_id(text: &str) -> Option<TraceId> {
    let Some(dashed) = text.strip_prefix("1-") else {
        return trace_id(text);
    };
    let (time, rest) = dashed.split_once('-')?;
    (time.len() == 8).then(|| trace_id(&format!("{time}{rest}")))?
}

/// `hex` in lower case, padded on the left with zeros.
fn padded<'a, const DIGITS: usize>(hex: &str, zeros: &'a mut [u8; DIGITS]) -> Option<&'a str> {
    let hex = hex.strip_prefix("0x").unwrap_or(hex);
    let start = DIGITS.checked_sub(hex.len())?;
    zeros[start..].copy_from_slice(hex.as_bytes());
    zeros.make_ascii_lowercase();
    std::str::from_utf8(zeros).ok()
}

fn lower<'a, const DIGITS: usize>(hex: &str, buffer: &'a mut [u8; DIGITS]) -> Option<&'a str> {
    *buffer = hex.as_bytes().try_into().ok()?;
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).ok()
}

/// Exactly `BYTES` bytes in base64, with or without `=` at the end.
fn base64<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    if text.len() < BYTES || text.len() > 2 * BYTES {
        return None;
    }
    let decoded = BASE64.iter().find_map(|engine| engine.decode(text).ok())?;
    decoded.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_every_spelling() {
        let digits = "5b8efff798038103d269b633813fc60c";
        for (text, read) in [
            (digits, trace_id as fn(&str) -> Option<TraceId>),
            ("5B8EFFF798038103D269B633813FC60C", trace_id),
            ("W47/95gDgQPSabYzgT/GDA==", trace_id),
            ("W47_95gDgQPSabYzgT_GDA", trace_id),
            ("0x5b8efff798038103d269b633813fc60c", short_trace_id),
            ("0x5B8efff798038103d269b633813fc60c", trace_id),
            ("5b8efff7-9803-8103-d269-b633813fc60c", trace_id),
            ("1-5b8efff7-98038103d269b633813fc60c", xray_trace_id),
            (digits, xray_trace_id),
        ] {
            let id = read(text).map(|id| id.to_string());
            assert_eq!(id.as_deref(), Some(digits), "{text}");
        }
        for text in [
            "eee19b7ec3c1b174",
            "EEE19B7EC3C1B174",
            "7uGbfsPBsXQ=",
            "7uGbfsPBsXQ",
            "0xeee19b7ec3c1b174",
        ] {
            let id = span_id(text).map(|id| id.to_string());
            assert_eq!(id.as_deref(), Some("eee19b7ec3c1b174"), "{text}");
        }
        assert_eq!(
            short_reference("ABC", "0xa1")
                .map(|ids| (ids.trace_id.to_string(), ids.span_id.to_string())),
            Ok((
                "00000000000000000000000000000abc".to_owned(),
                "00000000000000a1".to_owned()
            ))
        );
    }

    #[test]
    fn other_text_is_not_read_as_an_id() {
        for text in [
            "",
            "0",
            "xyz",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "7uGbfsPBsXQ=",
            "5b8efff79803810",
        ] {
            assert_eq!(trace_id(text), None, "{text}");
        }
        for text in [
            "",
            "xyz",
            "0000000000000000",
            "AAAAAAAAAAA=",
            "ß7ad6b716920333",
        ] {
            assert_eq!(span_id(text), None, "{text}");
        }
        for text in [
            "1-5b8efff7",
            "1-5b8e-fff798038103d269b633813fc60c",
            "2-5b8efff7-98038103d269b633813fc60c",
        ] {
            assert_eq!(xray_trace_id(text), None, "{text}");
        }
    }
}
