//! Finds the two ends of every hand-off among spans and log lines, which may come in any order.
//!
//! Only the ends are kept, each in a few words, so memory grows with the number of hand-offs. Ends
//! are matched by request id or message key, never by a trace context.

mod counts;
mod deliveries;
mod end;
mod group;
mod hand_offs;
mod inner_spans;
mod shards;
mod without_receiver;

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

pub use self::counts::{ClientCounts, RecordCounts};
use self::counts::{Figures, Totals};
use self::end::{End, Facts};
use self::group::Record;
pub use self::hand_offs::{HandOff, HandOffKey};
use self::shards::{ClientWithoutId, Ends, Origin};
use crate::hand_off::{Hop, MessageKey, Role};
use crate::matching::names::Name;
use crate::readers::log::{Event, LogLine};
use crate::source::extent::Extent;
use crate::span::{Key, Kind, Span, UnixTime};

/// The two ends of every hand-off. After the whole source has been read, [`Assembly::finish`]
/// brings them together.
#[derive(Clone, Debug)]
pub struct Assembly {
    ends: Ends,
    /// The hops with receivers that have no id.
    receivers_without_id: BTreeSet<Hop>,
    /// Whether logs say which request led to which record.
    has_origins: bool,
    totals: Totals,
    figures: Figures,
    /// Hops that have senders in the source, but no receivers.
    senders_alone: BTreeSet<Hop>,
    /// Whether both functions have logs. If so, a record without a sender comes from a program
    /// outside the run.
    is_logged: bool,
    /// Set while the run is in progress: records sent after this time may still arrive.
    under_way_since: Option<UnixTime>,
    /// Whether a lab recorded which records it did not deliver. It delivered all others.
    is_told_by_lab: bool,
    /// The records that a lab accepted and did not deliver: the hashes of their sequence numbers,
    /// with their streams and shards.
    undelivered: HashSet<(u64, (Name, Name))>,
    /// Hops whose missing receivers may be in the part of the source that was cut off.
    out_of_sight: BTreeSet<Hop>,
    /// The spans of all ends, as hashes of their ids. Few sources need them.
    spans: OnceLock<HashSet<u64>>,
}

impl Default for Assembly {
    fn default() -> Assembly {
        Assembly::with_ends(Ends::new(true))
    }
}

impl Assembly {
    /// An assembly that does not keep the text of ids: it is empty in [`HandOff::key`].
    pub(crate) fn without_texts() -> Assembly {
        Assembly::with_ends(Ends::new(false))
    }

    /// A part of this assembly, still empty.
    pub(crate) fn part(&self) -> Assembly {
        Assembly::with_ends(self.ends.part())
    }

    fn with_ends(ends: Ends) -> Assembly {
        Assembly {
            ends,
            receivers_without_id: BTreeSet::new(),
            has_origins: false,
            totals: Totals::default(),
            figures: Figures::default(),
            senders_alone: BTreeSet::new(),
            is_logged: false,
            under_way_since: None,
            is_told_by_lab: false,
            undelivered: HashSet::new(),
            out_of_sight: BTreeSet::new(),
            spans: OnceLock::new(),
        }
    }

    /// Adds the ends of a part, which come after those that were added before.
    pub(crate) fn append(&mut self, part: Assembly) {
        self.receivers_without_id.extend(part.receivers_without_id);
        self.has_origins |= part.has_origins;
        self.ends.append(part.ends);
    }

    /// Adds what `span` shows about a hand-off. A span that is added twice counts once.
    pub fn add_span(&mut self, span: &Span<'_>) {
        match Role::of(span) {
            Role::ClientRequest {
                request_id: Some(request_id),
            } => {
                let facts = Facts {
                    succeeded: succeeded(span),
                    ..self.facts(span)
                };
                let end = self.recorded(request_id, span, facts, false);
                let end = sampled_by_client(end, span);
                self.ends.add_request(end, request_id);
            }
            Role::ClientRequest { request_id: None } => {
                self.ends.add_without_id(ClientWithoutId {
                    span: self.ends.hash(span.reference),
                    start: span.start,
                    end: span.end,
                    succeeded: succeeded(span),
                });
                self.ends.add_other(span);
            }
            Role::ServerRequest { request_id } => {
                let facts = self.facts(span);
                let end = self.recorded(request_id, span, facts, true);
                self.ends.add_request(end, request_id);
            }
            Role::Send(key) => {
                let facts = self.facts(span).with_carrier_of(span);
                let facts = facts.of_record(key, &mut self.ends.names);
                let end = self.recorded(key.sequence_number, span, facts, false);
                self.ends.add_record(end, key.sequence_number);
            }
            Role::Receive(key) => {
                let facts = self.facts(span);
                let facts = facts.of_record(key, &mut self.ends.names);
                let end = self.recorded(key.sequence_number, span, facts, true);
                self.ends.add_record(end, key.sequence_number);
            }
            Role::Other => {
                match span.kind {
                    Kind::Server => {
                        self.receivers_without_id.insert(Hop::Ingress);
                    }
                    Kind::Consumer => {
                        self.receivers_without_id.insert(Hop::Record);
                    }
                    _ => {}
                }
                self.ends.add_other(span);
            }
        }
        if span.parent_is_remote.is_none() {
            let id = u64::from_be_bytes(span.reference.span_id.to_bytes());
            self.ends.add_without_flags(span.service, id);
        }
    }

    /// Adds what a line of the functions' logs shows about a hand-off.
    pub fn add_log_line(&mut self, line: &LogLine<'_>) {
        let facts = Facts::default();
        match line.event {
            Event::Request { request_id } => {
                let end = self.logged(request_id, line, facts, true);
                self.ends.add_request(end, request_id);
            }
            Event::RecordSent {
                key,
                request_id,
                carrier_bytes,
            } => {
                let facts = facts.of_record(key, &mut self.ends.names);
                let facts = Facts {
                    carrier_bytes,
                    ..facts
                };
                let end = self.logged(key.sequence_number, line, facts, false);
                self.ends.add_record(end, key.sequence_number);
                if let Some(request_id) = request_id {
                    self.has_origins = true;
                    self.ends.add_origin(Origin {
                        record: end.id,
                        place: (facts.stream, facts.shard),
                        request: self.ends.hash(request_id),
                    });
                }
            }
            Event::RecordReceived { key, carrier } => {
                let facts = facts.of_record(key, &mut self.ends.names);
                let end = End {
                    carrier: Some(carrier),
                    ..self.logged(key.sequence_number, line, facts, true)
                };
                self.ends.add_record(end, key.sequence_number);
            }
            Event::RecordFailed | Event::RecordRefused | Event::SpansDropped { .. } => {}
        }
    }

    fn recorded(&mut self, id: &str, span: &Span<'_>, facts: Facts, receives: bool) -> End {
        let links = match receives {
            true => self.ends.number_of_links(&span.links),
            false => 0,
        };
        End {
            facts: self.ends.number(facts),
            links,
            ..End::recorded(self.ends.hash(id), span, receives)
        }
    }

    fn logged(&mut self, id: &str, line: &LogLine<'_>, facts: Facts, receives: bool) -> End {
        End {
            facts: self.ends.number(facts),
            ..End::logged(self.ends.hash(id), &line.span, receives)
        }
    }

    /// The facts in a span. Its service is needed if the exporter does not say whether the parent
    /// is remote.
    fn facts(&mut self, span: &Span<'_>) -> Facts {
        let is_unsaid = span.parent_is_remote.is_none();
        let service = is_unsaid.then(|| self.ends.names.intern(span.service));
        Facts {
            service,
            ..Facts::recorded(span, &mut self.ends.names)
        }
    }

    /// Call this after the whole source has been read, with its extent. Before, there are no
    /// hand-offs and no figures.
    ///
    /// If a hop has senders, but no span or log line of any receiver, the source lacks its
    /// receiving side, and its hand-offs are not judged. If a hop has a log, a message without a
    /// receiver is lost, unless it may still arrive. If the source is cut short, no other message
    /// counts as lost.
    pub fn finish(&mut self, extent: &Extent) {
        if let Some(undelivered) = &extent.undelivered {
            self.is_told_by_lab = true;
            for key in &undelivered.keys {
                let place = self.place(key.as_message());
                self.undelivered.insert(place);
            }
        }
        self.ends.sort();
        self.spans = OnceLock::new();
        self.totals = Totals::of(self);
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
        self.figures = Figures::of(self);
    }

    fn place(&mut self, key: MessageKey<'_>) -> (u64, (Name, Name)) {
        let names = &mut self.ends.names;
        let place = (names.intern(key.stream), names.intern(key.shard));
        (self.ends.hash(key.sequence_number), place)
    }

    /// Whether a lab accepted `record` and did not deliver it.
    fn is_undelivered(&self, record: &Record) -> bool {
        !self.undelivered.is_empty() && self.undelivered.contains(&(record.id, record.place))
    }

    /// The hops that have senders in the source, but no receivers: see [`Assembly::finish`].
    pub fn senders_alone(&self) -> &BTreeSet<Hop> {
        &self.senders_alone
    }
}

/// Whether the API answered with success.
fn succeeded(span: &Span<'_>) -> bool {
    let status = span.attributes.integer(Key::StatusCode);
    status.is_some_and(|status| (200..300).contains(&status))
        && span.attributes.get(Key::ErrorType).is_none()
}

/// The client's end. A load generator writes spans for all requests. The span's flags show a
/// decision "not sampled", and an attribute shows an open decision.
fn sampled_by_client(end: End, span: &Span<'_>) -> End {
    let deferred = span.attributes.boolean(Key::ContextDeferred) == Some(true);
    End {
        sampled: (!deferred).then(|| span.sampled.unwrap_or(true)),
        ..end
    }
}
