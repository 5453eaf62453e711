//! The boxes of nodes: how wide they are, and what is written in them.

use super::{LINE, MAX_BOX, Side, marked, slots};
use crate::drawing::{Drawing, cut, text_width};
use crate::service_map::{leaving, node_facts, outline};
use baton_traces::service_map::{Edge, ServiceMap};

/// The height of a box without edges from a node to itself.
pub(super) const BOX_HEIGHT: f64 = 40.0;
const MIN_BOX: f64 = 84.0;

/// What is written in a node's box about an edge to itself.
fn own_text(edge: &Edge) -> String {
    format!("{} to itself", marked(edge))
}

/// The edges from a node to itself.
pub(super) fn own_edges(map: &ServiceMap, node: usize) -> impl Iterator<Item = &Edge> {
    leaving(map, node)
        .iter()
        .filter(move |edge| edge.to == node)
}

/// The widths of all nodes' boxes: each for its name, and for the lines that reach and leave it.
pub(super) fn box_widths(map: &ServiceMap) -> Vec<f64> {
    let mut sides = vec![[Side::default(), Side::default()]; map.nodes.len()];
    for edge in map.edges.iter().filter(|edge| edge.from != edge.to) {
        let (tail, head) = slots(edge, false);
        sides[edge.from][0].slots.push((0, tail));
        sides[edge.to][1].slots.push((0, head));
    }
    let widths = sides.iter().enumerate().map(|(node, sides)| {
        // bold letters are wider
        let name = text_width(&map.nodes[node].name) * 1.15 + 18.0;
        let own = own_edges(map, node).map(|edge| text_width(&own_text(edge)) + 16.0);
        let name = own.fold(name, f64::max).clamp(MIN_BOX, MAX_BOX);
        sides.iter().map(Side::width).fold(name, f64::max)
    });
    widths.collect()
}

/// Draws a node's box, with its upper left corner at (x, y).
pub(super) fn draw_node(
    drawing: &mut Drawing,
    map: &ServiceMap,
    node: usize,
    (x, y): (f64, f64),
    size: (f64, f64),
) {
    let (class, radius) = outline(map.nodes[node].kind, BOX_HEIGHT);
    drawing.rectangle((x, y), size, radius, class);
    let middle = x + size.0 / 2.0;
    let name = cut(&map.nodes[node].name, (size.0 - 10.0) / 1.15);
    drawing.text(middle, y + 17.0, "middle strong", name);
    drawing.text(
        middle,
        y + 33.0,
        "middle small muted",
        node_facts(&map.nodes[node]),
    );
    for (place, edge) in own_edges(map, node).enumerate() {
        let class = match edge.broken {
            true => "middle small broken strong",
            false => "middle small muted",
        };
        let text = cut(&own_text(edge), size.0 - 8.0);
        drawing.text(middle, y + 33.0 + (place + 1) as f64 * LINE, class, text);
    }
}
