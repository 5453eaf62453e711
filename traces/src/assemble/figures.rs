//! Further figures from the ends of hand-offs: deliveries, sizes, and end-to-end times.

use std::collections::HashMap;
use std::time::Duration;

use super::unseen::Unseen;
use super::{Assembly, Request};
use crate::span::{SpanReference, UnixTime};

/// The counts of a run's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Records that Kinesis accepted.
    pub sent: u64,
    /// How many of them were delivered at least once.
    pub delivered: u64,
    /// Deliveries beyond the first.
    pub duplicates: u64,
    /// How many were never delivered.
    pub lost: u64,
    /// Delivered records whose sender left neither a span nor a log line.
    pub without_sender: u64,
}

impl Assembly {
    /// The counts of the records.
    pub fn record_counts(&self) -> RecordCounts {
        let mut counts = RecordCounts::default();
        for record in &self.records {
            let deliveries = record.receivers.count();
            if let Some(sender) = &record.sender {
                counts.sent += 1;
                match self.unseen(record, sender) {
                    _ if deliveries > 0 && !record.is_undelivered => counts.delivered += 1,
                    Unseen::Delivered => counts.delivered += 1,
                    Unseen::Lost => counts.lost += 1,
                    Unseen::Unknown => {}
                }
                counts.duplicates += deliveries.saturating_sub(1);
            } else if deliveries > 0 {
                counts.without_sender += 1;
            }
        }
        counts
    }

    /// For every record that was sent: the size in bytes of the JSON object that carries its
    /// context, 0 without one.
    pub fn carrier_bytes(&self) -> impl Iterator<Item = u64> {
        let sent = self.records.iter().filter(|record| record.sender.is_some());
        sent.map(|record| record.carrier_bytes.unwrap_or(0))
    }

    /// The time of every record from the client's start to the end of the record's first handling,
    /// together with that start. If there is no client span, it counts from the producer's start.
    /// Records without both times are left out.
    pub fn end_to_end(&self) -> impl Iterator<Item = (UnixTime, Duration)> {
        let by_server_span = self.requests_by_server_span();
        self.records.iter().filter_map(move |record| {
            let request = record.request.or_else(|| {
                let sender = record.sender.as_ref()?;
                let server = SpanReference {
                    trace_id: sender.reference?.trace_id,
                    span_id: sender.parent?,
                };
                by_server_span.get(&server).copied()
            })?;
            let start = self.requests[request].start()?;
            let ends = record.receivers.kept.iter();
            let end = ends.filter_map(|delivery| delivery.receiver.end).min()?;
            Some((start, end.since(start)?))
        })
    }

    fn requests_by_server_span(&self) -> HashMap<SpanReference, usize> {
        let mut by_server_span = HashMap::new();
        if self.records.iter().all(|record| record.request.is_some()) {
            return by_server_span;
        }
        for (index, request) in self.requests.iter().enumerate() {
            for delivery in &request.servers.kept {
                if let Some(reference) = delivery.receiver.reference {
                    by_server_span.insert(reference, index);
                }
            }
        }
        by_server_span
    }
}

impl Request {
    fn start(&self) -> Option<UnixTime> {
        match &self.client {
            Some(client) => client.sender.start,
            None => {
                let servers = self.servers.kept.iter();
                servers.filter_map(|delivery| delivery.receiver.start).min()
            }
        }
    }
}
