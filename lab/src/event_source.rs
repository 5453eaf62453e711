//! The event source mapping: reads every shard in order and invokes the consumer with batches.
//!
//! It behaves as AWS documents for Kinesis
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html>): a batch has
//! records of one shard, a batch window collects records, a failing batch is retried while its
//! shard waits, a batch may be split on an error, an answer may report partial success, attempts
//! have a maximum, and undeliverable records go to a destination.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::event_source::shard_reader::ShardReader;
use crate::event_source::undeliverable::{Condition, Undeliverable, lines};
use crate::function::Function;
use crate::kinesis::{Kinesis, StreamRecord};
use crate::monitoring::{Disk, Watcher};

mod batch;
mod shard_reader;
pub(crate) mod undeliverable;

/// How batches are made and retried. The names are those of an AWS event source mapping.
#[derive(Clone, Debug)]
pub struct EventSourceOptions {
    /// The most records in a batch, 1 to 10,000.
    pub batch_size: usize,
    /// How long to gather records for a batch that is not full yet.
    pub maximum_batching_window: Duration,
    /// The shortest time between two reads of a shard that has records. AWS reads once a second. A
    /// shorter interval delivers records sooner and in smaller batches.
    pub polling_interval: Duration,
    /// How often a failing batch is tried again before baton gives up on its records.
    pub maximum_retry_attempts: u32,
    /// Whether a failing batch is split in two before it is tried again.
    pub bisect_batch_on_function_error: bool,
}

impl Default for EventSourceOptions {
    /// AWS' defaults for the batch. Shards are read more often than on AWS, and retries end after
    /// two, because a lab should not wait for a second or retry for a day.
    fn default() -> Self {
        EventSourceOptions {
            batch_size: 100,
            maximum_batching_window: Duration::ZERO,
            polling_interval: Duration::from_millis(20),
            maximum_retry_attempts: 2,
            bisect_batch_on_function_error: true,
        }
    }
}

/// The deliveries so far.
#[derive(Debug)]
pub(crate) struct Deliveries {
    delivered: watch::Sender<u64>,
    undeliverable: AtomicU64,
    /// For each shard, the sequence number of the last record that was delivered or given up.
    handled_to: Vec<Mutex<Option<String>>>,
    /// The number of requests to Kinesis.
    requests: watch::Receiver<u64>,
    /// For each shard, how many requests to Kinesis it has caught up to: their records are
    /// delivered or given up.
    caught_up_to: Vec<watch::Sender<u64>>,
}

impl Deliveries {
    /// Records that the consumer has handled.
    pub(crate) fn delivered(&self) -> u64 {
        *self.delivered.borrow()
    }

    /// Records that were given up, and after [`EventSource::drain`] also those that were left.
    pub(crate) fn undeliverable(&self) -> u64 {
        self.undeliverable.load(Ordering::Relaxed)
    }

    fn set_handled_to(&self, shard: u32, sequence_number: &str) {
        let place = &self.handled_to[shard as usize];
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(sequence_number.to_owned());
    }

    fn handled_to(&self, shard: u32) -> Option<String> {
        let place = &self.handled_to[shard as usize];
        place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until every record that is on the stream now is delivered or given up.
    pub(crate) async fn caught_up(&self) {
        let requests = *self.requests.borrow();
        for shard in &self.caught_up_to {
            let mut caught_up_to = shard.subscribe();
            // the sender is in `self`, so it is not dropped
            let _ = caught_up_to.wait_for(|number| *number >= requests).await;
        }
    }
}

/// A running event source mapping.
#[derive(Debug)]
pub(crate) struct EventSource {
    deliveries: Arc<Deliveries>,
    draining: watch::Sender<bool>,
    shards: JoinSet<()>,
    kinesis: Kinesis,
    undeliverable: Arc<Undeliverable>,
}

impl EventSource {
    /// Reads all shards of the stream from their beginning. `watcher` is told of every delivered
    /// record.
    pub(crate) fn start(
        kinesis: &Kinesis,
        consumer: &Function,
        options: &EventSourceOptions,
        undeliverable: PathBuf,
        disk: Disk,
        watcher: Option<&Arc<dyn Watcher>>,
    ) -> Self {
        let undeliverable = Arc::new(Undeliverable::new(undeliverable, disk));
        let earlier = kinesis.earlier();
        let deliveries = Arc::new(Deliveries {
            delivered: watch::Sender::new(earlier.delivered),
            undeliverable: AtomicU64::new(earlier.undelivered),
            handled_to: kinesis.shards().map(|_| Mutex::new(None)).collect(),
            requests: kinesis.subscribe(),
            caught_up_to: kinesis.shards().map(|_| watch::Sender::new(0)).collect(),
        });
        let draining = watch::Sender::new(false);
        let mut shards = JoinSet::new();
        for shard in kinesis.shards() {
            let reader = ShardReader {
                shard,
                kinesis: kinesis.clone(),
                consumer: consumer.clone(),
                options: options.clone(),
                undeliverable: Arc::clone(&undeliverable),
                deliveries: Arc::clone(&deliveries),
                watcher: watcher.cloned(),
                draining: draining.subscribe(),
                position: None,
                handled: VecDeque::new(),
                handled_bytes: 0,
            };
            shards.spawn(reader.run());
        }
        EventSource {
            deliveries,
            draining,
            shards,
            kinesis: kinesis.clone(),
            undeliverable,
        }
    }

    pub(crate) fn deliveries(&self) -> Arc<Deliveries> {
        Arc::clone(&self.deliveries)
    }

    /// Delivers the records on the stream and ends. It goes on while records are delivered. It ends
    /// when no record was delivered for `patience`, or when `hurry` completes. Records that are
    /// left then are counted and kept as undeliverable.
    pub(crate) async fn drain(
        mut self,
        patience: Duration,
        hurry: impl Future<Output = ()>,
    ) -> Drained {
        self.draining.send_replace(true);
        let mut progress = self.deliveries.delivered.subscribe();
        let stuck = async {
            while let Ok(Ok(())) = tokio::time::timeout(patience, progress.changed()).await {}
        };
        tokio::select! {
            // a reader that panicked leaves records, which are counted and kept below
            true = all_well(&mut self.shards) => return Drained::default(),
            () = stuck => {}
            () = hurry => {}
        }
        self.shards.shutdown().await;
        let mut drained = Drained::default();
        for shard in self.kinesis.shards() {
            let after = self.deliveries.handled_to(shard);
            let left = self.kinesis.read(shard, after.as_deref(), usize::MAX).await;
            drained.left += left.len() as u64;
            let place = (self.kinesis.stream(), shard);
            let lines = lines(place, &left, Condition::NotDeliveredInTime, 0);
            match self.undeliverable.keep(&lines) {
                Ok(()) => self.account(shard, &left).await,
                Err(_) if self.kinesis.is_durable() => drained.waiting += left.len() as u64,
                Err(_) => drained.unkept.extend(lines),
            }
            self.deliveries
                .undeliverable
                .fetch_add(left.len() as u64, Ordering::Relaxed);
        }
        drained
    }

    /// Notes that records were set aside, so that a resumed lab does not deliver them again.
    async fn account(&self, shard: u32, records: &[StreamRecord]) {
        if let Some(last) = records.last() {
            let undelivered = self.deliveries.undeliverable() + records.len() as u64;
            let counts = (self.deliveries.delivered(), undelivered);
            self.kinesis
                .handled(shard, &last.sequence_number, counts)
                .await;
        }
    }
}

/// Waits until all tasks have ended. Returns whether none of them panicked.
async fn all_well(tasks: &mut JoinSet<()>) -> bool {
    let mut all_well = true;
    while let Some(ended) = tasks.join_next().await {
        all_well &= ended.is_ok();
    }
    all_well
}

/// What was left on the stream when the lab ended.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// Records that the consumer had not handled.
    pub(crate) left: u64,
    /// Those of them that stay in the file of the stream.
    pub(crate) waiting: u64,
    /// Those of them that could not be written to a file, as lines of JSON.
    pub(crate) unkept: Vec<u8>,
}
