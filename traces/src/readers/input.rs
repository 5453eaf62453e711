//! Opens an input, decompresses it, and reads its first bytes, which show its form.

pub(crate) mod blocks;
mod encoding;
pub(crate) mod lines;
pub(crate) mod wrapped_lines;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// The first bytes of a zstd frame (RFC 8878, section 3.1.1).
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of a gzip member (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many bytes are decompressed or read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// How many bytes of an input are examined to find its form.
const BEGINNING_BYTES: u64 = 1 << 20;

/// An input that can be read on any thread.
pub(crate) type Input<'a> = Box<dyn BufRead + Send + 'a>;

/// Opens a file and decompresses it if it starts with a zstd frame or a gzip member. A file may
/// have several of these, one after the other.
pub(crate) fn open(path: &Path) -> io::Result<Input<'static>> {
    decompress(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
}

/// Decompresses `input` if it starts with a zstd frame or a gzip member, and returns marked text as
/// UTF-8.
pub(super) fn decompress<'a>(mut input: impl BufRead + Send + 'a) -> io::Result<Input<'a>> {
    let beginning = input.fill_buf()?;
    let plain: Input<'_> = if beginning.starts_with(&ZSTD_MAGIC) {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else if beginning.starts_with(&GZIP_MAGIC) {
        let decoder = MultiGzDecoder::new(input);
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else {
        Box::new(input)
    };
    Ok(encoding::in_utf8(plain))
}

/// The first bytes of `input`, and a reader that gives the whole input again. If reading fails
/// within the first bytes, that reader fails at the same place.
pub(super) fn beginning(input: Input<'_>) -> (Vec<u8>, Input<'_>) {
    let mut beginning = Vec::new();
    let mut limited = input.take(BEGINNING_BYTES);
    let failure = limited.read_to_end(&mut beginning).err();
    let rest = limited.into_inner();
    let again = Cursor::new(beginning.clone());
    match failure {
        Some(failure) => (beginning, Box::new(again.chain(failing(failure)))),
        None => (beginning, Box::new(again.chain(rest))),
    }
}

/// An input that fails at its beginning.
pub(super) fn failing(failure: io::Error) -> Input<'static> {
    Box::new(BufReader::new(Failing(failure)))
}

/// An input of the pieces that `next` makes. `None` is the end.
pub(super) fn in_pieces<'a>(
    next: impl FnMut() -> io::Result<Option<Vec<u8>>> + Send + 'a,
) -> Input<'a> {
    let piece = Cursor::default();
    Box::new(BufReader::new(Pieces { next, piece }))
}

struct Pieces<F> {
    next: F,
    piece: Cursor<Vec<u8>>,
}

impl<F: FnMut() -> io::Result<Option<Vec<u8>>>> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.piece.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match (self.next)()? {
                Some(piece) => self.piece = Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}

/// A reader that always fails.
struct Failing(io::Error);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(self.0.kind(), self.0.to_string()))
    }
}
