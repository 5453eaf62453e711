//! Whole requests: the traces that hand-offs join, and all their spans.

use std::collections::{HashSet, VecDeque};

use baton_propagators::id::TraceId;
use baton_traces::span::{Span, UnixTime, Want};
use baton_traces::trace::{Gathering, Trace};

use super::segments::Segment;
use super::{Held, Live};

/// How many traces may be one request. Of a batch, each record may be one.
const MAX_JOINED: usize = 10_000;
/// How many traces are looked at before others get a turn.
const MAX_AT_ONCE: usize = 200;

/// A search for the traces of one request, which may stop and go on.
struct Joining {
    limit: usize,
    found: HashSet<TraceId>,
    to_visit: VecDeque<TraceId>,
}

impl Joining {
    fn new(first: TraceId, limit: usize) -> Joining {
        Joining {
            limit,
            found: HashSet::from([first]),
            to_visit: VecDeque::from([first]),
        }
    }

    /// Visits one trace. Gives whether there are more.
    fn step(&mut self, held: &Held) -> bool {
        let Some(id) = self.to_visit.pop_front() else {
            return false;
        };
        let entry = held.traces.get(id);
        let keys = entry.into_iter().flat_map(|entry| &entry.hand_offs);
        let hand_offs = keys.filter_map(|key| held.hand_offs.get(key));
        for other in hand_offs.flat_map(|hand_off| hand_off.trace_ids()) {
            if self.found.len() < self.limit
                && held.traces.contains(other)
                && self.found.insert(other)
            {
                self.to_visit.push_back(other);
            }
        }
        !self.to_visit.is_empty()
    }
}

impl Held {
    /// The trace, and the traces that hand-offs join to it, at most `limit`, in the order of their
    /// start. Empty if the trace is not held.
    fn joined(&self, trace_id: TraceId, limit: usize) -> Vec<TraceId> {
        let mut joining = Joining::new(trace_id, limit);
        while joining.step(self) {}
        let found = joining.found.into_iter();
        let mut found: Vec<_> = found
            .filter_map(|id| Some((self.traces.get(id)?.start, id)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    fn segments_of(&self, traces: &[TraceId]) -> Vec<Segment> {
        let entries = traces.iter().filter_map(|id| self.traces.get(*id));
        let mut numbers: Vec<u32> = entries.flat_map(|entry| entry.segments()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .into_iter()
            .filter_map(|number| self.segments.get(number))
            .collect()
    }

    /// Whether earlier spans of this trace have left memory.
    pub(crate) fn is_rest(&self, trace_id: TraceId) -> bool {
        let entry = self.traces.get(trace_id);
        entry.is_some_and(|entry| entry.is_rest)
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

    /// The held traces whose requests began in a time, and all others. Traces that hand-offs join
    /// are one request, which begins with the earliest of them.
    pub(crate) fn traces_between(
        &self,
        since: Option<UnixTime>,
        until: Option<UnixTime>,
    ) -> (HashSet<TraceId>, HashSet<TraceId>) {
        let (mut inside, mut outside) = (HashSet::new(), HashSet::new());
        let mut next = Some(self.held().traces.end());
        while let Some(end) = next {
            let ids: Vec<TraceId> = {
                let held = self.held();
                let (entries, older) = held.traces.before(end, MAX_AT_ONCE);
                next = older;
                entries.map(|entry| entry.id).collect()
            };
            for id in ids {
                if inside.contains(&id) || outside.contains(&id) {
                    continue;
                }
                let (joined, start) = self.request(id);
                match start >= since && (until.is_none() || start < until) {
                    true => inside.extend(joined),
                    false => outside.extend(joined),
                }
            }
        }
        (inside, outside)
    }

    /// The traces of one request, and when it began.
    fn request(&self, id: TraceId) -> (HashSet<TraceId>, Option<UnixTime>) {
        let mut joining = Joining::new(id, MAX_JOINED);
        let mut start = None;
        let mut has_more = true;
        while has_more {
            let held = self.held();
            for _ in 0..MAX_AT_ONCE {
                let visited = joining.to_visit.front();
                let entry = visited.and_then(|id| held.traces.get(*id));
                let starts = entry.and_then(|entry| entry.start);
                start = start.into_iter().chain(starts).min();
                has_more = joining.step(&held);
                if !has_more {
                    break;
                }
            }
        }
        (joining.found, start)
    }

    /// Hands every span that is held to `each`, the oldest first, with the fields of `want`.
    pub(crate) fn each_span(&self, want: Want, each: &mut dyn FnMut(&Span<'_>)) {
        let numbers = self.held().segments.numbers();
        for number in numbers {
            let segment = self.held().segments.get(number);
            if let Some(segment) = segment {
                segment.read(want, each);
            }
        }
    }
}
