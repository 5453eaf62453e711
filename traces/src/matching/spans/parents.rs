//! The parent of each span, and the part of the trace within its service that it belongs to.

use std::collections::BTreeSet;
use std::ops::Range;

use super::order::rank;
use super::{At, End, Gathered};
use crate::matching::names::Name;
use crate::threads::{MIN_ITEMS, cores};

/// There is no span.
pub(super) const NONE: At = At::MAX;
/// The parent is not in the source.
pub(super) const MISSING: At = At::MAX - 1;

/// The parent of each of the sorted spans, and the first span of its part of the trace within its
/// service. The halves of a source are examined side by side, because no part leaves its trace.
pub(super) fn of(gathered: &Gathered) -> (Vec<At>, Vec<At>) {
    let spans = &gathered.spans[..];
    let (mut parents, mut entries) = (vec![NONE; spans.len()], vec![NONE; spans.len()]);
    let mut all = Traces {
        gathered,
        spans,
        first: 0,
        parents: &mut parents,
        entries: &mut entries,
    };
    all.fill_with(cores());
    (parents, entries)
}

/// How many spans above a span without a service are looked at.
const MAX_ABOVE: usize = 1000;

/// Names the service of spans that name none: it is their parent's, if that is in their process.
/// X-Ray's subsegments that are sent alone have none. Returns whether there were any.
pub(super) fn name_services(spans: &mut [End], parents: &[At]) -> bool {
    let is_nameless = |end: &End| end.service == Name::EMPTY && end.remote == Some(false);
    let mut found = false;
    for at in 0..spans.len() {
        let mut above = at;
        for _ in 0..MAX_ABOVE {
            let parent = parents[above];
            if !is_nameless(&spans[above]) || parent >= MISSING {
                break;
            }
            above = parent as usize;
        }
        if above != at && spans[above].service != Name::EMPTY {
            spans[at].service = spans[above].service;
            found = true;
        }
    }
    found
}

/// The spans whose ancestors lead back to them.
pub(super) fn circles(parents: &[At]) -> BTreeSet<At> {
    let mut circles = BTreeSet::new();
    // the start of the walk up that first reached the span; each span is visited once
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

/// Some traces, next to each other.
struct Traces<'a> {
    gathered: &'a Gathered,
    /// All spans of the source.
    spans: &'a [End],
    /// The first span of these traces.
    first: usize,
    parents: &'a mut [At],
    entries: &'a mut [At],
}

impl Traces<'_> {
    fn fill_with(&mut self, threads: usize) {
        let Traces {
            gathered,
            spans,
            first,
            ..
        } = *self;
        if threads < 2 || self.parents.len() < MIN_ITEMS {
            self.find_parents();
            self.find_entries();
            return;
        }
        let is_inside = |place: usize| spans[first + place - 1].trace == spans[first + place].trace;
        let mut middle = self.parents.len() / 2;
        while middle < self.parents.len() && is_inside(middle) {
            middle += 1;
        }
        let parents = self.parents.split_at_mut(middle);
        let entries = self.entries.split_at_mut(middle);
        let mut left = Traces {
            gathered,
            spans,
            first,
            parents: parents.0,
            entries: entries.0,
        };
        let mut right = Traces {
            gathered,
            spans,
            first: first + middle,
            parents: parents.1,
            entries: entries.1,
        };
        std::thread::scope(|scope| {
            scope.spawn(|| left.fill_with(threads / 2));
            right.fill_with(threads - threads / 2);
        });
    }

    /// If a client and a server share the parent's id, the one in the child's service is the
    /// parent.
    fn find_parents(&mut self) {
        let (spans, end) = (self.spans, self.first + self.parents.len());
        let mut start = self.first;
        while start < end {
            let trace = spans[start].trace;
            let length = spans[start..].iter().take_while(|end| end.trace == trace);
            let range = start..start + length.count();
            for at in range.clone() {
                self.parents[at - self.first] = parent(spans, range.clone(), at);
            }
            start = range.end;
        }
    }

    /// A span begins a new part, unless its parent is in the same service, is not a call, and is
    /// not remote.
    fn find_entries(&mut self) {
        let mut path = Vec::new();
        for place in 0..self.entries.len() {
            let mut next = place;
            while self.entries[next] == NONE && !self.is_entry(next) {
                self.entries[next] = MISSING; // on the way: a circle of parents ends where it comes back to
                path.push(next);
                next = self.parents[next] as usize - self.first;
            }
            let known = self.entries[next];
            let entry = match known {
                NONE | MISSING => (self.first + next) as At,
                known => known,
            };
            self.entries[next] = entry;
            for place in path.drain(..) {
                self.entries[place] = entry;
            }
        }
    }

    fn is_entry(&self, place: usize) -> bool {
        let parent = match self.parents[place] {
            NONE | MISSING => return true,
            parent => &self.spans[parent as usize],
        };
        let end = &self.spans[self.first + place];
        if parent.service != end.service || end.remote == Some(true) {
            return true;
        }
        end.kind.is_receiver() && end.remote != Some(false) && self.gathered.is_call(parent)
    }
}

fn parent(spans: &[End], trace: Range<usize>, at: usize) -> At {
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
