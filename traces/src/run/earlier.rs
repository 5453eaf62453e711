//! Keeps the files of an earlier run until a new one has begun in the same directory.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::RunError;

/// The files of an earlier run, moved aside. Dropping this moves them back over any newer files.
#[derive(Debug)]
#[must_use = "dropping it puts the files back"]
pub struct EarlierRun {
    pub(super) paths: Vec<PathBuf>,
    pub(super) set_aside: Vec<PathBuf>,
}

impl EarlierRun {
    /// Removes the earlier files. Call this when a new run has begun.
    ///
    /// # Errors
    /// If one of them cannot be removed.
    pub fn remove(mut self) -> Result<(), RunError> {
        for path in std::mem::take(&mut self.set_aside) {
            let path = aside(&path);
            fs::remove_file(&path).map_err(|source| RunError::File {
                action: "remove",
                path,
                source,
            })?;
        }
        Ok(())
    }
}

impl Drop for EarlierRun {
    fn drop(&mut self) {
        if self.set_aside.is_empty() {
            return;
        }
        for path in &self.paths {
            // half of a new run and half of an earlier one would look like one run
            let _ = match self.set_aside.contains(path) {
                true => fs::rename(aside(path), path),
                false => fs::remove_file(path),
            };
        }
    }
}

/// Cleans up after a killed writer. If the new run has a manifest, it has begun and replaces the
/// earlier run. Otherwise the earlier run comes back.
pub(super) fn resume(manifest: &Path, files: &[PathBuf]) -> io::Result<()> {
    let has_begun = manifest.is_file();
    for path in files {
        let aside = aside(path);
        match aside.is_file() {
            true if has_begun => fs::remove_file(aside)?,
            true => fs::rename(aside, path)?,
            false => {}
        }
    }
    Ok(())
}

/// The path to which a file is moved aside.
pub(super) fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".earlier");
    PathBuf::from(name)
}
