//! Shows a service map as a picture, as text, and in the languages of Mermaid and Graphviz: which
//! service hands over to which, and where the trace broke.

mod chain;
mod dot;
mod layers;
mod matrix;
mod mermaid;
mod sentences;
mod table;
mod tree;

use baton_traces::service_map::{Edge, Node, NodeKind, ServiceMap};
use baton_traces::shown::{count, counted, visible};

pub use self::dot::dot;
pub use self::mermaid::{mermaid, mermaid_problem};
use crate::drawing::{Drawing, Page};
use crate::terminal::{TextStyle, fitted};

/// The most edges in layers, and for each node. Beyond them, lines cross too often to be followed.
const MAX_LINES: usize = 240;
const MAX_EDGES_PER_NODE: usize = 3;

/// The map as a picture: a short chain with all facts on its edges, layers, or, if there are too
/// many edges for lines, a matrix.
pub fn drawing(map: &ServiceMap, page: Page) -> Drawing {
    let (nodes, edges) = (map.nodes.len(), map.edges.len());
    if chain::fits(map) {
        chain::drawing(map, page)
    } else if edges <= MAX_LINES.min(nodes * MAX_EDGES_PER_NODE) {
        layers::drawing(map, page)
    } else {
        matrix::drawing(map)
    }
}

/// The map as lines of text, without a line break at the end: a tree if every node has one sender
/// at most, else a table of edges, grouped by sender.
pub fn text(map: &ServiceMap, style: TextStyle) -> String {
    match tree::fits(map) {
        true => tree::text(map, style),
        false => table::text(map, style),
    }
}

/// The edges that leave a node. The edges of a map are sorted by their senders.
fn leaving(map: &ServiceMap, node: usize) -> &[Edge] {
    let start = map.edges.partition_point(|edge| edge.from < node);
    let end = map.edges.partition_point(|edge| edge.from <= node);
    &map.edges[start..end]
}

/// The edges without those that close a cycle. A depth-first search from [`starts`] finds them.
fn forward_edges(map: &ServiceMap) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let receivers = |node: usize| leaving(map, node).iter().map(|edge| edge.to);
    let mut state = vec![State::New; map.nodes.len()];
    let mut forward = Vec::new();
    for start in starts(map) {
        if state[start] != State::New {
            continue;
        }
        let mut way = vec![(start, receivers(start))];
        state[start] = State::Open;
        while let Some((node, waiting)) = way.last_mut() {
            let node = *node;
            let Some(next) = waiting.next() else {
                state[node] = State::Done;
                way.pop();
                continue;
            };
            if state[next] == State::Open {
                continue;
            }
            forward.push((node, next));
            if state[next] == State::New {
                state[next] = State::Open;
                way.push((next, receivers(next)));
            }
        }
    }
    forward
}

/// All nodes. Those without a sender come first.
fn starts(map: &ServiceMap) -> Vec<usize> {
    let senders = senders(map);
    let nodes = 0..map.nodes.len();
    let (outer, inner): (Vec<_>, Vec<_>) = nodes.partition(|node| senders[*node] == 0);
    outer.into_iter().chain(inner).collect()
}

/// How many edges lead to each node.
fn senders(map: &ServiceMap) -> Vec<usize> {
    let mut senders = vec![0; map.nodes.len()];
    map.edges.iter().for_each(|edge| senders[edge.to] += 1);
    senders
}

/// The class of a node's box, and the radius of its corners: a queue's ends are round.
fn outline(kind: NodeKind, height: f64) -> (&'static str, f64) {
    match kind {
        NodeKind::Service => ("box", 7.0),
        NodeKind::Queue => ("queue", height / 2.0),
        NodeKind::Unrecorded | NodeKind::Nowhere => ("nowhere", 7.0),
    }
}

/// What a node is.
fn node_facts(node: &Node) -> String {
    match node.kind {
        NodeKind::Service => counted(node.spans, "span"),
        NodeKind::Queue => "stream".to_owned(),
        NodeKind::Unrecorded => "known from logs".to_owned(),
        NodeKind::Nowhere => "lost".to_owned(),
    }
}

/// What went over the edge, one phrase per verdict: `2,000 connected`, then `64 not judged`. Without
/// verdicts it says
/// `2,000 sent` to a queue, `2,000 received` from one, and `2,000 calls` otherwise. Of a live map
/// also `40/s`.
pub(crate) fn edge_facts(map: &ServiceMap, edge: &Edge) -> Vec<String> {
    let verdicts = edge.verdicts.iter();
    let mut facts: Vec<String> = verdicts
        .map(|(verdict, number)| format!("{} {verdict}", count(*number)))
        .collect();
    facts.extend(edge.ambiguous.more());
    if edge.not_judged > 0 {
        facts.push(format!("{} not judged", count(edge.not_judged)));
    }
    if facts.is_empty() {
        let kind = |node: usize| map.nodes[node].kind;
        facts.push(match (kind(edge.from), kind(edge.to)) {
            (_, NodeKind::Queue) => format!("{} sent", count(edge.count)),
            (NodeKind::Queue, _) => format!("{} received", count(edge.count)),
            _ => counted(edge.count, "call"),
        });
    }
    facts.extend(per_second(edge));
    facts
}

/// The rate of a live map's edge: `40/s`.
fn per_second(edge: &Edge) -> Option<String> {
    let rate = rate(edge.per_second?);
    Some(format!("{rate}/s"))
}

/// A number per second that was rounded: `40`, or `<1`.
pub fn rate(rounded: u64) -> String {
    match rounded {
        0 => "<1".to_owned(),
        rounded => count(rounded),
    }
}

/// How many hand-offs broke, although it is unknown which: `5`, or `3 to 5`.
fn between(edge: &Edge) -> String {
    let (least, most) = (edge.ambiguous.at_least, edge.ambiguous.at_most);
    match least == most {
        true => count(most),
        false => format!("{} to {}", count(least), count(most)),
    }
}

/// The channel, with hostile characters made visible; empty in a run.
pub(crate) fn channel(edge: &Edge) -> String {
    let channel = edge.channel.as_ref();
    channel.map_or_else(String::new, |channel| visible(&channel.to_string()))
}

/// A name for Mermaid or Graphviz, cut. `safe` escapes what has a meaning there.
fn exported_name(name: &str, safe: fn(&str) -> String) -> String {
    /// In columns.
    const MAX_NAME: usize = 60;
    safe(&fitted(name, MAX_NAME, "…"))
}

/// An edge's channel and facts for Mermaid or Graphviz. A broken edge says so in words.
fn exported_label(
    map: &ServiceMap,
    edge: &Edge,
    safe: fn(&str) -> String,
    line_break: &str,
) -> String {
    let facts = edge_facts(map, edge).join(", ");
    let facts = match edge.broken {
        true => safe(&format!("✗ {facts}: broken")),
        false => safe(&facts),
    };
    match channel(edge) {
        channel if channel.is_empty() => facts,
        channel => format!("{}{line_break}{facts}", exported_name(&channel, safe)),
    }
}

/// How many of the hand-offs broke: `37 of 80`. For an edge that holds or is not judged: how many
/// there were.
fn figure(edge: &Edge) -> String {
    match (edge.broken, edge.broken_count()) {
        (false, _) => count(edge.count),
        (true, 0) => between(edge),
        (true, broken) => format!("{} of {}", count(broken), count(edge.count)),
    }
}
