//! The settings of a lab.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use baton_propagators::Mode;
use baton_traces::run::RunDirectory;

use crate::event_source::EventSourceOptions;
use crate::function::environment;

/// The loopback ports of the lab's servers; 0 lets the system choose a free one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// The HTTP endpoint of the producer.
    pub endpoint: u16,
    /// The page with the lab's state and the switch for its modes.
    pub page: u16,
    /// The Kinesis API.
    pub kinesis: u16,
    /// The OTLP/HTTP collector.
    pub otlp: u16,
    /// The collector's Zipkin API.
    pub zipkin: u16,
}

/// One of the two functions: its program and its variables.
#[derive(Clone, Debug)]
pub struct FunctionOptions {
    /// Program and arguments of a process that speaks the Lambda Runtime API.
    pub command: Vec<OsString>,
    /// Further variables. A variable here takes precedence over the lab's.
    pub environment: BTreeMap<String, String>,
}

impl FunctionOptions {
    /// The same function in this mode, for both directions.
    pub fn with_mode(mut self, mode: &Mode) -> Self {
        environment::set_mode(&mut self.environment, mode);
        self
    }
}

/// Where accepted records wait for the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// In memory. If the lab is killed, they are gone.
    Memory,
    /// Also in a file of the lab's directory, before their senders get an answer.
    Disk,
    /// In that file, which an earlier lab left in the directory. The new lab continues from there.
    Resumed,
}

/// A lab's settings.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// The stream that is created and read.
    pub stream: String,
    /// How many shards it has; order is kept within each.
    pub shards: u32,
    /// The most processes per function. They start when needed.
    pub instances: usize,
    /// The ports of the lab's servers.
    pub ports: Ports,
    /// The producer.
    pub producer: FunctionOptions,
    /// The consumer.
    pub consumer: FunctionOptions,
    /// Whether instances are frozen between invocations, as on Lambda.
    pub freeze: bool,
    /// How batches are made and retried.
    pub event_source: EventSourceOptions,
    /// How long one invocation may take.
    pub invocation_timeout: Duration,
    /// How long stopping waits for the next record to be delivered.
    pub drain_timeout: Duration,
    /// Where accepted records wait for the consumer.
    pub stream_state: StreamState,
    /// The directory for spans, logs and undeliverable records.
    pub directory: RunDirectory,
}

impl LabOptions {
    /// Two shards, four instances per function, ports chosen by the system, and AWS' defaults for
    /// the rest.
    pub fn new(
        producer: FunctionOptions,
        consumer: FunctionOptions,
        directory: RunDirectory,
    ) -> Self {
        LabOptions {
            stream: "baton".to_owned(),
            shards: 2,
            instances: 4,
            ports: Ports::default(),
            producer,
            consumer,
            freeze: false,
            event_source: EventSourceOptions::default(),
            invocation_timeout: Duration::from_secs(29),
            drain_timeout: Duration::from_secs(30),
            stream_state: StreamState::Memory,
            directory,
        }
    }
}
