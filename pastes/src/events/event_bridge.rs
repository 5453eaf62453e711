//! An event of Amazon EventBridge.

use super::{Event, has};
use crate::tree::Tree;

pub(super) static EVENT_BRIDGE: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    has(tree, "detail-type") && has(tree, "detail")
        || has(tree, "DetailType") && has(tree, "Detail")
}

fn readers(places: &[&str]) -> Option<String> {
    (!places.is_empty()).then(|| {
        "EventBridge passes X-Ray's context on by itself, as TraceHeader of PutEvents; what is in detail is the sender's, and \
         only a reader that knows the place finds it (Datadog's: detail._datadog)."
            .to_owned()
    })
}
