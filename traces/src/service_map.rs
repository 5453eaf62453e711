//! The services and queues of a source, and what became of the context between them.
//!
//! The edges of an export are those of its audit, with the same counts. In a run, request ids and
//! message keys show the hand-offs, and a record's edge leads through its stream. All other edges
//! of a run are calls whose receiver names its parent.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use crate::assemble::{HandOff, HandOffKey};
use crate::audit::{self, Between, Channel};
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
    /// The channel; `None` in a run, where the nodes tell it.
    pub channel: Option<Channel>,
    /// How many requests or messages went over it. On an edge with verdicts: how many were judged.
    pub count: u64,
    /// How many of them have each verdict. Empty for an edge that is not judged, such as an edge
    /// into a queue.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many more broke, without it being known which.
    pub ambiguous: Between,
    /// Whether the trace broke on it for any of them.
    pub broken: bool,
}

/// A service map. Nodes are sorted by kind and name, edges by their nodes and channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceMap {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

/// The edges of a map that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only edges from or to one of these nodes; all edges if it is empty.
    pub names: Vec<String>,
    /// Only edges on which the trace broke.
    pub broken: bool,
}

type Key = (NodeKind, String);

/// What identifies an edge while edges are collected.
type Ends = (Key, Key, Option<Channel>);

/// What went over an edge.
#[derive(Default)]
struct Passed {
    count: u64,
    verdicts: BTreeMap<Verdict, u64>,
    ambiguous: Between,
}

/// Collects edges by the names of their nodes.
#[derive(Default)]
struct Edges(BTreeMap<Ends, Passed>);

impl Edges {
    fn add(&mut self, from: &Key, to: &Key, verdict: Option<Verdict>) {
        let ends = (from.clone(), to.clone(), None);
        let passed = self.0.entry(ends).or_default();
        passed.count += 1;
        if let Some(verdict) = verdict {
            *passed.verdicts.entry(verdict).or_default() += 1;
        }
    }

    /// Adds an edge of an audit. Different names may look the same once they are made visible.
    fn add_audited(&mut self, audited: &audit::Edge) {
        let (from, to) = (service(&audited.from), service(&audited.to));
        let ends = (from, to, Some(audited.channel.clone()));
        let passed = self.0.entry(ends).or_default();
        passed.count += audited.handoffs;
        for (verdict, count) in &audited.verdicts {
            *passed.verdicts.entry(*verdict).or_default() += count;
        }
        passed.ambiguous.at_least += audited.ambiguous.at_least;
        passed.ambiguous.at_most += audited.ambiguous.at_most;
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
        let mut handed_over = HashSet::new();
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
        for (from, to, _) in edges.0.keys() {
            nodes.entry(from.clone()).or_default();
            nodes.entry(to.clone()).or_default();
        }
        for (name, spans) in index.table.spans_by_service() {
            *nodes.entry(service(name)).or_default() += spans;
        }
        let places: BTreeMap<&Key, usize> = nodes.keys().zip(0..).collect();
        let edge = |((from, to, channel), passed): (&Ends, &Passed)| {
            let is_broken = passed.verdicts.keys().any(|verdict| !verdict.is_whole());
            Edge {
                from: places[from],
                to: places[to],
                channel: channel.clone(),
                count: passed.count,
                broken: is_broken || passed.ambiguous.at_least > 0,
                verdicts: passed.verdicts.clone(),
                ambiguous: passed.ambiguous,
            }
        };
        ServiceMap {
            edges: edges.0.iter().map(edge).collect(),
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

    /// The selected edges with their nodes, and the nodes that the selection names. The whole map
    /// if nothing is selected.
    pub fn select(&self, selection: &Selection) -> ServiceMap {
        if selection.names.is_empty() && !selection.broken {
            return self.clone();
        }
        let is_named = |node: usize| selection.names.contains(&self.nodes[node].name);
        let is_selected = |edge: &&Edge| {
            let is_near = is_named(edge.from) || is_named(edge.to);
            (selection.names.is_empty() || is_near) && (edge.broken || !selection.broken)
        };
        let edges: Vec<&Edge> = self.edges.iter().filter(is_selected).collect();
        let ends = edges.iter().flat_map(|edge| [edge.from, edge.to]);
        let named = (0..self.nodes.len()).filter(|node| is_named(*node));
        let kept: BTreeSet<usize> = ends.chain(named).collect();
        let places: BTreeMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        ServiceMap {
            nodes: kept.iter().map(|node| self.nodes[*node].clone()).collect(),
            edges: edges
                .into_iter()
                .map(|edge| Edge {
                    from: places[&edge.from],
                    to: places[&edge.to],
                    ..edge.clone()
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
        !self.broken && !self.verdicts.is_empty() && self.ambiguous.at_most == 0
    }

    /// How many of the judged hand-offs broke.
    pub fn broken_count(&self) -> u64 {
        let verdicts = self.verdicts.iter();
        let broken = verdicts.filter(|(verdict, _)| !verdict.is_whole());
        broken.map(|(_, count)| count).sum()
    }
}
