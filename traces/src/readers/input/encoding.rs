//! The encoding of text: UTF-8 with a byte order mark, and UTF-16, which PowerShell writes with
//! `>`.

use std::io::{self, BufRead, Read};

use super::{Input, failing, in_pieces};

/// The byte order mark in UTF-8.
const UTF_8: [u8; 3] = [0xef, 0xbb, 0xbf];
/// The byte order marks of UTF-16, of little and of big endian.
const UTF_16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// The input in UTF-8, without a byte order mark. Input of other content stays as it is, also if it
/// only begins like a mark of UTF-16, as a length in protobuf may. If reading fails at once, the
/// result fails at its beginning.
pub(super) fn in_utf8(mut input: Input<'_>) -> Input<'_> {
    let beginning = match input.fill_buf() {
        Ok(beginning) => beginning,
        Err(error) => return failing(error),
    };
    if beginning.starts_with(&UTF_8) {
        input.consume(UTF_8.len());
    } else if let Some(mark) = UTF_16.iter().find(|mark| is_marked(beginning, mark)) {
        let is_big_endian = *mark == UTF_16[1];
        input.consume(mark.len());
        let mut text = Utf16 {
            input,
            is_big_endian,
            high: None,
        };
        return in_pieces(move || text.decode());
    }
    input
}

/// Whether `beginning` has this mark of UTF-16 and then nothing, or one of the first 256
/// characters.
fn is_marked(beginning: &[u8], mark: &[u8; 2]) -> bool {
    let high = usize::from(*mark == UTF_16[0]);
    match beginning.strip_prefix(mark) {
        Some(text) => text.get(high).is_none_or(|byte| *byte == 0),
        None => false,
    }
}

/// Converts UTF-16 to UTF-8. Units that are not text become U+FFFD.
struct Utf16<'a> {
    input: Input<'a>,
    is_big_endian: bool,
    /// The first unit of a pair whose second one is still to come.
    high: Option<u16>,
}

/// How many units are decoded at once.
const MAX_UNITS: usize = 32 << 10;

impl Utf16<'_> {
    /// Decodes the next units; `None` at the end of the input.
    fn decode(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        let mut bytes = [0; 2];
        while units.len() < MAX_UNITS {
            match self.input.read_exact(&mut bytes) {
                Ok(()) if self.is_big_endian => units.push(u16::from_be_bytes(bytes)),
                Ok(()) => units.push(u16::from_le_bytes(bytes)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        let is_full = units.len() == MAX_UNITS;
        if is_full && matches!(units.last(), Some(0xd800..=0xdbff)) {
            self.high = units.pop();
        }
        let decoded = String::from_utf16_lossy(&units).into_bytes();
        Ok((!decoded.is_empty()).then_some(decoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_only_begin_like_a_mark_stay() {
        // messages of protobuf, each after its length, which begins like a mark
        for bytes in [
            [0xff, 0xfe, 0x01, 0x0a, 0xfb, 0xfe, 0x01, 0x0a],
            [0xfe, 0xff, 0x01, 0x0a, 0xfa, 0xff, 0x01, 0x0a],
        ] {
            let mut read = Vec::new();
            let mut input = in_utf8(Box::new(&bytes[..]));
            input.read_to_end(&mut read).expect("bytes");
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn marked_text_is_read_as_utf8_without_its_mark() {
        // long enough for several steps, with a pair of units at every place
        let text = "{\"name\": \"Grüße 🦀\"}\n".repeat(8000);
        let units = || text.encode_utf16();
        for (name, bytes) in [
            ("plain", text.clone().into_bytes()),
            ("UTF-8", [&UTF_8[..], text.as_bytes()].concat()),
            (
                "little endian",
                [0xff, 0xfe]
                    .into_iter()
                    .chain(units().flat_map(u16::to_le_bytes))
                    .collect(),
            ),
            (
                "big endian",
                [0xfe, 0xff]
                    .into_iter()
                    .chain(units().flat_map(u16::to_be_bytes))
                    .collect(),
            ),
        ] {
            let mut read = String::new();
            let input: Input<'_> = Box::new(bytes.as_slice());
            let mut decoded = in_utf8(input);
            decoded.read_to_string(&mut read).expect(name);
            assert!(read == text, "{name}");
        }
    }
}
