//! Spans that may receive something, although their kind does not say so.

use std::collections::{BTreeMap, BTreeSet};

use super::reason::Reason;
use crate::matching::evidence::Pairs;
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;
use crate::threads::numbers;

pub(super) const LIKE_OTHERS: Reason = Reason::of_hidden_sender(
    "a trace starts there, although others of this kind in the service have a sender",
    "the kind SERVER or CONSUMER on spans that receive something, and only on those",
);
pub(super) const WITHOUT_KIND: Reason = Reason::of_hidden_sender(
    "no span of this service says by its kind whether it sends or receives, so a break does not show",
    "span kinds: SERVER or CONSUMER for what arrives, CLIENT or PRODUCER for what is sent",
);

/// Roots that may have received something.
#[derive(Default)]
pub(super) struct Found {
    /// Roots like others that have a sender.
    pub(super) like_others: Vec<At>,
    /// The services that send to these, by the service of the root.
    pub(super) senders: BTreeMap<Name, BTreeSet<Name>>,
    /// Roots of services without kinds.
    pub(super) without_kind: Vec<At>,
}

/// The roots that are not of a receiver's kind, and that may have received something all the same:
/// other spans of that kind in their service did, or no span of the service has the kind of an end,
/// and the root looks like a request.
pub(super) fn find(tree: &Tree, pairs: &Pairs) -> Found {
    let is_plain = |at: At| matches!(tree.span(at).kind, Kind::Internal | Kind::Unspecified);
    let is_root = |at: At| is_plain(at) && tree.parent(at) == Parent::None && !pairs.has_sender(at);
    let roots: Vec<At> = numbers(tree.len(), is_root);
    if roots.is_empty() {
        return Found::default();
    }
    let service = |at: At| tree.span(at).service;
    let mut found = Found::default();
    for pair in pairs.all().iter().filter(|pair| is_plain(pair.receiver)) {
        let known = found.senders.entry(service(pair.receiver)).or_default();
        known.insert(service(pair.sender));
    }
    let with_ends = tree.services(|at| !is_plain(at));
    for at in roots {
        if found.senders.contains_key(&service(at)) {
            found.like_others.push(at);
        } else if !with_ends.contains(&service(at)) && is_like_request(tree, at) {
            found.without_kind.push(at);
        }
    }
    found
}

/// Whether the span `at` has a request's path or method, or the attributes of a message.
fn is_like_request(tree: &Tree, at: At) -> bool {
    let about = tree.about(at);
    let names = [about.path, about.route, about.method, about.rpc];
    about.is_messaging || names.iter().any(|name| !name.is_empty())
}
