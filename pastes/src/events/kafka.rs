//! A record of Kafka, from a REST proxy, a console, or a Lambda event.

use super::{Event, has};
use crate::tree::Tree;

pub(super) static KAFKA: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    let is_topic = ["topic", "topic_name", "topicName"]
        .iter()
        .any(|name| has(tree, name));
    is_topic && (has(tree, "headers") || has(tree, "offset") || has(tree, "partition"))
}

fn readers(places: &[&str]) -> Option<String> {
    let in_value = places
        .iter()
        .any(|place| place.contains("value.") || place.contains("value,"));
    in_value.then(|| "Of a Kafka record, instrumentations read the headers; what is in its value is found by the application alone.".to_owned())
}
