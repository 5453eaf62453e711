//! A notification of Amazon SNS, as a Lambda event or as an envelope inside another service's
//! message.

use super::{Event, has};
use crate::json::Tree;

pub(super) static SNS: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    has(tree, "TopicArn") && has(tree, "Message") || has(tree, "Sns")
}

fn readers(places: &[&str]) -> Option<String> {
    let of_lambda = !places.is_empty() && places.iter().all(|place| place.contains(".Sns."));
    of_lambda.then(|| {
        "In an SNS event, OpenTelemetry's Lambda instrumentations read MessageAttributes, if they read records at all. The \
         X-Ray context of SNS arrives in the function's own X-Amzn-Trace-Id."
            .to_owned()
    })
}
