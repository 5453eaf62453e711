//! What could not be judged, by service, and what would help.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ends::At;
use crate::ends::names::Name;
use crate::ends::tree::{Parent, Tree};
use crate::evidence::{Loose, Pairs};
use crate::span::Kind;

/// Hand-offs of one service that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unjudged {
    /// The service of the spans.
    pub service: String,
    /// Which end of them is known.
    pub what: What,
    /// How many.
    pub count: u64,
    /// Where calls and messages went, or where messages came from; `None` if unknown.
    pub to: Option<String>,
    /// Why they could not be judged.
    pub why: String,
    /// What would help to judge them; `None` if nothing is missing.
    pub would_help: Option<String>,
}

/// The known end of an unjudged hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Requests without a receiver.
    Calls,
    /// Messages sent without a receiver.
    MessagesSent,
    /// Requests received without a sender: no span in the source called them.
    Roots,
    /// Messages received without a sender.
    MessagesReceived,
}

/// The reason, and what would help.
type Reason = (&'static str, Option<&'static str>);

const NO_RECEIVER: Reason = (
    "no span of a service there is in the source",
    Some("spans of the services there: they may be uninstrumented, or not part of this export"),
);
const NO_FIT: Reason = (
    "spans of a service there are in the source, but none of them fits: it may not have been sampled, or several calls fit it",
    Some(
        "the receiver's spans for all requests, or an id that both ends carry, such as x-request-id captured as an attribute",
    ),
);
const ANSWERED_ONLY_SOME: Reason = (
    "the service there has spans for other calls from here: it may sample against the sender's decision, or drop spans",
    Some(
        "a sampler in the receiving service that follows its parent, such as parentbased_always_on",
    ),
);
const NOT_CONSUMED: Reason = (
    "no span in the source received it",
    Some("the consumer's spans, with messaging.message.id or a link to the sender"),
);
const NO_CALLER: Reason = (
    "no span in the source called it: its callers are outside, or were not sampled",
    None,
);
const NO_PARENT: Reason = (
    "its parent is not in the source, and no call fits",
    Some("the spans of the service or proxy that called it"),
);
const NO_SENDER: Reason = (
    "no span in the source is known to have sent it",
    Some("messaging.message.id, or partition and offset, on the sender's and the receiver's spans"),
);

/// The hand-offs that are not in `pairs`.
pub(crate) fn of(tree: &Tree, pairs: &Pairs) -> Vec<Unjudged> {
    let loose = Loose::of(tree, pairs);
    let mut counts: BTreeMap<(String, What, Option<String>, Reason), u64> = BTreeMap::new();
    let mut add = |at: At, what: What, to: Option<String>, reason: Reason| {
        let key = (tree.service(at).to_owned(), what, to, reason);
        *counts.entry(key).or_default() += 1;
    };
    let answering = Answering::of(tree, pairs);
    let sure = |at: &At| !pairs.is_unsure(*at);
    for call in loose.calls.into_iter().filter(sure) {
        if tree.about(call).is_messaging {
            add(
                call,
                What::MessagesSent,
                destination(tree, call),
                NOT_CONSUMED,
            );
        } else {
            let reason = answering.reason(tree, call);
            add(call, What::Calls, address(tree, call), reason);
        }
    }
    for receiver in loose.receivers.into_iter().filter(sure) {
        let is_message = tree.span(receiver).kind == Kind::Consumer;
        let is_orphan = tree.parent(tree.entry(receiver)) == Parent::Missing;
        let (what, to, reason) = match (is_message, is_orphan) {
            (true, _) => (
                What::MessagesReceived,
                destination(tree, receiver),
                NO_SENDER,
            ),
            (false, true) => (What::Roots, None, NO_PARENT),
            (false, false) => (What::Roots, None, NO_CALLER),
        };
        add(receiver, what, to, reason);
    }
    let counts = counts.into_iter();
    let unjudged = counts.map(|((service, what, to, (why, would_help)), count)| Unjudged {
        service,
        what,
        count,
        to,
        why: why.to_owned(),
        would_help: would_help.map(str::to_owned),
    });
    unjudged.collect()
}

/// The addresses at which the services of this source answer.
struct Answering {
    /// Where the calls of each service were answered.
    calls: BTreeSet<(Name, Name, u16)>,
    hosts: BTreeSet<(Name, u16)>,
    services: BTreeSet<String>,
}

impl Answering {
    fn of(tree: &Tree, pairs: &Pairs) -> Answering {
        let servers = tree.all().filter(|at| tree.span(*at).kind == Kind::Server);
        let senders = pairs.iter().map(|pair| pair.sender);
        let called = senders.filter(|at| tree.is_call(*at) && !tree.about(*at).is_messaging);
        let called: BTreeSet<At> = called.collect();
        let place = |at: At| (tree.about(at).host, tree.about(at).port);
        let services: BTreeSet<Name> = tree.spans().iter().map(|end| end.service).collect();
        Answering {
            calls: called
                .iter()
                .copied()
                .map(|at| (tree.span(at).service, place(at).0, place(at).1))
                .collect(),
            hosts: servers.chain(called).map(place).collect(),
            services: services
                .into_iter()
                .map(|name| tree.names().text(name).to_ascii_lowercase())
                .collect(),
        }
    }

    /// Why `call` has no receiver.
    fn reason(&self, tree: &Tree, call: At) -> Reason {
        let about = tree.about(call);
        let (host, port) = (about.host, about.port);
        let is_service = |name: Name| {
            let name = tree.names().text(name).to_ascii_lowercase();
            self.services.contains(&name)
        };
        if !host.is_empty() && self.calls.contains(&(tree.span(call).service, host, port)) {
            ANSWERED_ONLY_SOME
        } else if port != 0 && self.hosts.contains(&(host, port))
            || [host, about.peer].into_iter().any(is_service)
        {
            NO_FIT
        } else {
            NO_RECEIVER
        }
    }
}

/// `host:port` of a call, or the service that it names.
fn address(tree: &Tree, call: At) -> Option<String> {
    let about = tree.about(call);
    let host = tree.names().text(about.host.or(about.peer));
    match (host, about.port) {
        ("", _) => None,
        (host, 0) => Some(host.to_owned()),
        (host, port) => Some(format!("{host}:{port}")),
    }
}

/// The system and the destination of a message.
fn destination(tree: &Tree, at: At) -> Option<String> {
    let about = tree.about(at);
    let destination = tree.names().text(about.destination);
    let system = tree.names().text(about.system);
    match (system, destination) {
        ("", "") => None,
        ("", destination) => Some(destination.to_owned()),
        (system, "") => Some(system.to_owned()),
        (system, destination) => Some(format!("{system} {destination}")),
    }
}
