//! The event source mapping: reads every shard in order and invokes the consumer with batches.
//!
//! It behaves as AWS documents for Kinesis
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html>): a batch has
//! records of one shard, a batch window collects records, a failing batch is retried and holds up
//! its shard, a batch may be split on an error, an answer may report partial success, attempts have
//! a maximum, and undeliverable records go to a destination.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::disk::Disk;
use crate::event_source::batch::{BatchOutcome, event, outcome};
use crate::event_source::undeliverable::{Condition, Undeliverable, lines};
use crate::function::Function;
use crate::kinesis::{Kinesis, StreamRecord};
use crate::page::{DeliveredRecord, Page};

mod batch;
pub(crate) mod undeliverable;

/// The pause before the first retry; it doubles up to [`MAX_RETRY_PAUSE`].
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(20);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The pause before a record that could not be set aside is written again.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// The most delivered records per shard that stay readable for other readers of the stream.
const MAX_KEPT_RECORDS: usize = 1000;
/// The most bytes of them, in base64.
const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

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
    /// For each shard, how many requests to Kinesis it has caught up to: their records are delivered or given up.
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
    /// Reads all shards of the stream from their beginning. `page` hears of every delivered record.
    pub(crate) fn start(
        kinesis: &Kinesis,
        consumer: &Function,
        options: &EventSourceOptions,
        undeliverable: PathBuf,
        disk: Disk,
        page: Option<&Arc<dyn Page>>,
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
                page: page.cloned(),
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

    /// Delivers the records on the stream and ends. It goes on while records are delivered, and
    /// ends when none was for `patience`, or when `hurry` ends. Records that are left then are
    /// counted and kept as undeliverable.
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

    /// A record that was set aside must not come back when the lab is resumed.
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

/// Waits until all tasks have ended. Gives whether none of them panicked.
async fn all_well(tasks: &mut JoinSet<()>) -> bool {
    let mut all_well = true;
    while let Some(ended) = tasks.join_next().await {
        all_well &= ended.is_ok();
    }
    all_well
}

/// How the stream was when the lab ended.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// Records that the consumer had not handled.
    pub(crate) left: u64,
    /// Those of them that stay in the file of the stream.
    pub(crate) waiting: u64,
    /// Those of them that could not be written to a file, as lines of JSON.
    pub(crate) unkept: Vec<u8>,
}

/// Reads one shard.
struct ShardReader {
    shard: u32,
    kinesis: Kinesis,
    consumer: Function,
    options: EventSourceOptions,
    undeliverable: Arc<Undeliverable>,
    deliveries: Arc<Deliveries>,
    page: Option<Arc<dyn Page>>,
    draining: watch::Receiver<bool>,
    /// The sequence number of the last record read.
    position: Option<String>,
    /// Handled records that Kinesis still holds: sequence numbers and sizes.
    handled: VecDeque<(String, usize)>,
    handled_bytes: usize,
}

/// Records that are sent in one batch.
struct Attempt {
    records: Vec<StreamRecord>,
    /// How often the batch has failed.
    failures: u32,
}

impl ShardReader {
    async fn run(mut self) {
        let mut requests = self.kinesis.subscribe();
        loop {
            let number = *requests.borrow_and_update();
            let draining = *self.draining.borrow();
            let batch = self.gather(&mut requests).await;
            if !batch.is_empty() {
                let next_read = Instant::now() + self.options.polling_interval;
                let was_all = batch.len() < self.options.batch_size;
                self.deliver(batch).await;
                if was_all {
                    self.deliveries.caught_up_to[self.shard as usize].send_replace(number);
                }
                tokio::select! {
                    () = tokio::time::sleep_until(next_read) => {}
                    _ = self.draining.wait_for(|draining| *draining) => {}
                }
            } else if draining {
                return;
            } else {
                self.deliveries.caught_up_to[self.shard as usize].send_replace(number);
                tokio::select! {
                    _ = requests.changed() => {}
                    _ = self.draining.changed() => {}
                }
            }
        }
    }

    /// The next batch: the records on the shard, and those that arrive within the batch window
    /// while there is room.
    async fn gather(&mut self, requests: &mut watch::Receiver<u64>) -> Vec<StreamRecord> {
        let mut batch = Vec::new();
        let window = self.options.maximum_batching_window;
        let mut window_end = None;
        loop {
            let room = self.options.batch_size - batch.len();
            let records = self
                .kinesis
                .read(self.shard, self.position.as_deref(), room)
                .await;
            if let Some(last) = records.last() {
                self.position = Some(last.sequence_number.clone());
            }
            batch.extend(records);
            let full = batch.len() >= self.options.batch_size;
            if batch.is_empty() || full || window.is_zero() || *self.draining.borrow() {
                return batch;
            }
            let window_end = *window_end.get_or_insert_with(|| Instant::now() + window);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(window_end) => return batch,
                _ = requests.changed() => {}
                _ = self.draining.changed() => {}
            }
        }
    }

    /// Invokes the consumer until every record of the batch is handled or given up, in order.
    async fn deliver(&mut self, batch: Vec<StreamRecord>) {
        let mut pause = FIRST_RETRY_PAUSE;
        let mut attempts: VecDeque<Attempt> = batch::split_by_size(batch)
            .into_iter()
            .map(|records| Attempt {
                records,
                failures: 0,
            })
            .collect();
        while let Some(mut attempt) = attempts.pop_front() {
            let failed_from = match self.invoke(&attempt.records).await {
                BatchOutcome::Done => {
                    pause = FIRST_RETRY_PAUSE;
                    self.delivered(attempt.records).await;
                    continue;
                }
                BatchOutcome::NotReached => {
                    attempts.push_front(attempt);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_RETRY_PAUSE);
                    continue;
                }
                BatchOutcome::FailedFrom(index) => index,
                BatchOutcome::Failed => 0,
            };
            let failed = attempt.records.split_off(failed_from);
            if failed_from > 0 {
                attempt.failures = 0;
            }
            self.delivered(attempt.records).await;
            if self.options.bisect_batch_on_function_error && failed.len() > 1 && failed_from == 0 {
                // splitting is not a retry, so it does not count towards the maximum
                let mut first = failed;
                let second = first.split_off(first.len().div_ceil(2));
                let failures = attempt.failures;
                attempts.push_front(Attempt {
                    records: second,
                    failures,
                });
                attempts.push_front(Attempt {
                    records: first,
                    failures,
                });
                continue;
            }
            let failures = attempt.failures + 1;
            if failures > self.options.maximum_retry_attempts {
                self.give_up(failed, failures).await;
                continue;
            }
            attempts.push_front(Attempt {
                records: failed,
                failures,
            });
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_RETRY_PAUSE);
        }
    }

    async fn invoke(&self, records: &[StreamRecord]) -> BatchOutcome {
        let event = event(self.kinesis.stream(), self.shard, records);
        match self.consumer.invoke(Bytes::from(event)).await {
            Ok(answer) => outcome(&answer, records),
            Err(error) if error.is_before_function() => BatchOutcome::NotReached,
            Err(_) => BatchOutcome::Failed,
        }
    }

    async fn delivered(&mut self, records: Vec<StreamRecord>) {
        if records.is_empty() {
            return;
        }
        self.deliveries
            .delivered
            .send_modify(|delivered| *delivered += records.len() as u64);
        if let Some(page) = &self.page {
            for record in &records {
                page.delivered(DeliveredRecord {
                    sequence_number: &record.sequence_number,
                    data: &record.data,
                });
            }
        }
        self.handled(records).await;
    }

    /// Sets records aside. While the disk is full, the shard waits, because nothing else keeps
    /// them.
    async fn give_up(&mut self, records: Vec<StreamRecord>, attempts: u32) {
        let place = (self.kinesis.stream(), self.shard);
        let lines = lines(place, &records, Condition::RetryAttemptsExhausted, attempts);
        while self.undeliverable.keep(&lines).is_err() {
            tokio::time::sleep(DISK_PAUSE).await;
        }
        self.deliveries
            .undeliverable
            .fetch_add(records.len() as u64, Ordering::Relaxed);
        self.handled(records).await;
    }

    async fn handled(&mut self, records: Vec<StreamRecord>) {
        if let Some(last) = records.last() {
            let to = &last.sequence_number;
            self.deliveries.set_handled_to(self.shard, to);
            let counts = (self.deliveries.delivered(), self.deliveries.undeliverable());
            self.kinesis.handled(self.shard, to, counts).await;
        }
        for record in records {
            self.handled_bytes += record.data.len();
            self.handled
                .push_back((record.sequence_number, record.data.len()));
        }
        // removed in groups, so that the cost per record is small
        if self.handled.len() < 2 * MAX_KEPT_RECORDS && self.handled_bytes < 2 * MAX_KEPT_BYTES {
            return;
        }
        let mut forgotten = Vec::new();
        while self.handled.len() > MAX_KEPT_RECORDS || self.handled_bytes > MAX_KEPT_BYTES {
            let Some((sequence_number, size)) = self.handled.pop_front() else {
                break;
            };
            self.handled_bytes -= size;
            forgotten.push(sequence_number);
        }
        self.kinesis.forget(self.shard, &forgotten).await;
    }
}
