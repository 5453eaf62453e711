//! Orders the cells of each row so that few lines cross.

use super::ranks::Ranks;

/// How often all rows are sorted, in turn from the top and from the bottom.
const SWEEPS: usize = 24;

/// Sorts every row by the mean place of the cells that its lines lead to, and keeps the order with
/// the fewest crossings.
pub(super) fn order(ranks: &mut Ranks) {
    let mut best = (crossings(ranks), ranks.rows.clone());
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        let rows = 0..ranks.rows.len();
        let rows: Vec<usize> = match is_down {
            true => rows.collect(),
            false => rows.rev().collect(),
        };
        for row in rows {
            sort(ranks, row, is_down);
        }
        let crossings = crossings(ranks);
        if crossings < best.0 {
            best = (crossings, ranks.rows.clone());
        }
    }
    ranks.rows = best.1;
}

fn sort(ranks: &mut Ranks, row: usize, is_down: bool) {
    let places = places(ranks);
    let cells = &ranks.cells;
    let mean = |cell: usize| {
        let others = match is_down {
            true => &cells[cell].above,
            false => &cells[cell].below,
        };
        match others.len() {
            // a cell without lines on this side stays in its place
            0 => places[cell],
            count => others.iter().map(|other| places[*other]).sum::<f64>() / count as f64,
        }
    };
    let row = &mut ranks.rows[row];
    row.sort_by(|left, right| mean(*left).total_cmp(&mean(*right)));
}

/// The place of each cell within its row, from 0 to 1.
fn places(ranks: &Ranks) -> Vec<f64> {
    let mut places = vec![0.0; ranks.cells.len()];
    for row in &ranks.rows {
        for (place, cell) in row.iter().enumerate() {
            places[*cell] = (place as f64 + 0.5) / row.len() as f64;
        }
    }
    places
}

/// How many pairs of lines cross.
fn crossings(ranks: &Ranks) -> usize {
    let places = places(ranks);
    let of_row = |row: &Vec<usize>| {
        let mut lines: Vec<(f64, f64)> = Vec::new();
        for cell in row {
            let below = ranks.cells[*cell].below.iter();
            lines.extend(below.map(|other| (places[*cell], places[*other])));
        }
        let crossing = |(place, left): (usize, &(f64, f64))| {
            let others = lines[place + 1..].iter();
            let crosses = |right: &&(f64, f64)| (left.0 - right.0) * (left.1 - right.1) < 0.0;
            others.filter(crosses).count()
        };
        lines.iter().enumerate().map(crossing).sum::<usize>()
    };
    ranks.rows.iter().map(of_row).sum()
}
