//! A record of Amazon Kinesis, as a Lambda event or in the answer of GetRecords.

use super::{BATON, Event, any, has, not_in_envelope};
use crate::json::Tree;

pub(super) static KINESIS: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    let of_lambda = tree.at(&["kinesis", "data"]).is_some();
    of_lambda || has(tree, "Data") && (has(tree, "SequenceNumber") || has(tree, "PartitionKey"))
}

fn readers(places: &[&str]) -> Option<String> {
    if any(places, "data[") || any(places, "Data[") {
        return Some(
            "The Kinesis Producer Library put several records into this one. Only a consumer that takes them apart finds \
             what is in them; baton's consumer does not."
                .to_owned(),
        );
    }
    if !not_in_envelope(places) {
        return None;
    }
    let who = if any(places, "_datadog") {
        "Datadog's libraries read the member _datadog in the JSON of a record. "
    } else {
        "A Kinesis record has no headers. A context in its data is found only by a reader that knows the place. "
    };
    Some(format!("{who}{BATON}."))
}
