//! The sections with service maps and example traces. Runs with the same map share one picture.

use super::{Picture, Run};
use crate::narrative::is_seen_in_part;
use crate::service_map::{self, channel, edge_facts};
use crate::waterfall::Waterfall;
use baton_traces::hand_off::Verdict;
use baton_traces::service_map::{Edge, NodeKind, ServiceMap};
use baton_traces::shown::{count, counted, visible};

/// The most broken edges that a heading names.
const MAX_NAMED: usize = 3;

/// A service map and the runs that have it.
pub(super) struct MapFigure {
    /// The names of the runs.
    pub(super) runs: Vec<String>,
    /// Where the trace broke, as a heading.
    pub(super) heading: String,
    /// The heading's CSS class, and the sign before the heading.
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) picture: Picture,
    pub(super) edges: Vec<EdgeText>,
    /// Whether several runs share the map. Its counts are those of the first run.
    pub(super) shared: bool,
}

/// An edge in words.
pub(super) struct EdgeText {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) facts: String,
    pub(super) broken: bool,
}

/// A waterfall and the run that it comes from.
pub(super) struct WaterfallFigure {
    pub(super) heading: &'static str,
    pub(super) run: String,
    pub(super) picture: Picture,
    pub(super) text: String,
}

/// The different maps of the runs.
pub(super) fn maps(runs: &[Run]) -> Vec<MapFigure> {
    let mut groups: Vec<(&ServiceMap, Vec<String>, bool)> = Vec::new();
    for run in runs.iter().filter(|run| !run.map.edges.is_empty()) {
        let name = visible(&run.summary().name);
        let summary = run.summary();
        let is_judged =
            !is_seen_in_part(summary) && summary.unjudged == 0 && summary.undelivered() == 0;
        let alike = |group: &&mut (&ServiceMap, Vec<String>, bool)| are_alike(group.0, &run.map);
        match groups.iter_mut().find(alike) {
            Some((_, names, are_judged)) => {
                names.push(name);
                *are_judged &= is_judged;
            }
            None => groups.push((&run.map, vec![name], is_judged)),
        }
    }
    groups
        .into_iter()
        .map(|(map, names, is_judged)| MapFigure {
            heading: heading(map, is_judged),
            class: state(map, is_judged).0,
            sign: state(map, is_judged).1,
            picture: Picture::of(|page| service_map::drawing(map, page)),
            edges: edges(map),
            shared: names.len() > 1,
            runs: names,
        })
        .collect()
}

/// Whether both maps have the same nodes, edges and verdicts. Counts may differ.
fn are_alike(a: &ServiceMap, b: &ServiceMap) -> bool {
    let nodes = |map: &ServiceMap| -> Vec<(NodeKind, String)> {
        map.nodes
            .iter()
            .map(|node| (node.kind, node.name.clone()))
            .collect()
    };
    let edges = |map: &ServiceMap| -> Vec<(usize, usize, String, Vec<Verdict>)> {
        let edges = map.edges.iter();
        let edges = edges.map(|edge| {
            let verdicts = edge.verdicts.keys().copied().collect();
            (edge.from, edge.to, channel(edge), verdicts)
        });
        edges.collect()
    };
    nodes(a) == nodes(b) && edges(a) == edges(b)
}

/// The CSS class and the sign for a map that is broken, whole, or not judged.
fn state(map: &ServiceMap, is_judged: bool) -> (&'static str, &'static str) {
    if map.edges.iter().any(|edge| edge.broken) {
        ("broken", "✗ ")
    } else if is_judged && map.edges.iter().any(Edge::holds) {
        ("whole", "✓ ")
    } else {
        ("unjudged", "")
    }
}

fn heading(map: &ServiceMap, is_judged: bool) -> String {
    let named = |node: usize| match &map.nodes[node] {
        node if node.kind == NodeKind::Queue => format!("the stream {}", node.name),
        node => node.name.clone(),
    };
    let broken: Vec<String> = map
        .edges
        .iter()
        .filter(|edge| edge.broken)
        .map(|edge| format!("from {} to {}", named(edge.from), named(edge.to)))
        .collect();
    if broken.is_empty() {
        match map.edges.iter().any(Edge::holds) {
            true if is_judged => "Whole".to_owned(),
            true => "Whole where it was judged".to_owned(),
            false => "Not judged by ids".to_owned(),
        }
    } else if broken.len() <= MAX_NAMED {
        format!("Broken {}", broken.join(", and "))
    } else {
        let (broken, all) = (broken.len() as u64, map.edges.len() as u64);
        format!("Broken on {} of {}", count(broken), counted(all, "edge"))
    }
}

fn facts(map: &ServiceMap, edge: &Edge) -> String {
    edge_facts(map, edge).join(", ")
}

fn edges(map: &ServiceMap) -> Vec<EdgeText> {
    map.edges
        .iter()
        .map(|edge| EdgeText {
            from: map.nodes[edge.from].name.clone(),
            to: map.nodes[edge.to].name.clone(),
            facts: match channel(edge) {
                channel if channel.is_empty() => facts(map, edge),
                channel => format!("{channel}: {}", facts(map, edge)),
            },
            broken: edge.broken,
        })
        .collect()
}

/// One broken trace and one whole trace. Each comes from the run where it has the fewest parts.
pub(super) fn waterfalls(runs: &[Run]) -> Vec<WaterfallFigure> {
    let simplest = |heading, example: fn(&Run) -> Option<&Waterfall>| {
        let examples = runs.iter().filter_map(|run| Some((run, example(run)?)));
        let (run, waterfall) = examples.min_by_key(|(_, waterfall)| waterfall.traces())?;
        Some(WaterfallFigure {
            heading,
            run: visible(&run.summary().name),
            picture: Picture::of(|page| waterfall.drawing(page)),
            text: waterfall.outline(),
        })
    };
    let broken = simplest("A trace that broke", |run| run.broken.as_ref());
    let joined = simplest("A trace that stayed whole", |run| run.joined.as_ref());
    broken.into_iter().chain(joined).collect()
}
