//! A run directory: one measured execution under one pairing, kept as files.
//!
//! The names and contents of the files are fixed, because other programs read them too.

mod claim;
mod earlier;
mod lab_records;
mod manifest;
mod private;
pub mod span_file;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use baton_propagators::lambda::Function;

pub use self::earlier::EarlierRun;
pub use self::lab_records::{LabRecords, RecordKey, UNDELIVERABLE_FILE, Undelivered};
pub use self::manifest::{MERGED, Manifest, NUMBER, SWITCHES};
pub use self::private::{create_private, private_file, write_private};
use self::span_file::SpanFile;
use crate::readers::ReadError;

/// The load generator's spans before they are added to the run's spans. The file remains if the
/// load generator was killed.
pub const CLIENT_SPANS_FILE: &str = "client-spans.jsonl";

/// The records that a lab with `--durable` has accepted, until it has delivered all of them.
pub const STREAM_FILE: &str = "stream.jsonl";

/// The report of a run, in its directory. The report of several runs is beside their directories.
pub const REPORT_FILE: &str = "report.html";

/// The name of the file that is locked while a run is being written.
const LOCK_FILE: &str = ".lock";

/// Why a run directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The directory has no manifest.
    #[error("{} is not a run directory: it has no run.json{}", path.display(), runs_in(path))]
    NotARun {
        /// The directory.
        path: PathBuf,
    },
    /// A file or directory could not be made, read, written or removed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory has files that are not a run's.
    #[error("{} cannot take a run: {reason}; name another directory", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What it has.
        reason: String,
    },
    /// Another process is writing a run there.
    #[error("{} is being written by another baton; name another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A file's content is not valid.
    #[error("{}: expected {expected}, but found: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the file should contain.
        expected: &'static str,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// The spans or a log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// How many runs an error names when a path is a directory of runs instead of a run.
const NAMED: usize = 3;

/// The runs inside a directory that is not a run itself, as the end of a sentence.
fn runs_in(path: &Path) -> String {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut runs: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("run.json").is_file())
        .map(|path| path.display().to_string())
        .collect();
    runs.sort();
    let more = if runs.len() > NAMED { ", …" } else { "" };
    runs.truncate(NAMED);
    match runs.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}{more}?", runs.join(", ")),
    }
}

/// The directory of a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// The lock, while this process writes the run.
    _lock: Option<Arc<File>>,
}

impl RunDirectory {
    /// Makes the directory at `path` and locks it for a new run. The files of an earlier run stay
    /// until [`RunDirectory::clear`].
    ///
    /// # Errors
    /// If a directory cannot be made, has files that are not a run's, or another process is writing
    /// a run there.
    pub fn create(path: impl Into<PathBuf>) -> Result<RunDirectory, RunError> {
        let mut run = RunDirectory {
            path: path.into(),
            _lock: None,
        };
        claim::check(&run.path, &run.manifest_path(), &run.files())?;
        let logs = run.path.join("logs");
        fs::create_dir_all(&logs).map_err(|source| RunError::File {
            action: "make",
            path: logs,
            source,
        })?;
        let lock_path = run.path.join(LOCK_FILE);
        // not truncated: the file may belong to a user, and the lock needs no content
        let mut options = private_file();
        let lock = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path);
        let lock = lock.map_err(|source| RunError::File {
            action: "make",
            path: lock_path.clone(),
            source,
        })?;
        match lock.try_lock() {
            Ok(()) => {
                run._lock = Some(Arc::new(lock));
                Ok(run)
            }
            Err(TryLockError::WouldBlock) => Err(RunError::InUse { path: run.path }),
            Err(TryLockError::Error(source)) => Err(RunError::File {
                action: "lock",
                path: lock_path,
                source,
            }),
        }
    }

    /// Removes the files of an earlier run, and no other files.
    ///
    /// # Errors
    /// If one of them cannot be removed.
    pub fn clear(&self) -> Result<(), RunError> {
        for path in self.files() {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(RunError::File {
                        action: "remove",
                        path,
                        source,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Moves the files of an earlier run aside, and no other files, until the new run has begun.
    ///
    /// # Errors
    /// If one of them cannot be renamed.
    pub fn set_aside(&self) -> Result<EarlierRun, RunError> {
        let mut earlier = EarlierRun {
            paths: Vec::new(),
            set_aside: Vec::new(),
        };
        earlier::resume(&self.manifest_path(), &self.files()).map_err(|source| RunError::File {
            action: "replace",
            path: self.path.clone(),
            source,
        })?;
        for path in self.files() {
            match fs::rename(&path, earlier::aside(&path)) {
                Ok(()) => earlier.set_aside.push(path.clone()),
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(RunError::File {
                        action: "replace",
                        path,
                        source,
                    });
                }
            }
            earlier.paths.push(path);
        }
        Ok(earlier)
    }

    /// All files that a run may have.
    fn files(&self) -> [PathBuf; 10] {
        [
            self.manifest_path(),
            self.spans_path(),
            self.client_spans_path(),
            self.load_path(),
            self.summary_path(),
            self.report_path(),
            self.log_path(Function::Producer),
            self.log_path(Function::Consumer),
            self.path.join(UNDELIVERABLE_FILE),
            self.path.join(STREAM_FILE),
        ]
    }

    /// Removes the files of the run, and then the directory if it is empty.
    ///
    /// # Errors
    /// If one of the run's files cannot be removed.
    pub fn discard(self) -> Result<(), RunError> {
        self.clear()?;
        // the directory stays if it has files that are not baton's
        let _ = fs::remove_file(self.path.join(LOCK_FILE));
        let _ = fs::remove_dir(self.path.join("logs"));
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// Opens the run in the directory at `path`.
    ///
    /// # Errors
    /// If there is no `run.json` in it.
    pub fn open(path: impl Into<PathBuf>) -> Result<RunDirectory, RunError> {
        let run = RunDirectory {
            path: path.into(),
            _lock: None,
        };
        if run.manifest_path().is_file() {
            Ok(run)
        } else {
            Err(RunError::NotARun { path: run.path })
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: the last part of its directory's path.
    pub fn name(&self) -> String {
        let named = match self.path.file_name() {
            Some(_) => Some(self.path.clone()),
            None => self.path.canonicalize().ok(),
        };
        named
            .as_deref()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// `run.json`: the manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// `spans.jsonl.zst`: all spans, as OTLP/JSON lines.
    pub fn spans_path(&self) -> PathBuf {
        self.path.join("spans.jsonl.zst")
    }

    /// `client-spans.jsonl`: see [`CLIENT_SPANS_FILE`].
    pub fn client_spans_path(&self) -> PathBuf {
        self.path.join(CLIENT_SPANS_FILE)
    }

    /// Whether a process is writing the run now.
    pub fn is_being_written(&self) -> bool {
        let lock = File::open(self.path.join(LOCK_FILE));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// `load.json`: the load generator's figures.
    pub fn load_path(&self) -> PathBuf {
        self.path.join("load.json")
    }

    /// `summary.json`: the run in figures.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// `report.html`: the report of the run.
    pub fn report_path(&self) -> PathBuf {
        self.path.join(REPORT_FILE)
    }

    /// `logs/producer.log` or `logs/consumer.log`.
    pub fn log_path(&self, function: Function) -> PathBuf {
        self.path
            .join("logs")
            .join(format!("{}.log", function.name()))
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// If it cannot be read or is not a manifest.
    pub fn manifest(&self) -> Result<Manifest, RunError> {
        read_json(&self.manifest_path(), "a run's manifest")
    }

    /// Writes `run.json`, completely or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RunError> {
        write_json(&self.manifest_path(), manifest)
    }

    /// Opens `spans.jsonl.zst` to append to it. Several writers, even in several processes, may do
    /// so at the same time.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn append_spans(&self) -> Result<SpanFile, RunError> {
        let path = self.spans_path();
        SpanFile::append(&path).map_err(|source| RunError::File {
            action: "open",
            path,
            source,
        })
    }
}

/// Reads the JSON file at `path`. `expected` names its content in an error.
pub(crate) fn read_json<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
) -> Result<T, RunError> {
    let text = fs::read(path).map_err(|source| RunError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|source| RunError::Json {
        path: path.to_owned(),
        expected,
        source,
    })
}

/// Writes `value` to a temporary file and renames it to `path`, so that a reader never sees half a
/// file.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RunError> {
    let failed = |source| RunError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let partial = path.with_extension("json.partial");
    let written = write_private(&partial, &text).and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&partial);
        failed(error)
    })
}

#[cfg(test)]
mod tests;
