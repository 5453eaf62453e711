//! A record of Kafka, from a REST proxy, a console, or a Lambda event.

use super::{Event, any, has};
use crate::json::Tree;

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
    // Names in a Kafka record are compared by case (measured: `docs/compatibility.md`).
    if any(places, "B3-") || any(places, "b3-") {
        return Some(
            "Names of Kafka headers are compared by case: libraries for Java look for X-B3-TraceId, those for Go, JavaScript \
             and Python for x-b3-traceid."
                .to_owned(),
        );
    }
    let in_value = places
        .iter()
        .any(|place| place.contains("value.") || place.contains("value,"));
    in_value.then(|| "Instrumentations of Kafka read the headers of a record. Only the application itself finds what is in the value.".to_owned())
}
