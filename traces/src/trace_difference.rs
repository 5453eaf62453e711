//! Two traces beside each other: which spans stand for the same step, and how they differ.
//!
//! Spans are paired by where they stand, under paired parents and in the order of their start, and by what they are:
//! by the message or request id where both have it, else by service and kind. Names count only for what is left over:
//! a span whose kind differs, or that has moved to another parent. What always differs, ids and times, is masked, and
//! [`MASKED`] says so.

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
    /// The spans of both in one depth-first order: the left trace's, those that only the right has in between.
    pub rows: Vec<Row>,
}

/// A span of one trace or of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The left trace's span, as it stands in its tree.
    pub left: Option<Node>,
    /// The right trace's.
    pub right: Option<Node>,
    /// How the two differ; nothing if there is one only.
    pub changes: Vec<Change>,
}

/// What is to be said of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The spans are the same, but for what is masked.
    Same,
    /// They differ.
    Changed,
    /// Only the left trace has it.
    OnlyLeft,
    /// Only the right trace has it.
    OnlyRight,
}

impl Row {
    /// What is to be said of it.
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

    /// How many rows have this mark.
    pub fn count(&self, mark: Mark) -> usize {
        self.rows.iter().filter(|row| row.mark() == mark).count()
    }
}

#[cfg(test)]
mod tests;
