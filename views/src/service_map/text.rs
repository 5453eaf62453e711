//! Writes a service map for a terminal, as a tree from senders to receivers.

use super::layout::starts;
use super::{edge_facts, node_facts};
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

/// The map as lines of text, without a line break at the end. A node is drawn once; after that only
/// its name appears.
pub fn text(map: &ServiceMap, style: TextStyle) -> String {
    let mut tree = Tree {
        map,
        style,
        signs: if style.unicode { UNICODE } else { ASCII },
        drawn: vec![false; map.nodes.len()],
        lines: Vec::new(),
    };
    for start in starts(map) {
        if !tree.drawn[start] {
            tree.draw(start);
        }
    }
    tree.lines.join("\n")
}

struct Tree<'a> {
    map: &'a ServiceMap,
    style: TextStyle,
    signs: Signs,
    drawn: Vec<bool>,
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
    fn draw(&mut self, start: usize) {
        self.drawn[start] = true;
        self.lines.push(self.named(&self.map.nodes[start], false));
        let mut waiting = self.below(start, 0, "");
        while let Some(next) = waiting.pop() {
            let to = next.edge.to;
            let again = std::mem::replace(&mut self.drawn[to], true);
            self.lines.push(self.line(&next, again));
            if !again {
                let down = if next.is_last { " " } else { self.signs.down };
                let margin = match next.depth {
                    0..MAX_DEPTH => format!("{}{down}   ", next.margin),
                    _ => next.margin,
                };
                waiting.extend(self.below(to, next.depth + 1, &margin));
            }
        }
    }

    /// The edges that leave a node, in reverse order.
    fn below(&self, node: usize, depth: usize, margin: &str) -> Vec<Waiting<'a>> {
        let edges = self.map.edges.iter().filter(|edge| edge.from == node);
        let waiting = edges.rev().enumerate().map(|(place, edge)| Waiting {
            edge,
            depth,
            margin: margin.to_owned(),
            is_last: place == 0,
        });
        waiting.collect()
    }

    fn line(&self, next: &Waiting<'_>, again: bool) -> String {
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
        let facts = edge_facts(edge, receiver.kind).join(", ");
        let (line, facts) = if edge.broken {
            let facts = format!("{} {facts}: broken", self.signs.broken);
            (
                self.signs.broken_line,
                self.style.verdict_coloured(&facts, false),
            )
        } else if edge.is_whole() {
            (self.signs.line, self.style.verdict_coloured(&facts, true))
        } else {
            (self.signs.line, facts)
        };
        let head = self.signs.head;
        let receiver = self.named(receiver, again);
        format!("{margin}{corner}{line} {facts} {line}{head} {receiver}")
    }

    fn named(&self, node: &Node, again: bool) -> String {
        let name = fitted(&node.name, MAX_NAME, self.style.ellipsis());
        let name = match node.kind {
            NodeKind::Queue => format!("stream {name}"),
            _ => name,
        };
        let bold = self.style.bold(&name);
        match node.kind {
            _ if again => format!("{bold} (above)"),
            NodeKind::Service => format!("{bold}, {}", node_facts(node)),
            _ => bold,
        }
    }
}
