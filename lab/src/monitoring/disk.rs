//! Whether the lab can write what people sent.
//!
//! A full disk must be noticed at once and not at the end. Every writer reports here, so that the
//! page and the command can say what cannot be written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use baton_traces::run::private_file;
use tokio::sync::watch;

/// What the lab writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// The spans of the collector.
    Spans,
    /// Records that were accepted, for a lab that can be resumed.
    Accepted,
    /// Records that were given up.
    Undeliverable,
}

/// What cannot be written now, each with the reason. Clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct Disk(watch::Sender<BTreeMap<Kept, String>>);

impl Disk {
    pub(crate) fn new() -> Self {
        Disk(watch::Sender::new(BTreeMap::new()))
    }

    /// Notes how the last write ended, and hands the result on.
    pub(crate) fn note<T>(&self, kept: Kept, written: io::Result<T>) -> io::Result<T> {
        let failure = written.as_ref().err().map(ToString::to_string);
        self.0.send_if_modified(|failures| match failure {
            Some(failure) => failures.insert(kept, failure.clone()) != Some(failure),
            None => failures.remove(&kept).is_some(),
        });
        written
    }

    /// Whether the last write of this kind failed.
    pub(crate) fn fails(&self, kept: Kept) -> bool {
        self.0.borrow().contains_key(&kept)
    }

    /// Whether a record that is sent now could not be kept.
    pub(crate) fn refuses_records(&self) -> bool {
        self.fails(Kept::Accepted) || self.fails(Kept::Undeliverable)
    }

    /// What cannot be written now: one sentence for each file.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.0.borrow().values().cloned().collect()
    }

    /// Announces every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<BTreeMap<Kept, String>> {
        self.0.subscribe()
    }
}

/// Opens the file at `path` to append to it.
///
/// # Errors
/// If it cannot be opened, with the path.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    private_file()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| about(path, &error))
}

/// Opens a file as [`open`] does, for what must survive a power loss: its name is on the disk.
///
/// # Errors
/// As [`open`], and if the disk reports an error, with the path.
pub(crate) fn open_kept(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    sync_name(path)?;
    Ok(file)
}

/// Appends `bytes` as a whole or not at all.
///
/// # Errors
/// If there is no room, with the path.
pub(crate) fn append(path: &Path, mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(bytes).map_err(|error| {
        // half a line would spoil the next one
        let _ = file.set_len(before);
        about(path, &error)
    })
}

/// Waits until the file is on the disk, so that it survives a power loss.
///
/// # Errors
/// If the disk reports an error, with the path.
pub(crate) fn sync(path: &Path, file: &File) -> io::Result<()> {
    file.sync_data().map_err(|error| about(path, &error))
}

/// Waits until the file's name is on the disk: a new file, or one that replaced another, would
/// otherwise be gone after a power loss.
///
/// # Errors
/// If the disk reports an error, with the path.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(directory.unwrap_or(Path::new(".")));
    let synced = directory.and_then(|directory| directory.sync_all());
    synced.map_err(|error| about(path, &error))
}

/// The error with the path, as a sentence.
pub(crate) fn about(path: &Path, error: &io::Error) -> io::Error {
    let reason = format!("cannot write {}: {error}", path.display());
    io::Error::new(error.kind(), reason)
}
