//! A batch of records as a Lambda event, and how to read the consumer's answer to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::function::invocation::MAX_PAYLOAD_BYTES;
use crate::kinesis::{StreamRecord, shard_id};

/// The bytes of an event for each record besides its data, rounded up.
const EVENT_OVERHEAD: usize = 1024;

/// The result of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BatchOutcome {
    /// Every record was handled.
    Done,
    /// The records before this index were handled.
    FailedFrom(usize),
    /// No record is known to have been handled.
    Failed,
    /// The function never got the batch, so this is not an attempt.
    NotReached,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    kinesis: KinesisData<'a>,
    event_source: &'static str,
    event_version: &'static str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'static str,
    invoke_identity_arn: &'static str,
    aws_region: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KinesisData<'a> {
    kinesis_schema_version: &'static str,
    partition_key: &'a str,
    sequence_number: &'a str,
    data: &'a str,
    approximate_arrival_timestamp: f64,
}

/// The event for `records`, which are of one shard.
pub(crate) fn event(stream: &str, shard: u32, records: &[StreamRecord]) -> Vec<u8> {
    let event_source_arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}");
    let shard_id = shard_id(shard);
    let event = Event {
        records: records
            .iter()
            .map(|record| Record {
                kinesis: KinesisData {
                    kinesis_schema_version: "1.0",
                    partition_key: &record.partition_key,
                    sequence_number: &record.sequence_number,
                    data: &record.data,
                    approximate_arrival_timestamp: record.arrival,
                },
                event_source: "aws:kinesis",
                event_version: "1.0",
                event_id: format!("{shard_id}:{}", record.sequence_number),
                event_name: "aws:kinesis:record",
                invoke_identity_arn: "arn:aws:iam::000000000000:role/consumer",
                aws_region: "us-east-1",
                event_source_arn: &event_source_arn,
            })
            .collect(),
    };
    // a struct of strings always serializes
    serde_json::to_vec(&event).unwrap_or_default()
}

/// Splits a batch so that the event of each part fits Lambda's payload limit. A single record
/// always fits, because Kinesis' own limit is much lower.
pub(crate) fn split_by_size(records: Vec<StreamRecord>) -> Vec<Vec<StreamRecord>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut size = 0;
    for record in records {
        let record_size = record.data.len() + record.partition_key.len() + EVENT_OVERHEAD;
        if size + record_size > MAX_PAYLOAD_BYTES && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            size = 0;
        }
        size += record_size;
        batch.push(record);
    }
    batches.push(batch);
    batches
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: Option<String>,
}

/// Reads a partial batch response
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>).
/// AWS documents four answers that mean success: an empty or null list of failures, and an empty or
/// null response. An answer that is not JSON is none of these, so the whole batch failed. It also
/// failed if the failures cannot be read or name an unknown record. JSON that is not an object
/// counts as an empty response, because functions that do not report failures may return it.
/// Otherwise, everything from the lowest failed record on is delivered again.
pub(crate) fn outcome(answer: &[u8], records: &[StreamRecord]) -> BatchOutcome {
    let failures = match serde_json::from_slice(answer) {
        Ok(Value::Object(mut answer)) => answer.remove("batchItemFailures").unwrap_or_default(),
        Ok(_) => Value::Null,
        Err(_) if answer.trim_ascii().is_empty() => Value::Null,
        Err(_) => return BatchOutcome::Failed,
    };
    let Ok(failures) = serde_json::from_value::<Option<Vec<ItemFailure>>>(failures) else {
        return BatchOutcome::Failed;
    };
    let indices: Option<Vec<usize>> = failures
        .unwrap_or_default()
        .iter()
        .map(|failure| {
            let identifier = failure.item_identifier.as_deref()?;
            records
                .iter()
                .position(|record| record.sequence_number == identifier)
        })
        .collect();
    match indices.map(|indices| indices.into_iter().min()) {
        Some(None) => BatchOutcome::Done,
        Some(Some(first)) => BatchOutcome::FailedFrom(first),
        None => BatchOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(sizes: &[usize]) -> Vec<StreamRecord> {
        sizes
            .iter()
            .enumerate()
            .map(|(index, size)| StreamRecord {
                sequence_number: index.to_string(),
                partition_key: String::new(),
                data: "A".repeat(*size),
                arrival: 0.0,
            })
            .collect()
    }

    #[test]
    fn partial_batch_responses_are_read_as_aws_documents() {
        for (answer, expected) in [
            (r#"{"batchItemFailures":[]}"#, BatchOutcome::Done),
            (r#"{"batchItemFailures":null}"#, BatchOutcome::Done),
            ("{}", BatchOutcome::Done),
            ("null", BatchOutcome::Done),
            ("\"fine\"", BatchOutcome::Done),
            ("", BatchOutcome::Done),
            ("fine", BatchOutcome::Failed),
            ("<html>", BatchOutcome::Failed),
            (r#"{"batchItemFailures":["#, BatchOutcome::Failed),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"1"}]}"#,
                BatchOutcome::FailedFrom(1),
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"7"}]}"#,
                BatchOutcome::Failed,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                BatchOutcome::Failed,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
                BatchOutcome::Failed,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
                BatchOutcome::Failed,
            ),
            (r#"{"batchItemFailures":"all"}"#, BatchOutcome::Failed),
        ] {
            assert_eq!(
                outcome(answer.as_bytes(), &records(&[1, 1, 1])),
                expected,
                "{answer}"
            );
        }
    }

    #[test]
    fn events_stay_within_the_payload_limit() {
        let megabyte = 1024 * 1024 * 4 / 3;
        let batches = split_by_size(records(&[megabyte; 9]));
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 9);
        for batch in batches {
            assert!(event("baton", 0, &batch).len() <= MAX_PAYLOAD_BYTES);
        }
    }
}
