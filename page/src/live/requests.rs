//! Whole requests: the traces that hand-offs join, and all their spans.

use std::collections::{HashSet, VecDeque};

use baton_propagators::TraceId;
use baton_traces::span::{Span, UnixTime, Want};
use baton_traces::trace::{Gathering, Trace};

use super::segments::Segment;
use super::{Held, Live, MAX_AT_ONCE};

/// The most traces of one request. Each record of a batch may have a trace of its own.
const MAX_JOINED: usize = 10_000;

/// A search for the traces of one request, which may stop and go on.
struct Joining {
    limit: usize,
    found: HashSet<TraceId>,
    /// The traces whose hand-offs have to be followed, with the number of those that were.
    to_visit: VecDeque<(TraceId, usize)>,
    /// The traces with their starts.
    visited: Vec<(Option<UnixTime>, TraceId)>,
}

impl Joining {
    fn new(first: TraceId, limit: usize) -> Joining {
        Joining {
            limit,
            found: HashSet::from([first]),
            to_visit: VecDeque::from([(first, 0)]),
            visited: Vec::new(),
        }
    }

    /// Follows some hand-offs. Returns whether there are more.
    fn step(&mut self, held: &Held) -> bool {
        let mut budget = MAX_AT_ONCE;
        while budget > 0
            && let Some((id, place)) = self.to_visit.pop_front()
        {
            let Some(entry) = held.traces.get(id) else {
                continue;
            };
            if place == 0 {
                self.visited.push((entry.start, id));
            }
            // it may have left memory and come back meanwhile
            let place = place.min(entry.hand_offs.len());
            let end = entry.hand_offs.len().min(place + budget);
            budget -= (end - place).max(1);
            if end < entry.hand_offs.len() {
                self.to_visit.push_front((id, end));
            }
            let keys = entry.hand_offs[place..end].iter();
            let hand_offs = keys.filter_map(|key| held.hand_offs.get(key));
            for other in hand_offs.flat_map(|hand_off| hand_off.trace_ids()) {
                if self.found.len() < self.limit
                    && held.traces.contains(other)
                    && self.found.insert(other)
                {
                    self.to_visit.push_back((other, 0));
                }
            }
        }
        !self.to_visit.is_empty()
    }
}

impl Held {
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
    /// The trace, and the traces that hand-offs join to it, at most `limit`, with their starts and
    /// in the order of these. Empty if the trace is not held.
    fn joined(&self, trace_id: TraceId, limit: usize) -> Vec<(Option<UnixTime>, TraceId)> {
        let mut joining = Joining::new(trace_id, limit);
        while joining.step(&self.held()) {}
        joining.visited.sort_unstable();
        joining.visited
    }

    /// The trace with all its spans, and those that hand-offs join to it, at most `limit`, in the
    /// order of their start. Each span is also handed to `each`. Empty if the trace is not held.
    pub(crate) fn read(
        &self,
        trace_id: TraceId,
        limit: usize,
        each: &mut dyn FnMut(&Span<'_>),
    ) -> Vec<Trace> {
        let joined = self.joined(trace_id, limit).into_iter();
        let ids: Vec<TraceId> = joined.map(|(_, id)| id).collect();
        let segments = self.held().segments_of(&ids);
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
                let joined = self.joined(id, MAX_JOINED);
                let start = joined.first().and_then(|(start, _)| *start);
                let joined = joined.into_iter().map(|(_, id)| id);
                match start >= since && (until.is_none() || start < until) {
                    true => inside.extend(joined),
                    false => outside.extend(joined),
                }
            }
        }
        (inside, outside)
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
