//! Draws a service map with too many edges for lines as a matrix: a row for each sender, a column
//! for each receiver, and a sign where there are hand-offs between them.

use super::leaving;
use super::sentences::{self, summary};
use crate::drawing::{Drawing, cut, text_width};
use baton_traces::service_map::{Edge, ServiceMap};

/// The size of a cell.
const CELL: f64 = 19.0;
/// The room for a name.
const MAX_NAME: f64 = 150.0;
const KEY: &str = "Row: sender. Column: receiver. Dashed with ✗: at least one hand-off broke. Filled: all judged \
    hand-offs held. Empty frame: not judged.";

/// What happened between two services, over all channels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Unjudged,
    Whole,
    Broken,
}

impl Sign {
    fn of(edge: &Edge) -> Sign {
        match (edge.broken, edge.holds()) {
            (true, _) => Sign::Broken,
            (false, true) => Sign::Whole,
            (false, false) => Sign::Unjudged,
        }
    }
}

/// The map as a picture.
pub(super) fn drawing(map: &ServiceMap) -> Drawing {
    let senders = super::senders(map);
    let nodes = 0..map.nodes.len();
    let rows: Vec<usize> = nodes
        .clone()
        .filter(|node| !leaving(map, *node).is_empty())
        .collect();
    let columns: Vec<usize> = nodes.filter(|node| senders[*node] > 0).collect();
    let longest = |nodes: &[usize]| {
        let widths = nodes.iter().map(|node| text_width(&map.nodes[*node].name));
        widths.fold(40.0, f64::max).min(MAX_NAME)
    };
    let left = longest(&rows) + 12.0;
    // names of columns rise at 50 degrees
    let top = longest(&columns) * 0.77 + 20.0;
    let slope = longest(&columns) * 0.65;
    let width = left + columns.len() as f64 * CELL + slope + 20.0;
    let mut drawing = Drawing::new(
        width.max(500.0),
        0.0,
        format!("Service map: {}", summary(map)),
    );
    for (place, node) in columns.iter().enumerate() {
        let x = left + place as f64 * CELL;
        let name = cut(&map.nodes[*node].name, MAX_NAME);
        drawing.rising_text(x + CELL * 0.6, top - 5.0, "small", name);
        drawing.path(line((x, top), (x, top + rows.len() as f64 * CELL)), "rule");
    }
    for (place, node) in rows.iter().enumerate() {
        let y = top + place as f64 * CELL;
        let name = cut(&map.nodes[*node].name, MAX_NAME);
        drawing.text(left - 8.0, y + 14.0, "end small", name);
        drawing.path(
            line((left, y), (left + columns.len() as f64 * CELL, y)),
            "rule",
        );
        draw_row(&mut drawing, map, *node, &columns, (left, y));
    }
    let end = top + rows.len() as f64 * CELL + 8.0;
    let end = sentences::write(map, KEY, &mut drawing, end, width.max(500.0));
    drawing.set_height(end);
    drawing
}

fn line(from: (f64, f64), to: (f64, f64)) -> String {
    format!("M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1)
}

fn draw_row(
    drawing: &mut Drawing,
    map: &ServiceMap,
    node: usize,
    columns: &[usize],
    (left, y): (f64, f64),
) {
    // edges to one receiver over several channels are neighbours
    for edges in leaving(map, node).chunk_by(|a, b| a.to == b.to) {
        let column = columns.binary_search(&edges[0].to).unwrap_or_default();
        let x = left + column as f64 * CELL;
        let sign = edges.iter().map(Sign::of).max().unwrap_or(Sign::Unjudged);
        let class = match sign {
            Sign::Broken => "cell broken",
            Sign::Whole => "cell whole",
            Sign::Unjudged => "cell other",
        };
        drawing.rectangle((x + 2.5, y + 2.5), (CELL - 5.0, CELL - 5.0), 2.0, class);
        if sign == Sign::Broken {
            drawing.text(x + CELL / 2.0, y + 14.0, "middle small broken strong", "✗");
        }
    }
}
