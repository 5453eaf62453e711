//! The services and queues of a source, and what became of the context between them.
//!
//! Request ids and message keys show the edges of hand-offs, even where the trace broke. All other
//! edges are calls whose receiver names its parent.

use std::collections::BTreeMap;

use foldhash::HashSet;
use serde::Serialize;

use crate::assemble::{HandOff, HandOffKey};
use crate::audit;
use crate::hand_off::{Hop, Verdict};
use crate::shown::{service_name, visible};
use crate::trace_index::TraceIndex;

/// What a node represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A service.
    Service,
    /// A stream or queue.
    Queue,
    /// Senders or receivers without recorded spans, named by their role.
    Unrecorded,
    /// The place of messages that were never delivered.
    Nowhere,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its kind.
    pub kind: NodeKind,
    /// Its name, with hostile characters made visible.
    pub name: String,
    /// How many spans the service has; 0 if it is not a service.
    pub spans: u64,
}

/// The requests or messages from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The sender, as an index into the nodes.
    pub from: usize,
    /// The receiver, as an index into the nodes.
    pub to: usize,
    /// How many requests or messages went over it.
    pub count: u64,
    /// How many of them have each verdict. Empty for an edge that is not judged, such as an edge
    /// into a queue.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Whether the trace broke on it for any of them.
    pub broken: bool,
}

/// A service map. Nodes are sorted by kind and name, edges by their nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceMap {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

type Key = (NodeKind, String);

/// Collects edges by the names of their nodes.
#[derive(Default)]
struct Edges(BTreeMap<(Key, Key), (u64, BTreeMap<Verdict, u64>)>);

impl Edges {
    fn add(&mut self, from: &Key, to: &Key, verdict: Option<Verdict>) {
        let edge = self.0.entry((from.clone(), to.clone())).or_default();
        edge.0 += 1;
        if let Some(verdict) = verdict {
            *edge.1.entry(verdict).or_default() += 1;
        }
    }

    /// Adds an edge of an audit. A message's edge goes through its queue.
    fn add_audited(&mut self, audited: &audit::Edge) {
        let (from, to) = (service(&audited.from), service(&audited.to));
        let count = audited.handoffs;
        let sender = match &audited.channel.destination {
            Some(destination) => {
                let queue = (NodeKind::Queue, visible(destination));
                self.0.entry((from, queue.clone())).or_default().0 += count;
                queue
            }
            None => from,
        };
        let edge = self.0.entry((sender, to)).or_default();
        edge.0 += count;
        for (verdict, count) in &audited.verdicts {
            *edge.1.entry(*verdict).or_default() += count;
        }
    }
}

impl ServiceMap {
    /// The map of all spans in `index`.
    pub fn of(index: &TraceIndex) -> ServiceMap {
        let mut edges = Edges::default();
        if let Some(judged) = index.judged() {
            for edge in &judged.edges {
                edges.add_audited(edge);
            }
            return ServiceMap::from_edges(&edges, index);
        }
        let mut handed_over = HashSet::default();
        for hand_off in index.hand_offs() {
            add_hand_off(&mut edges, index, &hand_off);
            handed_over.extend(hand_off.receiver.and_then(|receiver| receiver.reference));
        }
        for (from, receiver, to) in index.table.calls() {
            if !handed_over.contains(&receiver) {
                edges.add(&service(from), &service(to), None);
            }
        }
        ServiceMap::from_edges(&edges, index)
    }

    fn from_edges(edges: &Edges, index: &TraceIndex) -> ServiceMap {
        let mut nodes: BTreeMap<Key, u64> = BTreeMap::new();
        for (from, to) in edges.0.keys() {
            nodes.entry(from.clone()).or_default();
            nodes.entry(to.clone()).or_default();
        }
        for (name, spans) in index.table.spans_by_service() {
            *nodes.entry(service(name)).or_default() += spans;
        }
        let place = |key: &Key| nodes.keys().position(|known| known == key).unwrap_or(0);
        ServiceMap {
            edges: edges
                .0
                .iter()
                .map(|((from, to), (count, verdicts))| Edge {
                    from: place(from),
                    to: place(to),
                    count: *count,
                    broken: verdicts.keys().any(|verdict| !verdict.is_whole()),
                    verdicts: verdicts.clone(),
                })
                .collect(),
            nodes: nodes
                .iter()
                .map(|((kind, name), spans)| Node {
                    kind: *kind,
                    name: name.clone(),
                    spans: *spans,
                })
                .collect(),
        }
    }
}

/// The edges of one hand-off: from the client to the producer, or through the stream.
fn add_hand_off(edges: &mut Edges, index: &TraceIndex, hand_off: &HandOff<'_>) {
    let sender = hand_off
        .sender
        .reference
        .and_then(|sender| index.table.service(sender, true));
    // senders and receivers have different names, because otherwise a stream would seem to lead
    // back to its producer
    let (sending, receiving) = match hand_off.hop {
        Hop::Ingress => ("client", "producer"),
        Hop::Record => ("producer", "consumer"),
    };
    let sender = sender.map_or_else(|| unrecorded(sending), service);
    let receiver = hand_off.receiver.map(|receiver| {
        let reference = receiver.reference.filter(|_| receiver.recorded);
        let name = reference.and_then(|reference| index.table.service(reference, false));
        name.map_or_else(|| unrecorded(receiving), service)
    });
    let receiver = receiver.unwrap_or((NodeKind::Nowhere, "never delivered".to_owned()));
    match (hand_off.hop, hand_off.key) {
        (Hop::Record, HandOffKey::Message(key)) => {
            let stream = (NodeKind::Queue, visible(key.stream));
            edges.add(&sender, &stream, None);
            edges.add(&stream, &receiver, hand_off.verdict);
        }
        _ => edges.add(&sender, &receiver, hand_off.verdict),
    }
}

fn service(name: &str) -> Key {
    (NodeKind::Service, service_name(name))
}

fn unrecorded(role: &str) -> Key {
    (NodeKind::Unrecorded, format!("({role} unseen)"))
}

impl Edge {
    /// Whether the context is known to have survived on this edge.
    pub fn is_whole(&self) -> bool {
        !self.broken && !self.verdicts.is_empty()
    }
}
