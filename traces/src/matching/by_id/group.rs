//! Requests and records: what the ends with one id show together.

use std::collections::BTreeSet;

use super::deliveries::{Deliveries, Delivery};
use super::end::End;
use super::shards::{Ends, Shard};
use crate::hand_off::{Receiver, ReceiverLink, Sender};
use crate::matching::names::Name;
use crate::span::{Key, UnixTime};

/// An API request: its client end and its producer end.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The hash of its id.
    pub(super) id: u64,
    /// The number of the id's text.
    pub(super) text: u32,
    pub(super) client: Option<Client>,
    pub(super) servers: Deliveries,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) sender: Sender,
    pub(super) succeeded: bool,
}

/// A Kinesis record: its producer end and its consumer end.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The hash of its sequence number.
    pub(super) id: u64,
    /// The number of the sequence number's text.
    pub(super) text: u32,
    /// The stream and the shard; empty if unknown.
    pub(super) place: (Name, Name),
    pub(super) sender: Option<Sender>,
    pub(super) carrier_bytes: Option<u64>,
    pub(super) receivers: Deliveries,
    /// The attributes that the receivers lack, although their message id names their sender.
    pub(super) lacking: BTreeSet<&'static str>,
}

impl Request {
    /// When the client started, or else the producer.
    pub(super) fn start(&self) -> Option<UnixTime> {
        match &self.client {
            Some(client) => client.sender.start,
            None => {
                let servers = self.servers.kept();
                servers.filter_map(|delivery| delivery.receiver.start).min()
            }
        }
    }
}

impl Ends {
    /// The requests of a shard. The ends must be sorted.
    pub(super) fn requests<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = Request> + 'a {
        let groups = shard.requests.chunk_by(|one, other| one.id == other.id);
        groups.map(|ends| self.request(ends))
    }

    /// The records of a shard. The ends must be sorted.
    pub(super) fn records<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = Record> + 'a {
        let groups = shard.records.chunk_by(|one, other| one.id == other.id);
        groups.flat_map(|ends| {
            let place = self.place_of(&ends[0]);
            let (first, others) = match ends.iter().all(|end| self.place_of(end) == place) {
                true => (Some(self.record(ends)), Vec::new()),
                false => (None, self.records_of_places(ends)),
            };
            first.into_iter().chain(others)
        })
    }

    fn request(&self, ends: &[End]) -> Request {
        let mut request = Request {
            id: ends[0].id,
            text: ends[0].text,
            ..Request::default()
        };
        for end in ends {
            if end.receives {
                request.servers.add(self.delivery(end));
                continue;
            }
            let sender = self.sender(end);
            let is_better = |known: &Client| knows(&sender) > knows(&known.sender);
            if request.client.as_ref().is_none_or(is_better) {
                request.client = Some(Client {
                    succeeded: self.facts(end).succeeded,
                    sender,
                });
            }
        }
        request
    }

    /// The stream and the shard that an end of a record names.
    fn place_of(&self, end: &End) -> (Name, Name) {
        let facts = self.facts(end);
        (facts.stream, facts.shard)
    }

    /// The record with these ends, which name the same stream and shard.
    fn record<'e>(&self, ends: impl IntoIterator<Item = &'e End>) -> Record {
        let mut record = Record::default();
        for end in ends {
            let facts = self.facts(end);
            (record.id, record.place) = (end.id, (facts.stream, facts.shard));
            if record.text == 0 {
                record.text = end.text;
            }
            if end.receives {
                record.receivers.add(self.delivery(end));
                continue;
            }
            let carrier_bytes = facts.carrier_bytes;
            record.carrier_bytes = match facts.recorded {
                true => carrier_bytes.or(record.carrier_bytes),
                false => record.carrier_bytes.or(carrier_bytes),
            };
            let sender = self.sender(end);
            let is_better = |known: &Sender| knows(&sender) > knows(known);
            if record.sender.as_ref().is_none_or(is_better) {
                record.sender = Some(sender);
            }
        }
        record
    }

    /// The records with one sequence number in several streams or shards. Deliveries that lack the
    /// stream or the shard belong to the one record that was sent with this number.
    fn records_of_places(&self, ends: &[End]) -> Vec<Record> {
        let places: BTreeSet<(Name, Name)> = ends.iter().map(|end| self.place_of(end)).collect();
        let of_place = |place| ends.iter().filter(move |end| self.place_of(end) == place);
        let records = places.into_iter().map(|place| self.record(of_place(place)));
        let is_incomplete = |record: &Record| {
            let lacks = record.place.0.is_empty() || record.place.1.is_empty();
            lacks && record.sender.is_none()
        };
        let (incomplete, mut records): (Vec<Record>, Vec<Record>) =
            records.partition(is_incomplete);
        let mut left = Vec::new();
        for one in incomplete {
            let fits =
                |record: &&mut Record| record.sender.is_some() && agree(one.place, record.place);
            let mut fitting = records.iter_mut().filter(fits);
            match (fitting.next(), fitting.next()) {
                (Some(sent), None) => sent.take_deliveries_of(one),
                _ => left.push(one),
            }
        }
        records.append(&mut left);
        records
    }

    fn sender(&self, end: &End) -> Sender {
        let facts = self.facts(end);
        let is_local = |service| self.has_without_flags(service, end.parent);
        let is_remote = facts.service.map(|service| !is_local(service));
        Sender {
            reference: end.reference(),
            parent: end.parent(),
            parent_is_remote: end.parent_is_remote.or(is_remote),
            around: self.above(end),
            recorded: facts.recorded,
            sampled: end.sampled,
            start: end.start(),
            end: end.end(),
            luggage: facts.luggage(&self.names),
            format: facts.format,
        }
    }

    fn delivery(&self, end: &End) -> Delivery {
        let facts = self.facts(end);
        let links = self.links(end).iter();
        let receiver = Receiver {
            reference: end.reference(),
            parent: end.parent(),
            parent_is_remote: end.parent_is_remote,
            recorded: facts.recorded,
            sampled: end.sampled,
            carrier: end.carrier,
            start: end.start(),
            end: end.end(),
            links: links
                .map(|(to, trace_state)| ReceiverLink {
                    to: *to,
                    trace_state: Box::from(self.names.text(*trace_state)),
                })
                .collect(),
            luggage: facts.luggage(&self.names),
            format: facts.format,
        };
        Delivery {
            receiver,
            service: facts.service,
        }
    }
}

impl Record {
    /// Takes the deliveries of a record whose key lacks the stream or the shard.
    fn take_deliveries_of(&mut self, incomplete: Record) {
        for (own, senders, name) in [
            (incomplete.place.0, self.place.0, Key::Destination),
            (incomplete.place.1, self.place.1, Key::Partition),
        ] {
            if own.is_empty() && !senders.is_empty() {
                self.lacking.insert(name.name());
            }
        }
        self.receivers.add_all(incomplete.receivers);
    }
}

/// How much is known about a sender. A span has more information than a log line, and an OTLP span
/// has the most.
fn knows(sender: &Sender) -> impl Ord + use<> {
    (sender.recorded, sender.format.is_none())
}

/// Whether two keys name the same stream and shard, as far as both name them.
fn agree(one: (Name, Name), other: (Name, Name)) -> bool {
    let alike = |one: Name, other: Name| one.is_empty() || other.is_empty() || one == other;
    alike(one.0, other.0) && alike(one.1, other.1)
}
