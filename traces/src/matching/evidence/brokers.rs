//! When two spans name different brokers. Queues of one name in two brokers are two queues.

use std::collections::BTreeSet;

use crate::matching::names::Name;
use crate::matching::spans::about::broker::{Broker, may_be_one_host};
use crate::matching::spans::tree::Tree;
use crate::span::Kind;

/// The hosts of brokers that both senders and receivers name. Other hosts may be further names of
/// these, because each process has its own name for a broker.
pub(super) struct Brokers<'t> {
    tree: &'t Tree,
    shared: BTreeSet<Name>,
}

impl<'t> Brokers<'t> {
    pub(super) fn of(tree: &'t Tree) -> Brokers<'t> {
        let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
        let is_named = |at: &u32| !tree.about(*at).broker.host.is_empty();
        let has_names = tree.abouts().iter().any(|it| !it.broker.host.is_empty());
        for at in tree.all().filter(|at| has_names && is_named(at)) {
            let host = tree.about(at).broker.host;
            if tree.is_call(at) {
                sent.insert(host);
            } else if tree.span(at).kind != Kind::Producer {
                received.insert(host);
            }
        }
        Brokers {
            tree,
            shared: &sent & &received,
        }
    }

    /// Whether these are two brokers.
    pub(super) fn are_apart(&self, one: &Broker, other: &Broker) -> bool {
        one != other && (one.is_apart(other) || self.are_hosts_apart(one.host, other.host))
    }

    /// Whether these two brokers part messages of one id. An id that is `unique` in all brokers is
    /// better evidence than a host, a region or an account, which may be those of the process.
    pub(super) fn part(&self, one: &Broker, other: &Broker, is_unique: bool) -> bool {
        match is_unique {
            true => one.is_another_cluster(other),
            false => self.are_apart(one, other),
        }
    }

    fn are_hosts_apart(&self, one: Name, other: Name) -> bool {
        let text = |name: Name| self.tree.names().text(name);
        let are_named = !one.is_empty() && !other.is_empty();
        let is_known = self.shared.contains(&one) || self.shared.contains(&other);
        are_named && one != other && is_known && !may_be_one_host(text(one), text(other))
    }
}
