//! The exports in a directory, and what comes through standard input.

use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::run::REPORT_FILE;

/// How many levels of directories are searched.
const MAX_DEPTH: usize = 16;

/// The files and run directories in a directory and its subdirectories, sorted by name. Hidden ones
/// are left out, and so is the report beside runs.
///
/// # Errors
/// If a directory cannot be read.
pub(super) fn inside(directory: &Path, is_run: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let mut files = Vec::new();
        let mut has_runs = false;
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            match path.is_dir() {
                true if is_run(&path) => {
                    has_runs = true;
                    found.push(path);
                }
                true if depth < MAX_DEPTH => waiting.push((path, depth + 1)),
                true => {}
                false => files.push(path),
            }
        }
        files.retain(|path| !(has_runs && path.ends_with(REPORT_FILE)));
        found.append(&mut files);
    }
    found.sort();
    Ok(found)
}

/// Standard input, copied to an unnamed file so that it can be read more than once.
#[derive(Debug, Default)]
pub(super) struct StandardInput(Mutex<Option<File>>);

impl StandardInput {
    /// The whole of standard input, from its beginning. The first call waits for its end.
    ///
    /// # Errors
    /// If standard input cannot be read or copied.
    pub(super) fn open(&self) -> io::Result<BufReader<File>> {
        let mut kept = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let file = match &mut *kept {
            Some(file) => file,
            none => {
                let mut file = tempfile::tempfile()?;
                io::copy(&mut io::stdin().lock(), &mut file)?;
                none.insert(file)
            }
        };
        // All readers share one position in the file, so they must read one after the other.
        file.rewind()?;
        Ok(BufReader::with_capacity(256 << 10, file.try_clone()?))
    }
}
