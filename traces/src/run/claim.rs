//! Whether a run may be written into a directory. baton replaces the files of an earlier run, and
//! must not touch the files of anything else.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LOCK_FILE, Manifest, RunError, read_json};

/// Checks that the directory at `path` holds a run, or none of the `files` that a run may have.
///
/// # Errors
/// If it has such a file that does not belong to a run, or a symbolic link that a write would
/// follow.
pub(super) fn check(path: &Path, manifest: &Path, files: &[PathBuf]) -> Result<(), RunError> {
    for name in [LOCK_FILE, "logs"] {
        let link = path.join(name);
        if link.is_symlink() {
            return Err(RunError::Foreign {
                path: path.to_owned(),
                reason: format!("its {name} is a symbolic link"),
            });
        }
    }
    if manifest.exists() {
        let read = read_json::<Manifest>(manifest, "a run's manifest");
        return read.map(drop).map_err(|error| RunError::Foreign {
            path: path.to_owned(),
            reason: format!("its run.json is not a run's manifest ({})", cause(&error)),
        });
    }
    // a lab that was killed early leaves its lock and no manifest
    let lock = fs::symlink_metadata(path.join(LOCK_FILE));
    if lock.is_ok_and(|lock| lock.is_file() && lock.len() == 0) {
        return Ok(());
    }
    match files.iter().find(|file| file.exists()) {
        Some(file) => Err(RunError::Foreign {
            path: path.to_owned(),
            reason: format!(
                "it has {} and no run.json",
                file.strip_prefix(path).unwrap_or(file).display()
            ),
        }),
        None => Ok(()),
    }
}

fn cause(error: &RunError) -> String {
    match error {
        RunError::Json { source, .. } => source.to_string(),
        RunError::File { source, .. } => source.to_string(),
        error => error.to_string(),
    }
}
