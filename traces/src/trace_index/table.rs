//! What an index stores about each trace and each call between services, in a few words of memory.

use std::collections::BTreeMap;

use baton_propagators::id::{SpanId, TraceId};
use foldhash::HashMap;

use super::TraceLine;
use super::names::{Name, Names};
use crate::span::{Kind, Span, SpanReference, UnixTime};

/// How many services of one trace are stored by name.
const MAX_SERVICES: usize = 64;

/// The traces of a source, and the calls in them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(super) traces: HashMap<TraceId, Entry>,
    /// The service of every span that may be an end of a call between services. The key is its ids
    /// and whether it is the sending end, because in B3 both ends may share their ids.
    ends: HashMap<(SpanReference, bool), Name>,
    spans_by_service: BTreeMap<Name, u64>,
    calls: Vec<Call>,
    names: Names,
}

/// A span with a parent that may be in another service.
#[derive(Debug)]
struct Call {
    parent: SpanId,
    receiver: SpanReference,
    service: Name,
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

impl Table {
    /// Adds a span, in any order. `met` holds the parts of a filter that it meets, one bit each.
    pub(crate) fn add_span(&mut self, span: &Span<'_>, met: u64) {
        let service = self.names.number(span.service);
        let known = self.traces.get(&span.reference.trace_id);
        let head = known
            .and_then(|entry| entry.head.as_ref())
            .is_none_or(|head| head.gives_way_to(span))
            .then(|| Head {
                is_root: span.parent_span_id.is_none(),
                start: span.start,
                service,
                name: self.names.number(&span.name),
            });
        let entry = self.traces.entry(span.reference.trace_id).or_default();
        entry.head = head.or(entry.head.take());
        entry.spans += 1;
        entry.start = entry.start.into_iter().chain(span.start).min();
        entry.end = entry.end.max(span.end);
        entry.met |= met;
        if let Err(place) = entry.services.binary_search(&service)
            && entry.services.len() < MAX_SERVICES
        {
            entry.services.insert(place, service);
        }
        *self.spans_by_service.entry(service).or_default() += 1;
        self.add_end(span, service);
    }

    fn add_end(&mut self, span: &Span<'_>, service: Name) {
        if span.kind != Kind::Internal {
            self.ends
                .insert((span.reference, span.kind.is_sender()), service);
        }
        let may_be_remote = span.parent_is_remote.unwrap_or(true)
            && !matches!(span.kind, Kind::Internal | Kind::Client | Kind::Producer);
        // A caller that shares the span's id may be a root.
        let is_called = span.parent_is_remote == Some(true);
        let own = is_called.then_some(span.reference.span_id);
        if let (true, Some(parent)) = (may_be_remote, span.parent_span_id.or(own)) {
            self.calls.push(Call {
                parent,
                receiver: span.reference,
                service,
            });
        }
    }

    /// The service of the span with these ids, if it may be an end of a call between services.
    /// `is_sender` chooses between the two halves of a shared id.
    pub(crate) fn service(&self, span: SpanReference, sends: bool) -> Option<&str> {
        let service = self.end(span, sends).or_else(|| self.end(span, !sends))?;
        Some(self.names.get(service))
    }

    /// Every service, with the number of its spans.
    pub(crate) fn spans_by_service(&self) -> impl Iterator<Item = (&str, u64)> {
        let services = self.spans_by_service.iter();
        services.map(|(service, spans)| (self.names.get(*service), *spans))
    }

    /// Spans whose parent is in another service: the parent's service, the span, and the span's
    /// service.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&str, SpanReference, &str)> {
        self.calls.iter().filter_map(|call| {
            let parent = SpanReference {
                trace_id: call.receiver.trace_id,
                span_id: call.parent,
            };
            let called = self.end(parent, false);
            // Of two halves with the parent's id, one in the same service is the parent.
            let from = self
                .end(call.receiver, true)
                .or(called.filter(|service| *service == call.service))
                .or_else(|| self.end(parent, true))
                .or(called)?;
            let name = |service| self.names.get(service);
            (from != call.service).then(|| (name(from), call.receiver, name(call.service)))
        })
    }

    /// The service of one half of these ids.
    fn end(&self, span: SpanReference, is_sender: bool) -> Option<Name> {
        self.ends.get(&(span, is_sender)).copied()
    }

    /// The line of a list for `entry`.
    pub(super) fn line(&self, trace_id: TraceId, entry: &Entry) -> TraceLine {
        let names = &self.names;
        let head = entry.head.as_ref();
        let name = |of: fn(&Head) -> Name| head.map(|head| names.get(of(head)).to_owned());
        let services = entry
            .services
            .iter()
            .map(|service| names.get(*service).to_owned());
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
