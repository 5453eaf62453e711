//! The evidence that a sender and a receiver belong together: one file for each kind.
//!
//! [`EVIDENCE`] lists the kinds, the strongest first. Each kind adds pairs among the spans that the
//! earlier kinds left over.

mod active;
mod address_and_time;
mod assignment;
mod brokers;
pub(crate) mod clocks;
mod deliveries;
mod destination;
mod fit;
mod link;
mod loose;
mod message_id;
mod nested;
mod pair_set;
mod parent;
mod regular;
mod request_id;
mod same_message;
mod shared_id;

pub(crate) use self::fit::{is_specific, same_path};
pub(crate) use self::loose::Loose;
pub(crate) use self::parent::are_ends;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::matching::names::Name;
use crate::matching::sort::sort;
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;

/// The evidence that a sender and a receiver belong together, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Both have the id of the message, or its partition and offset; or another receiver has it, and
    /// shows the sender.
    MessageId,
    /// Both have the id of the request, or an id in an attribute that the user named.
    RequestId,
    /// The receiver has a link to the sender.
    Link,
    /// The sender is the receiver's parent.
    Parent,
    /// Their traces share an id, and address and time match.
    SharedId,
    /// Only address and time match.
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

/// An id with more ends than this is a constant and not an id.
const MAX_ENDS: usize = 1000;

/// Adds the pairs that one kind of evidence finds.
type Find = fn(&Tree, &mut Pairs, Evidence);

/// Every kind of evidence, the strongest first.
const EVIDENCE: [(Evidence, Find); 7] = [
    (Evidence::MessageId, message_id::find),
    (Evidence::RequestId, request_id::find),
    (Evidence::Link, link::find),
    (Evidence::Parent, parent::find),
    (Evidence::MessageId, same_message::find),
    (Evidence::SharedId, shared_id::find),
    (Evidence::AddressAndTime, address_and_time::find),
];

/// A sender and a receiver that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    /// The sender's span.
    pub(crate) sender: At,
    /// The receiver's span.
    pub(crate) receiver: At,
    /// The evidence.
    pub(crate) evidence: Evidence,
}

/// A sender and a receiver that belong together, before they are added to the pairs. Threads find
/// them side by side.
struct Found {
    sender: At,
    receiver: At,
    /// Almost every hand-off has one span at each end.
    more: Option<Box<More>>,
}

/// More than the two spans of a hand-off.
struct More {
    /// All spans of the sender.
    senders: Vec<At>,
    /// All spans of the receiver.
    receivers: Vec<At>,
    /// How many times the receiver got it.
    deliveries: u64,
}

impl Found {
    fn new(sender: At, receiver: At) -> Found {
        Found {
            sender,
            receiver,
            more: None,
        }
    }
}

/// Hand-offs of one edge that broke, although it is unknown which sender belongs to which receiver.
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
    /// The senders with a receiver, and the spans that belong to them.
    sent: Marks,
    /// The receivers with a sender, and the spans that belong to them.
    received: Marks,
    /// The senders and receivers that [`Pairs::ambiguous`] counts.
    unsure: Marks,
    /// How many hand-offs may be ambiguous on all edges together. A receiver may be counted on
    /// several edges.
    most_ambiguous: u64,
    /// Receivers whose parent is a call that already has a better receiver, each with that parent.
    doubtful: BTreeMap<At, At>,
    /// The messages that were delivered several times, with the number of further deliveries.
    redelivered: BTreeMap<(At, At), u64>,
    /// The ambiguous hand-offs by the services of sender and receiver.
    ambiguous: BTreeMap<(Name, Name), Ambiguous>,
    /// The ambiguous messages by the services of both ends and the destination.
    messages: BTreeMap<(Name, Name, Name), Ambiguous>,
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
        destination::count(tree, &mut pairs);
        sort(&mut pairs.pairs, Pair::cmp);
        pairs.pairs.dedup();
        nested::merge(tree, &mut pairs);
        pairs
    }

    /// All pairs, sorted by their senders.
    pub(crate) fn all(&self) -> &[Pair] {
        &self.pairs
    }

    /// The ambiguous hand-offs, with the services of sender and receiver.
    pub(crate) fn ambiguous(&self) -> impl Iterator<Item = (Name, Name, &Ambiguous)> {
        let requests = self.ambiguous.iter();
        let requests = requests.map(|((from, to), ambiguous)| (*from, *to, ambiguous));
        let messages = self.messages.iter();
        requests.chain(messages.map(|((from, to, _), ambiguous)| (*from, *to, ambiguous)))
    }

    /// How many hand-offs may be ambiguous on all edges together.
    pub(crate) fn most_ambiguous(&self) -> u64 {
        self.most_ambiguous
    }

    /// How many more times the message of `pair` was delivered.
    pub(crate) fn redelivered(&self, pair: &Pair) -> u64 {
        let ends = (pair.sender, pair.receiver);
        self.redelivered.get(&ends).copied().unwrap_or(0)
    }

    fn count_deliveries(&mut self, sender: At, receiver: At, deliveries: u64) {
        if deliveries > 1 {
            self.redelivered.insert((sender, receiver), deliveries - 1);
        }
    }

    /// Whether the span `at` has a receiver.
    pub(crate) fn has_receiver(&self, at: At) -> bool {
        self.sent.has(at)
    }

    /// Whether the span `at` has a sender.
    pub(crate) fn has_sender(&self, at: At) -> bool {
        self.received.has(at)
    }

    /// Whether the span `at` is an end of an ambiguous hand-off.
    pub(crate) fn is_unsure(&self, at: At) -> bool {
        self.unsure.has(at)
    }

    /// Says that the span `at` is an end of a hand-off that is known otherwise.
    pub(crate) fn settle(&mut self, at: At) {
        self.sent.insert(at);
        self.received.insert(at);
    }

    /// Adds what one kind of evidence found.
    fn add_found(&mut self, found: Found, evidence: Evidence) {
        let Found {
            sender,
            receiver,
            more,
        } = found;
        self.add(sender, receiver, evidence);
        if let Some(more) = more {
            self.sent.extend(&more.senders);
            self.received.extend(&more.receivers);
            self.count_deliveries(sender, receiver, more.deliveries);
        }
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
#[derive(Clone, Debug, Default)]
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
