//! What a large picture says in words below the lines: its key, and its broken edges.

use super::{between, channel, figure};
use crate::drawing::{Drawing, cut, wrapped};
use baton_traces::service_map::{Edge, Node, NodeKind, ServiceMap};
use baton_traces::shown::{count, counted};

/// The most broken edges that a picture lists.
const MAX_LISTED: usize = 30;
const LINE: f64 = 17.0;
/// The room between two columns of text.
const GUTTER: f64 = 24.0;
/// The narrowest column of text.
const MIN_COLUMN: f64 = 400.0;

/// Writes lines from `top` on, as many side by side as fit `width`. Returns the end of the text.
pub(super) fn write(
    map: &ServiceMap,
    key: &str,
    drawing: &mut Drawing,
    top: f64,
    width: f64,
) -> f64 {
    let mut y = top + LINE;
    drawing.text(0.0, y, "strong", summary(map));
    for line in wrapped(key, width) {
        y += LINE;
        drawing.text(0.0, y, "small muted", line);
    }
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
    let number = |wanted: fn(&Edge) -> bool| {
        let edges = map.edges.iter().filter(|edge| wanted(edge));
        edges.count() as u64
    };
    let is_service = |node: &Node| node.kind == NodeKind::Service;
    let noun = match map.nodes.iter().all(is_service) {
        true => "service",
        false => "node",
    };
    let mut parts = vec![
        counted(map.nodes.len() as u64, noun),
        counted(number(|_| true), "edge"),
        format!("{} broken", count(number(|edge| edge.broken))),
    ];
    let unknown = number(|edge| !edge.broken && !edge.holds());
    if unknown > 0 {
        parts.push(format!("{} not fully judged", count(unknown)));
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
    let mut lines: Vec<_> = listed
        .map(|edge| ("small broken", line(map, edge)))
        .collect();
    let more = broken.len().saturating_sub(MAX_LISTED) as u64;
    if more > 0 {
        let line = format!("and {}", counted(more, "more broken edge"));
        lines.push(("small muted", line));
    }
    lines
}

/// An edge in words: `✗ cart → pricing, http: 12 of 98 broke (new_trace), 3 to 5 more broken`.
fn line(map: &ServiceMap, edge: &Edge) -> String {
    let name = |name: &str| cut(name, 160.0);
    let (from, to) = (&map.nodes[edge.from].name, &map.nodes[edge.to].name);
    let channel = match channel(edge) {
        channel if channel.is_empty() => String::new(),
        channel => format!(", {}", name(&channel)),
    };
    let verdicts = edge.verdicts.iter();
    let broken: Vec<_> = verdicts.filter(|(verdict, _)| !verdict.holds()).collect();
    let mut facts = match broken.as_slice() {
        [] => format!("{} broke", between(edge)),
        [(verdict, _)] => format!("{} broke ({verdict})", figure(edge)),
        several => {
            let verdicts = several.iter();
            let verdicts =
                verdicts.map(|(verdict, number)| format!("{} {verdict}", count(**number)));
            let verdicts: Vec<String> = verdicts.collect();
            format!("{} broke ({})", figure(edge), verdicts.join(", "))
        }
    };
    if !broken.is_empty()
        && let Some(more) = edge.ambiguous.more()
    {
        facts.push_str(&format!(", {more}"));
    }
    format!("✗ {} → {}{channel}: {facts}", name(from), name(to))
}
