//! The destinations and brokers that senders and receivers name. They tell apart messages that have
//! one id by chance.

use std::collections::BTreeSet;

use super::{receives, sends};
use crate::matching::evidence::brokers::Brokers;
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, IdAt};
use crate::threads::in_parts;

/// What senders and receivers name.
pub(super) struct Destinations<'t> {
    sent: BTreeSet<Name>,
    received: BTreeSet<Name>,
    brokers: Brokers<'t>,
}

impl<'t> Destinations<'t> {
    pub(super) fn of(tree: &'t Tree) -> Destinations<'t> {
        let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
        for ids in [&tree.ids().messages, &tree.ids().offsets] {
            for mut part in in_parts(ids, |_, _| false, |ids| of_ids(tree, ids)) {
                sent.append(&mut part.0);
                received.append(&mut part.1);
            }
        }
        Destinations {
            sent,
            received,
            brokers: Brokers::of(tree),
        }
    }

    /// Whether an id may join two spans. If they name two destinations, and the receiver's parent
    /// is missing, a service without spans here may have passed the id on.
    pub(super) fn may_join(&self, tree: &Tree, sender: At, receiver: At, is_unique: bool) -> bool {
        let to = |at: At| tree.about(at).destination;
        let (sent, received) = (to(sender), to(receiver));
        let is_one = sent == received || sent.is_empty() || received.is_empty();
        let may_be_forwarded = || tree.parent(tree.entry(receiver)) == Parent::Missing;
        self.may_be_one(sent, received, is_unique)
            && (is_one || !may_be_forwarded())
            && !self.are_apart(tree, sender, receiver, is_unique)
    }

    /// Whether an id may join a message sent to `sent` with one received from `received`. Two
    /// different names may mean one destination only if neither is known to the other side.
    fn may_be_one(&self, sent: Name, received: Name, is_unique: bool) -> bool {
        let is_unsaid = sent.is_empty() || received.is_empty();
        let are_strange = !self.received.contains(&sent) && !self.sent.contains(&received);
        sent == received || is_unsaid || is_unique && are_strange
    }

    /// Whether two spans name brokers that part messages of one id.
    pub(super) fn are_apart(&self, tree: &Tree, one: At, other: At, is_unique: bool) -> bool {
        let (one, other) = (&tree.about(one).broker, &tree.about(other).broker);
        self.brokers.part(one, other, is_unique)
    }
}

/// The destinations that senders and receivers with these ids name.
fn of_ids(tree: &Tree, ids: &[IdAt]) -> (BTreeSet<Name>, BTreeSet<Name>) {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    for id in ids {
        let destination = tree.about(id.at).destination;
        if sends(tree, id.at) {
            sent.insert(destination);
        } else if receives(tree, id.at) {
            received.insert(destination);
        }
    }
    (sent, received)
}
