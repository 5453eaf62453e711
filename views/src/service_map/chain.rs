//! Draws a short service map: layers from left to right, or from top to bottom on a narrow page,
//! with all facts on the edges.

mod layout;

use self::layout::Layout;
use super::{channel, edge_facts, node_facts, outline};
use crate::drawing::{Drawing, Page, Pixels, cut, wrapped};
use baton_traces::service_map::{Edge, Node, ServiceMap};

const BOX_HEIGHT: f64 = 46.0;
/// Room for the outer half of a border.
const MARGIN: f64 = 1.0;
const LINE: f64 = 16.0;
/// The most edges. Beyond it, facts written along the edges would overlap.
const MAX_EDGES: usize = 6;
/// The most layers beside each other on a page.
const MAX_LAYERS: usize = 4;

/// The places of the boxes, in pixels.
struct Grid {
    page: Page,
    layout: Layout,
    box_width: f64,
    /// The distance between layers, and between places within a layer.
    layer_step: f64,
    place_step: f64,
    /// How many places the largest layer has.
    places: usize,
    /// The width and the height of the picture.
    size: (f64, f64),
}

impl Grid {
    fn of(map: &ServiceMap, page: Page) -> Grid {
        let layout = Layout::of(map);
        let layers = layout.layers.len().max(1) as f64;
        let places = layout.layers.iter().copied().max().unwrap_or(1);
        let has_detours = map.edges.iter().any(|edge| is_detour(&layout, edge));
        let detour = if has_detours { 40.0 } else { 0.0 };
        match page {
            Page::Wide => {
                let room = page.width() - 2.0 * MARGIN;
                let box_width = (room / (layers * 2.0 - 1.0)).clamp(146.0, 160.0);
                // a map with many layers is wider than the page and scrolls
                let layer_step = if layers > 1.0 {
                    ((room - box_width) / (layers - 1.0))
                        .clamp(box_width + 124.0, box_width + 240.0)
                } else {
                    0.0
                };
                let width = (layers - 1.0) * layer_step + box_width + 2.0 * MARGIN;
                let place_step = BOX_HEIGHT + 34.0;
                let height = (places as f64 - 1.0) * place_step
                    + BOX_HEIGHT
                    + 2.0 * MARGIN
                    + 2.0 * LINE
                    + detour;
                Grid {
                    page,
                    layout,
                    box_width,
                    layer_step,
                    place_step,
                    places,
                    size: (width, height),
                }
            }
            Page::Narrow => {
                let box_width = if places > 1 { 130.0 } else { 180.0 };
                let layer_step = BOX_HEIGHT + 58.0;
                let place_step = box_width + 20.0;
                let width = (places as f64 * place_step + detour).max(page.width());
                let height = (layers - 1.0) * layer_step + BOX_HEIGHT + 2.0 * MARGIN;
                Grid {
                    page,
                    layout,
                    box_width,
                    layer_step,
                    place_step,
                    places,
                    size: (width, height),
                }
            }
        }
    }

    /// The top left corner of a node's box.
    fn corner(&self, node: usize) -> (f64, f64) {
        let (layer, place) = self.layout.places[node];
        let missing = (self.places - self.layout.layers[layer]) as f64 / 2.0;
        let along = layer as f64 * self.layer_step;
        let across = (place as f64 + missing) * self.place_step;
        match self.page {
            Page::Wide => (MARGIN + along, MARGIN + LINE + across),
            Page::Narrow => {
                let used = (self.places as f64 - 1.0) * self.place_step + self.box_width;
                let left = (self.page.width() - used).max(2.0 * MARGIN) / 2.0;
                (left + across, MARGIN + along)
            }
        }
    }

    /// The point where an edge leaves a box or reaches it.
    fn port(&self, node: usize, leaves: bool) -> (f64, f64) {
        let (x, y) = self.corner(node);
        match (self.page, leaves) {
            (Page::Wide, true) => (x + self.box_width, y + BOX_HEIGHT / 2.0),
            (Page::Wide, false) => (x, y + BOX_HEIGHT / 2.0),
            (Page::Narrow, true) => (x + self.box_width / 2.0, y + BOX_HEIGHT),
            (Page::Narrow, false) => (x + self.box_width / 2.0, y),
        }
    }
}

/// Whether an edge goes around the boxes because it does not lead to the next layer.
fn is_detour(layout: &Layout, edge: &Edge) -> bool {
    layout.places[edge.to].0 != layout.places[edge.from].0 + 1
}

/// Whether the map is short enough for a page, and has at most one edge that is not to the next
/// layer.
pub(super) fn fits(map: &ServiceMap) -> bool {
    if map.edges.len() > MAX_EDGES || map.nodes.len() > MAX_EDGES + 1 {
        return false;
    }
    let layout = Layout::of(map);
    let detours = map.edges.iter().filter(|edge| is_detour(&layout, edge));
    let mut pairs: Vec<_> = map.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    pairs.dedup();
    pairs.len() == map.edges.len() && detours.count() <= 1 && layout.layers.len() <= MAX_LAYERS
}

/// The map as a picture.
pub(super) fn drawing(map: &ServiceMap, page: Page) -> Drawing {
    let grid = Grid::of(map, page);
    let mut drawing = Drawing::new(grid.size.0, grid.size.1, label(map));
    for edge in &map.edges {
        draw_edge(map, &mut drawing, &grid, edge);
    }
    for (index, node) in map.nodes.iter().enumerate() {
        draw_node(&mut drawing, &grid, grid.corner(index), node);
    }
    drawing
}

fn label(map: &ServiceMap) -> String {
    let edges: Vec<String> = map
        .edges
        .iter()
        .map(|edge| {
            let receiver = &map.nodes[edge.to];
            format!(
                "{} to {}: {}{}",
                map.nodes[edge.from].name,
                receiver.name,
                edge_facts(map, edge).join(", "),
                if edge.broken { ", broken" } else { "" }
            )
        })
        .collect();
    format!("Service map. {}", edges.join("; "))
}

fn draw_edge(map: &ServiceMap, drawing: &mut Drawing, grid: &Grid, edge: &Edge) {
    let (from, to) = (grid.port(edge.from, true), grid.port(edge.to, false));
    let state = if edge.broken {
        ("edge broken", "head broken")
    } else if edge.holds() {
        ("edge whole", "head whole")
    } else {
        ("edge", "head")
    };
    let detour = is_detour(&grid.layout, edge);
    drawing.path(way(grid, from, to, detour), state.0);
    drawing.path(head(grid.page, to), state.1);

    let mut facts = edge_facts(map, edge);
    if edge.broken {
        facts[0] = format!("✗ {}", facts[0]);
    }
    facts.extend(Some(channel(edge)).filter(|channel| !channel.is_empty()));
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    let class = match (grid.page, edge.broken, edge.holds()) {
        (Page::Wide, true, _) => "middle small broken",
        (Page::Wide, _, true) => "middle small whole",
        (Page::Wide, ..) => "middle small muted",
        (Page::Narrow, true, _) => "small broken",
        (Page::Narrow, _, true) => "small whole",
        (Page::Narrow, ..) => "small muted",
    };
    let room = match grid.page {
        Page::Wide => grid.layer_step - grid.box_width - 12.0,
        Page::Narrow => grid.size.0 - middle.0 - 10.0,
    };
    let lines: Vec<String> = facts.iter().flat_map(|fact| wrapped(fact, room)).collect();
    for (place, line) in lines.iter().enumerate() {
        let down = place as f64 * LINE;
        let (x, y) = match grid.page {
            Page::Wide if detour => (middle.0, grid.size.1 - 6.0),
            // the first line is above the edge, the others are below it
            Page::Wide if place == 0 => (middle.0, middle.1 - 8.0),
            Page::Wide => (middle.0, middle.1 + 2.0 + down),
            Page::Narrow => {
                let first = middle.1 + 4.0 - (lines.len() as f64 - 1.0) * LINE / 2.0;
                (middle.0 + 10.0, first + down)
            }
        };
        // the curve to a box on another height crosses the text
        match grid.page == Page::Wide && from.1 != to.1 {
            true => drawing.label(x, y, class, line.clone()),
            false => drawing.text(x, y, class, line),
        }
    }
}

/// The path of an edge: a curve to the next layer, or a detour around the boxes.
fn way(grid: &Grid, from: (f64, f64), to: (f64, f64), detour: bool) -> String {
    let end = match grid.page {
        Page::Wide => (to.0 - 6.0, to.1),
        Page::Narrow => (to.0, to.1 - 6.0),
    };
    let points: [f64; 8] = match (grid.page, detour) {
        (Page::Wide, false) => {
            let bend = (end.0 - from.0) / 2.0;
            [
                from.0,
                from.1,
                from.0 + bend,
                from.1,
                end.0 - bend,
                end.1,
                end.0,
                end.1,
            ]
        }
        (Page::Wide, true) => {
            let below = grid.size.1 - 4.0;
            [
                from.0,
                from.1,
                from.0 + 90.0,
                below,
                end.0 - 90.0,
                below,
                end.0,
                end.1,
            ]
        }
        (Page::Narrow, false) => {
            let bend = (end.1 - from.1) / 2.0;
            [
                from.0,
                from.1,
                from.0,
                from.1 + bend,
                end.0,
                end.1 - bend,
                end.0,
                end.1,
            ]
        }
        (Page::Narrow, true) => {
            let beside = grid.size.0 - 4.0;
            [
                from.0,
                from.1,
                beside,
                from.1 + 60.0,
                beside,
                end.1 - 60.0,
                end.0,
                end.1,
            ]
        }
    };
    let points = points.map(Pixels);
    let [x, y, a, b, c, d, e, f] = points;
    format!("M{x} {y}C{a} {b} {c} {d} {e} {f}")
}

/// The path of an arrow head that points at `to`.
fn head(page: Page, to: (f64, f64)) -> String {
    let (x, y) = (Pixels(to.0 - 1.0), Pixels(to.1 - 1.0));
    match page {
        Page::Wide => format!("M{x} {}l-9 -5v10z", Pixels(to.1)),
        Page::Narrow => format!("M{} {y}l-5 -9h10z", Pixels(to.0)),
    }
}

fn draw_node(drawing: &mut Drawing, grid: &Grid, (x, y): (f64, f64), node: &Node) {
    let (class, radius) = outline(node.kind, BOX_HEIGHT);
    drawing.rectangle((x, y), (grid.box_width, BOX_HEIGHT), radius, class);
    let middle = x + grid.box_width / 2.0;
    drawing.text(
        middle,
        y + 20.0,
        "middle strong",
        // bold letters are wider
        cut(&node.name, (grid.box_width - 10.0) / 1.15),
    );
    drawing.text(middle, y + 37.0, "middle small muted", node_facts(node));
}
