//! How other commands find a running lab: each lab leaves a note in the user's own folder.
//!
//! The note has the lab's token, so only its user can read it. If its process has ended, the note
//! is removed.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use baton_traces::version::Version;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::token::Token;
use crate::monitoring::Addresses;

/// Overrides the folder of the notes.
pub const FOLDER_VARIABLE: &str = "BATON_RUNTIME_DIR";

/// The note of a lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Note {
    /// The version of this document.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    pub version: Version,
    /// The id of the lab's process.
    pub pid: u32,
    /// The lab's addresses.
    pub addresses: Addresses,
    /// The lab's directory, with logs, spans and undeliverable records.
    pub directory: PathBuf,
    /// The secret for requests that change the lab.
    pub token: Token,
    /// The folder in which the lab was started; `None` if it is not known.
    #[serde(default)]
    pub folder: Option<PathBuf>,
}

/// A note that is removed when this is dropped.
#[derive(Debug)]
pub struct Registration(PathBuf);

impl Drop for Registration {
    fn drop(&mut self) {
        // If it cannot be removed now, the next reader removes it.
        let _ = fs::remove_file(&self.0);
    }
}

/// `$BATON_RUNTIME_DIR`, else `baton` in `$XDG_RUNTIME_DIR`, else a folder for this user in the
/// directory for temporary files.
fn folder() -> PathBuf {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable(FOLDER_VARIABLE)
        .or_else(|| Some(variable("XDG_RUNTIME_DIR")?.join("baton")))
        .unwrap_or_else(|| {
            let user = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("baton-{user}"))
        })
}

/// Writes the note.
///
/// # Errors
/// If the folder cannot be created or written, or belongs to another user.
pub fn register(note: &Note) -> io::Result<Registration> {
    let folder = folder();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    check_owner(&folder)?;
    let path = folder.join(format!("{}.json", note.pid));
    let unfinished = folder.join(format!("{}.tmp", note.pid));
    // a file that a killed process with this id left behind may have other permissions
    let _ = fs::remove_file(&unfinished);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(note)?)?;
    fs::rename(&unfinished, &path)?;
    Ok(Registration(path))
}

/// All running labs of this user, in the order in which they were started.
///
/// # Errors
/// If the folder exists but cannot be read, or belongs to another user.
pub fn labs() -> io::Result<Vec<Note>> {
    let folder = folder();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| {
            let reason = format!("{} cannot be read: {error}", folder.display());
            io::Error::new(error.kind(), reason)
        })?,
    };
    check_owner(&folder)?;
    let mut labs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Some(note) = read(&path) else { continue };
        if is_running(note.pid) {
            let started = fs::metadata(&path)
                .and_then(|metadata| metadata.modified())
                .ok();
            labs.push((started, note));
        } else {
            let _ = fs::remove_file(&path);
        }
    }
    labs.sort_by_key(|(started, note)| (*started, note.pid));
    Ok(labs.into_iter().map(|(_, note)| note).collect())
}

/// The directory for temporary files is shared, and another user's note would send requests to that
/// user.
fn check_owner(folder: &Path) -> io::Result<()> {
    /// The write permissions of the group and of all others.
    const OTHERS_WRITE: u32 = 0o022;
    let metadata = fs::metadata(folder)?;
    let user = rustix::process::getuid().as_raw();
    let fault = if metadata.uid() != user {
        "belongs to another user"
    } else if metadata.mode() & OTHERS_WRITE != 0 {
        "can be written by other users"
    } else {
        return Ok(());
    };
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "{} {fault}; set {FOLDER_VARIABLE} to a folder of your own",
            folder.display()
        ),
    ))
}

fn read(path: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}
