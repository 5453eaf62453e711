//! Writes a service map as a flowchart of Mermaid, which GitHub, GitLab and many documents draw
//! (<https://mermaid.js.org/syntax/flowchart.html>).

use super::{exported_label, exported_name, node_facts};
use baton_traces::service_map::{NodeKind, ServiceMap};

/// The map as a flowchart, without a line break at the end. Broken edges are dotted lines, and say
/// in words that they broke.
pub fn mermaid(map: &ServiceMap) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for (place, node) in map.nodes.iter().enumerate() {
        let label = format!(
            "{}<br/>{}",
            exported_name(&node.name, text),
            text(&node_facts(node))
        );
        lines.push(match node.kind {
            NodeKind::Queue => format!("  n{place}[(\"{label}\")]"),
            NodeKind::Service => format!("  n{place}[\"{label}\"]"),
            NodeKind::Unrecorded | NodeKind::Nowhere => format!("  n{place}([\"{label}\"])"),
        });
    }
    for edge in &map.edges {
        let (line, end) = if edge.broken {
            ("-.", ".->")
        } else {
            ("--", "-->")
        };
        let (from, to) = (edge.from, edge.to);
        lines.push(format!(
            "  n{from} {line} \"{}\" {end} n{to}",
            exported_label(map, edge, text, "<br/>")
        ));
    }
    for (style, wanted) in [
        ("stroke:#c2263f,stroke-width:2px,color:#c2263f", true),
        ("stroke:#1a7f4b", false),
    ] {
        let edges = map.edges.iter().enumerate();
        let edges = edges.filter(|(_, edge)| match wanted {
            true => edge.broken,
            false => edge.holds(),
        });
        let places: Vec<String> = edges.map(|(place, _)| place.to_string()).collect();
        if !places.is_empty() {
            lines.push(format!("  linkStyle {} {style}", places.join(",")));
        }
    }
    lines.join("\n")
}

/// Why Mermaid will not draw `text`, the flowchart of `map`, with its own settings; `None` if it
/// will.
pub fn mermaid_problem(map: &ServiceMap, text: &str) -> Option<String> {
    /// `maxEdges` and `maxTextSize` in characters.
    const MAX_EDGES: usize = 500;
    const MAX_TEXT: usize = 50_000;
    let (edges, letters) = (map.edges.len(), text.chars().count());
    (edges > MAX_EDGES || letters > MAX_TEXT).then(|| {
        format!(
            "Mermaid draws up to {MAX_EDGES} edges and {MAX_TEXT} characters by default, but this map has \
             {edges} edges and {letters} characters: choose fewer edges, or set maxEdges and maxTextSize"
        )
    })
}

/// Text within quotes. Everything but letters, digits and a few signs becomes a character code, so
/// that no name can end the quotes, begin a directive (`%%{…}%%`), a comment, Markdown or HTML.
fn text(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            ' ' | '-' | '_' | '.' | ',' | '/' => safe.push(character),
            _ if character.is_ascii_alphanumeric() => safe.push(character),
            _ => safe.push_str(&format!("#{};", u32::from(character))),
        }
    }
    safe
}
