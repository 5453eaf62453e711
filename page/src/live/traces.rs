//! What is kept of each trace, in the order of arrival.

use std::collections::{HashMap, VecDeque};

use baton_propagators::{SpanId, TraceId};
use baton_traces::hand_off::{Receiver, Sender};
use baton_traces::span::{Span, SpanReference, UnixTime};

use super::inner_spans::InnerSpans;
use super::keys::Key;
use super::names::{Name, shortened};

/// The most traces that room is reserved for in advance. Growing step by step takes long, and
/// others wait.
const MAX_RESERVED: usize = 1 << 17;
/// How many segments of one trace are listed. Further spans may be in any segment after them.
const MAX_SEGMENTS: usize = 64;

/// All traces that are held.
#[derive(Debug)]
pub(super) struct Traces {
    /// The number of the oldest one.
    first: u64,
    entries: VecDeque<TraceEntry>,
    numbers: HashMap<TraceId, u64>,
}

/// What is kept of one trace. It grows with the number of its spans.
#[derive(Debug)]
pub(super) struct TraceEntry {
    pub(super) id: TraceId,
    pub(super) spans: u64,
    pub(super) start: Option<UnixTime>,
    pub(super) end: Option<UnixTime>,
    pub(super) head: Option<Head>,
    /// Its services, in the order of their numbers.
    pub(super) services: Vec<Name>,
    pub(super) hand_offs: Vec<Key>,
    pub(super) inner_spans: InnerSpans,
    /// Whether earlier spans of it have left memory.
    pub(super) is_rest: bool,
    /// The period and the audit round of the last span that only an audit can judge.
    pub(super) to_audit: Option<(usize, u32)>,
    /// Ends of hand-offs whose other end has left memory. An audit does not look at them again.
    pub(super) settled: Vec<SpanId>,
    segments: Vec<u32>,
    /// The last segment with spans of it.
    last_segment: u32,
}

/// The span that gives the trace its name.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) service: Name,
    is_root: bool,
    start: Option<UnixTime>,
}

impl Traces {
    /// No traces yet, but room for `most`.
    pub(super) fn new(most: usize) -> Traces {
        let room = most.saturating_add(1).min(MAX_RESERVED);
        Traces {
            first: 0,
            entries: VecDeque::with_capacity(room),
            numbers: HashMap::with_capacity(room),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, id: TraceId) -> bool {
        self.numbers.contains_key(&id)
    }

    pub(super) fn get(&self, id: TraceId) -> Option<&TraceEntry> {
        let number = self.numbers.get(&id)?;
        self.entries.get((number - self.first) as usize)
    }

    pub(super) fn get_mut(&mut self, id: TraceId) -> Option<&mut TraceEntry> {
        let number = self.numbers.get(&id)?;
        self.entries.get_mut((number - self.first) as usize)
    }

    /// Begins a trace. `is_rest` says whether earlier spans of it have left memory.
    pub(super) fn begin(&mut self, id: TraceId, is_rest: bool) {
        self.numbers.insert(id, self.end());
        self.entries.push_back(TraceEntry::new(id, is_rest));
    }

    pub(super) fn oldest(&self) -> Option<&TraceEntry> {
        self.entries.front()
    }

    /// Takes out the oldest trace.
    pub(super) fn pop_oldest(&mut self) -> Option<TraceEntry> {
        let entry = self.entries.pop_front()?;
        self.numbers.remove(&entry.id);
        self.first += 1;
        Some(entry)
    }

    /// The number after the newest trace. A trace keeps its number.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// At most `most` traces with numbers below `end`, the newest first, and the number to go on
    /// with; `None` if there are no older ones.
    pub(super) fn before(
        &self,
        end: u64,
        most: usize,
    ) -> (impl Iterator<Item = &TraceEntry>, Option<u64>) {
        let place = end.saturating_sub(self.first) as usize;
        let place = place.min(self.entries.len());
        let start = place.saturating_sub(most);
        let rest = (start > 0).then_some(self.first + start as u64);
        (self.entries.range(start..place).rev(), rest)
    }
}

impl Traces {
    /// Finds the spans above a sender. Returns the span that could show more if it arrived.
    pub(super) fn look_above(&self, sender: &mut Sender, service: Name) -> Option<SpanReference> {
        let (reference, parent) = (sender.reference?, sender.parent?);
        let inner_spans = &self.get(reference.trace_id)?.inner_spans;
        if sender.parent_is_remote.is_none() && inner_spans.is_of(parent, service) {
            sender.parent_is_remote = Some(false);
        }
        let (chain, span_id) = inner_spans.chain(parent);
        for above in chain {
            if !sender.around.contains(&above) {
                sender.around.push(above);
            }
        }
        Some(SpanReference {
            span_id,
            ..reference
        })
    }

    /// Finds the spans below a sender that a receiver has as its parent or a link. Adds the spans
    /// that could show more if they arrived to `awaited`.
    pub(super) fn look_below(
        &self,
        sender: &mut Sender,
        receiver: &Receiver,
        awaited: &mut Vec<SpanReference>,
    ) {
        let Some(from) = sender.reference else {
            return;
        };
        let Some(entry) = self.get(from.trace_id) else {
            return;
        };
        for span in receiver.named_in(from.trace_id) {
            if span == from.span_id || sender.around.contains(&span) {
                continue;
            }
            let (above, span_id) = entry.inner_spans.chain(span);
            match above.contains(&from.span_id) {
                true => sender.around.push(span),
                false => awaited.push(SpanReference { span_id, ..from }),
            }
        }
    }

    /// Whether the parent of a receiver is in another process. If its span does not say so, it is,
    /// unless its service has a span with the parent's id. Such a span is awaited.
    pub(super) fn has_remote_parent(
        &self,
        receiver: &Receiver,
        service: Name,
        awaited: &mut Vec<SpanReference>,
    ) -> bool {
        if let Some(is_remote) = receiver.parent_is_remote {
            return is_remote;
        }
        let (Some(parent), Some(reference)) = (receiver.parent, receiver.reference) else {
            return receiver.parent.is_some();
        };
        let entry = self.get(reference.trace_id).filter(|_| receiver.recorded);
        let is_local = entry.is_some_and(|entry| entry.inner_spans.is_of(parent, service));
        if !is_local {
            awaited.push(SpanReference {
                span_id: parent,
                ..reference
            });
        }
        !is_local
    }
}

impl TraceEntry {
    fn new(id: TraceId, is_rest: bool) -> TraceEntry {
        TraceEntry {
            id,
            spans: 0,
            start: None,
            end: None,
            head: None,
            services: Vec::new(),
            hand_offs: Vec::new(),
            inner_spans: InnerSpans::default(),
            is_rest,
            to_audit: None,
            settled: Vec::new(),
            segments: Vec::new(),
            last_segment: 0,
        }
    }

    pub(super) fn add(&mut self, span: &Span<'_>, service: Name, segment: u32) {
        self.spans += 1;
        self.start = self.start.into_iter().chain(span.start).min();
        self.end = self.end.max(span.end);
        if let Err(place) = self.services.binary_search(&service) {
            self.services.insert(place, service);
        }
        self.last_segment = segment;
        if self.segments.last() != Some(&segment) && self.segments.len() < MAX_SEGMENTS {
            self.segments.push(segment);
        }
        let is_root = span.parent_span_id.is_none();
        let gives_way = self.head.as_ref().is_none_or(|head| {
            let earlier = (span.start.is_none(), span.start) < (head.start.is_none(), head.start);
            (is_root && !head.is_root) || (is_root == head.is_root && earlier)
        });
        if gives_way {
            self.head = Some(Head {
                name: shortened(&span.name),
                service,
                is_root,
                start: span.start,
            });
        }
    }

    pub(super) fn has_service(&self, service: Name) -> bool {
        self.services.binary_search(&service).is_ok()
    }

    /// The oldest segment with spans of it.
    pub(super) fn first_segment(&self) -> u32 {
        self.segments.first().copied().unwrap_or_default()
    }

    /// The segments that may have spans of it, in their order.
    pub(super) fn segments(&self) -> impl Iterator<Item = u32> + '_ {
        let listed = self.segments.last().map_or(0, |last| last + 1);
        let further = match self.segments.len() {
            MAX_SEGMENTS => listed..self.last_segment + 1,
            _ => 0..0,
        };
        self.segments.iter().copied().chain(further)
    }
}
