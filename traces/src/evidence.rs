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

use std::collections::{BTreeMap, BTreeSet};

use crate::ends::At;
use crate::ends::names::Name;
use crate::ends::tree::Tree;

/// One kind of evidence.
pub(crate) struct Evidence {
    /// Its name in JSON.
    pub(crate) name: &'static str,
    find: fn(&Tree, &mut Pairs, Named),
}

/// The name that a kind of evidence gives the pairs it finds.
type Named = &'static str;

/// Every kind of evidence, the strongest first.
pub(crate) const EVIDENCE: [Evidence; 6] = [
    Evidence {
        name: "message_id",
        find: message_id::find,
    },
    Evidence {
        name: "request_id",
        find: request_id::find,
    },
    Evidence {
        name: "link",
        find: link::find,
    },
    Evidence {
        name: "parent",
        find: parent::find,
    },
    Evidence {
        name: "shared_id",
        find: shared_id::find,
    },
    Evidence {
        name: "address_and_time",
        find: address_and_time::find,
    },
];

/// A sender and a receiver that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    /// The span that handed over.
    pub(crate) sender: At,
    /// The span that took over.
    pub(crate) receiver: At,
    /// The name of the evidence.
    pub(crate) evidence: &'static str,
}

/// Hand-offs of one edge that broke, and of which it is not known which sender belongs to which receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ambiguous {
    /// At least this many.
    pub(crate) at_least: u64,
    /// At most this many.
    pub(crate) at_most: u64,
    /// One of the receivers.
    pub(crate) example: At,
}

/// The pairs found so far.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairs: BTreeSet<Pair>,
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
        for evidence in &EVIDENCE {
            (evidence.find)(tree, &mut pairs, evidence.name);
        }
        parent::settle(&mut pairs);
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

    fn add(&mut self, sender: At, receiver: At, evidence: Named) {
        self.pairs.insert(Pair {
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
