//! Compares two traces: which spans are the same step, and how they differ.
//!
//! Spans are paired by position (under paired parents, in the order of their start) and by identity
//! (the message or request id if both have one, otherwise service and kind). Names only decide
//! about the remaining spans: those whose kind differs, or which have moved to another parent. Ids
//! and times always differ, so they are not compared: see [`MASKED`].

mod changes;
mod pairing;
mod side;

use serde::Serialize;

pub use changes::{Change, MASKED};

use self::pairing::Pairs;
use self::side::Side;
use crate::trace::{Node, Trace};

/// How two traces differ.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceDifference {
    /// The spans of both traces in one depth-first order. Spans that only the right trace has are
    /// in between.
    pub rows: Vec<Row>,
}

/// A span of one trace or of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The left trace's span, with its place in the tree.
    pub left: Option<Node>,
    /// The right trace's span, with its place in the tree.
    pub right: Option<Node>,
    /// How the two spans differ. Empty if only one trace has the span.
    pub changes: Vec<Change>,
}

/// The result for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The spans are equal, except for [`MASKED`].
    Same,
    /// They differ.
    Changed,
    /// Only the left trace has it.
    OnlyLeft,
    /// Only the right trace has it.
    OnlyRight,
}

impl Row {
    /// The result for this row.
    pub fn mark(&self) -> Mark {
        match (&self.left, &self.right) {
            (Some(_), Some(_)) if self.changes.is_empty() => Mark::Same,
            (Some(_), Some(_)) => Mark::Changed,
            (Some(_), None) => Mark::OnlyLeft,
            (None, _) => Mark::OnlyRight,
        }
    }
}

impl TraceDifference {
    /// Compares two traces.
    pub fn between(left: &Trace, right: &Trace) -> TraceDifference {
        let (left, right) = (Side::of(left), Side::of(right));
        let pairs = Pairs::of(&left, &right);
        let with_resource = changes::first_of_services(&left, &pairs);
        let rows = pairs.in_order(&left, &right).into_iter();
        TraceDifference {
            rows: rows
                .map(|(one, other)| Row {
                    left: one.map(|node| left.tree[node]),
                    right: other.map(|node| right.tree[node]),
                    changes: match (one, other) {
                        (Some(one), Some(other)) => changes::between(
                            (&left, one),
                            (&right, other),
                            &pairs,
                            with_resource.contains(&one),
                        ),
                        _ => Vec::new(),
                    },
                })
                .collect(),
        }
    }

    /// The number of rows with this mark.
    pub fn count(&self, mark: Mark) -> usize {
        self.rows.iter().filter(|row| row.mark() == mark).count()
    }
}

#[cfg(test)]
mod tests;
