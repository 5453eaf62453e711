//! Draws a service map of many nodes in rows, senders above receivers. Every edge has its own place
//! at a box, and its figure there. Broken edges are dashed, have a cross, and are listed in words.

mod boxes;
mod columns;
mod fold;
mod order;
mod places;
mod ranks;

use std::fmt::Write as _;

use self::boxes::{BOX_HEIGHT, draw_node, own_edges};
use self::columns::{Columns, Turn};
use self::ranks::{Ranks, Way};
use super::sentences::{self, summary};
use super::{figure, leaving, per_second};
use crate::drawing::{Drawing, Page, Pixels, cut, text_width, wrapped};
use baton_traces::service_map::{Edge, ServiceMap};

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
    columns: Columns,
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
    let plan = Plan::of(map, page);
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
    let mut y = plan.height() + LINE;
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
        let mut y = MARGIN + self.columns.margin();
        let mut rows = Vec::new();
        for (number, cells) in self.ranks.rows.iter().enumerate() {
            if self.columns.begin_at(number) {
                y = MARGIN + self.columns.margin();
            }
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

    /// Where a line turns to the column that begins with `row`, where its place is `x`.
    fn turn(&self, way: usize, row: usize, x: f64) -> Turn {
        let mut columns = self.columns.all();
        let (rows, left) = columns
            .find(|(rows, _)| rows.end == row)
            .unwrap_or_default();
        let bottom = self.rows[rows]
            .iter()
            .map(|row| row.exit)
            .fold(0.0, f64::max);
        let left = MARGIN + left;
        Turn {
            way,
            row,
            x,
            bottom,
            top: MARGIN,
            left,
        }
    }

    fn draw_line(&self, drawing: &mut Drawing, place: usize, way: &Way, edge: &Edge) {
        let (upper, lower, _) = self.ends[place];
        let first = self.ranks.row(way.cells[0]);
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
            if self.columns.begin_at(first + number) {
                self.columns
                    .turn(&mut path, &self.turn(place, first + number, next));
                let _ = write!(path, "V{}", Pixels(row.entry));
            } else {
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
            }
            x = next;
            if is_last {
                let end = row.top - if way.upward { 0.0 } else { 6.0 };
                let _ = write!(path, "V{}", Pixels(end));
            }
        }
        let (line, head) = match (edge.broken, edge.holds()) {
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
        let first = self.ranks.row(way.cells[0]);
        let away = level as f64 * LINE;
        let (x, y) = match way.upward {
            false => {
                let row = self.rows[first + way.cells.len() - 1];
                (lower, row.top - HEAD - 3.0 - away)
            }
            true => (upper, self.rows[first].bottom + HEAD + 11.0 + away),
        };
        let class = match (edge.broken, edge.holds()) {
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
