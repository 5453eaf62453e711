//! What could not be judged, by service, and what would help.

mod proxies;
mod without_kind;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;
use serde::{Deserialize, Serialize};

use self::proxies::{PASSED_ON, Proxies};
use super::headers;
use crate::matching::evidence::{Loose, Pairs, are_ends};
use crate::matching::names::Name;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, End};
use crate::span::Kind;
use crate::threads::numbers;

/// Hand-offs of one service that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Whether they are hand-offs that may have broken. Requests that may come from outside and
    /// calls of a cloud provider's API are none.
    #[serde(default)]
    pub is_hand_off: bool,
    /// The services that may be at the other end; `None` if any may.
    #[serde(skip)]
    pub others: Option<BTreeSet<String>>,
    /// Whether the sender may have no span that shows it.
    #[serde(skip)]
    pub hides_sender: bool,
}

impl Unjudged {
    /// Whether they may be hand-offs from `from` to `to`, as their senders show. Receivers only
    /// count if their senders may not show.
    pub fn may_be_between(&self, from: &str, to: &str) -> bool {
        let is_sent = matches!(self.what, What::Calls | What::MessagesSent);
        let (own, other) = if is_sent { (from, to) } else { (to, from) };
        let others = self.others.as_ref();
        self.is_hand_off
            && (is_sent || self.hides_sender)
            && self.service == own
            && others.is_none_or(|others| others.contains(other))
    }
}

/// The known end of an unjudged hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Spans below a span of another service, although neither is the end of a call.
    Continued,
}

/// Why something could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    why: &'static str,
    would_help: Option<&'static str>,
    is_hand_off: bool,
    /// Whether the sender may have no span that shows it.
    hides_sender: bool,
}

impl Reason {
    /// The reason for a hand-off that may have broken, and what would help to judge it.
    const fn new(why: &'static str, would_help: &'static str) -> Reason {
        Reason {
            why,
            would_help: Some(would_help),
            is_hand_off: true,
            hides_sender: false,
        }
    }

    /// The reason for a hand-off that may have broken, and whose sender may not show.
    const fn of_hidden_sender(why: &'static str, would_help: &'static str) -> Reason {
        Reason {
            hides_sender: true,
            ..Reason::new(why, would_help)
        }
    }

    /// The reason for something that is not a hand-off between services of the system.
    const fn outside(why: &'static str) -> Reason {
        Reason {
            why,
            would_help: None,
            is_hand_off: false,
            hides_sender: false,
        }
    }
}

const NO_RECEIVER: Reason = Reason::new(
    "no span of a service there is in the source",
    "spans of the services there: they may be uninstrumented, or not part of this export",
);
const NO_FIT: Reason = Reason::new(
    "spans of a service there are in the source, but none of them fits: it may not have been sampled, or several calls fit it",
    "the receiver's spans for all requests, or an id that both ends carry, such as x-request-id captured as an attribute",
);
const ANSWERED_ONLY_SOME: Reason = Reason::new(
    "the service there has spans for other calls from here: it may sample against the sender's decision, or drop spans",
    "a sampler in the receiving service that follows its parent, such as parentbased_always_on",
);
const REFUSED: Reason = Reason::new(
    "it was answered with an error, perhaps by something in front of the service there",
    "the span of the service there, if it got the request",
);
const CLOUD_API: Reason =
    Reason::outside("it calls an API of the cloud provider, which writes no spans");
const NOT_CONSUMED: Reason = Reason::new(
    "no span in the source received it",
    "the consumer's spans, with messaging.message.id or a link to the sender",
);
const NO_CALLER: Reason = Reason::outside(
    "no span in the source called it: its callers are outside, or were not sampled",
);
const NO_CALLER_INSIDE: Reason = Reason::new(
    "no span in the source is known to have called it, although other services call this one",
    "the spans of all callers, or an id that both ends carry, such as x-request-id captured as an attribute",
);
const PROBE: Reason = Reason::outside("its user agent is a monitor's");
const PREFLIGHT: Reason =
    Reason::outside("an OPTIONS request, as browsers send before the real one (CORS)");
const SENDER_UNSAMPLED: Reason =
    Reason::outside("the sender did not sample, as the captured headers say");
const NO_PARENT: Reason = Reason::new(
    "its parent is not in the source, and no call fits",
    "the spans of the service or proxy that called it",
);
const NO_SENDER: Reason = Reason::new(
    "no span in the source is known to have sent it",
    "messaging.message.id, or partition and offset, on the sender's and the receiver's spans",
);

const CIRCLE: Reason = Reason::new(
    "their parents lead back to themselves, so they show no sender",
    "span ids that are unique within their trace",
);
const TWO_NAMES: Reason = Reason::new(
    "neither span is the end of a call: one process may write both under two names, or a call has no span",
    "one service name for each process, or the spans of the call between them",
);

const QUERY: Reason = Reason::outside(
    "a query of a database: the service that sends it also writes its span, under another name",
);

/// What identifies a row: the service, the known end, the other end's address, and the reason.
type Row = (Name, What, Option<String>, Reason);

/// What could not be judged, while it is counted.
struct Rows<'t> {
    tree: &'t Tree,
    /// How many there are, and the services that may be at the other end; `None` if any may.
    rows: BTreeMap<Row, (u64, Option<BTreeSet<Name>>)>,
}

impl Rows<'_> {
    fn add(
        &mut self,
        at: At,
        what: What,
        to: Option<String>,
        (reason, others): (Reason, Option<BTreeSet<Name>>),
    ) {
        let key = (self.tree.span(at).service, what, to, reason);
        let (count, known) = self.rows.entry(key).or_insert((0, Some(BTreeSet::new())));
        *count += 1;
        *known = known.take().zip(others).map(|(mut known, others)| {
            known.extend(others);
            known
        });
    }

    fn add_receiver(&mut self, at: At, reason: Reason, others: Option<BTreeSet<Name>>) {
        let is_message = self.tree.span(at).kind == Kind::Consumer;
        let (what, to) = match is_message {
            true => (What::MessagesReceived, destination(self.tree, at)),
            false => (What::Roots, None),
        };
        self.add(at, what, to, (reason, others));
    }

    fn finish(self) -> Vec<Unjudged> {
        let text = |name: Name| self.tree.names().text(name).to_owned();
        let rows = self.rows.into_iter();
        let unjudged = rows.map(|((service, what, to, reason), (count, others))| Unjudged {
            service: text(service),
            what,
            count,
            to,
            why: reason.why.to_owned(),
            would_help: reason.would_help.map(str::to_owned),
            is_hand_off: reason.is_hand_off,
            others: others.map(|others| others.into_iter().map(text).collect()),
            hides_sender: reason.hides_sender,
        });
        let mut unjudged: Vec<Unjudged> = unjudged.collect();
        unjudged.sort();
        unjudged
    }
}

/// The hand-offs that are not in `pairs`.
pub(crate) fn of(tree: &Tree, pairs: &Pairs) -> Vec<Unjudged> {
    let loose = Loose::of(tree, pairs);
    let others = match loose.calls.is_empty() && loose.receivers.is_empty() {
        true => Others::default(),
        false => Others::of(tree, pairs),
    };
    let mut rows = Rows {
        tree,
        rows: BTreeMap::new(),
    };
    let sure = |at: &At| !pairs.is_unsure(*at);
    for call in loose.calls.into_iter().filter(sure) {
        if tree.about(call).is_messaging {
            let to = destination(tree, call);
            let reason = (NOT_CONSUMED, others.of_message(tree, call));
            rows.add(call, What::MessagesSent, to, reason);
        } else {
            let reason = others.of_call(tree, call);
            rows.add(call, What::Calls, address(tree, call), reason);
        }
    }
    let mut uncalled = Vec::new();
    for receiver in loose.receivers.into_iter().filter(sure) {
        match reason_of_receiver(tree, &others, receiver) {
            Some(reason) => rows.add_receiver(receiver, reason, None),
            None => uncalled.push(receiver),
        }
    }
    let proxies = Proxies::of(tree, &uncalled);
    for receiver in uncalled {
        match proxies.that_may_have_passed_on(receiver) {
            Some(proxy) => rows.add_receiver(receiver, PASSED_ON, Some(BTreeSet::from([proxy]))),
            None => rows.add_receiver(receiver, NO_CALLER, None),
        }
    }
    for (at, reason, senders) in without_kind::find(tree, pairs) {
        rows.add_receiver(at, reason, senders);
    }
    add_continued(tree, pairs, &mut rows);
    rows.finish()
}

/// Why `receiver` has no sender; `None` if nothing in the source is known to call its service.
fn reason_of_receiver(tree: &Tree, others: &Others, receiver: At) -> Option<Reason> {
    let is_orphan = tree.parent(tree.entry(receiver)) == Parent::Missing;
    Some(if headers::say_sender_unsampled(tree, receiver) {
        SENDER_UNSAMPLED
    } else if tree.about(receiver).is_probe && !is_orphan {
        PROBE
    } else if is_preflight(tree, receiver) {
        PREFLIGHT
    } else if tree.span(receiver).kind == Kind::Consumer {
        NO_SENDER
    } else if is_orphan {
        NO_PARENT
    } else if others.receive.contains(&tree.span(receiver).service) {
        NO_CALLER_INSIDE
    } else {
        return None;
    })
}

/// Adds the spans below a span of another service that are not the receivers of a hand-off.
fn add_continued(tree: &Tree, pairs: &Pairs, rows: &mut Rows<'_>) {
    let is_elsewhere = |parent: At, at: At| tree.span(parent).service != tree.span(at).service;
    let continues = |at: At| match tree.parent(at) {
        Parent::Span(parent) => !pairs.has_sender(at) && is_elsewhere(parent, at),
        _ => false,
    };
    let mut continued = Vec::new();
    for at in numbers(tree.len(), continues) {
        if let Parent::Span(parent) = tree.parent(at)
            && (tree.is_in_circle(at) || !are_ends(tree, parent, at))
        {
            continued.push((at, parent));
        }
    }
    if continued.is_empty() {
        return;
    }
    let with_others = tree.services(|at| !tree.about(at).is_database);
    for (at, parent) in continued {
        let reason = match tree.is_in_circle(at) {
            true => CIRCLE,
            false if !with_others.contains(&tree.span(at).service) => QUERY,
            false => TWO_NAMES,
        };
        let to = tree.names().text(tree.span(parent).service).to_owned();
        rows.add(at, What::Continued, Some(to), (reason, None));
    }
}

/// Whether a browser may have sent the request to ask which ones it may send. Browsers' spans show
/// only the real request.
fn is_preflight(tree: &Tree, receiver: At) -> bool {
    let is_root = tree.parent(tree.entry(receiver)) == Parent::None;
    is_root && tree.names().text(tree.about(receiver).method) == "OPTIONS"
}

/// Where the services of this source answer, and what they receive.
#[derive(Default)]
struct Others {
    /// The services that answered the calls of each service.
    calls: BTreeMap<(Name, Name, u16), BTreeSet<Name>>,
    /// The services that answered at a host and a port, or whose own address it is.
    hosts: BTreeMap<(Name, u16), BTreeSet<Name>>,
    /// The services by their names in lower case.
    named: BTreeMap<String, Name>,
    /// The services that received a message of each destination.
    destinations: BTreeMap<Name, BTreeSet<Name>>,
    /// The services that received a request from another span of the source.
    receive: BTreeSet<Name>,
}

impl Others {
    fn of(tree: &Tree, pairs: &Pairs) -> Others {
        let services = tree.spans_by_service().keys().copied();
        let lower = |name: Name| tree.names().text(name).to_ascii_lowercase();
        let mut others = Others {
            calls: BTreeMap::new(),
            hosts: BTreeMap::new(),
            named: services.map(|name| (lower(name), name)).collect(),
            destinations: BTreeMap::new(),
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
                let receivers = others.destinations.entry(destination).or_default();
                receivers.insert(to.service);
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
    fn of_call(&self, tree: &Tree, call: At) -> (Reason, Option<BTreeSet<Name>>) {
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
        let reason = match known {
            _ if about.is_cloud_api && !hands_over(tree.names().text(about.path)) => CLOUD_API,
            _ if about.status >= 400 => REFUSED,
            Some(_) if answered.is_some() => ANSWERED_ONLY_SOME,
            Some(_) => NO_FIT,
            None => NO_RECEIVER,
        };
        let is_named = !host.is_empty() || !about.peer.is_empty();
        (reason, known.or(is_named.then(BTreeSet::new)))
    }

    /// The services that may receive the message that `sender` sent.
    fn of_message(&self, tree: &Tree, sender: At) -> Option<BTreeSet<Name>> {
        let destination = tree.about(sender).destination;
        self.destinations.get(&destination).cloned()
    }
}

/// Whether a call of this path to a cloud provider's API leads on to a service of the user.
fn hands_over(path: &str) -> bool {
    const SERVICES: [&str; 5] = ["Lambda", "SFN", "EventBridge", "SNS", "SQS"];
    let service = path.trim_start_matches('/').split('/').next();
    service.is_some_and(|service| SERVICES.contains(&service))
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
    let destination = tree.names().text(about.channel);
    let system = tree.names().text(about.system);
    match (system, destination) {
        ("", "") => None,
        ("", destination) => Some(destination.to_owned()),
        (system, "") => Some(system.to_owned()),
        (system, destination) => Some(format!("{system} {destination}")),
    }
}
