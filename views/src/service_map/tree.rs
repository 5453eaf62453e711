//! Writes a service map for a terminal, as a tree from senders to receivers. It is for maps in
//! which no node has two senders, such as those of most runs.

use super::{channel, edge_facts, leaving, node_facts, senders};
use crate::terminal::{TextStyle, fitted};
use baton_traces::service_map::{Edge, Node, NodeKind, ServiceMap};

/// The longest name, in columns. Longer names are cut.
const MAX_NAME: usize = 32;
/// The deepest indentation. Deeper nodes are not indented further.
const MAX_DEPTH: usize = 8;

/// The characters of the drawing.
struct Signs {
    fork: &'static str,
    last: &'static str,
    down: &'static str,
    line: &'static str,
    broken_line: &'static str,
    head: &'static str,
    broken: &'static str,
}

const UNICODE: Signs = Signs {
    fork: "├",
    last: "└",
    down: "│",
    line: "──",
    broken_line: "╌╌",
    head: "▶",
    broken: "✗",
};
const ASCII: Signs = Signs {
    fork: "|",
    last: "`",
    down: "|",
    line: "--",
    broken_line: "..",
    head: ">",
    broken: "x",
};

/// Whether every node has one sender at most, and none leads back to itself.
pub(super) fn fits(map: &ServiceMap) -> bool {
    if senders(map).into_iter().any(|count| count > 1) {
        return false;
    }
    // in a cycle every node has a sender, so no start leads into it
    let mut reached = roots(map);
    let mut place = 0;
    while let Some(node) = reached.get(place).copied() {
        reached.extend(leaving(map, node).iter().map(|edge| edge.to));
        place += 1;
    }
    reached.len() == map.nodes.len()
}

/// The nodes without a sender.
fn roots(map: &ServiceMap) -> Vec<usize> {
    let senders = senders(map);
    (0..senders.len())
        .filter(|node| senders[*node] == 0)
        .collect()
}

/// The map as lines of text, without a line break at the end.
pub(super) fn text(map: &ServiceMap, style: TextStyle) -> String {
    let mut tree = Tree {
        map,
        style,
        signs: if style.unicode { UNICODE } else { ASCII },
        lines: Vec::new(),
    };
    for root in roots(map) {
        tree.draw(root);
    }
    tree.lines.join("\n")
}

struct Tree<'a> {
    map: &'a ServiceMap,
    style: TextStyle,
    signs: Signs,
    lines: Vec<String>,
}

/// An edge that is still to be drawn.
struct Waiting<'a> {
    edge: &'a Edge,
    depth: usize,
    margin: String,
    is_last: bool,
}

impl<'a> Tree<'a> {
    /// Draws a node and everything that it leads to.
    fn draw(&mut self, root: usize) {
        self.lines.push(self.named(&self.map.nodes[root]));
        let mut waiting = self.below(root, 0, "");
        while let Some(next) = waiting.pop() {
            let to = next.edge.to;
            self.lines.push(self.line(&next));
            let down = if next.is_last { " " } else { self.signs.down };
            let margin = match next.depth {
                0..MAX_DEPTH => format!("{}{down}   ", next.margin),
                _ => next.margin,
            };
            waiting.extend(self.below(to, next.depth + 1, &margin));
        }
    }

    /// The edges that leave a node, in reverse order.
    fn below(&self, node: usize, depth: usize, margin: &str) -> Vec<Waiting<'a>> {
        let edges = leaving(self.map, node).iter();
        let waiting = edges.rev().enumerate().map(|(place, edge)| Waiting {
            edge,
            depth,
            margin: margin.to_owned(),
            is_last: place == 0,
        });
        waiting.collect()
    }

    fn line(&self, next: &Waiting<'_>) -> String {
        let Waiting {
            edge,
            margin,
            is_last,
            ..
        } = next;
        let receiver = &self.map.nodes[edge.to];
        let corner = if *is_last {
            self.signs.last
        } else {
            self.signs.fork
        };
        let facts = edge_facts(self.map, edge).join(", ");
        let facts = match channel(edge) {
            channel if channel.is_empty() => facts,
            channel => format!(
                "{}: {facts}",
                fitted(&channel, MAX_NAME, self.style.ellipsis())
            ),
        };
        let (line, facts) = if edge.broken {
            let facts = format!("{} {facts}: broken", self.signs.broken);
            (
                self.signs.broken_line,
                self.style.verdict_coloured(&facts, false),
            )
        } else if edge.holds() {
            (self.signs.line, self.style.verdict_coloured(&facts, true))
        } else {
            (self.signs.line, facts)
        };
        let head = self.signs.head;
        let receiver = self.named(receiver);
        format!("{margin}{corner}{line} {facts} {line}{head} {receiver}")
    }

    fn named(&self, node: &Node) -> String {
        let name = fitted(&node.name, MAX_NAME, self.style.ellipsis());
        let name = match node.kind {
            NodeKind::Queue => format!("stream {name}"),
            _ => name,
        };
        let bold = self.style.bold(&name);
        match node.kind {
            NodeKind::Service => format!("{bold}, {}", node_facts(node)),
            _ => bold,
        }
    }
}
