//! A request and its response: an entry in a HAR file, in a Postman collection or in an access log.

use super::{Event, has};
use crate::json::Tree;

pub(super) static EXCHANGE: Event = Event {
    is,
    // cookies repeat a header
    skipped: &["cookies", "cache", "timings"],
    instead: None,
    readers: |_| None,
};

fn is(tree: &Tree) -> bool {
    let request = tree.get("request").or_else(|| tree.get("req"));
    request.is_some_and(|request| has(request, "headers") || has(request, "header"))
}
