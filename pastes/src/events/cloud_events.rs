//! A CloudEvent in JSON (CloudEvents 1.0, structured mode).

use super::{Event, has};
use crate::json::Tree;

pub(super) static CLOUD_EVENTS: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    has(tree, "specversion") && has(tree, "source")
}

fn readers(places: &[&str]) -> Option<String> {
    (!places.is_empty()).then(|| {
        "The traceparent of a CloudEvent is its Distributed Tracing extension: the context in which the event was made. A \
         library that reads the headers of the transport does not see it."
            .to_owned()
    })
}
