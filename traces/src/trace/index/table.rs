//! What an index stores about each trace, in a few words of memory.

use std::collections::BTreeMap;

use baton_propagators::TraceId;
use foldhash::HashMap;

use super::TraceLine;
use crate::matching::names::{Name, Names};
use crate::source::seen::{Seen, Sight};
use crate::span::{Span, UnixTime};

/// How many services of one trace are stored by name.
const MAX_SERVICES: usize = 64;

/// The traces of a source.
#[derive(Debug)]
pub(crate) struct Table {
    /// The spans so far, of all sources.
    seen: Seen,
    pub(super) traces: HashMap<TraceId, Entry>,
    names: Names,
}

/// The span that describes a trace: the root, or else the earliest span.
#[derive(Debug)]
struct Head {
    is_root: bool,
    start: Option<UnixTime>,
    service: Name,
    name: Name,
}

/// What is stored about a trace.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) spans: u64,
    pub(super) start: Option<UnixTime>,
    end: Option<UnixTime>,
    head: Option<Head>,
    /// A list, because almost every trace has few services.
    services: Vec<Name>,
    /// The parts of the filter that its spans have met, one bit each.
    pub(super) met: u64,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            seen: Seen::new(),
            traces: HashMap::default(),
            names: Names::default(),
        }
    }
}

impl Table {
    /// Adds a span, in any order. A span that occurs twice, in one source or in several, counts
    /// once. `met` holds the parts of a filter that it meets, one bit each.
    pub(crate) fn add_span(&mut self, span: &Span<'_>, met: u64) {
        let sight = self.seen.look(span);
        if sight == Sight::Again {
            return;
        }
        let service = self.names.intern(span.service);
        let known = self.traces.get(&span.reference.trace_id);
        let head = known
            .and_then(|entry| entry.head.as_ref())
            .is_none_or(|head| head.gives_way_to(span))
            .then(|| Head {
                is_root: span.parent_span_id.is_none(),
                start: span.start,
                service,
                name: self.names.intern(&span.name),
            });
        let entry = self.traces.entry(span.reference.trace_id).or_default();
        entry.head = head.or(entry.head.take());
        entry.spans += u64::from(sight == Sight::New);
        entry.start = entry.start.into_iter().chain(span.start).min();
        entry.end = entry.end.max(span.end);
        entry.met |= met;
        if let Err(place) = entry.services.binary_search(&service)
            && entry.services.len() < MAX_SERVICES
        {
            entry.services.insert(place, service);
        }
    }

    /// The line of a list for `entry`.
    pub(super) fn line(&self, trace_id: TraceId, entry: &Entry) -> TraceLine {
        let names = &self.names;
        let head = entry.head.as_ref();
        let name = |of: fn(&Head) -> Name| head.map(|head| names.text(of(head)).to_owned());
        let services = entry
            .services
            .iter()
            .map(|service| names.text(*service).to_owned());
        let mut services: Vec<String> = services.collect();
        services.sort();
        TraceLine {
            trace_id,
            name: name(|head| head.name).unwrap_or_default(),
            service: name(|head| head.service).unwrap_or_default(),
            services,
            spans: entry.spans,
            start: entry.start,
            duration: entry.start.and_then(|start| entry.end?.since(start)),
            verdicts: BTreeMap::new(),
        }
    }
}

impl Head {
    fn gives_way_to(&self, span: &Span<'_>) -> bool {
        let is_root = span.parent_span_id.is_none();
        let earlier = (span.start.is_none(), span.start) < (self.start.is_none(), self.start);
        (is_root && !self.is_root) || (is_root == self.is_root && earlier)
    }
}

#[cfg(test)]
mod tests {
    use baton_propagators::SpanId;

    use super::*;
    use crate::span::SpanReference;

    #[test]
    fn a_span_that_is_in_two_sources_counts_once() {
        let trace_id = TraceId::from_bytes([1; 16]).expect("not zero");
        let mut table = Table::default();
        for id in [1, 2, 1] {
            let span_id = SpanId::from_bytes([id; 8]).expect("not zero");
            let reference = SpanReference { trace_id, span_id };
            table.add_span(&Span::new(reference, "shop"), 0);
        }
        assert_eq!(table.traces[&trace_id].spans, 2);
    }
}
