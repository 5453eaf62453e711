//! How the files of a run are opened. They hold bodies and headers, so only their owner may read
//! them. A symbolic link in their place is refused, because it would lead to a file of another
//! program.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Options for a file that only its owner can read and that is not a symbolic link. The caller adds
/// the kind of access.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    options.mode(0o600).custom_flags(flags);
    options
}

/// Opens a file to write it as [`private_file`] does, and empties it.
///
/// # Errors
/// If it cannot be opened.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = private_file();
    options.create(true).write(true).truncate(true).open(path)
}

/// Writes a file as [`private_file`] opens it, and replaces its content.
///
/// # Errors
/// If it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    create_private(path)?.write_all(content)
}
