//! Keeps the stream on disk, so that a lab that was killed can be resumed: `stream.jsonl`.
//!
//! Each line is one entry of JSON. A put is answered when its records are on the disk. An entry
//! for handled records is written without waiting, so a lab that lost its power may deliver some
//! records twice, as Kinesis may.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_traces::run::STREAM_FILE;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Kinesis, StreamRecord};
use crate::error::LabError;
use crate::monitoring::{Disk, Kept, disk};

/// The file is rewritten when it has grown by this many bytes and to twice its size.
const MAX_GROWTH: u64 = 64 * 1024 * 1024;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A lab made the stream. The first line, and one for each time that it was resumed.
    Stream { shards: u32, started: Timestamp },
    /// A record was accepted.
    Accepted(Accepted),
    /// Every record of the shard up to this one was delivered or set aside. The counts are those
    /// of all shards so far.
    Handled {
        shard: u32,
        to: String,
        delivered: u64,
        undelivered: u64,
    },
}

/// A record with its shard.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Accepted {
    shard: u32,
    #[serde(flatten)]
    record: StreamRecord,
}

/// What a lab left on its stream.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// The shards of the stream; 0 if there is no file.
    pub(crate) shards: u32,
    /// When the stream was made.
    pub(crate) started: Timestamp,
    /// Records that were accepted and neither delivered nor set aside, with their shards.
    pub(crate) waiting: Vec<(u32, StreamRecord)>,
    /// Records that the consumer had handled.
    pub(crate) delivered: u64,
    /// Records that were set aside.
    pub(crate) undelivered: u64,
    /// The length of the file up to its last whole line.
    length: u64,
}

/// How many records a lab that was killed in `directory` had accepted and neither delivered nor set
/// aside. `None` if its stream was in memory only.
///
/// # Errors
/// If the file of the stream cannot be read.
pub fn waiting_records(directory: &Path) -> Result<Option<usize>, LabError> {
    let path = directory.join(STREAM_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(read(&path)?.waiting.len()))
}

/// Reads the file. A last line that was cut off is ignored: its sender got no confirmation.
pub(crate) fn read(path: &Path) -> Result<Left, LabError> {
    let mut number = 0;
    let unread = |reason: String| LabError::StreamUnread {
        path: path.to_owned(),
        reason,
    };
    let explain = |error: io::Error| unread(error.to_string());
    let mut left = Left::default();
    let mut reader = BufReader::new(File::open(path).map_err(explain)?);
    let mut handled_to: Vec<Option<String>> = Vec::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(explain)? > 0 {
        if line.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        let entry = serde_json::from_slice(&line)
            .map_err(|error| unread(format!("line {number} is not an entry: {error}")))?;
        left.length += line.len() as u64;
        line.clear();
        match entry {
            Entry::Stream { shards, started } => {
                (left.shards, left.started) = (shards, started);
                handled_to.resize(shards as usize, None);
            }
            Entry::Accepted(Accepted { shard, record }) => left.waiting.push((shard, record)),
            Entry::Handled {
                shard,
                to,
                delivered,
                undelivered,
            } => {
                (left.delivered, left.undelivered) = (delivered, undelivered);
                if let Some(place) = handled_to.get_mut(shard as usize) {
                    *place = Some(to);
                }
            }
        }
    }
    left.waiting.retain(|(shard, record)| {
        let to = handled_to.get(*shard as usize).and_then(Option::as_deref);
        // sequence numbers of one stream have the same length, so their text is in their order
        to.is_none_or(|to| record.sequence_number.as_str() > to)
    });
    Ok(left)
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    disk: Disk,
    shards: u32,
    started: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    /// For each shard, the last record in the file.
    written_to: Vec<Option<String>>,
    /// For each shard, the last record that was delivered or set aside.
    handled_to: Vec<Option<String>>,
    /// The last counts of delivered and undelivered records.
    counts: (u64, u64),
    /// The length of the file when it was last rewritten.
    length: u64,
}

/// The lines of the records on a shard after `place`, which is moved behind the last one.
async fn accepted_after(place: &mut Option<String>, shard: u32, kinesis: &Kinesis) -> Vec<u8> {
    let records = kinesis.read(shard, place.as_deref(), usize::MAX).await;
    if let Some(last) = records.last() {
        *place = Some(last.sequence_number.clone());
    }
    let lines = records.into_iter();
    let lines = lines.flat_map(|record| line(&Entry::Accepted(Accepted { shard, record })));
    lines.collect()
}

impl Journal {
    /// Opens the file at `path`, and makes it if it is not there. `left` is what it holds.
    pub(crate) fn open(path: PathBuf, disk: Disk, shards: u32, left: &Left) -> io::Result<Self> {
        let file = disk::open_kept(&path)?;
        // a last line that was cut off would spoil the next one
        file.set_len(left.length)?;
        let started = Timestamp::now();
        disk::append(&path, &file, &line(&Entry::Stream { shards, started }))?;
        disk::sync(&path, &file)?;
        let mut written_to = vec![None; shards as usize];
        for (shard, record) in &left.waiting {
            written_to[*shard as usize] = Some(record.sequence_number.clone());
        }
        Ok(Journal {
            path,
            disk,
            shards,
            started,
            state: Mutex::new(State {
                file: Arc::new(file),
                written_to,
                handled_to: vec![None; shards as usize],
                counts: (left.delivered, left.undelivered),
                length: left.length,
            }),
        })
    }

    /// Writes the records of `kinesis` that are not in the file yet. When this returns, every
    /// record that was on the stream when it was called is on the disk.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) async fn catch_up(&self, kinesis: &Kinesis) -> io::Result<()> {
        let mut state = self.state.lock().await;
        let mut lines = Vec::new();
        let mut written_to = state.written_to.clone();
        for shard in 0..self.shards {
            let place = &mut written_to[shard as usize];
            lines.extend(accepted_after(place, shard, kinesis).await);
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.write(&state.file, lines, true).await?;
        state.written_to = written_to;
        Ok(())
    }

    /// Notes that the records of a shard up to this one were delivered or set aside. If it cannot
    /// be written, a resumed lab delivers them again.
    pub(crate) async fn handled(
        &self,
        shard: u32,
        to: &str,
        (delivered, undelivered): (u64, u64),
        kinesis: &Kinesis,
    ) {
        let mut state = self.state.lock().await;
        // shards report at the same time, and the counts never decrease
        let (before, set_aside) = state.counts;
        state.counts = (delivered.max(before), undelivered.max(set_aside));
        let entry = line(&state.handled(shard, to.to_owned()));
        state.handled_to[shard as usize] = Some(to.to_owned());
        let _ = self.write(&state.file, entry, false).await;
        let length = state.file.metadata().map_or(0, |metadata| metadata.len());
        if length > MAX_GROWTH.max(state.length) + state.length {
            let _ = self.write_anew(&mut state, kinesis).await;
        }
    }

    /// Writes a file without the records that were handled, and puts it in place of the old one.
    async fn write_anew(&self, state: &mut State, kinesis: &Kinesis) -> io::Result<()> {
        let (shards, started) = (self.shards, self.started);
        let mut lines = line(&Entry::Stream { shards, started });
        let mut written_to = state.handled_to.clone();
        for shard in 0..self.shards {
            let place = &mut written_to[shard as usize];
            if let Some(to) = place.clone() {
                lines.extend(line(&state.handled(shard, to)));
            }
            lines.extend(accepted_after(place, shard, kinesis).await);
        }
        let partial = self.path.with_extension("partial");
        // left by a lab that was killed at this point
        let _ = fs::remove_file(&partial);
        let file = Arc::new(disk::open(&partial)?);
        state.length = lines.len() as u64;
        let written = self.write(&file, lines, true).await;
        if let Err(error) = written.and_then(|()| fs::rename(&partial, &self.path)) {
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        state.file = file;
        state.written_to = written_to;
        let path = self.path.clone();
        let named = tokio::task::spawn_blocking(move || disk::sync_name(&path)).await;
        let named = named.map_err(io::Error::other).flatten();
        self.disk.note(Kept::Accepted, named)
    }

    async fn write(&self, file: &Arc<File>, lines: Vec<u8>, sync: bool) -> io::Result<()> {
        let (path, file) = (self.path.clone(), Arc::clone(file));
        let write = move || {
            disk::append(&path, &file, &lines)?;
            if sync {
                disk::sync(&path, &file)
            } else {
                Ok(())
            }
        };
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.map_err(io::Error::other).flatten();
        self.disk.note(Kept::Accepted, written)
    }

    /// Removes the file. Call this when no more records wait.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl State {
    fn handled(&self, shard: u32, to: String) -> Entry {
        let (delivered, undelivered) = self.counts;
        Entry::Handled {
            shard,
            to,
            delivered,
            undelivered,
        }
    }
}

fn line(entry: &Entry) -> Vec<u8> {
    // strings and numbers always serialize
    let mut line = serde_json::to_vec(entry).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(STREAM_FILE);
        // the unit of the time was not in its name
        let earlier = r#"{"stream":{"shards":1,"started":"2026-11-23T05:00:00Z"}}
{"accepted":{"shard":0,"sequence_number":"49","partition_key":"a","data":"e30=","arrival":1.5}}
"#;
        fs::write(&path, earlier).expect("room");
        let left = read(&path).expect("a stream");
        let arrivals: Vec<f64> = left
            .waiting
            .iter()
            .map(|(_, record)| record.arrival)
            .collect();
        assert_eq!(arrivals, [1.5]);
    }
}
