//! What a lab reports while it runs: every span, every delivered record and every switch.

use std::fmt::Debug;

use super::status::LabStatus;

/// Receives what happens in a lab.
///
/// The lab calls [`Watcher::spans`] and [`Watcher::delivered`] while it works, so they have to
/// return quickly.
pub trait Watcher: Debug + Send + Sync {
    /// Spans that the collector has received: one `ExportTraceServiceRequest` in OTLP/JSON.
    fn spans(&self, request: &[u8]);

    /// A record that the consumer has handled.
    fn delivered(&self, record: DeliveredRecord<'_>);

    /// The functions have new modes from now on.
    fn switched(&self, status: &LabStatus);
}

/// A record that the consumer has handled.
#[derive(Clone, Copy, Debug)]
pub struct DeliveredRecord<'a> {
    /// The sequence number that Kinesis gave it.
    pub sequence_number: &'a str,
    /// Its data, in base64.
    pub data: &'a str,
}
