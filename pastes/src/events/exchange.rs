//! A request and its answer: an entry in a HAR file or in a Postman collection.

use super::{Event, has};
use crate::tree::Tree;

pub(super) static EXCHANGE: Event = Event {
    is,
    // The answer is not a carrier for the receiver, and cookies repeat a header.
    skipped: &["response", "cookies", "cache", "timings"],
    instead: None,
    readers: |_| None,
};

fn is(tree: &Tree) -> bool {
    tree.get("request")
        .is_some_and(|request| has(request, "headers") || has(request, "header"))
}
