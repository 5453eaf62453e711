//! The list of traces, and the search in it.

use std::collections::HashSet;
use std::time::Duration;

use baton_propagators::id::TraceId;
use baton_traces::hand_off::Verdict;
use baton_traces::span::{UnixTime, Want};
use baton_traces::trace_index::{Filter, Wanted};

use super::audits::Crossing;
use super::hand_offs::Key;
use super::segments::Segment;
use super::traces::TraceEntry;
use super::{Held, Live};

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
    /// The newest `limit` traces that meet the search, and how many meet it in all. A search for an
    /// attribute reads every span that is held.
    pub(crate) fn list(&self, search: &Search, limit: usize) -> (Vec<Listed>, usize) {
        let with_attribute = search
            .attribute
            .as_ref()
            .map(|attribute| self.with_attribute(attribute));
        let held = self.held();
        let newest = held.order.iter().rev();
        let found = newest.filter_map(|id| Some((id, held.traces.get(id)?)));
        let mut found = found.filter(|(id, entry)| {
            with_attribute.as_ref().is_none_or(|ids| ids.contains(id))
                && held.meets(**id, entry, search)
        });
        let listed: Vec<Listed> = found
            .by_ref()
            .take(limit)
            .map(|(id, entry)| held.listed(*id, entry))
            .collect();
        let count = match *search == Search::default() {
            // open pages ask for the newest traces all the time, so all of them are not looked at
            true => held.order.len(),
            false => listed.len() + found.count(),
        };
        (listed, count)
    }

    /// The traces that have a span with this attribute.
    fn with_attribute(&self, attribute: &(String, String)) -> HashSet<TraceId> {
        let segments: Vec<u32> = self.held().segments.numbers().collect();
        let filter = Filter {
            attributes: vec![attribute.clone()],
            ..Filter::default()
        };
        let mut found = HashSet::new();
        for number in segments {
            // the lock is held for one segment at a time, because reading all of them takes long
            let segment: Option<Segment> = self.held().segments.get(number);
            if let Some(segment) = segment {
                segment.read(Want::Everything, &mut |span| {
                    if filter.met_by(span) != 0 {
                        found.insert(span.reference.trace_id);
                    }
                });
            }
        }
        found
    }

    /// The trace in which a request or a record was handled, by the id in a log.
    pub(crate) fn trace_of_request(&self, request_id: &str) -> Option<TraceId> {
        let held = self.held();
        let hand_off = held.hand_offs.get(&Key::Request(request_id.into()))?;
        hand_off.trace_ids().last()
    }
}

impl Held {
    fn meets(&self, id: TraceId, entry: &TraceEntry, search: &Search) -> bool {
        let service = search.service.as_ref();
        service.is_none_or(|wanted| {
            let mut services = entry.services.iter();
            services.any(|service| self.name(*service) == wanted)
        }) && search
            .id
            .as_ref()
            .is_none_or(|wanted| wanted.is(id) || wanted.begins(id))
            && self.has_hand_off(id, entry, search)
    }

    fn has_hand_off(&self, id: TraceId, entry: &TraceEntry, search: &Search) -> bool {
        if search.edge.is_none() && search.verdict.is_none() {
            return true;
        }
        self.hand_offs_of(id, entry).any(|(from, to, verdict)| {
            let is = |wanted: &String, name: &String| wanted.is_empty() || wanted == name;
            let edge = search.edge.as_ref();
            edge.is_none_or(|(sender, receiver)| is(sender, &from) && is(receiver, &to))
                && search.verdict.is_none_or(|wanted| verdict == Some(wanted))
        })
    }

    fn hand_offs_of<'a>(
        &'a self,
        trace_id: TraceId,
        entry: &'a TraceEntry,
    ) -> impl Iterator<Item = (String, String, Option<Verdict>)> + 'a {
        let hand_offs = entry.hand_offs.iter();
        let counted = hand_offs.filter_map(|key| self.hand_offs.get(key)?.counted);
        let by_id = counted.map(|counted| {
            let name = |name| self.name(name).to_owned();
            let from = counted.edge.from.map_or_else(String::new, name);
            let to = counted.edge.to.or(counted.edge.queue);
            (from, to.map_or_else(String::new, name), counted.verdict)
        });
        let audited = self.crossings(trace_id).map(|crossing| {
            let Crossing {
                from, to, verdict, ..
            } = crossing;
            (from.clone(), to.clone(), Some(*verdict))
        });
        by_id.chain(audited)
    }

    fn listed(&self, trace_id: TraceId, entry: &TraceEntry) -> Listed {
        let head = entry.head.as_ref();
        let services = entry.services.iter();
        Listed {
            trace_id,
            name: head.map(|head| head.name.clone()).unwrap_or_default(),
            service: head
                .map(|head| self.name(head.service).to_owned())
                .unwrap_or_default(),
            services: services
                .map(|service| self.name(*service).to_owned())
                .collect(),
            spans: u64::from(entry.spans),
            start: entry.start,
            duration: entry.start.and_then(|start| entry.end?.since(start)),
            hand_offs: self.hand_offs_of(trace_id, entry).take(8).collect(),
        }
    }
}
