//! A request and its answer: an entry of a HAR file, of a collection of Postman.

use super::{Event, has};
use crate::tree::Tree;

pub(super) static EXCHANGE: Event = Event {
    is,
    // The answer is no carrier of the receiver, and cookies repeat what a header says.
    skipped: &["response", "cookies", "cache", "timings"],
    readers: |_| None,
};

fn is(tree: &Tree) -> bool {
    tree.get("request")
        .is_some_and(|request| has(request, "headers") || has(request, "header"))
}
