//! A message of Google Cloud Pub/Sub.

use super::{Event, has};
use crate::json::Tree;

pub(super) static PUB_SUB: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    has(tree, "attributes")
        && ["messageId", "message_id", "publishTime"]
            .iter()
            .any(|name| has(tree, name))
}

fn readers(places: &[&str]) -> Option<String> {
    (!places.is_empty()).then(|| {
        "In a Pub/Sub message, Google's client libraries read the attribute googclient_traceparent. Only instrumentations that \
         were made for it read traceparent."
            .to_owned()
    })
}
