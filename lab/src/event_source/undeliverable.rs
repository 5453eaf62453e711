//! Keeps records that could not be delivered, with the reason: the mapping's on-failure
//! destination.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::error::LabError;
use crate::kinesis::{StreamRecord, shard_id};

/// Why a record was not delivered.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Condition {
    /// The consumer failed on it as often as it may.
    RetryAttemptsExhausted,
    /// The lab ended before the consumer had answered for it.
    NotDeliveredInTime,
}

/// Appends to the file. The first record creates it.
#[derive(Debug)]
pub(crate) struct Undeliverable {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
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

impl Undeliverable {
    /// The file at `path`. A file of an earlier lab is removed.
    pub(crate) fn new(path: PathBuf) -> Result<Self, LabError> {
        match std::fs::remove_file(&path) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                return Err(LabError::File { path, reason });
            }
            _ => {}
        }
        Ok(Undeliverable {
            path,
            file: Mutex::new(None),
        })
    }

    /// Keeps these records, which failed `attempts` times at least.
    pub(crate) fn keep(
        &self,
        (stream, shard): (&str, u32),
        records: &[StreamRecord],
        condition: Condition,
        attempts: u32,
    ) {
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
            if serde_json::to_writer(&mut lines, &line).is_ok() {
                lines.push(b'\n');
            }
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)
                .ok();
        }
        if let Some(file) = file.as_mut() {
            // if the disk is full, the count in the lab's status is still right
            let _ = file.write_all(&lines);
        }
    }
}
