//! Further figures from the ends of hand-offs: deliveries, sizes, and end-to-end times.

use std::hash::BuildHasher as _;
use std::time::Duration;

use foldhash::HashMap;
use foldhash::quality::RandomState;

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
        let hasher = RandomState::default();
        let by_server_span = self.requests_by_server_span(&hasher);
        self.records.iter().filter_map(move |record| {
            let request = record.request.or_else(|| {
                let sender = record.sender.as_ref()?;
                let server = SpanReference {
                    trace_id: sender.reference?.trace_id,
                    span_id: sender.parent?,
                };
                let hash = hasher.hash_one(server);
                by_server_span.get(&hash).copied()
            })?;
            let start = self.requests[request as usize].start()?;
            let ends = record.receivers.kept();
            let end = ends.filter_map(|delivery| delivery.receiver.end).min()?;
            Some((start, end.since(start)?))
        })
    }

    /// Each request by the hash of its server span's ids.
    fn requests_by_server_span(&self, hasher: &RandomState) -> HashMap<u64, u32> {
        let mut by_server_span = HashMap::default();
        if self.records.iter().all(|record| record.request.is_some()) {
            return by_server_span;
        }
        for (index, request) in (0..).zip(&self.requests) {
            for delivery in request.servers.kept() {
                if let Some(reference) = delivery.receiver.reference {
                    let hash = hasher.hash_one(reference);
                    by_server_span.insert(hash, index);
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
                let servers = self.servers.kept();
                servers.filter_map(|delivery| delivery.receiver.start).min()
            }
        }
    }
}
