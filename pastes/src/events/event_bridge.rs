//! An event of Amazon EventBridge.

use super::{Event, has};
use crate::json::Tree;

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
        "EventBridge itself passes on only the X-Ray context, which PutEvents takes as TraceHeader. What is in detail comes \
         from the sender, and only a reader that knows the place finds it (Datadog's libraries read detail._datadog)."
            .to_owned()
    })
}
