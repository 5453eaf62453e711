//! A request as API Gateway, a function URL or a load balancer passes it to Lambda.

use super::{Event, has};
use crate::json::Tree;

pub(super) static API_GATEWAY: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    has(tree, "requestContext") && (has(tree, "headers") || has(tree, "multiValueHeaders"))
}

fn readers(places: &[&str]) -> Option<String> {
    let several = places
        .iter()
        .any(|place| place.contains("multiValueHeaders"));
    several.then(|| {
        "multiValueHeaders has all values of each header. Most readers, and baton's producer, read headers, which has the \
         last value of each."
            .to_owned()
    })
}
