//! Where the last whole frame of a zstd file ends, by the sizes in its headers
//! ([RFC 8878, section 3.1](https://www.rfc-editor.org/rfc/rfc8878#section-3.1)).

use std::io::{self, Read, Seek};
use std::ops::RangeInclusive;

const ZSTANDARD: u32 = 0xFD2F_B528;
const SKIPPABLE: RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

/// The length of `input` up to the end of its last whole frame. `length` is the length of all of
/// `input`. No reader can read beyond the last whole frame.
///
/// # Errors
/// If `input` cannot be read.
pub(super) fn whole(mut input: impl Read + Seek, length: u64) -> io::Result<u64> {
    let mut whole = 0;
    while whole < length {
        match skip_frame(&mut input) {
            Ok(end) if end <= length => whole = end,
            Ok(_) => break,
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => break,
                _ => return Err(error),
            },
        }
    }
    Ok(whole)
}

/// Moves `input` behind a frame, without a look at the content. Returns the new position, which may
/// be behind the end of the input.
fn skip_frame(input: &mut (impl Read + Seek)) -> io::Result<u64> {
    let magic = u32::from_le_bytes(bytes(input)?);
    if SKIPPABLE.contains(&magic) {
        let size = u32::from_le_bytes(bytes(input)?);
        input.seek_relative(size.into())?;
        return input.stream_position();
    }
    if magic != ZSTANDARD {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let [descriptor] = bytes(input)?;
    let has_window = descriptor & 0x20 == 0;
    let content_size = match descriptor >> 6 {
        0 => i64::from(!has_window),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    input.seek_relative(i64::from(has_window) + dictionary + content_size)?;
    loop {
        let [low, middle, high] = bytes(input)?;
        let block = u32::from_le_bytes([low, middle, high, 0]);
        let size = match block >> 1 & 3 {
            1 => 1,
            3 => return Err(io::ErrorKind::InvalidData.into()),
            _ => block >> 3,
        };
        input.seek_relative(size.into())?;
        if block & 1 == 1 {
            break;
        }
    }
    let checksum = descriptor & 4;
    input.seek_relative(checksum.into())?;
    input.stream_position()
}

fn bytes<const COUNT: usize>(input: &mut impl Read) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    /// One frame of each kind: with blocks that are compressed, repeated and stored, with and
    /// without the size of the content and a checksum, empty, and one that decoders skip.
    fn frames() -> Vec<Vec<u8>> {
        let mut state = 1_u32;
        let noise = (0..300_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let noise: Vec<u8> = noise.collect();
        let streamed = |bytes: &[u8], checksum| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
            encoder.include_checksum(checksum).expect("a setting");
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        };
        let bulk = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).expect("memory");
        vec![
            bulk(b"{\"resourceSpans\":[]}\n"),
            bulk(&noise),
            bulk(&[b' '; 500_000]),
            b"\x5a\x2a\x4d\x18\x05\0\0\0other".to_vec(),
            streamed(&noise, true),
            streamed(&[0; 500_000], false),
            bulk(b""),
            streamed(b"the last", true),
        ]
    }

    #[test]
    fn a_file_is_whole_up_to_the_last_frame_that_is_all_there() {
        let frames = frames();
        let file = frames.concat();
        assert!(zstd::decode_all(file.as_slice()).is_ok());
        let mut start = 0;
        for frame in &frames {
            let end = start + frame.len();
            let lengths = (start..end).filter(|at| at - start < 40 || end - at < 40);
            for length in lengths.chain([start + frame.len() / 2]) {
                let found = whole(Cursor::new(&file[..length]), length as u64);
                assert_eq!(found.expect("memory"), start as u64, "{length}");
            }
            start = end;
        }
        let found = whole(Cursor::new(&file), start as u64);
        assert_eq!(found.expect("memory"), start as u64);
    }

    #[test]
    fn what_is_no_frame_ends_the_whole_part() {
        let frame = zstd::bulk::compress(b"x", 3).expect("memory");
        let file = [&frame[..], &[0; 4096], &frame[..]].concat();
        let found = whole(Cursor::new(&file), file.len() as u64);
        assert_eq!(found.expect("memory"), frame.len() as u64);
    }
}
