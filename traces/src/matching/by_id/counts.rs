//! Figures from the ends of hand-offs: requests, deliveries, sizes, and end-to-end times.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Assembly;
use super::group::Record;
use super::shards::Shard;
use super::without_receiver::Unseen;
use crate::hand_off::Hop;
use crate::matching::sort::sort;
use crate::percentiles::{Durations, SumOfSizes};
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

/// The requests in the clients' spans. A span that was exported twice is one request.
#[derive(Clone, Debug, Default)]
pub struct ClientCounts {
    /// How many were sent.
    pub sent: u64,
    /// How many succeeded.
    pub ok: u64,
    /// How many of the successful ones have no request id, so that baton cannot find their
    /// receiver.
    pub ok_without_request_id: u64,
    /// The durations of the successful ones.
    pub durations: Durations,
    first_start: Option<UnixTime>,
    last_end: Option<UnixTime>,
}

impl ClientCounts {
    /// The duration of the burst, from the start of the first request to the end of the last.
    pub fn burst(&self) -> Option<Duration> {
        self.last_end?.since(self.first_start?)
    }

    fn add(&mut self, succeeded: bool, start: Option<UnixTime>, end: Option<UnixTime>) {
        self.sent += 1;
        if succeeded {
            self.ok += 1;
            let duration = end.zip(start).and_then(|(end, start)| end.since(start));
            if let Some(duration) = duration {
                self.durations.add(duration);
            }
        }
        self.first_start = self.first_start.into_iter().chain(start).min();
        self.last_end = self.last_end.max(end);
    }

    fn merge(&mut self, other: ClientCounts) {
        self.sent += other.sent;
        self.ok += other.ok;
        self.ok_without_request_id += other.ok_without_request_id;
        self.durations.merge(&other.durations);
        let starts = self.first_start.into_iter();
        self.first_start = starts.chain(other.first_start).min();
        self.last_end = self.last_end.max(other.last_end);
    }
}

/// How many requests and records have which ends. Indexed by hop.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    senders: [u64; 2],
    receivers: [u64; 2],
    matched: [u64; 2],
    /// See [`Assembly::lacking`].
    pub(super) lacking: BTreeSet<&'static str>,
}

impl Totals {
    pub(super) fn of(assembly: &Assembly) -> Totals {
        let ends = &assembly.ends;
        let count = |shard: &Shard, totals: &mut Totals| {
            for request in ends.requests(shard) {
                let has_receiver = request.servers.count() > 0;
                totals.add(Hop::Ingress, request.client.is_some(), has_receiver);
            }
            for mut record in ends.records(shard) {
                let has_receiver = record.receivers.count() > 0;
                totals.add(Hop::Record, record.sender.is_some(), has_receiver);
                totals.lacking.append(&mut record.lacking);
            }
        };
        ends.fold(count, |all, mut some| {
            for hop in Hop::BOTH.map(|hop| hop as usize) {
                all.senders[hop] += some.senders[hop];
                all.receivers[hop] += some.receivers[hop];
                all.matched[hop] += some.matched[hop];
            }
            all.lacking.append(&mut some.lacking);
        })
    }

    fn add(&mut self, hop: Hop, has_sender: bool, has_receiver: bool) {
        self.senders[hop as usize] += u64::from(has_sender);
        self.receivers[hop as usize] += u64::from(has_receiver);
        self.matched[hop as usize] += u64::from(has_sender && has_receiver);
    }
}

/// What the ends of all requests and records add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) clients: ClientCounts,
    pub(super) records: RecordCounts,
    pub(super) carrier_bytes: SumOfSizes,
    /// Whether any record says how many bytes its context has.
    pub(super) has_carrier_bytes: bool,
    /// Hand-offs without a receiver in the source. Indexed by hop.
    pub(super) alone: [u64; 2],
    /// Records that were delivered although nothing shows it.
    pub(super) delivered_unseen: u64,
}

impl Figures {
    /// The figures of an assembly whose extent is known.
    pub(super) fn of(assembly: &Assembly) -> Figures {
        let ends = &assembly.ends;
        let count = |shard: &Shard, figures: &mut Figures| {
            for request in ends.requests(shard) {
                let Some(client) = &request.client else {
                    continue;
                };
                let (start, end) = (client.sender.start, client.sender.end);
                figures.clients.add(client.succeeded, start, end);
                let is_alone = client.succeeded && request.servers.count() == 0;
                figures.alone[Hop::Ingress as usize] += u64::from(is_alone);
            }
            for client in &shard.without_id {
                let clients = &mut figures.clients;
                clients.add(client.succeeded, client.start, client.end);
                clients.ok_without_request_id += u64::from(client.succeeded);
            }
            for record in ends.records(shard) {
                figures.add_record(assembly, &record);
            }
        };
        ends.fold(count, Figures::merge)
    }

    fn add_record(&mut self, assembly: &Assembly, record: &Record) {
        let deliveries = record.receivers.count();
        let counts = &mut self.records;
        let Some(sender) = &record.sender else {
            counts.without_sender += u64::from(deliveries > 0);
            return;
        };
        let unseen = assembly.unseen(record, sender);
        counts.sent += 1;
        match unseen {
            _ if deliveries > 0 && !assembly.is_undelivered(record) => counts.delivered += 1,
            Unseen::Delivered => counts.delivered += 1,
            Unseen::Lost => counts.lost += 1,
            Unseen::Unknown => {}
        }
        counts.duplicates += deliveries.saturating_sub(1);
        if deliveries == 0 {
            self.alone[Hop::Record as usize] += 1;
            self.delivered_unseen += u64::from(unseen == Unseen::Delivered);
        }
        self.carrier_bytes.add(record.carrier_bytes.unwrap_or(0));
        self.has_carrier_bytes |= record.carrier_bytes.is_some();
    }

    fn merge(&mut self, other: Figures) {
        self.clients.merge(other.clients);
        let (records, others) = (&mut self.records, other.records);
        records.sent += others.sent;
        records.delivered += others.delivered;
        records.duplicates += others.duplicates;
        records.lost += others.lost;
        records.without_sender += others.without_sender;
        self.carrier_bytes.merge(other.carrier_bytes);
        self.has_carrier_bytes |= other.has_carrier_bytes;
        for hop in Hop::BOTH.map(|hop| hop as usize) {
            self.alone[hop] += other.alone[hop];
        }
        self.delivered_unseen += other.delivered_unseen;
    }
}

impl Assembly {
    /// Whether there is a sender of `hop` with an id.
    pub fn has_senders(&self, hop: Hop) -> bool {
        self.totals.senders[hop as usize] > 0
    }

    /// Whether there is a receiver of `hop` with an id.
    pub fn has_receivers(&self, hop: Hop) -> bool {
        self.totals.receivers[hop as usize] > 0
    }

    /// How many hand-offs of `hop` have both ends, matched by id.
    pub fn matched(&self, hop: Hop) -> u64 {
        self.totals.matched[hop as usize]
    }

    /// The clients' requests.
    pub fn clients(&self) -> &ClientCounts {
        &self.figures.clients
    }

    /// The counts of the records.
    pub fn record_counts(&self) -> RecordCounts {
        self.figures.records
    }

    /// The sizes in bytes of the JSON objects that carry the context of the records that were sent,
    /// 0 for a record without one.
    pub(crate) fn carrier_bytes(&self) -> SumOfSizes {
        self.figures.carrier_bytes
    }

    /// Whether any record says how many bytes its context has.
    pub(crate) fn has_carrier_bytes(&self) -> bool {
        self.figures.has_carrier_bytes
    }

    /// How many hand-offs of `hop` are not judged, because their receivers may be in the part that
    /// was cut off.
    pub(crate) fn out_of_sight(&self, hop: Hop) -> u64 {
        match self.out_of_sight.contains(&hop) {
            true => self.figures.alone[hop as usize],
            false => 0,
        }
    }

    /// The time of every record from the client's start to the end of the record's first handling,
    /// together with that start. If there is no client span, it counts from the producer's start.
    /// Records without both times are left out.
    pub fn end_to_end(&self) -> Vec<(UnixTime, Duration)> {
        let (mut starts, mut handled) = self.starts_and_ends();
        // the last request counts, if several have one server span
        sort(&mut starts, |one, other| one.cmp(other));
        sort(&mut handled, |one, other| one.cmp(other));
        let mut times = Vec::with_capacity(handled.len());
        let mut next = 0;
        for (request, end) in handled {
            while next < starts.len() && starts[next].0 < request {
                next += 1;
            }
            let known = starts.get(next).filter(|(id, _)| *id == request);
            let start = known.map(|(_, start)| *start);
            times.extend(start.and_then(|start| Some((start, end.since(start)?))));
        }
        times
    }

    /// The starts of all requests, each under the hash of its id and that of its server span, and
    /// the first ends of all records under the hash by which their request is known.
    fn starts_and_ends(&self) -> (Vec<Moment>, Vec<Moment>) {
        let ends = &self.ends;
        let of_server = |server: SpanReference| ends.hash(server);
        let collect = |shard: &Shard, (starts, handled): &mut (Vec<Moment>, Vec<Moment>)| {
            for request in ends.requests(shard) {
                let Some(start) = request.start() else {
                    continue;
                };
                if self.has_origins {
                    starts.push((request.id, start));
                }
                let servers = request.servers.kept();
                let servers = servers.filter_map(|delivery| delivery.receiver.reference);
                starts.extend(servers.map(|server| (of_server(server), start)));
            }
            for record in ends.records(shard) {
                let deliveries = record.receivers.kept();
                let end = deliveries
                    .filter_map(|delivery| delivery.receiver.end)
                    .min();
                let request = self.origin(shard, &record).or_else(|| {
                    let sender = record.sender.as_ref()?;
                    Some(of_server(SpanReference {
                        trace_id: sender.reference?.trace_id,
                        span_id: sender.parent?,
                    }))
                });
                handled.extend(request.zip(end));
            }
        };
        ends.fold(collect, |all, some| {
            all.0.extend(some.0);
            all.1.extend(some.1);
        })
    }

    /// The hash of the id of the request that led to `record`, if a log says so.
    fn origin(&self, shard: &Shard, record: &Record) -> Option<u64> {
        let place = |at: usize| (shard.origins[at].record, shard.origins[at].place);
        let wanted = (record.id, record.place);
        let first = shard
            .origins
            .partition_point(|origin| (origin.record, origin.place) < wanted);
        let is_there = first < shard.origins.len() && place(first) == wanted;
        is_there.then(|| shard.origins[first].request)
    }
}

/// A time under a hash.
type Moment = (u64, UnixTime);
