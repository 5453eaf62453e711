//! The spans of a source, sorted, with their parents.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use super::about::{About, Operation};
use super::by_trace::ByTrace;
use super::order;
use super::parents::{self, MISSING, NONE};
use super::{At, End, Gathered, HeaderAt, Ids, LinkAt};
use crate::matching::names::{Name, Names};
use crate::span::{Kind, SpanReference};
use crate::threads::{MIN_ITEMS, side_by_side, together};

/// The parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It has none.
    None,
    /// It is not in the source.
    Missing,
    /// This span.
    Span(At),
}

/// All spans of a source, sorted by trace and then by span. The order does not depend on the order
/// of arrival.
#[derive(Debug)]
pub(crate) struct Tree {
    gathered: Gathered,
    by_trace: ByTrace,
    parents: Vec<At>,
    /// The spans whose ancestors lead back to them.
    circles: BTreeSet<At>,
    /// For each span, the first span of its part of the trace within its service.
    entries: Vec<At>,
    spans_by_service: BTreeMap<Name, u64>,
}

fn spans_by_service(spans: &[End]) -> BTreeMap<Name, u64> {
    let mut counts: BTreeMap<Name, u64> = BTreeMap::new();
    for same in spans.chunk_by(|one, other| one.service == other.service) {
        *counts.entry(same[0].service).or_default() += same.len() as u64;
    }
    counts
}

impl Tree {
    /// Sorts the spans and finds their parents. Of a span that occurs twice, one is kept.
    pub(crate) fn of(mut gathered: Gathered) -> Tree {
        gathered.settle_namespaces();
        order::sort_all(&mut gathered);
        let (mut parents, mut entries) = parents::of(&gathered);
        if parents::name_services(&mut gathered.spans, &parents) {
            (parents, entries) = parents::of(&gathered);
        }
        let spans = &gathered.spans;
        let ((by_trace, spans_by_service), circles) = together(
            || (ByTrace::of(spans), spans_by_service(spans)),
            || parents::circles(&parents),
        );
        let mut tree = Tree {
            spans_by_service,
            by_trace,
            gathered,
            circles,
            parents,
            entries,
        };
        tree.find_linked();
        tree
    }

    /// Finds the span of each link.
    fn find_linked(&mut self) {
        let mut links = std::mem::take(&mut self.gathered.links);
        let share = (links.len() / 8).max(MIN_ITEMS);
        side_by_side(links.chunks_mut(share), |links| {
            for link in links {
                link.linked = self.find(link.trace, link.span).unwrap_or(NONE);
            }
        });
        self.gathered.links = links;
    }

    /// How many spans each service has.
    pub(crate) fn spans_by_service(&self) -> &BTreeMap<Name, u64> {
        &self.spans_by_service
    }

    /// All spans.
    pub(crate) fn spans(&self) -> &[End] {
        &self.gathered.spans
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.gathered.spans.len()
    }

    /// The numbers of all spans.
    pub(crate) fn all(&self) -> impl Iterator<Item = At> + use<> {
        0..self.len() as At
    }

    /// The services that have a span that `is_wanted`.
    pub(crate) fn services(&self, is_wanted: impl Fn(At) -> bool) -> BTreeSet<Name> {
        let wanted = self.all().filter(|at| is_wanted(*at));
        let services: HashSet<Name> = wanted.map(|at| self.span(at).service).collect();
        services.into_iter().collect()
    }

    /// The span `at`.
    pub(crate) fn span(&self, at: At) -> &End {
        &self.gathered.spans[at as usize]
    }

    /// The facts about the hand-off of the span `at`.
    pub(crate) fn about(&self, at: At) -> &About {
        self.gathered.about_of(self.span(at))
    }

    /// The facts about hand-offs that occur, each once.
    pub(crate) fn abouts(&self) -> &[About] {
        self.gathered.abouts()
    }

    /// The interned text.
    pub(crate) fn names(&self) -> &Names {
        &self.gathered.names
    }

    /// The ids on the spans.
    pub(crate) fn ids(&self) -> &Ids {
        &self.gathered.ids
    }

    /// Whether no span has captured trace-context headers.
    pub(crate) fn has_no_headers(&self) -> bool {
        self.gathered.headers.is_empty()
    }

    /// The captured trace-context headers of the span `at`.
    pub(crate) fn headers(&self, at: At) -> &[HeaderAt] {
        let headers = &self.gathered.headers;
        let start = headers.partition_point(|header| header.at < at);
        let end = headers.partition_point(|header| header.at <= at);
        &headers[start..end]
    }

    /// The links of the span `at`.
    pub(crate) fn links(&self, at: At) -> &[LinkAt] {
        let links = self.all_links();
        let start = links.partition_point(|link| link.at < at);
        let end = links.partition_point(|link| link.at <= at);
        &links[start..end]
    }

    /// The links of all spans, sorted by the span with the link.
    pub(crate) fn all_links(&self) -> &[LinkAt] {
        &self.gathered.links
    }

    /// The parent of the span `at`.
    pub(crate) fn parent(&self, at: At) -> Parent {
        match self.parents[at as usize] {
            NONE => Parent::None,
            MISSING => Parent::Missing,
            parent => Parent::Span(parent),
        }
    }

    /// Whether the ancestors of `at` lead back to it. Then its parent is not evidence.
    pub(crate) fn is_in_circle(&self, at: At) -> bool {
        self.circles.contains(&at)
    }

    /// How many spans are missing, because there were too many to number.
    pub(crate) fn left_out(&self) -> u64 {
        self.gathered.left_out
    }

    /// The parent of the span `at`, if it is in the same service and part of the trace.
    pub(crate) fn local_parent(&self, at: At) -> Option<At> {
        match self.parent(at) {
            Parent::Span(parent) if self.entry(at) != at => Some(parent),
            _ => None,
        }
    }

    /// The spans above `at` in its service and part of the trace, the nearest first.
    pub(crate) fn above(&self, at: At) -> impl Iterator<Item = At> + '_ {
        std::iter::successors(self.local_parent(at), |at| self.local_parent(*at))
    }

    /// The first span, within its service, of the part of the trace that contains `at`.
    pub(crate) fn entry(&self, at: At) -> At {
        self.entries[at as usize]
    }

    /// Whether `at` is `above` or a descendant of it within one service.
    pub(crate) fn is_at_or_below(&self, at: At, above: At) -> bool {
        at == above || self.above(at).any(|at| at == above)
    }

    /// The span with these ids. If a client and a server share them, the client.
    pub(crate) fn find(&self, trace: baton_propagators::TraceId, span: u64) -> Option<At> {
        let near = self.by_trace.near(trace);
        let spans = &self.spans()[near.clone()];
        let place = spans.partition_point(|end| (end.trace, end.span) < (trace, span));
        let found = spans.get(place)?;
        (found.trace == trace && found.span == span).then_some((near.start + place) as At)
    }

    /// The span with these ids. If a client and a server share them, the one that `sends`, or the
    /// other one.
    pub(crate) fn find_either(&self, span: SpanReference, sends: bool) -> Option<At> {
        let id = u64::from_be_bytes(span.span_id.to_bytes());
        let first = self.find(span.trace_id, id)?;
        let is_same = |at: At| {
            let end = self.spans().get(at as usize);
            end.is_some_and(|end| (end.trace, end.span) == (span.trace_id, id))
        };
        let last = (first..).take_while(|at| is_same(*at)).last();
        if sends { Some(first) } else { last }
    }

    /// Whether the span with this id is `at`, or a span above or below it in its service.
    pub(crate) fn is_part_of(&self, at: At, span: u64) -> bool {
        let part = self.find(self.span(at).trace, span);
        part.is_some_and(|part| self.is_at_or_below(part, at) || self.is_at_or_below(at, part))
    }

    /// The name for `text`, which is stored if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        self.gathered.names.intern(text)
    }

    /// The numbers of the spans in the trace of `at`.
    pub(crate) fn trace(&self, at: At) -> std::ops::Range<At> {
        let trace = self.span(at).trace;
        let near = self.by_trace.near(trace);
        let spans = &self.spans()[near.clone()];
        let start = spans.partition_point(|end| end.trace < trace);
        let end = spans.partition_point(|end| end.trace <= trace);
        (near.start + start) as At..(near.start + end) as At
    }

    /// Whether the span `at` may hand something over.
    pub(crate) fn is_call(&self, at: At) -> bool {
        self.gathered.is_call(self.span(at))
    }

    /// Whether the span `at` fetches messages or is a batch of them, and does not handle one
    /// message.
    pub(crate) fn only_receives(&self, at: At) -> bool {
        let (end, about) = (self.span(at), self.about(at));
        let is_batch = about.batch.is_some() && !end.has_message;
        end.kind == Kind::Consumer && (about.operation == Operation::Receive || is_batch)
    }

    /// Whether `call` fetched the message that `receiver` handles, in the same service. The sender
    /// is another span.
    pub(crate) fn fetched_for(&self, call: At, receiver: At) -> bool {
        let (from, to) = (self.span(call), self.span(receiver));
        from.service == to.service && from.kind == Kind::Client && !self.is_call(call)
    }
}
