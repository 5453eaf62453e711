//! Reads files of lines while they grow: complete lines, from where the last reading ended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The complete lines in at most `most` bytes from `offset`, and where they end.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn complete_lines(
    path: &Path,
    offset: u64,
    most: u64,
) -> io::Result<(Vec<String>, u64)> {
    let mut file = File::open(path)?;
    // a file that is shorter than before was started again
    let offset = if offset > file.metadata()?.len() {
        0
    } else {
        offset
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => last + 1,
        // a line that is longer than what is read at once is skipped
        None if bytes.len() as u64 == most => return Ok((Vec::new(), offset + most)),
        None => return Ok((Vec::new(), offset)),
    };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let lines = text.lines().map(str::to_owned).collect();
    Ok((lines, offset + end as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_lines_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        std::fs::write(&path, "one\ntwo\nthr").expect("room");
        let (lines, end) = complete_lines(&path, 0, 100).expect("lines");
        assert_eq!(lines, ["one", "two"]);
        std::fs::write(&path, "one\ntwo\nthree\n").expect("room");
        let (lines, end) = complete_lines(&path, end, 100).expect("lines");
        assert_eq!(lines, ["three"]);
        assert_eq!(end, 14);
    }
}
