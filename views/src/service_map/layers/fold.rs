//! Lays a map out in rows below each other, or in the fewest columns with which it fits a page.

use super::boxes::box_widths;
use super::columns::Columns;
use super::order::order;
use super::places::place;
use super::ranks::Ranks;
use super::{MARGIN, Plan, Side};
use crate::drawing::Page;
use baton_traces::service_map::ServiceMap;

/// The most columns of a deep map.
const MAX_COLUMNS: usize = 6;
/// The room for the sentences below the lines on a page.
const SENTENCES: f64 = 200.0;

impl Plan {
    /// The rows below each other, or in columns if they are higher than the page.
    pub(super) fn of(map: &ServiceMap, page: Page) -> Plan {
        let room = page.width() - 2.0 * MARGIN;
        let most = page.height() - SENTENCES;
        let widths = box_widths(map);
        let ranks = ordered(map, &widths, room);
        let columns = Columns::one(ranks.rows.len(), room);
        let mut best = Plan::laid_out(map, ranks, columns);
        for count in 2..=MAX_COLUMNS {
            if best.height() <= most {
                break;
            }
            let folded = Plan::in_columns(map, &widths, room, count);
            if let Some(folded) = folded.filter(|plan| plan.height() < best.height()) {
                best = folded;
            }
        }
        best
    }

    /// The rows in this many columns; `None` if they do not fit side by side. `widths` has the width
    /// of each node's box.
    fn in_columns(map: &ServiceMap, widths: &[f64], room: f64, count: usize) -> Option<Plan> {
        let width = Columns::width_of(count, room);
        let ranks = ordered(map, widths, width);
        let one = Columns::one(ranks.rows.len(), width);
        let plan = Plan::laid_out(map, ranks.clone(), one);
        let bottoms: Vec<f64> = plan.rows.iter().map(|row| row.exit).collect();
        let columns = Columns::of(&plan.ranks, &bottoms, count, width)?;
        (plan.width <= width).then(|| Plan::laid_out(map, ranks, columns))
    }

    fn laid_out(map: &ServiceMap, mut ranks: Ranks, columns: Columns) -> Plan {
        ranks.cut(columns.cuts());
        let (width, mut all) = columns.widths();
        for (rows, left) in columns.all() {
            all = all.max(left + place(&mut ranks, rows, left, width));
        }
        let mut plan = Plan {
            tops: vec![Side::default(); map.nodes.len()],
            bottoms: vec![Side::default(); map.nodes.len()],
            ends: vec![(0.0, 0.0, 0); ranks.ways.len()],
            rows: Vec::new(),
            columns,
            ranks,
            width: all,
        };
        plan.attach(map);
        let lanes = plan.columns.cuts().map(|row| plan.across(row)).collect();
        plan.columns.assign(lanes);
        plan.rows = plan.heights(map);
        plan
    }

    /// The ways that lead into a row from the row above, with their places there.
    fn across(&self, row: usize) -> Vec<(usize, f64)> {
        let mut across = Vec::new();
        for (place, way) in self.ranks.ways.iter().enumerate() {
            let passed = way.rows(&self.ranks);
            if passed.start < row && row < passed.end {
                let cell = way.cells[row - 1 - passed.start];
                let x = match cell == way.cells[0] {
                    true => self.ends[place].0,
                    false => self.ranks.cells[cell].x,
                };
                across.push((place, x));
            }
        }
        across
    }

    /// The height of all rows.
    pub(super) fn height(&self) -> f64 {
        let exits = self.rows.iter().map(|row| row.exit);
        exits.fold(0.0, f64::max) + self.columns.margin()
    }
}

/// The nodes in rows of at most `room` pixels, in an order with few crossings.
fn ordered(map: &ServiceMap, widths: &[f64], room: f64) -> Ranks {
    let mut ranks = Ranks::of(map, widths, room);
    order(&mut ranks);
    ranks
}
