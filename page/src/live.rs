//! What the lab has seen, held in memory: traces, hand-offs with their verdicts, and the counts of
//! every period between two switches.
//!
//! Spans come in any order. Each span is looked at once, and changes only the hand-offs that it is
//! an end of, so that an update does not cost more when more is held. Ends are matched by request
//! id and message id, as in a run. Calls between services without such ids are found by an audit
//! ([`Live::audit`]) in the background. Ends that were not sampled are known from the functions'
//! logs ([`Live::follow`]).

mod audits;
mod ends;
mod hand_offs;
mod list;
mod names;
mod periods;
mod segments;
#[cfg(test)]
mod tests;
mod traces;
mod unsampled;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_lab::{DeliveredRecord, LabStatus};
use baton_propagators::id::TraceId;
use baton_traces::readers::otlp_json;
use baton_traces::shown::visible;
use baton_traces::span::{Span, UnixTime, Want};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::carrier::Carrier;

use self::hand_offs::{HandOff, Key};
use self::names::Names;
use self::segments::Segments;
use self::traces::TraceEntry;

pub(crate) use self::audits::AuditedEdge;
pub(crate) use self::list::{Listed, Search};
pub(crate) use self::names::Name;
pub(crate) use self::periods::{EdgeCount, EdgeKey, Period};
pub(crate) use self::unsampled::GrowingLog;

/// What the lab has seen. The page and the lab share it.
#[derive(Debug)]
pub(crate) struct Live {
    held: Mutex<Held>,
    changes: watch::Sender<u64>,
}

/// What is held, and what has left memory.
#[derive(Debug)]
pub(crate) struct Held {
    /// The most traces.
    max_traces: usize,
    names: Names,
    periods: Vec<Period>,
    /// The services with ends that ids match.
    known_by_id: HashSet<Name>,
    traces: HashMap<TraceId, TraceEntry>,
    /// The traces in the order of arrival.
    order: VecDeque<TraceId>,
    hand_offs: HashMap<Key, HandOff>,
    /// The hand-offs with an end that was not sampled, in the order of the logs.
    logged: VecDeque<Key>,
    segments: Segments,
    carriers: HashMap<Box<str>, Carrier>,
    /// The sequence numbers of the carriers, in the order of delivery.
    delivered: VecDeque<Box<str>>,
    /// How many traces have left memory, and the start of the last of them.
    forgotten: Forgotten,
}

/// What has left memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Forgotten {
    /// How many traces.
    pub(crate) traces: u64,
    /// When the newest of them started.
    pub(crate) until: Option<UnixTime>,
}

impl Live {
    /// Holds at most `max_traces` traces.
    pub(crate) fn new(max_traces: usize) -> Live {
        Live {
            held: Mutex::new(Held {
                max_traces: max_traces.max(1),
                names: Names::default(),
                periods: vec![Period::before_all()],
                known_by_id: HashSet::new(),
                traces: HashMap::new(),
                order: VecDeque::new(),
                hand_offs: HashMap::new(),
                logged: VecDeque::new(),
                segments: Segments::default(),
                carriers: HashMap::new(),
                delivered: VecDeque::new(),
                forgotten: Forgotten::default(),
            }),
            changes: watch::Sender::new(0),
        }
    }

    /// What is held now. Nothing can arrive until the guard is dropped.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Says that something changed that pages show.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    /// Adds the spans of one request in OTLP/JSON.
    pub(crate) fn add_spans(&self, request: &[u8]) {
        let mut held = self.held();
        let segment = held.segments.push(request);
        // the collector checked the request before it wrote it
        let _ = otlp_json::read_request(request, Want::Judging, &mut |span| {
            held.add_span(span, segment);
        });
        held.forget_oldest();
        drop(held);
        self.changed();
    }

    /// Keeps the headers of a record.
    pub(crate) fn add_record(&self, record: DeliveredRecord<'_>) {
        let Some(carrier) = Carrier::of_record(record.data) else {
            return;
        };
        let mut held = self.held();
        let key: Box<str> = record.sequence_number.into();
        if held.carriers.insert(key.clone(), carrier).is_none() {
            held.delivered.push_back(key);
        }
        if held.delivered.len() > held.max_traces
            && let Some(oldest) = held.delivered.pop_front()
        {
            held.carriers.remove(&oldest);
        }
        drop(held);
        self.changed();
    }

    /// Begins a new period, because the lab has new settings.
    pub(crate) fn switch(&self, status: &LabStatus) {
        self.held().begin_period(status, Timestamp::now());
        self.changed();
    }
}

impl Held {
    fn add_span(&mut self, span: &Span<'_>, segment: u32) {
        let service = self.names.number(span.service);
        let trace_id = span.reference.trace_id;
        if !self.traces.contains_key(&trace_id) {
            self.order.push_back(trace_id);
        }
        let entry = self.traces.entry(trace_id).or_default();
        entry.add(span, service, segment);
        let period = self.period_at(span.start);
        *self.periods[period].spans.entry(service).or_default() += 1;
        self.note_for_audit(span, service, period);
        self.add_ends(span, service);
    }

    /// Removes the oldest traces, if there are too many.
    fn forget_oldest(&mut self) {
        while self.order.len() > self.max_traces {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            let Some(entry) = self.traces.remove(&oldest) else {
                continue;
            };
            for key in &entry.hand_offs {
                self.hand_offs.remove(key);
            }
            self.forgotten.traces += 1;
            self.forgotten.until = self.forgotten.until.max(entry.start);
        }
        let oldest = self
            .order
            .front()
            .and_then(|oldest| self.traces.get(oldest));
        if let Some(segment) = oldest.and_then(TraceEntry::first_segment) {
            self.segments.forget_before(segment);
        }
    }

    /// What has left memory.
    pub(crate) fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// How many traces are held, and how many may be.
    pub(crate) fn traces(&self) -> (usize, usize) {
        (self.traces.len(), self.max_traces)
    }

    /// The name of a service or a queue.
    pub(crate) fn name(&self, number: Name) -> &str {
        self.names.text(number)
    }

    /// Names of services and queues, the first that were seen. Names with characters that do not
    /// show as they are, such as those that turn the direction of text, are left out.
    pub(crate) fn some_names(&self, limit: usize) -> Vec<String> {
        let names = self
            .names
            .first(limit)
            .filter(|name| visible(name) == **name);
        let mut names: Vec<String> = names.cloned().collect();
        names.sort_unstable();
        names
    }

    /// The headers of the record with this sequence number, if it is held.
    pub(crate) fn carrier(&self, sequence_number: &str) -> Option<&Carrier> {
        self.carriers.get(sequence_number)
    }
}

/// A shared [`Live`].
pub(crate) type SharedLive = Arc<Live>;
