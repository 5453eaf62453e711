//! Removes layers around a text: Base64, gzip, zlib, colours, and what systems write around lines.
//! Each layer has a limit, so that a small paste cannot fill the memory.

mod aggregated;
mod hex_dump;
mod terminal;
mod written;

use std::borrow::Cow;
use std::io::Read;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{MultiGzDecoder, ZlibDecoder};

pub(crate) use aggregated::records;
pub(crate) use hex_dump::{hex, hex_texts};
pub(crate) use written::{percent, texts_in_binary};

/// How many bytes one layer may unpack to.
pub const MAX_DECODED: usize = 16 << 20;
/// The fewest characters of Base64 that are decoded.
const MIN_BASE64: usize = 16;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const ENGINES: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&STANDARD, LENIENT),
    GeneralPurpose::new(&URL_SAFE, LENIENT),
];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text in UTF-8 with line feeds at the ends of lines, without a byte order mark and without
/// colours. PowerShell writes UTF-16, and old editors end lines with a carriage return alone.
pub(crate) fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |text: &[u8], bytes: fn([u8; 2]) -> u16| {
        let units = text.chunks_exact(2);
        let units: Vec<u16> = units.map(|pair| bytes([pair[0], pair[1]])).collect();
        Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
    };
    let text = match text {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // without a byte order mark, as some pipes pass it on
        [1..=255, 0, 1..=255, 0, 1..=255, 0, ..] => utf16(text, u16::from_le_bytes),
        [0, 1..=255, 0, 1..=255, 0, 1..=255, ..] => utf16(text, u16::from_be_bytes),
        _ => Cow::Borrowed(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)),
    };
    if !text.contains(&b'\n') && text.contains(&b'\r') {
        let text = text
            .iter()
            .map(|byte| if *byte == b'\r' { b'\n' } else { *byte });
        return Cow::Owned(terminal::without_colours(&text.collect::<Vec<_>>()).into_owned());
    }
    match text {
        Cow::Borrowed(text) => terminal::without_colours(text),
        Cow::Owned(text) => Cow::Owned(terminal::without_colours(&text).into_owned()),
    }
}

/// Decodes Base64 in either alphabet, with or without padding and line breaks; `None` if the text
/// is not Base64.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() < MIN_BASE64 {
        return None;
    }
    short_base64(text)
}

/// Like [`base64`], and also of few characters, which may be any word.
pub(crate) fn short_base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > MAX_DECODED {
        return None;
    }
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n \t".contains(byte);
    if !text.iter().all(is_base64) {
        return None;
    }
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    ENGINES.iter().find_map(|engine| engine.decode(&text).ok())
}

/// Unpacks gzip or zlib; `None` for anything else. After a fault or at the limit, it gives what was
/// unpacked so far.
pub(crate) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let reader: Box<dyn Read> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        [0x78, second, ..] if (0x7800 + u16::from(*second)) % 31 == 0 => {
            Box::new(ZlibDecoder::new(bytes))
        }
        _ => return None,
    };
    let mut unpacked = Vec::new();
    let _ = reader.take(MAX_DECODED as u64).read_to_end(&mut unpacked);
    (!unpacked.is_empty()).then_some(unpacked)
}

/// The text in bytes, which may be packed; `None` if it is not text.
pub(crate) fn text(bytes: Vec<u8>) -> Option<String> {
    let bytes = unpacked(&bytes).unwrap_or(bytes);
    let text = String::from_utf8(bytes).ok()?;
    let is_text =
        |character: char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    text.chars().all(is_text).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn text_is_found_under_base64_gzip_and_zlib() {
        let plain = "{\"traceparent\":\"00\"}\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(plain.as_bytes()).expect("in memory");
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(plain.as_bytes()).expect("in memory");
        for packed in [
            plain.as_bytes().to_vec(),
            gzip.finish().expect("in memory"),
            zlib.finish().expect("in memory"),
        ] {
            for engine in &ENGINES {
                let encoded = engine.encode(&packed);
                let unpadded = encoded.trim_end_matches('=');
                for encoded in [encoded.as_str(), unpadded, &format!("{encoded}\n")] {
                    let decoded = base64(encoded.as_bytes()).and_then(text);
                    assert_eq!(decoded.as_deref(), Some(plain), "{encoded}");
                }
            }
        }
    }

    #[test]
    fn a_bomb_unpacks_to_no_more_than_the_limit() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..20 {
            gzip.write_all(&zeros).expect("in memory");
        }
        let packed = gzip.finish().expect("in memory");
        assert_eq!(
            unpacked(&packed).map(|bytes| bytes.len()),
            Some(MAX_DECODED)
        );
    }
}
