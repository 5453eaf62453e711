//! Embedded Kinesis: `ferrokinesis` behind its real API, and what the event source mapping needs to
//! read it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use baton_traces::run::LabRecords;
use ferrokinesis::actions::{Operation, dispatch};
use ferrokinesis::create_app;
use ferrokinesis::store::{Store, StoreOptions};
use ferrokinesis::types::StoredRecord;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, watch};

use crate::error::LabError;
use crate::kinesis::journal::{Journal, Left};
use crate::monitoring::Disk;

pub(crate) mod journal;

/// The largest request to the Kinesis API in bytes: `PutRecords` takes 5 MiB of data, in base64.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// Operations that would take shards away from the event source mapping.
const RESHARDING: [&str; 4] = [
    "SplitShard",
    "MergeShards",
    "UpdateShardCount",
    "DeleteStream",
];
/// How many bytes of records, in base64, may wait for the consumer. Kinesis refuses more.
pub(crate) const MAX_RETAINED_BYTES: u64 = 256 * 1024 * 1024;

/// One stream with its shards.
#[derive(Clone)]
pub(crate) struct Kinesis {
    store: Store,
    stream: String,
    shards: u32,
    requests: Requests,
    /// The file of accepted records, if the lab keeps one.
    journal: Option<Arc<Journal>>,
    /// What an earlier lab did with the records of a stream that was resumed.
    earlier: LabRecords,
}

impl std::fmt::Debug for Kinesis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Kinesis")
            .field("stream", &self.stream)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

/// Tells readers about requests to the API.
#[derive(Clone, Debug)]
struct Requests {
    /// Locked by every request while it is handled. ferrokinesis assigns a sequence number before
    /// it stores the record. So only between requests are all earlier records certain to be there.
    in_progress: Arc<RwLock<()>>,
    finished: watch::Sender<u64>,
}

/// A stored record of a shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StreamRecord {
    pub(crate) sequence_number: String,
    pub(crate) partition_key: String,
    /// The data, in base64.
    pub(crate) data: String,
    /// When it arrived, in seconds since the epoch.
    #[serde(rename = "arrival_s", alias = "arrival")]
    pub(crate) arrival: f64,
}

impl Kinesis {
    /// Creates the stream, on which `max_bytes` of records may wait, and returns the API to serve.
    /// With `journal`, every accepted record is kept in that file, and the records that an earlier
    /// lab left in it are on the stream again.
    pub(crate) async fn new(
        stream: &str,
        shards: u32,
        max_bytes: u64,
        journal: Option<PathBuf>,
        disk: Disk,
    ) -> Result<(Self, Router), LabError> {
        let left = match &journal {
            Some(path) if path.is_file() => journal::read(path)?,
            _ => Left::default(),
        };
        if left.shards != 0 && left.shards != shards {
            return Err(LabError::Shards {
                before: left.shards,
                now: shards,
            });
        }
        after_the_second_of(left.started).await;
        let (router, store) = create_app(StoreOptions {
            create_stream_ms: 0,
            max_retained_bytes: Some(max_bytes),
            shard_limit: shards.max(StoreOptions::default().shard_limit),
            ..StoreOptions::default()
        });
        let request = serde_json::json!({ "StreamName": stream, "ShardCount": shards });
        dispatch(&store, Operation::CreateStream, request)
            .await
            .map_err(|error| LabError::Stream {
                stream: stream.to_owned(),
                reason: error.body.message.unwrap_or(error.body.error_type),
            })?;
        let requests = Requests {
            in_progress: Arc::default(),
            finished: watch::Sender::new(0),
        };
        let journal = match journal {
            Some(path) => {
                let file = Journal::open(path.clone(), disk, shards, &left);
                let file = file.map_err(|reason| LabError::StreamUnkept { path, reason })?;
                Some(Arc::new(file))
            }
            None => None,
        };
        let kinesis = Kinesis {
            store,
            stream: stream.to_owned(),
            shards,
            requests,
            journal,
            earlier: LabRecords {
                delivered: left.delivered,
                undelivered: left.undelivered,
            },
        };
        for (shard, record) in left.waiting {
            kinesis.restore(shard, record).await?;
        }
        let router = router.layer(middleware::from_fn_with_state(kinesis.clone(), announce));
        Ok((kinesis, router))
    }

    /// Puts a record of an earlier lab in its old place.
    async fn restore(&self, shard: u32, record: StreamRecord) -> Result<(), LabError> {
        let key = key(shard, &record.sequence_number);
        let record = StoredRecord {
            partition_key: record.partition_key,
            data: record.data,
            approximate_arrival_timestamp: record.arrival,
        };
        let put = self.store.put_record(&self.stream, &key, &record).await;
        put.map_err(|error| LabError::Stream {
            stream: self.stream.clone(),
            reason: error.body.message.unwrap_or(error.body.error_type),
        })
    }

    /// What an earlier lab did with this stream.
    pub(crate) fn earlier(&self) -> LabRecords {
        self.earlier
    }

    /// Notes that the records of a shard up to this one were delivered or set aside, with the
    /// counts of delivered and undelivered records of all shards.
    pub(crate) async fn handled(&self, shard: u32, to: &str, counts: (u64, u64)) {
        if let Some(journal) = &self.journal {
            journal.handled(shard, to, counts, self).await;
        }
    }

    /// Waits until every record on the stream is on the disk, if the lab keeps them there.
    async fn keep(&self) -> io::Result<()> {
        match &self.journal {
            Some(journal) => journal.catch_up(self).await,
            None => Ok(()),
        }
    }

    /// Whether the lab keeps accepted records on disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.journal.is_some()
    }

    /// Ends the file of accepted records. Call this when no more records wait.
    pub(crate) fn forget_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.remove();
        }
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// The shards' indices; an index is also the number in the shard's id.
    pub(crate) fn shards(&self) -> std::ops::Range<u32> {
        0..self.shards
    }

    /// Waits for a request to the API. The value is their number.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.requests.finished.subscribe()
    }

    /// Up to `limit` records of a shard after the sequence number `after`, in order. A record that
    /// arrives later always has a higher sequence number.
    pub(crate) async fn read(
        &self,
        shard: u32,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<StreamRecord> {
        let _no_request_in_progress = self.requests.in_progress.write().await;
        // the first key after `after` is `after` followed by the smallest character
        let start = after.map_or_else(|| key(shard, ""), |after| key(shard, &format!("{after}\0")));
        let records = self
            .store
            .get_records_range_limited(&self.stream, &start, &key(shard + 1, ""), limit)
            .await;
        records
            .into_iter()
            .map(|(key, record)| StreamRecord {
                sequence_number: key
                    .split_once('/')
                    .map(|(_, number)| number.to_owned())
                    .unwrap_or(key),
                partition_key: record.partition_key,
                data: record.data,
                arrival: record.approximate_arrival_timestamp,
            })
            .collect()
    }

    /// Removes records that will not be read again, so that memory stays bounded in a long run.
    pub(crate) async fn forget(&self, shard: u32, sequence_numbers: &[String]) {
        let keys: Vec<_> = sequence_numbers
            .iter()
            .map(|number| key(shard, number))
            .collect();
        self.store.delete_record_keys(&self.stream, &keys).await;
    }
}

/// ferrokinesis' key of a record: the shard's index as eight hex digits, a slash, and the sequence
/// number.
fn key(shard: u32, sequence_number: &str) -> String {
    format!("{shard:08x}/{sequence_number}")
}

/// The id of a shard as Kinesis writes it.
pub(crate) fn shard_id(shard: u32) -> String {
    format!("shardId-{shard:012}")
}

/// Sequence numbers begin with the second in which the stream was made. The numbers of a stream
/// that is made again must be higher than those of the records that are left.
async fn after_the_second_of(earlier: Timestamp) {
    while Timestamp::now().as_second() <= earlier.as_second() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Handles a request, and answers when its records are kept.
async fn announce(State(kinesis): State<Kinesis>, request: Request, next: Next) -> Response {
    if let Some(refusal) = refusal(&request) {
        return refusal;
    }
    let (head, body) = request.into_parts();
    // read before the lock is taken, because a slow client must not block the readers
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let puts = is_put(&head.headers);
    // while the disk is full, nothing is put on the stream that could not be kept
    if puts && kinesis.keep().await.is_err() {
        return unavailable();
    }
    let answer = {
        // dropped last, because a client that goes away halfway may still have stored a record
        let _announcement = Announcement(&kinesis.requests.finished);
        let _in_progress = kinesis.requests.in_progress.read().await;
        next.run(Request::from_parts(head, Body::from(body))).await
    };
    match puts && kinesis.keep().await.is_err() {
        true => unavailable(),
        false => answer,
    }
}

/// Whether the request may add records.
fn is_put(headers: &HeaderMap) -> bool {
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    target.is_some_and(|target| {
        target
            .windows(4)
            .any(|part| part.eq_ignore_ascii_case(b".put"))
    })
}

/// Kinesis' answer when it cannot store a record. AWS' clients try again.
fn unavailable() -> Response {
    let body = serde_json::json!({
        "__type": "ServiceUnavailable",
        "message": "the record cannot be written to disk",
    });
    let headers = [("content-type", "application/x-amz-json-1.1")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body.to_string()).into_response()
}

struct Announcement<'a>(&'a watch::Sender<u64>);

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|requests| *requests += 1);
    }
}

/// The lab only reads the shards with which its stream was created.
fn refusal(request: &Request) -> Option<Response> {
    let target = request.headers().get("x-amz-target")?.to_str().ok()?;
    let (_, operation) = target.rsplit_once('.')?;
    if !RESHARDING.contains(&operation) {
        return None;
    }
    let body = serde_json::json!({
        "__type": "InvalidArgumentException",
        "message": format!("the lab follows the shards its stream was made with; {operation} is not available here"),
    });
    let headers = [("content-type", "application/x-amz-json-1.1")];
    Some((StatusCode::BAD_REQUEST, headers, body.to_string()).into_response())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[tokio::test]
    async fn a_full_stream_refuses_records_until_some_were_handled() {
        const MAX_BYTES: u64 = 64 * 1024;
        let made = Kinesis::new("full", 1, MAX_BYTES, None, Disk::new()).await;
        let (kinesis, _) = made.expect("a stream");
        let data = STANDARD.encode([b'x'; 1000]);
        let put = async |number: u64| {
            let request = serde_json::json!({
                "StreamName": "full", "PartitionKey": number.to_string(), "Data": data,
            });
            let answer = dispatch(&kinesis.store, Operation::PutRecord, request).await;
            answer.map_err(|error| error.body.error_type).map(|_| ())
        };
        let keys = async || {
            let records = kinesis.read(0, None, usize::MAX).await;
            let numbers = records.iter().map(|record| record.partition_key.parse());
            numbers.collect::<Result<Vec<u64>, _>>().expect("numbers")
        };
        // the stream is made in the background
        while put(0).await.is_err() {
            tokio::task::yield_now().await;
        }
        let mut accepted = 1;
        let refusal = loop {
            match put(accepted).await {
                Ok(()) => accepted += 1,
                Err(refusal) => break refusal,
            }
        };
        // what the functions take for "try again later"
        assert_eq!(refusal, "LimitExceededException");
        assert!((30..64).contains(&accepted), "{accepted}");
        assert_eq!(keys().await, Vec::from_iter(0..accepted));
        let first = kinesis.read(0, None, 3).await;
        let first: Vec<_> = first
            .into_iter()
            .map(|record| record.sequence_number)
            .collect();
        kinesis.forget(0, &first).await;
        put(accepted).await.expect("room");
        assert_eq!(keys().await, Vec::from_iter(3..=accepted));
    }
}
