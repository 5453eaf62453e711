//! What a large picture says in words below the lines: its key, and its broken edges.

use super::{channel, edge_facts, figure};
use crate::drawing::{Drawing, cut};
use baton_traces::service_map::{Edge, ServiceMap};
use baton_traces::shown::{count, counted};

/// The most broken edges that a picture lists.
const MAX_LISTED: usize = 40;
const LINE: f64 = 17.0;
/// The room between two columns of text.
const GUTTER: f64 = 24.0;
/// The narrowest column of text.
const MIN_COLUMN: f64 = 440.0;

/// Writes lines from `top` on, as many side by side as fit `width`. Gives the end of the text.
pub(super) fn write(map: &ServiceMap, key: &str, drawing: &mut Drawing, top: f64, width: f64) -> f64 {
    let mut y = top + LINE;
    drawing.text(0.0, y, "strong", summary(map));
    y += LINE;
    drawing.text(0.0, y, "small muted", cut(key, width));
    let lines = lines(map);
    if lines.is_empty() {
        return y + LINE / 2.0;
    }
    let columns = ((width + GUTTER) / (MIN_COLUMN + GUTTER)).floor().max(1.0);
    let room = (width + GUTTER) / columns - GUTTER;
    let rows = lines.len().div_ceil(columns as usize);
    y += LINE * 0.5;
    for (place, (class, line)) in lines.iter().enumerate() {
        let x = (place / rows) as f64 * (room + GUTTER);
        let down = (place % rows + 1) as f64 * LINE;
        drawing.text(x, y + down, class, cut(line, room));
    }
    y + rows as f64 * LINE + LINE / 2.0
}

/// How many services and edges there are, and how many edges broke.
pub(super) fn summary(map: &ServiceMap) -> String {
    let broken = map.edges.iter().filter(|edge| edge.broken).count() as u64;
    let unknown = map.edges.iter().filter(|edge| !edge.broken && !edge.is_whole());
    let unknown = unknown.count() as u64;
    let mut parts = vec![
        counted(map.nodes.len() as u64, "service"),
        counted(map.edges.len() as u64, "edge"),
        format!("{} broken", count(broken)),
    ];
    if unknown > 0 {
        parts.push(format!("{} not judged", count(unknown)));
    }
    parts.join(", ")
}

/// One line for each broken edge, those with the most broken hand-offs first.
fn lines(map: &ServiceMap) -> Vec<(&'static str, String)> {
    let mut broken: Vec<&Edge> = map.edges.iter().filter(|edge| edge.broken).collect();
    broken.sort_by_key(|edge| {
        let count = edge.broken_count() + edge.ambiguous.at_least;
        (std::cmp::Reverse(count), edge.from, edge.to)
    });
    let listed = broken.iter().take(MAX_LISTED);
    let mut lines: Vec<_> = listed.map(|edge| ("small broken", line(map, edge))).collect();
    let more = broken.len().saturating_sub(MAX_LISTED) as u64;
    if more > 0 {
        let line = format!("and {}", counted(more, "more broken edge"));
        lines.push(("small muted", line));
    }
    lines
}

fn line(map: &ServiceMap, edge: &Edge) -> String {
    let (from, to) = (&map.nodes[edge.from], &map.nodes[edge.to]);
    let name = |name: &str| cut(name, 160.0);
    let facts = edge_facts(edge, to.kind).join(", ");
    let channel = match channel(edge) {
        channel if channel.is_empty() => String::new(),
        channel => format!(", {}", name(&channel)),
    };
    format!("✗ {} → {}{channel}: {} broke ({facts})", name(&from.name), name(&to.name), figure(edge))
}
