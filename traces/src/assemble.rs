//! Finds the two ends of every hand-off among spans and log lines, which may come in any order.
//!
//! Only the ends are kept, so memory grows with the number of hand-offs. Ends are matched by
//! request id or message key, never by a trace context.

mod deliveries;
mod figures;
mod incomplete_keys;
mod names;
mod unseen;

use std::collections::BTreeSet;

use baton_propagators::id::SpanId;
use foldhash::HashSet;

use self::deliveries::{Deliveries, Delivery};
pub use self::figures::RecordCounts;
use self::names::MessageKeys;
pub(crate) use self::names::Names;
use self::unseen::Unseen;
use crate::extent::Extent;
use crate::hand_off::{self, Flags, Hop, MessageKey, Receiver, Role, Sender, Verdict};
use crate::readers::log::{Event, LogLine, LogSpan};
use crate::span::{Key, Kind, Span, UnixTime};

/// The two ends of every hand-off seen so far.
#[derive(Debug, Default)]
pub struct Assembly {
    requests: Vec<Request>,
    request_ids: Names,
    records: Vec<Record>,
    record_keys: MessageKeys,
    services: Names,
    /// The spans whose exporter does not say whether the parent is remote. baton derives it for
    /// these.
    spans_without_flags: HashSet<(usize, SpanId)>,
    /// The hops with receivers that have no id.
    receivers_without_id: BTreeSet<Hop>,
    /// Hops that have senders in the source, but no receivers.
    senders_alone: BTreeSet<Hop>,
    /// Whether both functions have logs. If so, a record without a sender comes from a program
    /// outside the run.
    is_logged: bool,
    /// While the run goes on: records sent after this time may still arrive.
    under_way_since: Option<UnixTime>,
    /// Whether a lab tells which records it did not deliver. It delivered all others.
    is_told_by_lab: bool,
    /// The attributes that receivers of records lack, although their message id names their sender.
    lacking: BTreeSet<&'static str>,
    /// Hops whose missing receivers may be in the part of the source that was cut off.
    out_of_sight: BTreeSet<Hop>,
}

/// An API request: its client end and its producer end.
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

/// A Kinesis record: its producer end and its consumer end.
#[derive(Debug, Default)]
struct Record {
    sender: Option<Sender>,
    /// The request that led to it, if the log says so.
    request: Option<u32>,
    carrier_bytes: Option<u64>,
    receivers: Deliveries,
    /// Whether a lab accepted it and did not deliver it.
    is_undelivered: bool,
}

/// One judged hand-off.
#[derive(Clone, Copy, Debug)]
pub struct HandOff<'a> {
    /// The hop.
    pub hop: Hop,
    /// The id by which its ends were matched.
    pub key: HandOffKey<'a>,
    /// The verdict; `None` if neither end has a span, or if a lab delivered the record and nothing
    /// shows its receiver. Of several deliveries, the best verdict counts, in the order of
    /// [`Verdict::ALL`].
    pub verdict: Option<Verdict>,
    /// What else was lost, in the delivery with the verdict.
    pub flags: Flags,
    /// How often the message was delivered.
    pub deliveries: u64,
    /// The sending end.
    pub sender: &'a Sender,
    /// The receiving end, in the delivery with the verdict; `None` if the message was lost, or if
    /// nothing shows its receiver.
    pub receiver: Option<&'a Receiver>,
}

/// The id by which the ends of a hand-off were matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOffKey<'a> {
    /// The API's id of the request.
    Request(&'a str),
    /// The record's place in Kinesis.
    Message(MessageKey<'a>),
}

impl Assembly {
    /// Adds what `span` shows about a hand-off.
    pub fn add_span(&mut self, span: &Span<'_>) {
        match Role::of(span) {
            Role::ClientRequest {
                request_id: Some(request_id),
            } => {
                let client = &mut self.request(request_id).1.client;
                client.get_or_insert_with(|| Client {
                    sender: Sender::client(span),
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
                merge_sender(&mut record.sender, Sender::recorded(span));
                if let Some(bytes) = bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
                    record.carrier_bytes = Some(bytes);
                }
            }
            Role::Receive(key) => {
                let delivery = self.delivery(span);
                self.record(key).receivers.add(delivery);
            }
            Role::ClientRequest { request_id: None } | Role::Other => match span.kind {
                Kind::Server => {
                    self.receivers_without_id.insert(Hop::Ingress);
                }
                Kind::Consumer => {
                    self.receivers_without_id.insert(Hop::Record);
                }
                _ => {}
            },
        }
        if span.parent_is_remote.is_none() {
            let service = self.service(span.service);
            self.spans_without_flags
                .insert((service, span.reference.span_id));
        }
    }

    /// Whether the client of a request was seen before.
    pub(crate) fn has_client(&self, request_id: &str) -> bool {
        let index = self.request_ids.get(request_id);
        index.is_some_and(|index| self.requests[index].client.is_some())
    }

    /// Adds what a line of the functions' logs shows about a hand-off.
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
                let request = request.and_then(|request| u32::try_from(request).ok());
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

    /// Call this after the whole source has been read, with its extent.
    ///
    /// If a hop has senders, but no span or log line of any receiver, the source lacks its
    /// receiving side, and its hand-offs are not judged. If a hop has a log, a message without a
    /// receiver is lost, unless it may still arrive. If the source is cut short, no other message
    /// counts as lost.
    pub fn finish(&mut self, extent: &Extent) {
        if let Some(undelivered) = &extent.undelivered {
            self.is_told_by_lab = true;
            for key in &undelivered.keys {
                self.record(key.as_message()).is_undelivered = true;
            }
        }
        self.join_incomplete_keys();
        let is_told = |hop: &Hop| *hop == Hop::Record && extent.undelivered.is_some();
        let is_unlogged = |hop: &Hop| !extent.logged.contains(hop);
        let unlogged = Hop::BOTH.into_iter().filter(is_unlogged);
        self.is_logged = unlogged.clone().next().is_none();
        let alone = unlogged
            .clone()
            .filter(|hop| !is_told(hop) && self.has_senders(*hop) && !self.has_receivers(*hop));
        self.senders_alone = alone.collect();
        let is_open = extent.is_cut_short || extent.is_export;
        self.out_of_sight = unlogged.filter(|_| is_open).collect();
        self.under_way_since = extent.under_way_since;
    }

    /// Drops the ids of requests and records, and keeps their ends.
    pub(crate) fn forget_keys(&mut self) {
        self.request_ids = Names::default();
        self.record_keys = MessageKeys::default();
    }

    /// Whether there is a sender of `hop` with an id.
    pub fn has_senders(&self, hop: Hop) -> bool {
        match hop {
            Hop::Ingress => self.requests.iter().any(|request| request.client.is_some()),
            Hop::Record => self.records.iter().any(|record| record.sender.is_some()),
        }
    }

    /// Whether there is a receiver of `hop` with an id.
    pub fn has_receivers(&self, hop: Hop) -> bool {
        match hop {
            Hop::Ingress => self
                .requests
                .iter()
                .any(|request| request.servers.count() > 0),
            Hop::Record => self
                .records
                .iter()
                .any(|record| record.receivers.count() > 0),
        }
    }

    /// The hops that have senders in the source, but no receivers: see [`Assembly::finish`].
    pub fn senders_alone(&self) -> &BTreeSet<Hop> {
        &self.senders_alone
    }

    /// All hand-offs with their verdicts, from the spans and lines added so far, in no particular
    /// order.
    ///
    /// A hand-off needs a sender. If the functions' logs exist, a record from outside the run
    /// counts too, if its consumer started a trace. A client's request that failed before it
    /// reached the producer does not count. A hop without receivers in the source is left out.
    pub fn hand_offs(&self) -> impl Iterator<Item = HandOff<'_>> {
        let ingress = self.request_ids.iter().filter_map(|(id, index)| {
            let request = &self.requests[index];
            let client = request.client.as_ref()?;
            let arrived = request.servers.count() > 0;
            let happened =
                arrived || client.succeeded && !self.may_arrive(Hop::Ingress, &client.sender);
            let key = HandOffKey::Request(id);
            happened.then(|| self.judge(Hop::Ingress, key, &client.sender, &request.servers))
        });
        let record = self.record_keys.iter().filter_map(|(key, index)| {
            let record = &self.records[index];
            let is_strangers = self.is_logged && self.starts_a_trace(record);
            let sender = record.sender.as_ref();
            let sender = sender.or_else(|| is_strangers.then_some(&Sender::UNKNOWN))?;
            let key = HandOffKey::Message(key);
            let judged = self.judge(Hop::Record, key, sender, &record.receivers);
            if record.receivers.count() > 0 {
                return Some(judged);
            }
            match self.unseen(record, sender) {
                Unseen::Lost => Some(judged),
                Unseen::Delivered => Some(HandOff {
                    verdict: None,
                    deliveries: 1,
                    ..judged
                }),
                Unseen::Unknown => None,
            }
        });
        let judged = |hand_off: &HandOff<'_>| !self.senders_alone.contains(&hand_off.hop);
        ingress.chain(record).filter(judged)
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

    /// Whether the consumer of a record without trace context started a trace.
    fn starts_a_trace(&self, record: &Record) -> bool {
        let mut deliveries = record.receivers.kept();
        deliveries.any(|delivery| {
            let receiver = &delivery.receiver;
            let continues = !receiver.links.is_empty() || self.has_remote_parent(delivery);
            receiver.reference.is_some() && !continues
        })
    }

    /// Whether a message without a receiver may have arrived, or may still arrive.
    fn may_arrive(&self, hop: Hop, sender: &Sender) -> bool {
        let sent = sender.end.or(sender.start);
        let since = self.under_way_since.filter(|_| hop == Hop::Record);
        let is_under_way = since.zip(sent).is_some_and(|(since, sent)| sent >= since);
        is_under_way || self.out_of_sight.contains(&hop)
    }

    /// How many hand-offs of `hop` are not judged, because their receivers may be in the part that
    /// was cut off.
    pub(crate) fn out_of_sight(&self, hop: Hop) -> u64 {
        if !self.out_of_sight.contains(&hop) {
            return 0;
        }
        let count = match hop {
            Hop::Ingress => {
                let requests = self.requests.iter();
                let alone = |request: &&Request| {
                    let succeeded = request
                        .client
                        .as_ref()
                        .is_some_and(|client| client.succeeded);
                    succeeded && request.servers.count() == 0
                };
                requests.filter(alone).count()
            }
            Hop::Record => {
                let records = self.records.iter();
                let alone =
                    |record: &&Record| record.sender.is_some() && record.receivers.count() == 0;
                records.filter(alone).count()
            }
        };
        count as u64
    }

    fn judge<'a>(
        &'a self,
        hop: Hop,
        key: HandOffKey<'a>,
        sender: &'a Sender,
        deliveries: &'a Deliveries,
    ) -> HandOff<'a> {
        let judged = deliveries.kept().map(|delivery| {
            let receiver = &delivery.receiver;
            let verdict = hand_off::verdict(sender, receiver, self.has_remote_parent(delivery));
            (verdict, receiver)
        });
        // any verdict is better than `None`
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

    /// Whether the parent is remote. If the span does not say so, the parent counts as remote if
    /// the receiver's service has no span with its id.
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

/// Whether the API answered with success.
pub(crate) fn succeeded(span: &Span<'_>) -> bool {
    let status = span.attributes.integer(Key::StatusCode);
    status.is_some_and(|status| (200..300).contains(&status))
        && span.attributes.get(Key::ErrorType).is_none()
}

fn logged_sender(span: &LogSpan) -> Sender {
    Sender {
        reference: span.reference,
        parent: span.parent_span_id,
        sampled: span.sampled,
        ..Sender::default()
    }
}

/// Combines a span and a log line of one sender. A span has more information than a log line, and
/// an OTLP span has the most. Otherwise the first one stays.
fn merge_sender(known: &mut Option<Sender>, sender: Sender) {
    let knows = |sender: &Sender| (sender.recorded, sender.format.is_none());
    match known {
        Some(known) if knows(known) >= knows(&sender) => {}
        _ => *known = Some(sender),
    }
}
