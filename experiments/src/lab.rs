//! The lab of an experiment.

use std::time::Duration;

use baton_lab::{EventSourceOptions, FunctionOptions, LabOptions};
use baton_traces::run::RunDirectory;

/// The time for the delivery itself, in addition to the invocations that fail before it.
const DRAIN_RESERVE: Duration = Duration::from_secs(5);

/// The settings of a lab that a user can choose.
#[derive(Clone, Copy, Debug)]
pub struct LabSettings {
    /// The most processes for each function.
    pub instances: u16,
    /// The shards of the stream.
    pub shards: u16,
    /// Whether processes are frozen between invocations, as on Lambda.
    pub freeze: bool,
    /// The most records in a batch for the consumer.
    pub batch_size: u16,
    /// How long records are collected for a batch.
    pub batch_window: Duration,
    /// How often a batch that fails is tried again.
    pub retries: u32,
    /// Whether a batch that fails is split in two.
    pub bisect: bool,
    /// How long an invocation may take.
    pub timeout: Duration,
}

impl LabSettings {
    /// How long the end of the lab waits for the next delivery. If a record makes every invocation
    /// hang, nothing is delivered until its batch has been split down to it, and its retries are
    /// used up.
    fn drain_timeout(&self) -> Duration {
        let splits = match self.bisect {
            true => u32::from(self.batch_size).next_power_of_two().ilog2(),
            false => 0,
        };
        let invocations = self.retries.saturating_add(splits + 1);
        self.timeout
            .saturating_mul(invocations)
            .saturating_add(DRAIN_RESERVE)
    }

    /// A lab with these settings that writes into `directory`.
    pub fn options(
        &self,
        producer: FunctionOptions,
        consumer: FunctionOptions,
        directory: RunDirectory,
    ) -> LabOptions {
        LabOptions {
            instances: usize::from(self.instances),
            shards: u32::from(self.shards),
            freeze: self.freeze,
            invocation_timeout: self.timeout,
            drain_timeout: self.drain_timeout(),
            event_source: EventSourceOptions {
                batch_size: usize::from(self.batch_size),
                maximum_batching_window: self.batch_window,
                maximum_retry_attempts: self.retries,
                bisect_batch_on_function_error: self.bisect,
                ..EventSourceOptions::default()
            },
            ..LabOptions::new(producer, consumer, directory)
        }
    }
}
