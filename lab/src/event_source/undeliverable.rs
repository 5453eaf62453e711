//! Keeps records that could not be delivered, with the reason: the mapping's on-failure
//! destination.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::kinesis::{StreamRecord, shard_id};
use crate::monitoring::{Disk, Kept, disk};

/// Why a record was not delivered.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Condition {
    /// The consumer failed on it as often as the retries allow.
    RetryAttemptsExhausted,
    /// The lab ended before the consumer had handled it.
    NotDeliveredInTime,
}

/// Appends to the file. The first record creates it.
#[derive(Debug)]
pub(crate) struct Undeliverable {
    path: PathBuf,
    disk: Disk,
    file: Mutex<Option<File>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Line<'a> {
    timestamp: Timestamp,
    condition: Condition,
    attempts: u32,
    stream: &'a str,
    shard_id: &'a str,
    sequence_number: &'a str,
    partition_key: &'a str,
    /// In base64, as in Kinesis.
    data: &'a str,
}

/// The lines of records that failed `attempts` times at least.
pub(crate) fn lines(
    (stream, shard): (&str, u32),
    records: &[StreamRecord],
    condition: Condition,
    attempts: u32,
) -> Vec<u8> {
    let shard_id = shard_id(shard);
    let mut lines = Vec::new();
    for record in records {
        let line = Line {
            timestamp: Timestamp::now(),
            condition,
            attempts,
            stream,
            shard_id: &shard_id,
            sequence_number: &record.sequence_number,
            partition_key: &record.partition_key,
            data: &record.data,
        };
        // a struct of strings and numbers always serializes
        if serde_json::to_writer(&mut lines, &line).is_ok() {
            lines.push(b'\n');
        }
    }
    lines
}

impl Undeliverable {
    /// The file at `path`, which is made when it is needed.
    pub(crate) fn new(path: PathBuf, disk: Disk) -> Self {
        Undeliverable {
            path,
            disk,
            file: Mutex::new(None),
        }
    }

    /// Appends these lines, all or none, and waits until they are on the disk.
    ///
    /// # Errors
    /// If they cannot be written. The file is then as before.
    pub(crate) fn keep(&self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.disk.note(Kept::Undeliverable, self.write(lines))
    }

    fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(disk::open_kept(&self.path)?),
        };
        disk::append(&self.path, file, lines)?;
        disk::sync(&self.path, file)
    }
}
