//! What arrives in a carrier: which context each format finds, which one each mode and each library
//! continues, and why. `baton explain` and the lab's page show it.
//!
//! Sentences here may quote what was pasted, so a caller makes them safe for its output.

mod arrival;
mod judged;
pub mod libraries;

pub use arrival::{arrives, contents, in_common};
pub use judged::{Judged, Judgement, Selection, check};

/// The items without repetition, in the order in which each occurs first.
pub fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
