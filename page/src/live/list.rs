//! The list of traces, and the search in it.

use std::collections::HashSet;
use std::time::Duration;

use baton_propagators::TraceId;
use baton_traces::hand_off::Verdict;
use baton_traces::span::{UnixTime, Want};
use baton_traces::trace::index::{Filter, Wanted};

use super::edges::EdgeKey;
use super::hand_offs::HandOff;
use super::keys::Id;
use super::names::Name;
use super::traces::TraceEntry;
use super::{Held, Live, MAX_AT_ONCE};

/// How many hand-offs of one trace are listed.
const MAX_HAND_OFFS: usize = 8;

/// A search. A trace must meet all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Search {
    /// A service that has a span in the trace.
    pub(crate) service: Option<String>,
    /// The sender and the receiver of a hand-off that begins or ends in it; an empty name is any.
    pub(crate) edge: Option<(String, String)>,
    /// The verdict of a hand-off that begins or ends in it, on that edge if one is named.
    pub(crate) verdict: Option<Verdict>,
    /// Name and value of an attribute of one of its spans.
    pub(crate) attribute: Option<(String, String)>,
    /// Its id, or the beginning of it.
    pub(crate) id: Option<Wanted>,
}

/// One trace in the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its id.
    pub(crate) trace_id: TraceId,
    /// The name of its first span, and that span's service.
    pub(crate) name: String,
    /// The service of that span.
    pub(crate) service: String,
    /// All services in it.
    pub(crate) services: Vec<String>,
    /// How many spans it has.
    pub(crate) spans: u64,
    /// When it started.
    pub(crate) start: Option<UnixTime>,
    /// How long it took.
    pub(crate) duration: Option<Duration>,
    /// The hand-offs that begin or end in it: sender, receiver and verdict.
    pub(crate) hand_offs: Vec<(String, String, Option<Verdict>)>,
}

impl Live {
    /// The newest `limit` traces that meet the search, and how many meet it in all; `None` if there
    /// are more, which are not counted. A search for an attribute reads every span that is held.
    pub(crate) fn list(&self, search: &Search, limit: usize) -> (Vec<Listed>, Option<usize>) {
        let with_attribute = search
            .attribute
            .as_ref()
            .map(|attribute| self.with_attribute(attribute));
        let is_every = *search == Search::default();
        let mut listed = Vec::new();
        let mut next = Some(self.held().traces.end());
        while let Some(end) = next {
            let held = self.held();
            let Some(numbers) = Numbers::of(search, &held) else {
                break;
            };
            let (entries, older) = held.traces.before(end, at_once(is_every, limit));
            next = older;
            for entry in entries {
                let has = |ids: &HashSet<TraceId>| ids.contains(&entry.id);
                if with_attribute.as_ref().is_none_or(has) && held.meets(entry, &numbers) {
                    // open pages ask all the time, so older traces are not looked at
                    if listed.len() == limit {
                        let count = is_every.then(|| held.traces.len());
                        return (listed, count);
                    }
                    listed.push(held.listed(entry));
                }
            }
        }
        let count = listed.len();
        (listed, Some(count))
    }

    /// The traces that have a span with this attribute.
    fn with_attribute(&self, attribute: &(String, String)) -> HashSet<TraceId> {
        let filter = Filter {
            attributes: vec![attribute.clone()],
            ..Filter::default()
        };
        let mut found = HashSet::new();
        self.each_span(Want::Everything, &mut |span| {
            if filter.met_by(span) != 0 {
                found.insert(span.reference.trace_id);
            }
        });
        found
    }

    /// The trace in which a request was handled. If it was not sampled, only logs show that trace.
    pub(crate) fn trace_of_request(&self, request_id: &str) -> Option<TraceId> {
        let held = self.held();
        let key = held.keys.of(&Id::Request(request_id.into()));
        let hand_off = held.hand_offs.get(&key)?;
        let unsampled = || hand_off.unsampled_trace_ids().last();
        hand_off.trace_ids().last().or_else(unsampled)
    }
}

/// How many traces are looked at together. For the newest ones, no more than are listed.
fn at_once(is_every: bool, limit: usize) -> usize {
    if is_every {
        limit.clamp(1, MAX_AT_ONCE)
    } else {
        MAX_AT_ONCE
    }
}

/// A search with the numbers of its names.
struct Numbers<'a> {
    service: Option<Name>,
    edge: Option<(Option<Name>, Option<Name>)>,
    verdict: Option<Verdict>,
    id: Option<&'a Wanted>,
}

impl Numbers<'_> {
    /// `None` if no trace can meet the search, because no span has a name that it asks for.
    fn of<'a>(search: &'a Search, held: &Held) -> Option<Numbers<'a>> {
        let service = match &search.service {
            Some(service) => Some(held.names.find(service)?),
            None => None,
        };
        let end = |name: &str| match name {
            "" => Some(None),
            name => held.names.find(name).map(Some),
        };
        let edge = match &search.edge {
            Some((from, to)) => Some((end(from)?, end(to)?)),
            None => None,
        };
        Some(Numbers {
            service,
            edge,
            verdict: search.verdict,
            id: search.id.as_ref(),
        })
    }
}

impl Held {
    fn meets(&self, entry: &TraceEntry, search: &Numbers<'_>) -> bool {
        let service = search.service;
        service.is_none_or(|service| entry.has_service(service))
            && search
                .id
                .is_none_or(|wanted| wanted.is(entry.id) || wanted.begins(entry.id))
            && self.has_hand_off(entry, search)
    }

    fn has_hand_off(&self, entry: &TraceEntry, search: &Numbers<'_>) -> bool {
        if search.edge.is_none() && search.verdict.is_none() {
            return true;
        }
        let is = |wanted: Option<Name>, name| wanted.is_none() || wanted == name;
        self.hand_offs_of(entry).any(|hand_off| {
            let EdgeKey { from, queue, to } = hand_off.edge();
            let edge = search.edge;
            edge.is_none_or(|(sender, receiver)| is(sender, from) && is(receiver, to.or(queue)))
                && (search.verdict.is_none() || search.verdict == hand_off.verdict())
        })
    }

    /// The hand-offs that begin or end in a trace and count.
    fn hand_offs_of<'a>(&'a self, entry: &'a TraceEntry) -> impl Iterator<Item = &'a HandOff> {
        let keys = entry.hand_offs.iter();
        let hand_offs = keys.filter_map(|key| self.hand_offs.get(key).map(|found| &**found));
        hand_offs.filter(|hand_off| hand_off.counted.is_some())
    }

    fn listed(&self, entry: &TraceEntry) -> Listed {
        let head = entry.head.as_ref();
        let text =
            |name: Option<Name>| name.map_or_else(String::new, |name| self.name(name).to_owned());
        let hand_offs = self.hand_offs_of(entry).map(|hand_off| {
            let EdgeKey { from, queue, to } = hand_off.edge();
            (text(from), text(to.or(queue)), hand_off.verdict())
        });
        let services = entry.services.iter();
        Listed {
            trace_id: entry.id,
            name: head.map(|head| head.name.clone()).unwrap_or_default(),
            service: text(head.map(|head| head.service)),
            services: services
                .map(|service| self.name(*service).to_owned())
                .collect(),
            spans: entry.spans,
            start: entry.start,
            duration: entry.start.and_then(|start| entry.end?.since(start)),
            hand_offs: hand_offs.take(MAX_HAND_OFFS).collect(),
        }
    }
}
