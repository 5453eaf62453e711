//! Writes `spans.jsonl.zst`, so that it stays readable if a writer is killed.
//!
//! Lines are collected and compressed into a zstd frame, and one write appends the frame. A file of
//! several frames reads as one. So several processes may append to the same file, and a process
//! that dies loses only the lines since its last frame. If it dies during a write, the next writer
//! removes the half frame, because no reader gets beyond it.

mod frames;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use zstd::bulk::Compressor;

use crate::run::private_file;

/// A frame is written when it holds this many bytes of lines. A crash loses at most this much.
const FRAME_BYTES: usize = 1 << 20;

/// An open span file. Dropping it writes the rest, but only [`SpanFile::finish`] reports an error.
pub struct SpanFile {
    file: File,
    compressor: Compressor<'static>,
    lines: Vec<u8>,
}

impl SpanFile {
    /// Opens the file at `path` to append to it, and makes the file if it does not exist. Removes
    /// an incomplete frame at the end: see [`cut_off`].
    ///
    /// # Errors
    /// If the file cannot be opened for reading and writing.
    pub fn append(path: &Path) -> io::Result<SpanFile> {
        let mut options = private_file();
        let file = options.read(true).append(true).create(true).open(path)?;
        // under the lock, because a frame that another writer is writing is not whole either
        file.lock()?;
        let cut = match half_frame(&file) {
            Ok((_, 0)) => Ok(()),
            Ok((whole, _)) => file.set_len(whole),
            Err(error) => Err(error),
        };
        file.unlock()?;
        cut?;
        Ok(SpanFile {
            file,
            compressor: Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?,
            lines: Vec::new(),
        })
    }

    /// Adds one `ExportTraceServiceRequest` in OTLP/JSON. A request on several lines becomes one
    /// line: each line feed between JSON's tokens becomes a space.
    ///
    /// # Errors
    /// If a full frame cannot be written. Its lines stay, as in [`SpanFile::flush`].
    pub fn write_request(&mut self, json: &[u8]) -> io::Result<()> {
        let start = self.lines.len();
        self.lines.extend_from_slice(json.trim_ascii());
        for byte in &mut self.lines[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.lines.push(b'\n');
        if self.lines.len() >= FRAME_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes everything since the last frame as a new frame, which any reader then sees. Small
    /// frames compress badly, so call this every second rather than after every line.
    ///
    /// # Errors
    /// If the frame cannot be written. Its lines stay for the next call, and the file is as before.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let frame = self.compressor.compress(&self.lines)?;
        self.append_frame(&frame)?;
        self.lines.clear();
        Ok(())
    }

    /// Half a frame would make the frames of other writers behind it unreadable. So writers take
    /// turns, and one that fails leaves nothing.
    fn append_frame(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.lock()?;
        let before = self.file.metadata().map(|metadata| metadata.len());
        let written = self.file.write_all(frame);
        if let (Err(_), Ok(before)) = (&written, before) {
            let _ = self.file.set_len(before);
        }
        self.file.unlock()?;
        written
    }

    /// Writes the rest, and waits until the file is on the disk.
    ///
    /// # Errors
    /// As [`SpanFile::flush`].
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()
    }
}

/// How many bytes at the end of the span file at `path` are not a whole frame: a writer died while
/// it wrote them. 0 if there is no such file. Call this while no process writes to it.
///
/// # Errors
/// If the file cannot be read.
pub fn cut_off(path: &Path) -> io::Result<u64> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        file => half_frame(&file?).map(|(_, cut_off)| cut_off),
    }
}

/// The length of the whole frames at the beginning of a file, and of the rest.
fn half_frame(file: &File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let whole = frames::whole(BufReader::new(file), length)?;
    Ok((whole, length - whole))
}

impl Drop for SpanFile {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

impl std::fmt::Debug for SpanFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SpanFile")
            .field("waiting_bytes", &self.lines.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::otlp_json;

    fn request(span_id: &str) -> String {
        format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[\n{{\"spans\":[{{\"traceId\":\"{}\",\"spanId\":\"{span_id}\"}}]}}]}}]}}\r\n",
            "1".repeat(32)
        )
    }

    fn span_ids(path: &Path) -> Vec<String> {
        let mut ids = Vec::new();
        let each = &mut |span: &crate::span::Span<'_>| ids.push(span.reference.span_id.to_string());
        let reading =
            otlp_json::read_file(path, crate::span::Want::Judging, each).expect("a whole file");
        assert_eq!(reading.truncated, None);
        ids
    }

    #[test]
    fn two_writers_of_one_file_lose_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("spans.jsonl.zst");
        let mut lab = SpanFile::append(&path).expect("a new file");
        let mut client = SpanFile::append(&path).expect("the same file");
        let (a, b, c) = ("a".repeat(16), "b".repeat(16), "c".repeat(16));
        lab.write_request(request(&a).as_bytes()).expect("room");
        client.write_request(request(&b).as_bytes()).expect("room");
        client.finish().expect("room");
        lab.flush().expect("room");
        assert_eq!(span_ids(&path), [b.clone(), a.clone()]);
        lab.write_request(request(&c).as_bytes()).expect("room");
        drop(lab);
        assert_eq!(span_ids(&path), [b, a, c]);
    }

    #[test]
    fn the_spans_behind_a_write_that_broke_off_can_be_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("spans.jsonl.zst");
        let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(16));
        let write = |id: &str| {
            let mut file = SpanFile::append(&path).expect("a file");
            file.write_request(request(id).as_bytes()).expect("room");
            file.finish().expect("room");
            std::fs::metadata(&path).expect("a file").len()
        };
        let whole = write(&a);
        let length = write(&b);
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_len(length - 7).expect("a shorter file");
        assert_eq!(cut_off(&path).expect("a file"), length - 7 - whole);
        write(&c);
        assert_eq!(span_ids(&path), [a, c]);
        assert_eq!(cut_off(&path).expect("a file"), 0);
    }

    #[test]
    fn a_writer_that_dies_loses_at_most_its_last_frame() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("spans.jsonl.zst");
        let mut file = SpanFile::append(&path).expect("a new file");
        let line = request(&"a".repeat(16));
        let lines = 2 * FRAME_BYTES / line.len();
        for _ in 0..lines {
            file.write_request(line.as_bytes()).expect("room");
        }
        // Leaves out the last write, as if the process had been killed.
        std::mem::forget(file);
        let lost = lines - span_ids(&path).len();
        assert!(
            lost <= FRAME_BYTES / (line.len() - 2) + 1,
            "{lost} of {lines} lost"
        );
    }
}
