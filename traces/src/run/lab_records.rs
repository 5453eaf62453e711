//! What a lab knows about the records on its stream: which were delivered, and which were not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{RunDirectory, RunError};
use crate::hand_off::MessageKey;

/// The file of a run for records that could not be delivered: JSON lines, one per record.
pub const UNDELIVERABLE_FILE: &str = "undeliverable.jsonl";

/// How many records a lab accepted, by what became of them. `records` in `run.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LabRecords {
    /// Records that the consumer answered for.
    pub delivered: u64,
    /// Records that the lab accepted and did not deliver.
    pub undelivered: u64,
}

/// A record on the stream by its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct RecordKey {
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard_id: String,
    /// The sequence number.
    pub sequence_number: String,
}

impl RecordKey {
    /// The same place as spans name it.
    pub(crate) fn as_message(&self) -> MessageKey<'_> {
        MessageKey {
            stream: &self.stream,
            shard: &self.shard_id,
            sequence_number: &self.sequence_number,
        }
    }
}

/// The records that a lab accepted and did not deliver. It delivered all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// Their places.
    pub keys: BTreeSet<RecordKey>,
}

impl Undelivered {
    /// Reads them from the files of `run`, whose lab counted `records`. Returns `None` if the files
    /// do not name every one of them.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub(crate) fn read(
        run: &RunDirectory,
        records: LabRecords,
    ) -> Result<Option<Undelivered>, RunError> {
        let mut keys = BTreeSet::new();
        if records.undelivered > 0 {
            let path = run.path().join(UNDELIVERABLE_FILE);
            let text = match std::fs::read_to_string(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                text => text.map_err(|source| RunError::File {
                    action: "read",
                    path,
                    source,
                })?,
            };
            keys.extend(
                text.lines()
                    .filter_map(|line| serde_json::from_str(line).ok()),
            );
        }
        let are_all_named = keys.len() as u64 == records.undelivered;
        Ok(are_all_named.then_some(Undelivered { keys }))
    }
}
