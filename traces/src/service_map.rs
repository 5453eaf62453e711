//! The services and queues of a source, and what became of the context between them.
//!
//! The edges are those of an audit. A message's edge goes through its queue, and messages that were
//! lost have an edge of their own.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::audit;
use crate::hand_off::Verdict;
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
    fn add(&mut self, audited: &audit::Edge) {
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
        if audited.verdicts.is_empty() {
            // it is only known how many broke
            self.0.entry((sender.clone(), to.clone())).or_default();
        }
        let nowhere = (NodeKind::Nowhere, "never delivered".to_owned());
        for (verdict, count) in &audited.verdicts {
            let to = match verdict {
                Verdict::Lost => nowhere.clone(),
                _ => to.clone(),
            };
            let edge = self.0.entry((sender.clone(), to)).or_default();
            edge.0 += count;
            *edge.1.entry(*verdict).or_default() += count;
        }
    }
}

impl ServiceMap {
    /// The map of all spans in `index`.
    pub fn of(index: &TraceIndex) -> ServiceMap {
        let mut edges = Edges::default();
        let judged = index.judged().into_iter().flat_map(|judged| &judged.edges);
        for edge in judged {
            edges.add(edge);
        }
        ServiceMap::from_edges(&edges, index)
    }

    fn from_edges(edges: &Edges, index: &TraceIndex) -> ServiceMap {
        let mut nodes: BTreeMap<Key, u64> = BTreeMap::new();
        for (from, to) in edges.0.keys() {
            nodes.entry(from.clone()).or_default();
            nodes.entry(to.clone()).or_default();
        }
        let spans = index.judged().into_iter();
        for (name, spans) in spans.flat_map(|judged| &judged.spans_by_service) {
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

fn service(name: &str) -> Key {
    match audit::role_without_spans(name) {
        true => (NodeKind::Unrecorded, name.to_owned()),
        false => (NodeKind::Service, service_name(name)),
    }
}

impl Edge {
    /// Whether the context is known to have survived on this edge.
    pub fn is_whole(&self) -> bool {
        !self.broken && !self.verdicts.is_empty()
    }
}
