//! Finds the two ends of every hand-off among spans and log lines that come in any order.
//!
//! Only ends are kept, so memory grows with the number of hand-offs and not with the number of spans. What
//! belongs together is told by request id and message key alone; a trace context never decides it.

mod deliveries;
mod names;
mod structure;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use baton_propagators::id::SpanId;

use self::deliveries::{Deliveries, Delivery};
use self::names::{MessageKeys, Names};
pub use self::structure::Structure;
use self::structure::{Home, Receiving, Unmatched};
use crate::hand_off::{self, Flags, Hop, Luggage, MessageKey, Receiver, Role, Sender, Verdict};
use crate::readers::log::{Event, LogLine, LogSpan};
use crate::span::{Key, Span, SpanReference, UnixTime};

/// The two ends of every hand-off seen so far.
#[derive(Debug, Default)]
pub struct Assembly {
    requests: Vec<Request>,
    request_ids: Names,
    records: Vec<Record>,
    record_keys: MessageKeys,
    services: Names,
    /// The spans whose exporter does not say whether a parent is remote; for them it is found out.
    spans_without_flags: HashSet<(usize, SpanId)>,
    unmatched: Unmatched,
}

/// An API request: its client, and the producer's side of it.
#[derive(Debug, Default)]
struct Request {
    client: Option<Client>,
    servers: Deliveries,
}

#[derive(Debug)]
struct Client {
    sender: Sender,
    succeeded: bool,
}

/// A Kinesis record: the producer's side of it, and the consumer's.
#[derive(Debug, Default)]
struct Record {
    sender: Option<Sender>,
    /// The request it was sent for, where the log said so.
    request: Option<usize>,
    carrier_bytes: Option<u64>,
    receivers: Deliveries,
}

/// One hand-off, judged.
#[derive(Clone, Copy, Debug)]
pub struct HandOff<'a> {
    /// Which hop.
    pub hop: Hop,
    /// What its ends were matched by.
    pub key: HandOffKey<'a>,
    /// What became of it; `None` if neither end was traced. Of several deliveries the best verdict counts
    /// (in the order of [`Verdict::ALL`]).
    pub verdict: Option<Verdict>,
    /// What else did not survive, in the delivery the verdict is about.
    pub flags: Flags,
    /// How often the message was delivered.
    pub deliveries: u64,
    /// The end that handed over.
    pub sender: &'a Sender,
    /// The end that took over, in the delivery the verdict is about; `None` if the message was lost.
    pub receiver: Option<&'a Receiver>,
}

/// What the ends of a hand-off were matched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOffKey<'a> {
    /// The API's id of the request.
    Request(&'a str),
    /// The record's place in Kinesis.
    Message(MessageKey<'a>),
}

/// What the records of a run amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Records that Kinesis accepted.
    pub sent: u64,
    /// Those of them that were delivered at least once.
    pub delivered: u64,
    /// Deliveries beyond the first.
    pub duplicates: u64,
    /// Those that were never delivered.
    pub lost: u64,
    /// Records that were delivered without a trace of their sender.
    pub without_sender: u64,
}

impl Assembly {
    /// Takes what `span` says about a hand-off.
    pub fn add_span(&mut self, span: &Span<'_>) {
        match Role::of(span) {
            Role::ClientRequest {
                request_id: Some(request_id),
            } => {
                let client = &mut self.request(request_id).1.client;
                client.get_or_insert_with(|| Client {
                    sender: client_sender(span),
                    succeeded: succeeded(span),
                });
            }
            Role::ServerRequest { request_id } => {
                let delivery = self.delivery(span);
                self.request(request_id).1.servers.add(delivery);
            }
            Role::Send(key) => {
                let bytes = span.attributes.integer(Key::CarrierBytes);
                let record = self.record(key);
                merge_sender(&mut record.sender, recorded_sender(span));
                if let Some(bytes) = bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
                    record.carrier_bytes = Some(bytes);
                }
            }
            Role::Receive(key) => {
                let delivery = self.delivery(span);
                self.record(key).receivers.add(delivery);
            }
            Role::ClientRequest { request_id: None } | Role::Other => {
                let service = self.service(span.service);
                self.unmatched.add(span, service);
            }
        }
        if span.parent_is_remote.is_none() {
            let service = self.service(span.service);
            self.spans_without_flags
                .insert((service, span.reference.span_id));
        }
    }

    /// Takes what a line of the functions' logs says about a hand-off.
    pub fn add_log_line(&mut self, line: &LogLine<'_>) {
        match line.event {
            Event::Request { request_id } => {
                let delivery = Delivery::logged(&line.span, None);
                self.request(request_id).1.servers.add(delivery);
            }
            Event::RecordSent {
                key,
                request_id,
                carrier_bytes,
            } => {
                let request = request_id.map(|request_id| self.request(request_id).0);
                let record = self.record(key);
                merge_sender(&mut record.sender, logged_sender(&line.span));
                record.request = record.request.or(request);
                record.carrier_bytes = record.carrier_bytes.or(carrier_bytes);
            }
            Event::RecordReceived { key, carrier } => {
                let delivery = Delivery::logged(&line.span, Some(carrier));
                self.record(key).receivers.add(delivery);
            }
            Event::RecordFailed | Event::RecordRefused | Event::SpansDropped { .. } => {}
        }
    }

    /// Every hand-off that has a sender, judged by what was seen so far, in no particular order.
    ///
    /// An ingress hand-off is one of a client whose request reached the producer, or should have: one that
    /// failed before it is none.
    pub fn hand_offs(&self) -> impl Iterator<Item = HandOff<'_>> {
        let ingress = self.request_ids.iter().filter_map(|(id, index)| {
            let request = &self.requests[index];
            let client = request.client.as_ref()?;
            let happened = client.succeeded || request.servers.count() > 0;
            let key = HandOffKey::Request(id);
            happened.then(|| self.judge(Hop::Ingress, key, &client.sender, &request.servers))
        });
        let record = self.record_keys.iter().filter_map(|(key, index)| {
            let record = &self.records[index];
            let sender = record.sender.as_ref()?;
            let key = HandOffKey::Message(key);
            Some(self.judge(Hop::Record, key, sender, &record.receivers))
        });
        ingress.chain(record)
    }

    /// How many hand-offs of `hop` have both ends, matched by id.
    pub fn matched(&self, hop: Hop) -> u64 {
        let matched = match hop {
            Hop::Ingress => {
                let requests = self.requests.iter();
                let whole =
                    |request: &&Request| request.client.is_some() && request.servers.count() > 0;
                requests.filter(whole).count()
            }
            Hop::Record => {
                let records = self.records.iter();
                let whole =
                    |record: &&Record| record.sender.is_some() && record.receivers.count() > 0;
                records.filter(whole).count()
            }
        };
        matched as u64
    }

    /// What parents and links tell of `hop`, whose ends have no ids in common.
    pub fn structure(&self, hop: Hop) -> Structure {
        let clients = self
            .requests
            .iter()
            .filter_map(|request| request.client.as_ref());
        let clients = clients.map(|client| &client.sender);
        let producers = self
            .records
            .iter()
            .filter_map(|record| record.sender.as_ref());
        let senders: HashSet<_> = clients
            .chain(producers)
            .filter_map(|sender| sender.reference)
            .collect();
        let servers = self.requests.iter().map(|request| &request.servers);
        let consumers = self.records.iter().map(|record| &record.receivers);
        let with_ids: Vec<&Deliveries> = match hop {
            Hop::Ingress => servers.collect(),
            Hop::Record => consumers.collect(),
        };
        let with_ids = with_ids.into_iter().flat_map(|deliveries| &deliveries.kept);
        let receiving = with_ids.filter_map(|delivery| {
            let receiver = &delivery.receiver;
            let receiving = Receiving {
                hop,
                parent: receiver.parent,
                parent_is_remote: receiver.parent_is_remote,
                service: delivery.service,
                links: receiver.links.iter().map(|link| link.to).collect(),
            };
            Some((receiver.reference?, receiving))
        });
        let services = self.services.len();
        let is_in = |service: Option<usize>, span| {
            let holds = |service| self.spans_without_flags.contains(&(service, span));
            match service {
                Some(service) if holds(service) => Home::SameService,
                _ if (0..services).any(holds) => Home::OtherService,
                _ => Home::Unknown,
            }
        };
        let is_sender = |span| senders.contains(&span);
        self.unmatched.structure(hop, receiving, is_sender, is_in)
    }

    /// What the records amount to.
    pub fn record_counts(&self) -> RecordCounts {
        let mut counts = RecordCounts::default();
        for record in &self.records {
            let deliveries = record.receivers.count();
            if record.sender.is_some() {
                counts.sent += 1;
                counts.delivered += u64::from(deliveries > 0);
                counts.lost += u64::from(deliveries == 0);
                counts.duplicates += deliveries.saturating_sub(1);
            } else if deliveries > 0 {
                counts.without_sender += 1;
            }
        }
        counts
    }

    /// For every record that was sent: the size in bytes of the JSON object that carries its context, 0 if none.
    pub fn carrier_bytes(&self) -> impl Iterator<Item = u64> {
        let sent = self.records.iter().filter(|record| record.sender.is_some());
        sent.map(|record| record.carrier_bytes.unwrap_or(0))
    }

    /// For every record whose way is known from one end to the other: the time from the client's start, or the
    /// producer's where no client span is known, to the end of the record's first handling.
    pub fn end_to_end(&self) -> impl Iterator<Item = Duration> {
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
            end.since(start)
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

    fn judge<'a>(
        &'a self,
        hop: Hop,
        key: HandOffKey<'a>,
        sender: &'a Sender,
        deliveries: &'a Deliveries,
    ) -> HandOff<'a> {
        let judged = deliveries.kept.iter().map(|delivery| {
            let receiver = &delivery.receiver;
            let verdict = hand_off::verdict(sender, receiver, self.has_remote_parent(delivery));
            (verdict, receiver)
        });
        // `None` is no verdict at all, so any verdict is better.
        let best = judged.min_by_key(|(verdict, receiver)| {
            (
                verdict.is_none(),
                *verdict,
                receiver.start.is_none(),
                receiver.start,
            )
        });
        HandOff {
            hop,
            key,
            verdict: best.map_or(Some(Verdict::Lost), |(verdict, _)| verdict),
            flags: best.map_or(Flags::default(), |(_, receiver)| {
                hand_off::flags(sender, receiver)
            }),
            deliveries: deliveries.count(),
            sender,
            receiver: best.map(|(_, receiver)| receiver),
        }
    }

    /// Where nothing says whether a parent is remote, it is if the receiver's service has no such span.
    fn has_remote_parent(&self, delivery: &Delivery) -> bool {
        let receiver = &delivery.receiver;
        receiver
            .parent_is_remote
            .unwrap_or_else(|| match (receiver.parent, delivery.service) {
                (Some(parent), Some(service)) => {
                    !self.spans_without_flags.contains(&(service, parent))
                }
                (Some(_), None) => true,
                (None, _) => false,
            })
    }

    fn request(&mut self, id: &str) -> (usize, &mut Request) {
        let index = self.request_ids.index(id);
        if index == self.requests.len() {
            self.requests.push(Request::default());
        }
        (index, &mut self.requests[index])
    }

    fn record(&mut self, key: MessageKey<'_>) -> &mut Record {
        let index = self.record_keys.index(key);
        if index == self.records.len() {
            self.records.push(Record::default());
        }
        &mut self.records[index]
    }

    fn delivery(&mut self, span: &Span<'_>) -> Delivery {
        let service = match span.parent_is_remote {
            Some(_) => None,
            None => Some(self.service(span.service)),
        };
        Delivery::recorded(span, service)
    }

    fn service(&mut self, name: &str) -> usize {
        self.services.index(name)
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

/// Whether the API answered with success.
pub(crate) fn succeeded(span: &Span<'_>) -> bool {
    let status = span.attributes.integer(Key::StatusCode);
    status.is_some_and(|status| (200..300).contains(&status))
        && span.attributes.get(Key::ErrorType).is_none()
}

/// A load generator may write spans for requests whose headers say "not sampled"; the span's flags tell.
fn client_sender(span: &Span<'_>) -> Sender {
    Sender {
        sampled: span.sampled.or(Some(true)),
        ..recorded_sender(span)
    }
}

fn recorded_sender(span: &Span<'_>) -> Sender {
    Sender {
        reference: Some(span.reference),
        parent: span.parent_span_id,
        recorded: true,
        sampled: Some(true),
        start: span.start,
        end: span.end,
        luggage: Luggage::of(span),
        from_zipkin: span.is_from_zipkin(),
    }
}

fn logged_sender(span: &LogSpan) -> Sender {
    Sender {
        reference: span.reference,
        parent: span.parent_span_id,
        sampled: span.sampled,
        ..Sender::default()
    }
}

/// A span knows more than its log line, and most if it did not come as Zipkin; otherwise the first holds.
fn merge_sender(known: &mut Option<Sender>, sender: Sender) {
    let knows = |sender: &Sender| (sender.recorded, !sender.from_zipkin);
    match known {
        Some(known) if knows(known) >= knows(&sender) => {}
        _ => *known = Some(sender),
    }
}
