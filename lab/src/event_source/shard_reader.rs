//! Reads one shard, and invokes the consumer with its records in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::batch::{self, BatchOutcome, event, outcome};
use super::undeliverable::{Condition, Undeliverable, lines};
use super::{Deliveries, EventSourceOptions};
use crate::function::Function;
use crate::kinesis::{Kinesis, StreamRecord};
use crate::monitoring::{DeliveredRecord, Watcher};

/// The pause before the first retry; it doubles up to [`MAX_RETRY_PAUSE`].
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(20);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The pause before a record that could not be set aside is written again.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// The most delivered records per shard that stay readable for other readers of the stream.
const MAX_KEPT_RECORDS: usize = 1000;
/// The most bytes of them, in base64.
const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Reads one shard.
pub(super) struct ShardReader {
    pub(super) shard: u32,
    pub(super) kinesis: Kinesis,
    pub(super) consumer: Function,
    pub(super) options: EventSourceOptions,
    pub(super) undeliverable: Arc<Undeliverable>,
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) watcher: Option<Arc<dyn Watcher>>,
    pub(super) draining: watch::Receiver<bool>,
    /// The sequence number of the last record read.
    pub(super) position: Option<String>,
    /// Handled records that Kinesis still holds: sequence numbers and sizes.
    pub(super) handled: VecDeque<(String, usize)>,
    pub(super) handled_bytes: usize,
}

/// Records that are sent in one batch.
struct Attempt {
    records: Vec<StreamRecord>,
    /// How often the batch has failed.
    failures: u32,
}

impl ShardReader {
    /// Delivers the shard's records until it is drained.
    pub(super) async fn run(mut self) {
        let mut requests = self.kinesis.subscribe();
        loop {
            let number = *requests.borrow_and_update();
            let draining = *self.draining.borrow();
            let batch = self.gather(&mut requests).await;
            let (is_empty, is_all) = (batch.is_empty(), batch.len() < self.options.batch_size);
            let next_read = Instant::now() + self.options.polling_interval;
            if !is_empty {
                self.deliver(batch).await;
            }
            if is_all {
                self.deliveries.caught_up_to[self.shard as usize].send_replace(number);
            }
            if !is_empty {
                tokio::select! {
                    () = tokio::time::sleep_until(next_read) => {}
                    _ = self.draining.wait_for(|draining| *draining) => {}
                }
            } else if draining {
                return;
            } else {
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
        if let Some(watcher) = &self.watcher {
            for record in &records {
                watcher.delivered(DeliveredRecord {
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
