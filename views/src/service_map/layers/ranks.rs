//! Puts the nodes of a map in rows, senders above receivers, and gives every edge a way through the
//! rows between them.

use crate::service_map::forward_edges;
use baton_traces::service_map::ServiceMap;

/// The room between two cells of a row.
pub(super) const GAP: f64 = 14.0;
/// The width of a bend, which keeps the line away from the boxes beside it.
const BEND_WIDTH: f64 = 8.0;

/// Something in a row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The node; `None` for the bend of a line that passes through the row.
    pub(super) node: Option<usize>,
    /// The number of its row.
    pub(super) row: usize,
    pub(super) width: f64,
    /// The place of its middle.
    pub(super) x: f64,
    /// The cells in the row above and in the row below that lines lead to, by their place in the
    /// list of cells.
    pub(super) above: Vec<usize>,
    pub(super) below: Vec<usize>,
}

/// The line of an edge.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// The edge, by its place in the map.
    pub(super) edge: usize,
    /// The cells that it passes, from top to bottom.
    pub(super) cells: Vec<usize>,
    /// Whether the edge leads from the bottom to the top, because otherwise it would close a
    /// cycle.
    pub(super) upward: bool,
}

/// Cells in rows, and the lines between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    /// The nodes' cells come first, in the order of the nodes.
    pub(super) cells: Vec<Cell>,
    pub(super) rows: Vec<Vec<usize>>,
    pub(super) ways: Vec<Way>,
}

impl Ranks {
    /// Puts nodes in rows of at most `room` pixels. `widths` has the width of each node's box.
    /// Nodes without edges have no row.
    pub(super) fn of(map: &ServiceMap, widths: &[f64], room: f64) -> Ranks {
        let ranks = ranks(map, widths, room);
        let cell = |(node, width): (usize, &f64)| {
            Cell::new(Some(node), ranks[node].unwrap_or_default(), *width)
        };
        let mut laid_out = Ranks {
            cells: widths.iter().enumerate().map(cell).collect(),
            rows: vec![Vec::new(); ranks.iter().flatten().max().map_or(0, |last| last + 1)],
            ways: Vec::new(),
        };
        for (node, rank) in ranks.iter().enumerate() {
            if let Some(rank) = rank {
                laid_out.rows[*rank].push(node);
            }
        }
        for (place, edge) in map.edges.iter().enumerate() {
            if let (Some(from), Some(to)) = (ranks[edge.from], ranks[edge.to])
                && edge.from != edge.to
            {
                let upward = to < from;
                let (top, bottom) = match upward {
                    true => (edge.to, edge.from),
                    false => (edge.from, edge.to),
                };
                let cells = laid_out.way(top, bottom, from.min(to), from.max(to));
                laid_out.ways.push(Way {
                    edge: place,
                    cells,
                    upward,
                });
            }
        }
        laid_out
    }

    /// The row of a cell.
    pub(super) fn row(&self, cell: usize) -> usize {
        self.cells[cell].row
    }

    /// Parts each of these rows from the row above it: their cells do not attract each other.
    pub(super) fn cut(&mut self, rows: impl Iterator<Item = usize>) {
        for row in rows {
            for cell in &self.rows[row - 1] {
                self.cells[*cell].below.clear();
            }
            for cell in &self.rows[row] {
                self.cells[*cell].above.clear();
            }
        }
    }

    /// The cells from `top` to `bottom`, with a new bend in every row between them.
    fn way(&mut self, top: usize, bottom: usize, first: usize, last: usize) -> Vec<usize> {
        let mut cells = vec![top];
        for row in first + 1..last {
            let bend = self.cells.len();
            self.cells.push(Cell::new(None, row, BEND_WIDTH));
            self.rows[row].push(bend);
            cells.push(bend);
        }
        cells.push(bottom);
        for pair in cells.windows(2) {
            self.cells[pair[0]].below.push(pair[1]);
            self.cells[pair[1]].above.push(pair[0]);
        }
        cells
    }
}

impl Way {
    /// The rows that it passes, from top to bottom.
    pub(super) fn rows(&self, ranks: &Ranks) -> std::ops::Range<usize> {
        let first = ranks.row(self.cells[0]);
        first..first + self.cells.len()
    }
}

impl Cell {
    fn new(node: Option<usize>, row: usize, width: f64) -> Cell {
        Cell {
            node,
            row,
            width,
            x: 0.0,
            above: Vec::new(),
            below: Vec::new(),
        }
    }
}

/// The row of each node: below all of its senders, in the first row with room. `None` for nodes
/// that have no edge to another node.
fn ranks(map: &ServiceMap, widths: &[f64], room: f64) -> Vec<Option<usize>> {
    let forward = forward_edges(map);
    let nodes = map.nodes.len();
    let mut senders: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut receivers: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in forward.into_iter().filter(|(from, to)| from != to) {
        senders[to].push(from);
        receivers[from].push(to);
    }
    let order = sorted(&senders, &receivers);
    let mut ranks = vec![None; nodes];
    let mut used: Vec<f64> = Vec::new();
    for node in &order {
        let above = senders[*node].iter().filter_map(|sender| ranks[*sender]);
        let mut rank = above.max().map_or(0, |rank: usize| rank + 1);
        loop {
            used.resize(used.len().max(rank + 1), 0.0);
            if used[rank] == 0.0 || used[rank] + GAP + widths[*node] <= room {
                break;
            }
            rank += 1;
        }
        used[rank] += GAP + widths[*node];
        ranks[*node] = Some(rank);
    }
    // a node that only sends moves down to its receivers, so that its lines are short
    for node in order.iter().rev() {
        let below = receivers[*node]
            .iter()
            .filter_map(|receiver| ranks[*receiver]);
        let Some(lowest) = below.min().filter(|_| senders[*node].is_empty()) else {
            continue;
        };
        let rank = ranks[*node].unwrap_or_default();
        let has_room = |rank: &usize| used[*rank] + GAP + widths[*node] <= room;
        if let Some(lower) = (rank + 1..lowest).rev().find(has_room) {
            used[rank] -= GAP + widths[*node];
            used[lower] += GAP + widths[*node];
            ranks[*node] = Some(lower);
        }
    }
    let mut filled: Vec<usize> = ranks.iter().flatten().copied().collect();
    filled.sort_unstable();
    filled.dedup();
    let place = |rank: usize| filled.binary_search(&rank).unwrap_or_default();
    ranks.into_iter().map(|rank| rank.map(place)).collect()
}

/// The nodes that have edges, every sender before its receivers. There is no cycle.
fn sorted(senders: &[Vec<usize>], receivers: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = senders.iter().map(Vec::len).collect();
    let has_edges = |node: &usize| !senders[*node].is_empty() || !receivers[*node].is_empty();
    let mut order: Vec<usize> = (0..senders.len()).filter(has_edges).collect();
    order.retain(|node| missing[*node] == 0);
    let mut place = 0;
    while let Some(node) = order.get(place).copied() {
        for receiver in &receivers[node] {
            missing[*receiver] -= 1;
            if missing[*receiver] == 0 {
                order.push(*receiver);
            }
        }
        place += 1;
    }
    order
}
