//! The spans of a source, sorted, with their parents.

use std::collections::BTreeSet;

use super::about::{About, Operation};
use super::by_trace::ByTrace;
use super::names::{Name, Names};
use super::sort::sort;
use super::{At, End, Gathered, HeaderAt, IdAt, Ids, LinkAt};
use crate::span::{Kind, SpanReference};

/// There is no span.
const NONE: At = At::MAX;
/// The parent is not in the source.
const MISSING: At = At::MAX - 1;

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
    /// The links of all spans, sorted by the span with the link.
    links: Vec<LinkAt>,
}

impl Tree {
    /// Sorts the spans and finds their parents. Of a span that occurs twice, one is kept.
    pub(crate) fn of(mut gathered: Gathered) -> Tree {
        let places = sort_spans(&mut gathered);
        move_ids(&mut gathered.ids, &places);
        let links = moved_links(&gathered, &places);
        for header in &mut gathered.headers {
            header.at = places[header.at as usize];
        }
        let names = &gathered.names;
        gathered.headers.sort_by_key(|header| {
            (
                header.at,
                header.header,
                names.text(header.value).to_owned(),
            )
        });
        let parents = parents(&gathered.spans);
        let entries = entries(&gathered.spans, &parents);
        Tree {
            by_trace: ByTrace::of(&gathered.spans),
            gathered,
            circles: circles(&parents),
            parents,
            entries,
            links,
        }
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

    /// The span `at`.
    pub(crate) fn span(&self, at: At) -> &End {
        &self.gathered.spans[at as usize]
    }

    /// The facts about the hand-off of the span `at`.
    pub(crate) fn about(&self, at: At) -> &About {
        self.gathered.about_of(self.span(at))
    }

    /// The interned text.
    pub(crate) fn names(&self) -> &Names {
        &self.gathered.names
    }

    /// The ids on the spans.
    pub(crate) fn ids(&self) -> &Ids {
        &self.gathered.ids
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
        let start = self.links.partition_point(|link| link.at < at);
        let end = self.links.partition_point(|link| link.at <= at);
        &self.links[start..end]
    }

    /// The links of all spans, sorted by the span with the link.
    pub(crate) fn all_links(&self) -> &[LinkAt] {
        &self.links
    }

    /// The parent of the span `at`.
    pub(crate) fn parent(&self, at: At) -> Parent {
        match self.parents[at as usize] {
            NONE => Parent::None,
            MISSING => Parent::Missing,
            parent => Parent::Span(parent),
        }
    }

    /// Whether the ancestors of `at` lead back to it. Then its parent is no evidence.
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

    /// The first span, within its service, of the part of the trace that contains `at`.
    pub(crate) fn entry(&self, at: At) -> At {
        self.entries[at as usize]
    }

    /// Whether `at` is `above` or a descendant of it within one service.
    pub(crate) fn is_at_or_below(&self, at: At, above: At) -> bool {
        let mut next = Some(at);
        while let Some(at) = next {
            if at == above {
                return true;
            }
            next = self.local_parent(at);
        }
        false
    }

    /// The span with these ids. If a client and a server share them, the client.
    pub(crate) fn find(&self, trace: baton_propagators::id::TraceId, span: u64) -> Option<At> {
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
}

/// Senders before receivers, so that of a shared id the client comes first.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Client | Kind::Producer => 0,
        Kind::Internal | Kind::Unspecified => 1,
        Kind::Server | Kind::Consumer => 2,
    }
}

/// Sorts the spans, and keeps one of those that occur twice. Gives the new number of each span.
fn sort_spans(gathered: &mut Gathered) -> Vec<At> {
    let mut order = order(gathered);
    let mut places = vec![NONE; order.len()];
    for (place, at) in (0..).zip(&order) {
        places[*at as usize] = place;
    }
    let spans = &mut gathered.spans;
    reorder(spans, &mut order);
    // the number of each sorted span without those that are repeated
    let mut numbers = order;
    let mut kept = 0;
    for place in 0..spans.len() {
        if kept == 0 || !is_same(&spans[kept - 1], &spans[place]) {
            spans[kept] = spans[place];
            kept += 1;
        }
        numbers[place] = (kept - 1) as At;
    }
    spans.truncate(kept);
    for place in &mut places {
        *place = numbers[*place as usize];
    }
    places
}

/// The spans in order. The keys are sorted separately, so that sorting only needs a few bytes for
/// each span.
fn order(gathered: &Gathered) -> Vec<At> {
    let spans = &gathered.spans;
    let names = &gathered.names;
    let number = |end: &End| u128::from_be_bytes(end.trace.to_bytes());
    let keys = spans.iter().zip(0..);
    let mut keys: Vec<(u128, u64, At)> = keys
        .map(|(end, at): (&End, At)| (number(end), end.span, at))
        .collect();
    sort(&mut keys, |left, right| {
        let by_ids = (left.0, left.1).cmp(&(right.0, right.1));
        by_ids.then_with(|| {
            let (one, other) = (&spans[left.2 as usize], &spans[right.2 as usize]);
            rank(one.kind)
                .cmp(&rank(other.kind))
                .then_with(|| names.text(one.service).cmp(names.text(other.service)))
                .then_with(|| (one.start, other.end).cmp(&(other.start, one.end)))
                // of a span that was also exported in another form, OTLP says the most
                .then_with(|| other.is_otlp.cmp(&one.is_otlp))
                .then_with(|| left.2.cmp(&right.2))
        })
    });
    let order = keys.iter().map(|(_, _, at)| *at);
    order.collect()
}

/// Moves the spans in place, so that each is where `order` has its number. `order` is used up.
fn reorder(spans: &mut [End], order: &mut [At]) {
    for start in 0..spans.len() {
        let first = spans[start];
        let mut place = start;
        loop {
            let from = order[place] as usize;
            order[place] = place as At;
            if from == start {
                spans[place] = first;
                break;
            }
            spans[place] = spans[from];
            place = from;
        }
    }
}

fn is_same(left: &End, right: &End) -> bool {
    (left.trace, left.span, left.service) == (right.trace, right.span, right.service)
        && rank(left.kind) == rank(right.kind)
}

fn move_ids(ids: &mut Ids, places: &[At]) {
    for ids in ids.each() {
        for IdAt { at, .. } in &mut *ids {
            *at = places[*at as usize];
        }
        sort(ids, IdAt::cmp);
        ids.dedup();
    }
}

fn moved_links(gathered: &Gathered, places: &[At]) -> Vec<LinkAt> {
    let links = gathered.links.iter();
    let mut links: Vec<LinkAt> = links
        .map(|link| LinkAt {
            at: places[link.at as usize],
            ..*link
        })
        .collect();
    links.sort_unstable_by_key(|link| (link.at, link.trace, link.span));
    links.dedup_by_key(|link| (link.at, link.trace, link.span));
    links
}

/// The parent of each span. If a client and a server share the parent's id, the one in the child's
/// service is the parent.
fn parents(spans: &[End]) -> Vec<At> {
    let mut parents = vec![NONE; spans.len()];
    let mut start = 0;
    while start < spans.len() {
        let trace = spans[start].trace;
        let length = spans[start..].iter().take_while(|end| end.trace == trace);
        let length = length.count();
        let range = start..start + length;
        for at in range.clone() {
            parents[at] = parent(spans, range.clone(), at);
        }
        start = range.end;
    }
    parents
}

fn parent(spans: &[End], trace: std::ops::Range<usize>, at: usize) -> At {
    let child = &spans[at];
    let with_id = |id: u64| {
        let first = trace.start + spans[trace.clone()].partition_point(|end| end.span < id);
        let same = spans[first..trace.end]
            .iter()
            .take_while(move |end| end.span == id);
        (first..).zip(same).filter(|(place, _)| *place != at)
    };
    // a server that shares the id of its client
    let shared = with_id(child.span).find(|(_, other)| rank(other.kind) == 0);
    if let Some((client, _)) = shared.filter(|_| rank(child.kind) == 2) {
        return client as At;
    }
    if child.parent == 0 || child.parent == child.span {
        // a server that shares its id with a client that is not in the source
        let is_shared = child.remote == Some(true) && rank(child.kind) == 2;
        return if is_shared { MISSING } else { NONE };
    }
    let mut candidates = with_id(child.parent);
    let Some((first, _)) = candidates.next() else {
        return MISSING;
    };
    let own = candidates.find(|(_, other)| other.service == child.service);
    if spans[first].service == child.service {
        return first as At;
    }
    own.map_or(first as At, |(own, _)| own as At)
}

/// The spans whose ancestors lead back to them.
fn circles(parents: &[At]) -> BTreeSet<At> {
    let mut circles = BTreeSet::new();
    // the span from which a walk up first came by; every span is walked over once
    let mut seen = vec![NONE; parents.len()];
    for start in 0..parents.len() as At {
        let mut at = start;
        while at < MISSING && seen[at as usize] == NONE {
            seen[at as usize] = start;
            at = parents[at as usize];
        }
        while at < MISSING && seen[at as usize] == start && circles.insert(at) {
            at = parents[at as usize];
        }
    }
    circles
}

/// The entry of each span. A span begins a new part, unless its parent is in the same service, is
/// not a call, and is not remote.
fn entries(spans: &[End], parents: &[At]) -> Vec<At> {
    let is_entry = |at: usize| {
        let parent = match parents[at] {
            NONE | MISSING => return true,
            parent => &spans[parent as usize],
        };
        let end = &spans[at];
        if parent.service != end.service || end.remote == Some(true) {
            return true;
        }
        let calls = matches!(parent.kind, Kind::Client | Kind::Producer);
        let answers = matches!(end.kind, Kind::Server | Kind::Consumer);
        calls && answers && end.remote != Some(false)
    };
    let mut entries = vec![NONE; spans.len()];
    let mut path = Vec::new();
    for at in 0..spans.len() {
        let mut next = at;
        while entries[next] == NONE && !is_entry(next) {
            entries[next] = MISSING; // on the way: a circle of parents ends where it comes back to
            path.push(next);
            next = parents[next] as usize;
        }
        let is_known = entries[next] != NONE && entries[next] != MISSING;
        let entry = if is_known { entries[next] } else { next as At };
        entries[next] = entry;
        for at in path.drain(..) {
            entries[at] = entry;
        }
    }
    entries
}
