//! Opens an input and looks at how it begins: compression, and the first bytes that tell its form.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// What a zstd frame starts with (RFC 8878, section 3.1.1).
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What a gzip member starts with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How much is decompressed or read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// How much of an input is looked at to tell its form.
const BEGINNING_BYTES: u64 = 1 << 20;

/// An input that can be read on any thread.
pub(crate) type Input<'a> = Box<dyn BufRead + Send + 'a>;

/// Opens a file, decompressing it where it starts with a zstd frame or a gzip member (all of them, one after the other).
pub(crate) fn open(path: &Path) -> io::Result<Input<'static>> {
    decompress(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
}

/// Decompresses `input` where it starts with a zstd frame or a gzip member.
pub(super) fn decompress<'a>(mut input: impl BufRead + Send + 'a) -> io::Result<Input<'a>> {
    let beginning = input.fill_buf()?;
    if beginning.starts_with(&ZSTD_MAGIC) {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
    } else if beginning.starts_with(&GZIP_MAGIC) {
        let decoder = MultiGzDecoder::new(input);
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
    } else {
        Ok(Box::new(input))
    }
}

/// The first bytes of `input`, and all of it again. If reading fails within them, the failure comes again too, after
/// what was read.
pub(super) fn beginning(input: Input<'_>) -> (Vec<u8>, Input<'_>) {
    let mut beginning = Vec::new();
    let mut limited = input.take(BEGINNING_BYTES);
    let failure = limited.read_to_end(&mut beginning).err();
    let rest = limited.into_inner();
    let again = Cursor::new(beginning.clone());
    match failure {
        Some(failure) => (
            beginning,
            Box::new(again.chain(BufReader::new(Failing(failure)))),
        ),
        None => (beginning, Box::new(again.chain(rest))),
    }
}

/// Fails, again and again.
struct Failing(io::Error);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(self.0.kind(), self.0.to_string()))
    }
}
