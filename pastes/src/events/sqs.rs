//! A message of Amazon SQS, as a Lambda event or in the answer of ReceiveMessage.

use super::{Event, any, has};
use crate::json::Tree;

pub(super) static SQS: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    let of_lambda =
        has(tree, "body") && (has(tree, "messageAttributes") || has(tree, "receiptHandle"));
    let of_api =
        has(tree, "Body") && (has(tree, "MessageAttributes") || has(tree, "ReceiptHandle"));
    let is_named = tree.get("eventSource").and_then(Tree::text) == Some("aws:sqs");
    of_lambda || of_api || is_named
}

fn readers(places: &[&str]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut says = "In an SQS message, the X-Ray SDK and OpenTelemetry's Java agent read attributes.AWSTraceHeader, \
                    OpenTelemetry for JavaScript and Python read the message attributes, and Datadog's libraries read the \
                    attribute _datadog. baton's consumer looks only under tracecontext in a record."
        .to_owned();
    if any(places, ".body.") || any(places, ".Body.") {
        says.push_str(
            " With SNS, the body is an envelope unless raw message delivery is on. Only readers that are told to look \
             inside the body find what is in it.",
        );
    }
    Some(says)
}
