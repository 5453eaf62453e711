//! By what a sender and a receiver are known to belong together: one file for each kind of evidence.
//!
//! [`EVIDENCE`] lists the kinds, the strongest first. Each looks at what the ones before it left over and adds pairs.

mod address_and_time;
mod assignment;
pub(crate) mod clocks;
mod fit;
mod link;
mod loose;
mod message_id;
mod parent;
mod request_id;
mod shared_id;

pub(crate) use self::loose::Loose;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ends::At;
use crate::ends::names::Name;
use crate::ends::tree::Tree;

/// By what a sender and a receiver are known to belong together, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Both carry the id of the message, or its partition and offset.
    MessageId,
    /// Both carry the id of the request, or an id that the user named.
    RequestId,
    /// The receiver links to the sender.
    Link,
    /// The sender is the receiver's parent.
    Parent,
    /// Their traces share an id, and address and time fit.
    SharedId,
    /// Address and time fit, and nothing else does.
    AddressAndTime,
}

impl Evidence {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::MessageId => "message_id",
            Evidence::RequestId => "request_id",
            Evidence::Link => "link",
            Evidence::Parent => "parent",
            Evidence::SharedId => "shared_id",
            Evidence::AddressAndTime => "address_and_time",
        }
    }
}

/// Adds the pairs that one kind of evidence shows.
type Find = fn(&Tree, &mut Pairs, Evidence);

/// Every kind of evidence, the strongest first.
const EVIDENCE: [(Evidence, Find); 6] = [
    (Evidence::MessageId, message_id::find),
    (Evidence::RequestId, request_id::find),
    (Evidence::Link, link::find),
    (Evidence::Parent, parent::find),
    (Evidence::SharedId, shared_id::find),
    (Evidence::AddressAndTime, address_and_time::find),
];

/// A sender and a receiver that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    /// The span that handed over.
    pub(crate) sender: At,
    /// The span that took over.
    pub(crate) receiver: At,
    /// By what they are known to.
    pub(crate) evidence: Evidence,
}

/// Hand-offs of one edge that broke, and of which it is not known which sender belongs to which receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ambiguous {
    /// At least this many.
    pub(crate) at_least: u64,
    /// At most this many.
    pub(crate) at_most: u64,
    /// One of the candidates, and one of the receivers.
    pub(crate) example: (At, At),
}

/// The pairs found so far.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairs: Vec<Pair>,
    /// The senders that have a receiver, and what belongs to them.
    sent: Marks,
    /// The receivers that have a sender, and what belongs to them.
    received: Marks,
    /// Senders and receivers that [`Pairs::ambiguous`] counts.
    unsure: Marks,
    /// Receivers whose parent is a call that already has a better receiver, with that parent.
    doubtful: BTreeMap<At, At>,
    /// By the services of sender and receiver.
    ambiguous: BTreeMap<(Name, Name), Ambiguous>,
}

impl Pairs {
    /// Finds the pairs of a source.
    pub(crate) fn of(tree: &Tree) -> Pairs {
        let mut pairs = Pairs {
            sent: Marks::of(tree.len()),
            received: Marks::of(tree.len()),
            unsure: Marks::of(tree.len()),
            ..Pairs::default()
        };
        for (evidence, find) in EVIDENCE {
            find(tree, &mut pairs, evidence);
        }
        parent::settle(&mut pairs);
        pairs.pairs.sort_unstable();
        pairs.pairs.dedup();
        pairs
    }

    /// All pairs, in the order of their senders.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter()
    }

    /// What stays ambiguous, by the services of sender and receiver.
    pub(crate) fn ambiguous(&self) -> &BTreeMap<(Name, Name), Ambiguous> {
        &self.ambiguous
    }

    /// Whether the span `at` has a receiver.
    pub(crate) fn has_receiver(&self, at: At) -> bool {
        self.sent.has(at)
    }

    /// Whether the span `at` has a sender.
    pub(crate) fn has_sender(&self, at: At) -> bool {
        self.received.has(at)
    }

    /// Whether the span `at` is an end of a hand-off that stays ambiguous.
    pub(crate) fn is_unsure(&self, at: At) -> bool {
        self.unsure.has(at)
    }

    fn add(&mut self, sender: At, receiver: At, evidence: Evidence) {
        self.pairs.push(Pair {
            sender,
            receiver,
            evidence,
        });
        self.sent.insert(sender);
        self.received.insert(receiver);
    }
}

/// A mark for each span of a source.
#[derive(Debug, Default)]
struct Marks(Vec<bool>);

impl Marks {
    fn of(spans: usize) -> Marks {
        Marks(vec![false; spans])
    }

    fn has(&self, at: At) -> bool {
        self.0[at as usize]
    }

    fn insert(&mut self, at: At) {
        self.0[at as usize] = true;
    }

    fn extend<'a>(&mut self, all: impl IntoIterator<Item = &'a At>) {
        for at in all {
            self.insert(*at);
        }
    }
}
