//! Draws a service map of many nodes in rows, senders above receivers. Every edge has its own place
//! at a box, and its figure there. Broken edges are dashed, have a cross, and are listed in words.

mod order;
mod places;
mod ranks;

use std::fmt::Write as _;

use self::order::order;
use self::places::place;
use self::ranks::{Ranks, Way};
use super::sentences::{self, summary};
use super::{figure, leaving, node_facts, outline, per_second};
use crate::drawing::{Drawing, Page, Pixels, cut, text_width, wrapped};
use baton_traces::service_map::{Edge, ServiceMap};

const BOX_HEIGHT: f64 = 40.0;
const MIN_BOX: f64 = 84.0;
const MAX_BOX: f64 = 190.0;
/// The height of a line of text.
const LINE: f64 = 16.0;
/// The room for an arrow's head.
const HEAD: f64 = 11.0;
/// The width of a place at a box where a line leaves it.
const TAIL: f64 = 10.0;
/// The most pixels of places side by side. Beyond it, figures are in several lines.
const MAX_SIDE: f64 = 230.0;
/// Room for the outer half of a border.
const MARGIN: f64 = 1.0;
const KEY: &str = "Arrows lead from the sender to the receiver. Solid: held, with the number of hand-offs. \
    Dashed with ✗: broken hand-offs, of all judged. Grey: not judged.";

/// A side of a box: the lines that reach it, from left to right.
#[derive(Clone, Debug, Default)]
struct Side {
    /// The ways, by their place in the list of ways, with the width that each needs.
    slots: Vec<(usize, f64)>,
}

impl Side {
    /// In how many lines the figures are.
    fn levels(&self) -> usize {
        let all: f64 = self.slots.iter().map(|(_, width)| width).sum();
        ((all / MAX_SIDE).ceil() as usize).clamp(1, 4)
    }

    /// The width of all places.
    fn width(&self) -> f64 {
        let all: f64 = self.slots.iter().map(|(_, width)| width).sum();
        all / self.levels() as f64
    }
}

/// The sides of all boxes, the heights of all rows, and the places of all lines at their boxes.
struct Plan {
    ranks: Ranks,
    tops: Vec<Side>,
    bottoms: Vec<Side>,
    /// For each way, its horizontal place at the upper box and at the lower box, and the line of
    /// its figure.
    ends: Vec<(f64, f64, usize)>,
    rows: Vec<Row>,
    width: f64,
}

/// The vertical places of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Where lines from above arrive, and where lines to below leave.
    entry: f64,
    exit: f64,
    /// The edges of the boxes.
    top: f64,
    bottom: f64,
}

/// The map as a picture.
pub(super) fn drawing(map: &ServiceMap, page: Page) -> Drawing {
    let plan = Plan::of(map, page.width() - 2.0 * MARGIN);
    let mut drawing = Drawing::new(plan.width + 2.0 * MARGIN, 0.0, label(map));
    // broken lines lie above all others
    for broken in [false, true] {
        let ways = plan.ranks.ways.iter().enumerate();
        for (place, way) in ways.filter(|(_, way)| map.edges[way.edge].broken == broken) {
            plan.draw_line(&mut drawing, place, way, &map.edges[way.edge]);
        }
    }
    for (place, way) in plan.ranks.ways.iter().enumerate() {
        plan.draw_figure(&mut drawing, place, way, &map.edges[way.edge]);
    }
    for (row, cells) in plan.rows.iter().zip(&plan.ranks.rows) {
        for cell in cells.iter().map(|cell| &plan.ranks.cells[*cell]) {
            if let Some(node) = cell.node {
                let corner = (MARGIN + cell.x - cell.width / 2.0, row.top);
                let size = (cell.width, row.bottom - row.top);
                draw_node(&mut drawing, map, node, corner, size);
            }
        }
    }
    let mut y = plan.rows.last().map_or(0.0, |row| row.exit) + LINE;
    for line in alone(map, plan.width) {
        y += LINE;
        drawing.text(MARGIN, y, "small muted", line);
    }
    let end = sentences::write(map, KEY, &mut drawing, y + LINE / 2.0, plan.width);
    drawing.set_height(end);
    drawing
}

fn label(map: &ServiceMap) -> String {
    format!("Service map: {}", summary(map))
}

/// The nodes without edges, in lines.
fn alone(map: &ServiceMap, width: f64) -> Vec<String> {
    let senders = super::senders(map);
    let nodes = 0..map.nodes.len();
    let alone = nodes.filter(|node| senders[*node] == 0 && leaving(map, *node).is_empty());
    let names: Vec<String> = alone
        .map(|node| cut(&map.nodes[node].name, MAX_BOX))
        .collect();
    match names.is_empty() {
        true => Vec::new(),
        false => wrapped(&format!("No hand-off shown: {}", names.join(", ")), width),
    }
}

impl Plan {
    fn of(map: &ServiceMap, room: f64) -> Plan {
        let widths: Vec<f64> = (0..map.nodes.len())
            .map(|node| box_width(map, node))
            .collect();
        let mut ranks = Ranks::of(map, &widths, room);
        order(&mut ranks);
        let width = place(&mut ranks, room);
        let mut plan = Plan {
            tops: vec![Side::default(); map.nodes.len()],
            bottoms: vec![Side::default(); map.nodes.len()],
            ends: vec![(0.0, 0.0, 0); ranks.ways.len()],
            rows: Vec::new(),
            ranks,
            width,
        };
        plan.attach(map);
        plan.rows = plan.heights(map);
        plan
    }

    /// Gives every line its place at both of its boxes, in the order in which lines come from the
    /// left.
    fn attach(&mut self, map: &ServiceMap) {
        let cells = &self.ranks.cells;
        for (place, way) in self.ranks.ways.iter().enumerate() {
            let edge = &map.edges[way.edge];
            let (top, bottom) = way.ends();
            let (at_top, at_bottom) = slots(edge, way.upward);
            self.bottoms[top].slots.push((place, at_top));
            self.tops[bottom].slots.push((place, at_bottom));
        }
        for node in 0..map.nodes.len() {
            let ways = &self.ranks.ways;
            let next = |way: &usize, from_top: bool| {
                let line = &ways[*way].cells;
                let next = if from_top {
                    line[1]
                } else {
                    line[line.len() - 2]
                };
                cells[next].x
            };
            let sides = [
                (&mut self.bottoms[node], true),
                (&mut self.tops[node], false),
            ];
            for (side, is_bottom) in sides {
                let at = |slot: &(usize, f64)| next(&slot.0, is_bottom);
                side.slots
                    .sort_by(|left, right| at(left).total_cmp(&at(right)));
                let levels = side.levels();
                let mut x = self.ranks.cells[node].x - side.width() / 2.0;
                for (number, (way, width)) in side.slots.iter().enumerate() {
                    let step = width / levels as f64;
                    let end = &mut self.ends[*way];
                    match is_bottom {
                        true => end.0 = x + step / 2.0,
                        false => end.1 = x + step / 2.0,
                    }
                    if ways[*way].upward == is_bottom {
                        end.2 = number % levels;
                    }
                    x += step;
                }
            }
        }
    }

    /// The rows from top to bottom. There is more room between rows with more lines between them.
    fn heights(&self, map: &ServiceMap) -> Vec<Row> {
        let mut y = MARGIN;
        let mut rows = Vec::new();
        for cells in &self.ranks.rows {
            let nodes = cells.iter().filter_map(|cell| self.ranks.cells[*cell].node);
            let figures = |sides: &[Side], upward: bool| {
                let room = nodes.clone().map(|node| {
                    let mut ways = sides[node]
                        .slots
                        .iter()
                        .map(|slot| &self.ranks.ways[slot.0]);
                    match ways.any(|way| way.upward == upward) {
                        true => HEAD + LINE * sides[node].levels() as f64,
                        false => 0.0,
                    }
                });
                room.fold(0.0, f64::max)
            };
            let own = nodes.clone().map(|node| own_edges(map, node).count());
            let own = own.max().unwrap_or_default() as f64 * LINE;
            let lines: usize = cells
                .iter()
                .map(|cell| self.ranks.cells[*cell].below.len())
                .sum();
            let top = y + figures(&self.tops, false);
            let bottom = top + BOX_HEIGHT + own;
            let exit = bottom + figures(&self.bottoms, true);
            rows.push(Row {
                entry: y,
                exit,
                top,
                bottom,
            });
            y = exit + 18.0 + (lines as f64 * 1.5).min(34.0);
        }
        rows
    }

    /// The row of a way's first cell.
    fn row(&self, node: usize) -> usize {
        let mut rows = self.ranks.rows.iter();
        rows.position(|cells| cells.contains(&node))
            .unwrap_or_default()
    }

    fn draw_line(&self, drawing: &mut Drawing, place: usize, way: &Way, edge: &Edge) {
        let (upper, lower, _) = self.ends[place];
        let first = self.row(way.cells[0]);
        let mut path = String::new();
        let mut x = MARGIN + upper;
        // the head covers the end of the line
        let start = self.rows[first].bottom + if way.upward { 6.0 } else { 0.0 };
        let _ = write!(path, "M{} {}", Pixels(x), Pixels(start));
        for (number, cell) in way.cells.iter().enumerate().skip(1) {
            let (above, row) = (self.rows[first + number - 1], self.rows[first + number]);
            let is_last = number + 1 == way.cells.len();
            let next = MARGIN
                + if is_last {
                    lower
                } else {
                    self.ranks.cells[*cell].x
                };
            let middle = Pixels((above.exit + row.entry) / 2.0);
            let _ = write!(
                path,
                "V{}C{} {middle} {} {middle} {} {}",
                Pixels(above.exit),
                Pixels(x),
                Pixels(next),
                Pixels(next),
                Pixels(row.entry)
            );
            x = next;
            if is_last {
                let end = row.top - if way.upward { 0.0 } else { 6.0 };
                let _ = write!(path, "V{}", Pixels(end));
            }
        }
        let (line, head) = match (edge.broken, edge.is_whole()) {
            (true, _) => ("edge broken", "head broken"),
            (false, true) => ("edge whole thin", "head whole"),
            (false, false) => ("edge thin", "head"),
        };
        drawing.path(path, line);
        let last = self.rows[first + way.cells.len() - 1];
        let points = match way.upward {
            false => format!(
                "M{} {}l-4 -8h8z",
                Pixels(MARGIN + lower),
                Pixels(last.top - 0.5)
            ),
            true => {
                let bottom = self.rows[first].bottom + 0.5;
                format!("M{} {}l-4 8h8z", Pixels(MARGIN + upper), Pixels(bottom))
            }
        };
        drawing.path(points, head);
    }

    /// Writes an edge's figure at its head.
    fn draw_figure(&self, drawing: &mut Drawing, place: usize, way: &Way, edge: &Edge) {
        let (upper, lower, level) = self.ends[place];
        let first = self.row(way.cells[0]);
        let away = level as f64 * LINE;
        let (x, y) = match way.upward {
            false => {
                let row = self.rows[first + way.cells.len() - 1];
                (lower, row.top - HEAD - 3.0 - away)
            }
            true => (upper, self.rows[first].bottom + HEAD + 11.0 + away),
        };
        let class = match (edge.broken, edge.is_whole()) {
            (true, _) => "middle small broken strong",
            (false, true) => "middle small whole",
            (false, false) => "middle small muted",
        };
        drawing.label(MARGIN + x, y, class, marked(edge));
    }
}

impl Way {
    /// The upper and the lower node. The cells of nodes have the numbers of their nodes.
    fn ends(&self) -> (usize, usize) {
        (self.cells[0], self.cells[self.cells.len() - 1])
    }
}

/// An edge's figure, with a cross if it is broken, and the rate of a live map's.
fn marked(edge: &Edge) -> String {
    let figure = match edge.broken {
        true => format!("✗ {}", figure(edge)),
        false => figure(edge),
    };
    let rate = per_second(edge).map(|rate| format!(", {rate}"));
    figure + &rate.unwrap_or_default()
}

/// The width of an edge's places at the upper box and at the lower box. The figure is at the head.
fn slots(edge: &Edge, upward: bool) -> (f64, f64) {
    let head = text_width(&marked(edge)) + 8.0;
    match upward {
        true => (head, TAIL),
        false => (TAIL, head),
    }
}

/// What is written in a node's box about an edge to itself.
fn own_text(edge: &Edge) -> String {
    format!("{} to itself", marked(edge))
}

/// The edges from a node to itself.
fn own_edges(map: &ServiceMap, node: usize) -> impl Iterator<Item = &Edge> {
    leaving(map, node)
        .iter()
        .filter(move |edge| edge.to == node)
}

/// The width of a node's box: for its name, and for the lines that reach and leave it.
fn box_width(map: &ServiceMap, node: usize) -> f64 {
    let mut sides = [Side::default(), Side::default()];
    for edge in &map.edges {
        let (tail, head) = slots(edge, false);
        if edge.from == node && edge.to != node {
            sides[0].slots.push((0, tail));
        }
        if edge.to == node && edge.from != node {
            sides[1].slots.push((0, head));
        }
    }
    // bold letters are wider
    let name = text_width(&map.nodes[node].name) * 1.15 + 18.0;
    let own = own_edges(map, node).map(|edge| text_width(&own_text(edge)) + 16.0);
    let name = own.fold(name, f64::max).clamp(MIN_BOX, MAX_BOX);
    sides.iter().map(Side::width).fold(name, f64::max)
}

fn draw_node(
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
