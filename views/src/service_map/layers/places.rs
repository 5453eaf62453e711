//! Finds the horizontal place of every cell: near the cells that its lines lead to, without
//! overlap.

use std::ops::Range;

use super::ranks::{GAP, Ranks};

/// How often all rows are placed, in turn from the top and from the bottom.
const SWEEPS: usize = 16;

/// Places the cells of these rows within `room` pixels, or within the widest row if that is wider,
/// from `left` on. Returns the width.
pub(super) fn place(ranks: &mut Ranks, rows: Range<usize>, left: f64, room: f64) -> f64 {
    let total = |row: &Vec<usize>| {
        let widths = row.iter().map(|cell| ranks.cells[*cell].width);
        widths.sum::<f64>() + GAP * (row.len().max(1) - 1) as f64
    };
    let width = ranks.rows[rows.clone()]
        .iter()
        .map(total)
        .fold(room, f64::max);
    for row in rows.clone() {
        spread(ranks, row, width, |_, _| width / 2.0);
    }
    for sweep in 0..SWEEPS {
        let rows: Vec<usize> = match sweep % 2 == 0 {
            true => rows.clone().collect(),
            false => rows.clone().rev().collect(),
        };
        for row in rows {
            spread(ranks, row, width, wanted);
        }
    }
    centre(ranks, rows, left, width);
    width
}

/// Moves the cells of these rows so that the room on both sides is the same.
fn centre(ranks: &mut Ranks, rows: Range<usize>, from: f64, width: f64) {
    let cells: Vec<usize> = ranks.rows[rows].iter().flatten().copied().collect();
    let edges = cells.iter().map(|cell| &ranks.cells[*cell]);
    let (left, right) = edges.fold((width, 0.0_f64), |(left, right), cell| {
        let half = cell.width / 2.0;
        (left.min(cell.x - half), right.max(cell.x + half))
    });
    let shift = from + (width - right - left) / 2.0;
    for cell in cells {
        ranks.cells[cell].x += shift;
    }
}

/// The mean place of all cells that the cell's lines lead to.
fn wanted(ranks: &Ranks, cell: usize) -> f64 {
    let cell = &ranks.cells[cell];
    let others = cell.above.iter().chain(&cell.below);
    let places: Vec<f64> = others.map(|other| ranks.cells[*other].x).collect();
    match places.len() {
        0 => cell.x,
        count => places.iter().sum::<f64>() / count as f64,
    }
}

/// Moves the cells of a row as near as possible to their wanted places, by least squares, in the
/// order of the row and without overlap: isotonic regression, by pooling adjacent violators.
fn spread(ranks: &mut Ranks, row: usize, width: f64, wanted: impl Fn(&Ranks, usize) -> f64) {
    /// Neighbours that touch. Each wants the first of them at some place; `sum` adds these places.
    struct Block {
        sum: f64,
        cells: usize,
    }
    impl Block {
        fn place(&self) -> f64 {
            self.sum / self.cells as f64
        }
    }
    let cells = ranks.rows[row].clone();
    let mut blocks: Vec<Block> = Vec::new();
    // the distance of each cell's middle from the left edge of the row, if all cells touch
    let mut offsets = Vec::with_capacity(cells.len());
    let mut end = 0.0;
    for cell in &cells {
        let half = ranks.cells[*cell].width / 2.0;
        offsets.push(end + half);
        end += 2.0 * half + GAP;
        blocks.push(Block {
            sum: wanted(ranks, *cell) - offsets[offsets.len() - 1],
            cells: 1,
        });
        while let [.., before, last] = blocks.as_slice()
            && before.place() > last.place()
        {
            let joined = Block {
                sum: before.sum + last.sum,
                cells: before.cells + last.cells,
            };
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let last = (width - (end - GAP)).max(0.0);
    let places = blocks.iter().flat_map(|block| {
        let place = block.place().clamp(0.0, last);
        std::iter::repeat_n(place, block.cells)
    });
    for ((cell, place), offset) in cells.iter().zip(places).zip(offsets) {
        ranks.cells[*cell].x = place + offset;
    }
}
