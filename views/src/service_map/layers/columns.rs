//! Folds the rows of a deep map into columns side by side, so that the picture fits a page. Lines
//! that lead from one column to the next pass between them, each in a lane of its own.

use std::fmt::Write as _;
use std::ops::Range;

use super::ranks::Ranks;
use crate::drawing::Pixels;

/// The width of a lane.
const LANE: f64 = 8.0;
/// The most lines from a column to the next. More could not be followed.
const MAX_LANES: usize = 6;
/// The room between two columns: for all lanes, and on both sides of them.
const GUTTER: f64 = LANE * (MAX_LANES + 3) as f64;

/// Where the rows are divided.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The first row of each column, and the number of rows.
    starts: Vec<usize>,
    /// The width of each column.
    width: f64,
    /// For each column but the last, the ways that lead to the next one, from right to left.
    lanes: Vec<Vec<usize>>,
}

/// The way of a line that crosses from the last row of a column to the first row of the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The place in the list of ways.
    pub(super) way: usize,
    /// The first row of the next column.
    pub(super) row: usize,
    /// Its horizontal place there.
    pub(super) x: f64,
    /// The end of the column that it leaves.
    pub(super) bottom: f64,
    /// The top of all columns.
    pub(super) top: f64,
    /// Where the column that it leaves begins.
    pub(super) left: f64,
}

impl Columns {
    /// One column, with all rows below each other.
    pub(super) fn one(rows: usize, width: f64) -> Columns {
        Columns {
            starts: vec![0, rows],
            width,
            lanes: Vec::new(),
        }
    }

    /// The width of each of `count` columns on a page.
    pub(super) fn width_of(count: usize, room: f64) -> f64 {
        (room - (count - 1) as f64 * GUTTER) / count as f64
    }

    /// Divides rows among columns of about the same height. `bottoms` has the end of each row if
    /// all are below each other. `None` if too many lines would lead from a column to the next.
    pub(super) fn of(ranks: &Ranks, bottoms: &[f64], count: usize, width: f64) -> Option<Columns> {
        let height = bottoms.last()? / count as f64;
        let mut starts = vec![0];
        for column in 1..count {
            let middle_of_row = |row: &usize| {
                let above = row.checked_sub(1).map_or(0.0, |above| bottoms[above]);
                (above + bottoms[*row]) / 2.0
            };
            let mut rows = 0..bottoms.len();
            let next = rows.find(|row| middle_of_row(row) >= height * column as f64)?;
            if next <= starts[column - 1] {
                return None;
            }
            starts.push(next);
        }
        let crossing = |row: &usize| {
            let ways = ranks.ways.iter();
            let crosses = |way: &&super::Way| way.rows(ranks).skip(1).any(|passed| passed == *row);
            ways.filter(crosses).count()
        };
        let fits = starts.iter().skip(1).all(|row| crossing(row) <= MAX_LANES);
        starts.push(bottoms.len());
        fits.then_some(Columns {
            starts,
            width,
            lanes: Vec::new(),
        })
    }

    /// The rows of each column, with its left edge.
    pub(super) fn all(&self) -> impl Iterator<Item = (Range<usize>, f64)> + '_ {
        let lefts = (0..).map(|column| f64::from(column) * (self.width + GUTTER));
        let columns = self.starts.windows(2).map(|rows| rows[0]..rows[1]);
        columns.zip(lefts)
    }

    /// Whether this row is the first of a column that is not the first column.
    pub(super) fn begin_at(&self, row: usize) -> bool {
        row > 0 && self.starts[..self.starts.len() - 1].contains(&row)
    }

    /// The first rows of all columns but the first.
    pub(super) fn cuts(&self) -> impl Iterator<Item = usize> + '_ {
        self.starts[1..self.starts.len() - 1].iter().copied()
    }

    /// The width of a column, and of all columns together.
    pub(super) fn widths(&self) -> (f64, f64) {
        let count = (self.starts.len() - 1) as f64;
        (self.width, count * (self.width + GUTTER) - GUTTER)
    }

    /// The room that lanes need above and below the columns.
    pub(super) fn margin(&self) -> f64 {
        let most = self.lanes.iter().map(Vec::len).max();
        most.map_or(0.0, |most| LANE * (most + 1) as f64)
    }

    /// Gives each line that leads to the next column its lane. `places` has, for each cut, the ways
    /// across it with their places in the row above. Lanes are nested, so that they do not cross.
    pub(super) fn assign(&mut self, places: Vec<Vec<(usize, f64)>>) {
        let from_right = |mut ways: Vec<(usize, f64)>| {
            ways.sort_by(|left, right| right.1.total_cmp(&left.1));
            ways.into_iter().map(|(way, _)| way).collect()
        };
        self.lanes = places.into_iter().map(from_right).collect();
    }

    /// Draws a line below the column that it leaves, up between the columns, and to its place above
    /// the next one.
    pub(super) fn turn(&self, path: &mut String, turn: &Turn) {
        let column = self.starts.iter().position(|start| *start == turn.row);
        let lanes = column.and_then(|column| self.lanes.get(column.checked_sub(1)?));
        let lane = lanes.and_then(|lanes| lanes.iter().position(|way| *way == turn.way));
        let lane = LANE * (lane.unwrap_or_default() + 1) as f64;
        let between = turn.left + self.width + LANE + lane;
        let (below, above) = (turn.bottom + lane, turn.top + lane - LANE);
        let _ = write!(
            path,
            "V{}H{}V{}H{}",
            Pixels(below),
            Pixels(between),
            Pixels(above),
            Pixels(turn.x)
        );
    }
}
