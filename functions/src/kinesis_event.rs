//! The Kinesis event of an event source mapping and the partial batch response to it.
//!
//! The event is described in <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>, the
//! response in
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>. The
//! data stays base64 until a record is handled, so that an unreadable record fails alone and not
//! with the whole event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A batch of one shard's records, in their order.
#[derive(Debug, Deserialize)]
pub(crate) struct KinesisEvent {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<KinesisRecord>,
}

/// One record and its source.
#[derive(Debug, Deserialize)]
pub(crate) struct KinesisRecord {
    /// `<shard id>:<sequence number>`.
    #[serde(rename = "eventID", default)]
    event_id: String,
    #[serde(rename = "eventSourceARN", default)]
    event_source_arn: String,
    kinesis: KinesisData,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinesisData {
    sequence_number: String,
    data: String,
}

impl KinesisRecord {
    /// The sequence number in the answer of `PutRecord` for this record.
    pub(crate) fn sequence_number(&self) -> &str {
        &self.kinesis.sequence_number
    }

    /// The shard's id, `shardId-000000000000`; empty if the event has none.
    pub(crate) fn shard_id(&self) -> &str {
        self.event_id
            .split_once(':')
            .map_or("", |(shard_id, _)| shard_id)
    }

    /// The stream's name, the last part of its ARN; empty if the event has none.
    pub(crate) fn stream(&self) -> &str {
        self.event_source_arn
            .rsplit_once('/')
            .map_or("", |(_, stream)| stream)
    }

    /// The bytes that were put on the stream.
    ///
    /// # Errors
    /// If the data is not base64. Lambda never sends such data.
    pub(crate) fn data(&self) -> Result<Vec<u8>, base64::DecodeError> {
        STANDARD.decode(&self.kinesis.data)
    }
}

/// The records of the batch that Lambda must deliver again. An empty list means success.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KinesisEventResponse {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl KinesisEventResponse {
    /// Asks Lambda to deliver this record again, and with it all later ones of the batch.
    pub(crate) fn add_failure(&mut self, record: &KinesisRecord) {
        self.batch_item_failures.push(BatchItemFailure {
            item_identifier: record.kinesis.sequence_number.clone(),
        });
    }

    /// Whether Lambda must deliver any record again.
    pub(crate) fn has_failures(&self) -> bool {
        !self.batch_item_failures.is_empty()
    }
}
