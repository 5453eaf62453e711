//! What is kept of each trace.

use std::collections::HashSet;

use baton_propagators::id::TraceId;
use baton_traces::span::{Span, UnixTime, Want};
use baton_traces::trace::{Gathering, Trace};

use super::hand_offs::{HandOff, Key};
use super::names::{Name, shortened};
use super::segments::Segment;
use super::{Held, Live};

/// How many services, segments and hand-offs of one trace are kept. Further ones are left out, so
/// that no trace can fill the memory.
const MAX_SERVICES: usize = 32;
const MAX_SEGMENTS: usize = 1024;
const MAX_HAND_OFFS: usize = 1024;

/// How many traces may be one request. Of a batch, each record may be one.
const MAX_JOINED: usize = 10_000;

/// What is kept of one trace.
#[derive(Debug, Default)]
pub(super) struct TraceEntry {
    pub(super) spans: u32,
    pub(super) start: Option<UnixTime>,
    pub(super) end: Option<UnixTime>,
    pub(super) head: Option<Head>,
    pub(super) services: Vec<Name>,
    segments: Vec<u32>,
    pub(super) hand_offs: Vec<Key>,
}

/// The span that gives the trace its name.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) service: Name,
    is_root: bool,
    start: Option<UnixTime>,
}

impl TraceEntry {
    pub(super) fn add(&mut self, span: &Span<'_>, service: Name, segment: u32) {
        self.spans += 1;
        self.start = self.start.into_iter().chain(span.start).min();
        self.end = self.end.max(span.end);
        if self.services.len() < MAX_SERVICES && !self.services.contains(&service) {
            self.services.push(service);
        }
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

    /// Notes that a hand-off begins or ends in the trace.
    pub(super) fn add_hand_off(&mut self, key: &Key) {
        if self.hand_offs.len() < MAX_HAND_OFFS && !self.hand_offs.contains(key) {
            self.hand_offs.push(key.clone());
        }
    }

    /// The oldest segment with spans of it.
    pub(super) fn first_segment(&self) -> Option<u32> {
        self.segments.first().copied()
    }
}

impl Held {
    /// The trace, and the traces that hand-offs join to it, at most `limit`, in the order of their
    /// start. Empty if the trace is not held.
    fn joined(&self, trace_id: TraceId, limit: usize) -> Vec<TraceId> {
        let mut found = vec![trace_id];
        let mut place = 0;
        while let Some(entry) = found.get(place).and_then(|id| self.traces.get(id)) {
            let hand_offs = entry.hand_offs.iter();
            let by_id = hand_offs
                .filter_map(|key| self.hand_offs.get(key))
                .flat_map(HandOff::trace_ids);
            let audited = self.crossings(found[place]);
            let audited = audited.filter_map(|crossing| crossing.other);
            let others: Vec<TraceId> = by_id.chain(audited).collect();
            place += 1;
            for other in others {
                if found.len() < limit
                    && self.traces.contains_key(&other)
                    && !found.contains(&other)
                {
                    found.push(other);
                }
            }
        }
        found.retain(|id| self.traces.contains_key(id));
        found.sort_by_key(|id| (self.traces[id].start, *id));
        found
    }

    fn segments_of(&self, traces: &[TraceId]) -> Vec<Segment> {
        let entries = traces.iter().filter_map(|id| self.traces.get(id));
        let mut numbers: Vec<u32> = entries.flat_map(|entry| entry.segments.clone()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .into_iter()
            .filter_map(|number| self.segments.get(number))
            .collect()
    }
}

impl Live {
    /// The trace with all its spans, and those that hand-offs join to it, at most `limit`, in the
    /// order of their start. Each span is also handed to `each`. Empty if the trace is not held.
    pub(crate) fn read(
        &self,
        trace_id: TraceId,
        limit: usize,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Vec<Trace> {
        let (ids, segments) = {
            let held = self.held();
            let ids = held.joined(trace_id, limit);
            let segments = held.segments_of(&ids);
            (ids, segments)
        };
        let mut gathering = Gathering::new(ids.iter().copied());
        for segment in &segments {
            segment.read(Want::Everything, &mut |span| {
                if ids.contains(&span.reference.trace_id) {
                    gathering.add_span(span);
                    each(span);
                }
            });
        }
        let traces = ids.iter().filter_map(|id| gathering.get(*id));
        traces.collect()
    }
}

impl Live {
    /// The held traces whose requests began in a time, and all others. Traces that hand-offs join
    /// are one request, which begins with the earliest of them.
    pub(crate) fn traces_between(
        &self,
        since: Option<UnixTime>,
        until: Option<UnixTime>,
    ) -> (HashSet<TraceId>, HashSet<TraceId>) {
        let held = self.held();
        let (mut inside, mut outside) = (HashSet::new(), HashSet::new());
        for id in &held.order {
            if inside.contains(id) || outside.contains(id) {
                continue;
            }
            let joined = held.joined(*id, MAX_JOINED);
            let first = joined.first().and_then(|first| held.traces.get(first));
            let start = first.and_then(|first| first.start);
            match start >= since && (until.is_none() || start < until) {
                true => inside.extend(joined),
                false => outside.extend(joined),
            }
        }
        (inside, outside)
    }

    /// Hands every span that is held to `each`, the oldest first, with the fields of `want`.
    pub(crate) fn each_span(&self, want: Want, each: &mut dyn FnMut(&Span<'_>)) {
        let mut numbers: Vec<u32> = self.held().segments.numbers().collect();
        numbers.sort_unstable();
        for number in numbers {
            let segment = self.held().segments.get(number);
            if let Some(segment) = segment {
                segment.read(want, each);
            }
        }
    }
}
