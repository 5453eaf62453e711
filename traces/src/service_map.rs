//! The services and queues of a source, and what became of the context between them.
//!
//! The edges are those of an audit, with the same counts. In a run, a record's edge goes through
//! its stream, and records that were lost have an edge of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::audit::{self, Between, Channel, share_between};
use crate::hand_off::Verdict;
use crate::shown::{service_name, visible};
use crate::trace::index::TraceIndex;
use crate::version::Version;

/// What a node represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edge {
    /// The sender, as an index into the nodes.
    pub from: usize,
    /// The receiver, as an index into the nodes.
    pub to: usize,
    /// The channel; `None` in a run, where the nodes show it.
    pub channel: Option<Channel>,
    /// How many requests or messages went over it. On an edge with verdicts: how many were judged.
    pub count: u64,
    /// How many of them have each verdict. Empty for an edge that is not judged, such as an edge
    /// into a queue.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many more broke, although it is unknown which.
    pub ambiguous: Between,
    /// How many more went over it that could not be judged.
    pub not_judged: u64,
    /// Whether the trace broke on it for any of them.
    pub broken: bool,
    /// How many went over it per second recently, rounded. `None` if none did, or if the map is not
    /// live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
}

/// A service map. Nodes are sorted by kind and name, edges by their nodes and channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceMap {
    /// The version of this document.
    pub version: Version,
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

/// The kind and name of a node.
pub type Key = (NodeKind, String);

/// What identifies an edge while edges are collected.
type Ends = (Key, Key, Option<Channel>);

/// What went over an edge, while edges are collected.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// See [`Edge::count`].
    pub count: u64,
    /// See [`Edge::verdicts`].
    pub verdicts: BTreeMap<Verdict, u64>,
    /// See [`Edge::ambiguous`].
    pub ambiguous: Between,
    /// See [`Edge::not_judged`].
    pub not_judged: u64,
    /// How many per second; `None` unless the map is live.
    pub rate: Option<f64>,
}

impl Passed {
    /// Adds hand-offs with these verdicts, and those that broke without a verdict.
    pub fn add(&mut self, count: u64, verdicts: &BTreeMap<Verdict, u64>, ambiguous: Between) {
        self.count += count;
        for (verdict, count) in verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        self.ambiguous.at_least += ambiguous.at_least;
        self.ambiguous.at_most += ambiguous.at_most;
    }
}

/// Collects edges by the names of their nodes.
#[derive(Default)]
struct Edges(BTreeMap<Ends, Passed>);

impl Edges {
    fn between(&mut self, from: &Key, to: &Key, channel: Option<&Channel>) -> &mut Passed {
        let ends = (from.clone(), to.clone(), channel.cloned());
        self.0.entry(ends).or_default()
    }

    /// Adds an edge of an export. Different names may look the same once they are made visible.
    fn add(&mut self, audited: &audit::Edge) {
        let (from, to) = (service(&audited.from), service(&audited.to));
        let passed = self.between(&from, &to, Some(&audited.channel));
        passed.add(audited.handoffs, &audited.verdicts, audited.ambiguous);
        passed.not_judged += audited.not_judged;
    }

    /// Adds an edge of a run. There is one stream, so its node shows what each side did.
    fn add_of_run(&mut self, audited: &audit::Edge) {
        let (from, to) = (service(&audited.from), service(&audited.to));
        let sender = match &audited.channel.destination {
            Some(destination) => {
                let queue = (NodeKind::Queue, visible(destination));
                self.between(&from, &queue, None).count += audited.handoffs;
                queue
            }
            None => from,
        };
        if audited.verdicts.is_empty() {
            // it is only known how many broke
            self.between(&sender, &to, None);
        }
        let nowhere = (NodeKind::Nowhere, "never delivered".to_owned());
        for (verdict, count) in &audited.verdicts {
            let to = match verdict {
                Verdict::Lost => &nowhere,
                _ => &to,
            };
            let passed = self.between(&sender, to, None);
            passed.count += count;
            *passed.verdicts.entry(*verdict).or_default() += count;
        }
        if audited.ambiguous != Between::default() {
            let passed = self.between(&sender, &to, None);
            passed.add(0, &BTreeMap::new(), audited.ambiguous);
        }
    }
}

impl ServiceMap {
    /// The map of all spans in `index`.
    pub fn of(index: &TraceIndex) -> ServiceMap {
        let mut edges = Edges::default();
        let judged = index.judged().into_iter().flat_map(|judged| &judged.edges);
        for edge in judged {
            match index.is_run() {
                true => edges.add_of_run(edge),
                false => edges.add(edge),
            }
        }
        ServiceMap::from_edges(edges, index)
    }

    fn from_edges(edges: Edges, index: &TraceIndex) -> ServiceMap {
        let mut nodes: BTreeMap<Key, u64> = BTreeMap::new();
        for (from, to, _) in edges.0.keys() {
            nodes.entry(from.clone()).or_default();
            nodes.entry(to.clone()).or_default();
        }
        let spans = index.judged().into_iter();
        for (name, spans) in spans.flat_map(|judged| &judged.spans_by_service) {
            *nodes.entry(service(name)).or_default() += spans;
        }
        let edges = edges.0.into_iter();
        ServiceMap::new(
            &nodes,
            edges.map(|((from, to, channel), passed)| (from, to, channel, passed)),
        )
    }

    /// A map of nodes, each with its number of spans, and of what went from one to another. An edge
    /// whose ends are not among the nodes is left out.
    pub fn new(
        nodes: &BTreeMap<Key, u64>,
        edges: impl IntoIterator<Item = (Key, Key, Option<Channel>, Passed)>,
    ) -> ServiceMap {
        let places: BTreeMap<&Key, usize> = nodes.keys().zip(0..).collect();
        let edges = edges.into_iter();
        let edges = edges.filter_map(|(from, to, channel, passed)| {
            let is_broken = passed.verdicts.keys().any(|verdict| !verdict.holds());
            Some(Edge {
                from: *places.get(&from)?,
                to: *places.get(&to)?,
                channel,
                count: passed.count,
                broken: is_broken || passed.ambiguous.at_least > 0,
                verdicts: passed.verdicts,
                ambiguous: passed.ambiguous,
                not_judged: passed.not_judged,
                per_second: passed
                    .rate
                    .filter(|rate| *rate > 0.0)
                    .map(|rate| rate.round() as u64),
            })
        });
        ServiceMap {
            version: Version::default(),
            edges: edges.collect(),
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
            version: Version::default(),
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

fn service(name: &str) -> Key {
    match audit::role_without_spans(name) {
        true => (NodeKind::Unrecorded, name.to_owned()),
        false => (NodeKind::Service, service_name(name)),
    }
}

impl Edge {
    /// Whether the context is known to have survived on this edge, each time.
    pub fn holds(&self) -> bool {
        let is_judged = self.ambiguous.at_most == 0 && self.not_judged == 0;
        is_judged && !self.broken && !self.verdicts.is_empty()
    }

    /// The lowest and the highest share of the hand-offs that may have held; `None` if it is unknown
    /// what held.
    pub fn share_between(&self) -> Option<[f64; 2]> {
        let judged: u64 = self.verdicts.values().sum();
        let held = judged - self.broken_count();
        share_between(held, judged, self.ambiguous, self.not_judged)
    }

    /// How many of the judged hand-offs broke.
    pub fn broken_count(&self) -> u64 {
        let verdicts = self.verdicts.iter();
        let broken = verdicts.filter(|(verdict, _)| !verdict.holds());
        broken.map(|(_, count)| count).sum()
    }
}
