//! Where the services of a source answer, and what they receive. It tells what a call without a
//! receiver may have called.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use super::reason::{
    ANSWERED_ONLY_SOME, CLOUD_API, FAILED, NO_ADDRESS, NO_FIT, NO_RECEIVER, NOT_CONNECTED,
    NOT_CONSUMED, REFUSED, Reason, UNKNOWN_RECEIVER,
};
use crate::matching::evidence::Pairs;
use crate::matching::names::Name;
use crate::matching::spans::about::broker::Broker;
use crate::matching::spans::about::{About, Failure, Operation};
use crate::matching::spans::tree::Tree;
use crate::matching::spans::{At, End};
use crate::span::Kind;

/// Where the services of this source answer, and what they receive.
#[derive(Default)]
pub(super) struct Others {
    /// The services that answered the calls of each service.
    calls: BTreeMap<(Name, Name, u16), BTreeSet<Name>>,
    /// The services that answered at a host and a port, or whose own address it is.
    hosts: BTreeMap<(Name, u16), BTreeSet<Name>>,
    /// The services by their names in lower case.
    named: BTreeMap<String, Name>,
    /// The services that received a message of each destination of a broker.
    destinations: BTreeMap<(Name, Broker), BTreeSet<Name>>,
    /// The destinations that a span of the source received from.
    received_from: BTreeSet<(Name, Broker)>,
    /// The services that received a request from another span of the source.
    pub(super) receive: BTreeSet<Name>,
}

impl Others {
    pub(super) fn of(tree: &Tree, pairs: &Pairs) -> Others {
        let services = tree.spans_by_service().keys().copied();
        let lower = |name: Name| tree.names().text(name).to_ascii_lowercase();
        let mut others = Others {
            calls: BTreeMap::new(),
            hosts: BTreeMap::new(),
            named: services.map(|name| (lower(name), name)).collect(),
            destinations: BTreeMap::new(),
            received_from: received_from(tree),
            receive: BTreeSet::new(),
        };
        others.named.remove("");
        let place = |at: At| (tree.about(at).host, tree.about(at).port);
        // most spans have the facts of another one
        let facts = |end: &End| (end.service, end.kind, end.about_number(), end.has_message);
        let (mut servers, mut ends) = (HashSet::default(), HashSet::default());
        for at in tree.all().filter(|at| tree.span(*at).kind == Kind::Server) {
            let server = tree.span(at);
            if servers.insert(facts(server)) {
                others.answers(place(at), server.service);
            }
        }
        for pair in pairs.all() {
            let (sender, to) = (tree.span(pair.sender), tree.span(pair.receiver));
            if !ends.insert((facts(sender), facts(to))) {
                continue;
            }
            let from = sender.service;
            let about = tree.about(pair.sender);
            if about.is_messaging || to.kind == Kind::Consumer {
                let destination = about.destination.or(tree.about(pair.receiver).destination);
                let broker = match about.broker == Broker::default() {
                    true => tree.about(pair.receiver).broker,
                    false => about.broker,
                };
                let receivers = others.destinations.entry((destination, broker));
                receivers.or_default().insert(to.service);
            } else {
                if from != to.service {
                    others.receive.insert(to.service);
                }
                if tree.is_call(pair.sender) {
                    let (host, port) = place(pair.sender);
                    let answering = others.calls.entry((from, host, port)).or_default();
                    answering.insert(to.service);
                    others.answers((host, port), to.service);
                }
            }
        }
        others
    }

    fn answers(&mut self, place: (Name, u16), service: Name) {
        self.hosts.entry(place).or_default().insert(service);
    }

    /// Why `call` has no receiver, and the services that it may have called; `None` for any.
    pub(super) fn of_call(&self, tree: &Tree, call: At) -> (Reason, Option<BTreeSet<Name>>) {
        let about = tree.about(call);
        let (host, port) = (about.host, about.port);
        let answered = self.calls.get(&(tree.span(call).service, host, port));
        let answered = answered.filter(|_| !host.is_empty());
        let own = self.hosts.get(&(host, port)).filter(|_| port != 0);
        let named = [host, about.peer].into_iter().find_map(|name| {
            let name = tree.names().text(name).to_ascii_lowercase();
            self.named.get(&name).copied()
        });
        let named = named.map(|service| BTreeSet::from([service]));
        let known = answered.or(own).cloned().or(named);
        let is_named = !host.is_empty() || !about.peer.is_empty();
        let reason = match known {
            _ if about.is_cloud_api && !hands_over(tree, about) => CLOUD_API,
            _ if about.failure == Failure::NotConnected => NOT_CONNECTED,
            _ if about.failure == Failure::Unanswered => FAILED,
            _ if about.status >= 400 => REFUSED,
            Some(_) if answered.is_some() => ANSWERED_ONLY_SOME,
            Some(_) => NO_FIT,
            None if is_named => NO_RECEIVER,
            None => NO_ADDRESS,
        };
        (reason, known.or(is_named.then(BTreeSet::new)))
    }

    /// Why the message that `sender` sent has no receiver, and the services that may receive it;
    /// `None` for any.
    pub(super) fn of_message(&self, tree: &Tree, sender: At) -> (Reason, Option<BTreeSet<Name>>) {
        let about = tree.about(sender);
        let from = (about.destination, Broker::default());
        let is_its = |(name, _): &(Name, Broker)| *name == about.destination;
        let may_be = |broker: &Broker| !broker.is_apart(&about.broker);
        let mut received_from = self.received_from.range(from..).take_while(|it| is_its(it));
        let reason = match about.failure {
            Failure::NotConnected => NOT_CONNECTED,
            Failure::Unanswered => FAILED,
            Failure::None if received_from.any(|(_, broker)| may_be(broker)) => UNKNOWN_RECEIVER,
            Failure::None => NOT_CONSUMED,
        };
        let receivers = self.destinations.range(from..);
        let receivers = receivers.take_while(|(it, _)| is_its(it));
        let receivers = receivers.filter(|((_, broker), _)| may_be(broker));
        let services: BTreeSet<Name> = receivers.flat_map(|(_, to)| to).copied().collect();
        (reason, (!services.is_empty()).then_some(services))
    }
}

/// The destinations that a span received from, or tried to.
fn received_from(tree: &Tree) -> BTreeSet<(Name, Broker)> {
    let receives = |at: &At| match tree.span(*at).kind {
        Kind::Consumer => true,
        Kind::Client => tree.about(*at).operation == Operation::Receive,
        _ => false,
    };
    let destinations = tree.all().filter(receives);
    let destinations = destinations.map(|at| (tree.about(at).destination, tree.about(at).broker));
    let named = destinations.filter(|(name, _)| !name.is_empty());
    named.collect()
}

/// Whether a call to a cloud provider's API leads on to a service of the user.
fn hands_over(tree: &Tree, about: &About) -> bool {
    const METHODS: [&str; 5] = [
        "Invoke",
        "InvokeAsync",
        "InvokeWithResponseStream",
        "StartExecution",
        "StartSyncExecution",
    ];
    let method = tree.names().text(about.path).rsplit('/').next();
    about.operation == Operation::Send || method.is_some_and(|method| METHODS.contains(&method))
}
