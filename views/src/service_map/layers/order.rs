//! Orders the cells of each row so that few lines cross.

use super::ranks::Ranks;

/// How often all rows are sorted, in turn from the top and from the bottom.
const SWEEPS: usize = 24;

/// Sorts every row by the mean place of the cells that its lines lead to, and keeps the order with
/// the fewest crossings.
pub(super) fn order(ranks: &mut Ranks) {
    let mut places = vec![0.0; ranks.cells.len()];
    for row in &ranks.rows {
        note_places(row, &mut places);
    }
    let mut best = (crossings(ranks), ranks.rows.clone());
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        let rows = 0..ranks.rows.len();
        let rows: Vec<usize> = match is_down {
            true => rows.collect(),
            false => rows.rev().collect(),
        };
        for row in rows {
            sort(ranks, row, is_down, &mut places);
        }
        let crossings = crossings(ranks);
        if crossings < best.0 {
            best = (crossings, ranks.rows.clone());
        }
    }
    ranks.rows = best.1;
}

/// Sorts one row. `places` has the place of each cell within its row, from 0 to 1.
fn sort(ranks: &mut Ranks, row: usize, is_down: bool, places: &mut [f64]) {
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
    let cells = ranks.rows[row].iter();
    let mut sorted: Vec<(f64, usize)> = cells.map(|cell| (mean(*cell), *cell)).collect();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    ranks.rows[row] = sorted.into_iter().map(|(_, cell)| cell).collect();
    note_places(&ranks.rows[row], places);
}

fn note_places(row: &[usize], places: &mut [f64]) {
    for (place, cell) in row.iter().enumerate() {
        places[*cell] = (place as f64 + 0.5) / row.len() as f64;
    }
}

/// How many pairs of lines cross.
fn crossings(ranks: &Ranks) -> usize {
    let mut places = vec![0; ranks.cells.len()];
    for row in &ranks.rows {
        for (place, cell) in row.iter().enumerate() {
            places[*cell] = place;
        }
    }
    let of_row = |row: &Vec<usize>| {
        let mut ends: Vec<usize> = Vec::new();
        for cell in row {
            let from = ends.len();
            let below = ranks.cells[*cell].below.iter();
            ends.extend(below.map(|other| places[*other]));
            // lines from one cell do not cross
            ends[from..].sort_unstable();
        }
        inversions(&mut ends)
    };
    ranks.rows.iter().map(of_row).sum()
}

/// How many pairs are in the wrong order. Sorts them, by merging.
fn inversions(values: &mut Vec<usize>) -> usize {
    if values.len() < 2 {
        return 0;
    }
    let mut right = values.split_off(values.len() / 2);
    let mut count = inversions(values) + inversions(&mut right);
    let left = std::mem::replace(values, Vec::with_capacity(values.len() + right.len()));
    let mut right = right.into_iter().peekable();
    for (place, value) in left.iter().enumerate() {
        while let Some(smaller) = right.next_if(|other| other < value) {
            count += left.len() - place;
            values.push(smaller);
        }
        values.push(*value);
    }
    values.extend(right);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_the_wrong_order_are_counted_as_by_comparing_all() {
        for values in [
            vec![],
            vec![1],
            vec![2, 1],
            vec![3, 3, 1, 2, 2, 0],
            (0..50).map(|value| value * 37 % 23).collect(),
        ] {
            let pairs = values.iter().enumerate();
            let all = pairs.map(|(place, left)| {
                let after = values[place + 1..].iter();
                after.filter(|right| left > *right).count()
            });
            let all: usize = all.sum();
            assert_eq!(inversions(&mut values.clone()), all, "{values:?}");
        }
    }
}
