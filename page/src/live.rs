//! What the lab has seen, held in memory: traces, hand-offs with their verdicts, and the counts of
//! every period between two switches.
//!
//! Spans come in any order. Each span is looked at once, and changes only the hand-offs that it is
//! an end of, so that an update does not cost more when more is held. Ends are matched by request
//! id and message id, as in a run. Calls between services without such ids are found by an audit
//! ([`Live::audit`]) in the background. Ends that were not sampled are known from the functions'
//! logs ([`Live::follow`]).
//!
//! Memory is bounded. The oldest traces leave it with their hand-offs, which stay counted. One that
//! was not judged by then is counted as not judged for good.

mod audit_state;
mod audits;
mod carriers;
mod edges;
mod ends;
mod hand_offs;
mod inner_spans;
mod keys;
mod list;
mod names;
mod periods;
mod remembered;
mod requests;
mod segments;
#[cfg(test)]
mod tests;
mod traces;
mod unsampled;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_lab::{DeliveredRecord, LabStatus};
use baton_propagators::{Mode, TraceId};
use baton_traces::hand_off::Role;
use baton_traces::readers::otlp_json;
use baton_traces::shown::visible;
use baton_traces::span::{Span, Want};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::carrier::Carrier;

use self::audits::LastAudits;
use self::carriers::Carriers;
use self::hand_offs::HandOff;
use self::keys::{Key, Keys};
use self::names::Names;
use self::remembered::Remembered;
use self::segments::Segments;
use self::traces::{TraceEntry, Traces};

pub(crate) use self::audit_state::AuditState;
pub(crate) use self::edges::{EdgeCount, EdgeKey};
pub(crate) use self::list::{Listed, Search};
pub(crate) use self::names::Name;
pub(crate) use self::periods::{Period, Periods};
pub(crate) use self::remembered::Forgotten;
pub(crate) use self::unsampled::GrowingLog;

/// How many spans, traces or hand-offs are looked at before others get a turn.
const MAX_AT_ONCE: usize = 200;

/// What the lab has seen. The page and the lab share it.
#[derive(Debug)]
pub(crate) struct Live {
    /// Held by the thread that gets `held` next. So work in many steps lets others in between the
    /// steps.
    turn: Mutex<()>,
    held: Mutex<Held>,
    last_audits: Mutex<LastAudits>,
    changes: watch::Sender<u64>,
}

/// What is held, and what has left memory.
#[derive(Debug)]
pub(crate) struct Held {
    limits: Limits,
    names: Names,
    keys: Keys,
    periods: Periods,
    traces: Traces,
    hand_offs: HashMap<Key, Box<HandOff>>,
    /// The hand-offs with an end that was not sampled, in the order of the logs.
    logged: VecDeque<Key>,
    segments: Segments,
    carriers: Carriers,
    forgotten: Forgotten,
    /// The hand-offs of traces that have left memory, which still have to leave.
    leaving: Vec<Key>,
    left_traces: Remembered<TraceId>,
    left_hand_offs: Remembered<Key>,
}

/// How much may be held. If anything is too much, the oldest traces leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most traces.
    pub(crate) traces: usize,
    /// The most bytes of spans, as JSON. In memory they are compressed.
    pub(crate) bytes: usize,
    /// The most hand-offs.
    hand_offs: usize,
}

impl Limits {
    /// The limits of a page with at most `traces` traces. The other limits allow for four times
    /// what the lab's own traces need.
    fn of(traces: usize) -> Limits {
        const MEAN_BYTES: usize = 16 << 10;
        const MIN_BYTES: usize = 64 << 20;
        const MEAN_HAND_OFFS: usize = 8;
        const MIN_HAND_OFFS: usize = 1 << 12;
        Limits {
            traces: traces.max(1),
            bytes: traces.saturating_mul(MEAN_BYTES).max(MIN_BYTES),
            hand_offs: traces.saturating_mul(MEAN_HAND_OFFS).max(MIN_HAND_OFFS),
        }
    }
}

impl Live {
    /// Holds at most `max_traces` traces.
    pub(crate) fn new(max_traces: usize) -> Live {
        Live::with_limits(Limits::of(max_traces))
    }

    fn with_limits(limits: Limits) -> Live {
        // growing step by step takes long, and others wait
        const MAX_RESERVED: usize = 1 << 18;
        Live {
            turn: Mutex::new(()),
            held: Mutex::new(Held {
                limits,
                names: Names::default(),
                keys: Keys::default(),
                periods: Periods::new(),
                traces: Traces::new(limits.traces),
                hand_offs: HashMap::with_capacity(limits.hand_offs.min(MAX_RESERVED)),
                logged: VecDeque::new(),
                segments: Segments::default(),
                carriers: Carriers::new(limits.traces),
                forgotten: Forgotten::default(),
                leaving: Vec::new(),
                left_traces: Remembered::new(limits.traces),
                left_hand_offs: Remembered::new(limits.hand_offs / 2),
            }),
            last_audits: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// What is held now. Nothing can arrive until the guard is dropped.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
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
        let (segment, full) = self.held().segments.push(request);
        let (mut held, mut added) = (None, 0);
        // the collector checked the request before it wrote it
        let _ = otlp_json::read_request(request, Want::Judging, &mut |span| {
            held.get_or_insert_with(|| self.held())
                .add_span(span, segment);
            added += 1;
            if added % MAX_AT_ONCE == 0 {
                held = None;
            }
        });
        // a few leave at once, and many in steps, between which others get the lock
        let mut is_more = held
            .unwrap_or_else(|| self.held())
            .forget_oldest(MAX_AT_ONCE);
        while is_more {
            is_more = self.held().forget_oldest(MAX_AT_ONCE);
        }
        if let Some(packed) = full.and_then(|full| full.pack()) {
            self.held().segments.replace(packed);
        }
        self.changed();
    }

    /// Keeps the headers of a record.
    pub(crate) fn add_record(&self, record: DeliveredRecord<'_>) {
        let Some(carrier) = Carrier::of_record(record.data) else {
            return;
        };
        self.held().carriers.add(record.sequence_number, carrier);
        self.changed();
    }

    /// Begins a new period, because the lab has new settings.
    pub(crate) fn switch(&self, status: &LabStatus) {
        self.begin(|period| {
            period.producer.clone_from(&status.producer.propagation);
            period.consumer.clone_from(&status.consumer.propagation);
        });
    }

    /// Begins a new period, because the page's client has this mode from now on.
    pub(crate) fn set_client(&self, mode: Mode) {
        self.begin(|period| period.client = mode);
    }

    fn begin(&self, change: impl FnOnce(&mut Period)) {
        self.held().periods.begin(Timestamp::now(), change);
        self.changed();
    }
}

impl Held {
    fn add_span(&mut self, span: &Span<'_>, segment: u32) {
        let (role, service) = (Role::of(span), self.names.number(span.service));
        let trace_id = span.reference.trace_id;
        if !self.traces.contains(trace_id) {
            self.begin_trace(trace_id);
        }
        let Some(entry) = self.traces.get_mut(trace_id) else {
            return;
        };
        entry.add(span, service, segment);
        let waiting = entry.inner_spans.add(span, role, service);
        let number = self.periods.at(span.start);
        if let Some(period) = self.periods.get_mut(number) {
            *period.spans.entry(service).or_default() += 1;
        }
        self.note_for_audit(span, role, number);
        self.add_ends(span, role, service);
        for key in waiting {
            self.judge(key);
        }
    }

    fn begin_trace(&mut self, id: TraceId) {
        let is_rest = self.left_traces.contains(&id);
        if is_rest {
            // what is held of the trace before must not be taken for a part of the rest
            while let Some(key) = self.leaving.pop() {
                self.let_go(key);
            }
        }
        self.traces.begin(id, is_rest);
    }

    /// Removes the oldest traces with their hand-offs, in at most `most` steps, if there is too
    /// much of anything. Returns whether there is more to do.
    fn forget_oldest(&mut self, most: usize) -> bool {
        for _ in 0..most {
            if let Some(key) = self.leaving.pop() {
                self.let_go(key);
            } else if self.is_too_much()
                && let Some(oldest) = self.traces.pop_oldest()
            {
                self.forget(oldest);
            } else {
                return false;
            }
        }
        true
    }

    fn is_too_much(&self) -> bool {
        let Limits {
            traces,
            bytes,
            hand_offs,
        } = self.limits;
        self.traces.len() > traces
            || self.segments.bytes() > bytes
            || self.hand_offs.len() > hand_offs
    }

    /// Notes that a trace has left memory. Its hand-offs leave next.
    fn forget(&mut self, entry: TraceEntry) {
        let segment = self.traces.oldest().map(TraceEntry::first_segment);
        self.segments.forget_before(segment);
        if let Some((number, round)) = entry.to_audit
            && let Some(period) = self.periods.get_mut(number)
        {
            period.audit.leave(round, &entry.services);
        }
        if !entry.is_rest {
            self.forgotten.traces += 1;
        }
        self.forgotten.until = self.forgotten.until.max(entry.start);
        self.left_traces.insert(entry.id);
        self.leaving = entry.hand_offs;
    }

    /// Removes a hand-off of a trace that has left memory, unless a held trace has it too.
    fn let_go(&mut self, key: Key) {
        if !self.is_in_trace(key) {
            self.leave(key);
        } else if let Some(found) = self.hand_offs.get(&key).and_then(|it| it.by_audit.as_ref()) {
            for end in found.ends() {
                if let Some(other) = self.traces.get_mut(end.trace_id) {
                    other.settled.push(end.span_id);
                }
            }
        }
    }

    /// Whether a held trace has this hand-off.
    fn is_in_trace(&self, key: Key) -> bool {
        let has = |id| {
            let entry = self.traces.get(id);
            entry.is_some_and(|entry| !entry.is_rest || entry.hand_offs.contains(&key))
        };
        let hand_off = self.hand_offs.get(&key);
        hand_off.is_some_and(|hand_off| hand_off.trace_ids().any(has))
    }

    /// The periods.
    pub(crate) fn periods(&self) -> &Periods {
        &self.periods
    }

    /// What has left memory.
    pub(crate) fn forgotten(&self) -> Forgotten {
        Forgotten {
            carriers: self.carriers.left(),
            ..self.forgotten
        }
    }

    /// How many traces are held, and how much may be.
    pub(crate) fn traces(&self) -> (usize, Limits) {
        (self.traces.len(), self.limits)
    }

    /// The name of a service or a queue.
    pub(crate) fn name(&self, number: Name) -> &str {
        self.names.text(number)
    }

    /// The names of the services and queues that were seen first. Names with invisible characters,
    /// or with characters that reorder text, are left out.
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
