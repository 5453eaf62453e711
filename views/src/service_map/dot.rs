//! Writes a service map in DOT, the language of Graphviz
//! (<https://graphviz.org/doc/info/lang.html>).

use super::{exported_label, exported_name, node_facts};
use baton_traces::service_map::{NodeKind, ServiceMap};

/// The map as a directed graph, without a line break at the end. Broken edges are dashed, and say
/// in words that they broke.
pub fn dot(map: &ServiceMap) -> String {
    let mut lines = vec![
        "digraph baton {".to_owned(),
        "  rankdir=LR;".to_owned(),
        "  node [shape=box, style=rounded, fontname=\"Helvetica\"];".to_owned(),
        "  edge [fontname=\"Helvetica\", fontsize=10];".to_owned(),
    ];
    for (place, node) in map.nodes.iter().enumerate() {
        let shape = match node.kind {
            NodeKind::Service => "",
            NodeKind::Queue => ", shape=cylinder",
            NodeKind::Unrecorded | NodeKind::Nowhere => ", style=dashed",
        };
        let label = format!(
            "{}\\n{}",
            exported_name(&node.name, text),
            text(&node_facts(node))
        );
        lines.push(format!("  n{place} [label=\"{label}\"{shape}];"));
    }
    for edge in &map.edges {
        let style = if edge.broken {
            ", style=dashed, penwidth=2, color=\"#c2263f\", fontcolor=\"#c2263f\""
        } else if edge.holds() {
            ", color=\"#1a7f4b\""
        } else {
            ""
        };
        let (from, to) = (edge.from, edge.to);
        lines.push(format!(
            "  n{from} -> n{to} [label=\"{}\"{style}];",
            exported_label(map, edge, text, "\\n")
        ));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}

/// Text within quotes. A quote would end it, Graphviz replaces what follows a backslash (`\N` is
/// the node's name), and it decodes HTML's entities.
fn text(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '"' => safe.push_str("\\\""),
            '\\' => safe.push_str("\\\\"),
            '&' => safe.push_str("&amp;"),
            _ => safe.push(character),
        }
    }
    safe
}
