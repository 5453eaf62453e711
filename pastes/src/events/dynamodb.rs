//! A record of a DynamoDB stream.

use super::{BATON, Event, any, has};
use crate::json::Tree;

pub(super) static DYNAMODB: Event = Event {
    is,
    skipped: &[],
    instead: None,
    readers,
};

fn is(tree: &Tree) -> bool {
    tree.get("dynamodb")
        .is_some_and(|inner| has(inner, "NewImage") || has(inner, "OldImage") || has(inner, "Keys"))
}

fn readers(places: &[&str]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut says = "A DynamoDB stream carries no context of its own. The writer stored this one in an attribute of the \
                    item, and only a reader that knows the attribute finds it. "
        .to_owned();
    if any(places, "OldImage") {
        says.push_str("OldImage has the context of the previous write. ");
    }
    says.push_str(BATON);
    says.push('.');
    Some(says)
}
