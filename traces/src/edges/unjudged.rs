//! What could not be judged, by service, and what would help.

mod others;
mod proxies;
mod reason;
mod without_kind;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;
use serde::{Deserialize, Serialize};

use self::others::Others;
use self::proxies::{PASSED_ON, Proxies};
use self::reason::{
    CIRCLE, NO_CALLER, NO_CALLER_INSIDE, NO_PARENT, NO_SENDER, PREFLIGHT, PROBE, PROBED, QUERY,
    Reason, SENDER_UNSAMPLED, TWO_NAMES,
};
use self::without_kind::{LIKE_OTHERS, WITHOUT_KIND};
use super::{Edge, headers};
use crate::hand_off::Hop;
use crate::matching::evidence::{Loose, Pairs, are_ends, is_specific};
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::tree::{Parent, Tree};
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

    /// Whether they may be hand-offs that are `wanted`, which takes the sending and the receiving
    /// service. `services` are all of the source; a service outside it is called "".
    pub fn may_be(&self, services: &BTreeSet<String>, wanted: impl Fn(&str, &str) -> bool) -> bool {
        let is_sent = matches!(self.what, What::Calls | What::MessagesSent);
        let may_be_with = |other: &str| match is_sent {
            true => wanted(&self.service, other),
            false => wanted(other, &self.service),
        };
        match &self.others {
            Some(others) if !others.is_empty() => others.iter().any(|other| may_be_with(other)),
            None if is_sent || self.hides_sender => {
                may_be_with("") || services.iter().any(|other| may_be_with(other))
            }
            _ => may_be_with(""),
        }
    }
}

/// Counts on each edge what belongs to no other one.
pub(crate) fn count_on_edges(unjudged: &[Unjudged], edges: &mut [Edge]) {
    for sent in unjudged {
        let others = sent.others.iter().flatten().collect::<Vec<_>>();
        let hop = match sent.what {
            What::Calls => Hop::Ingress,
            What::MessagesSent => Hop::Record,
            _ => continue,
        };
        let (true, [to]) = (sent.is_hand_off, others.as_slice()) else {
            continue;
        };
        let mut meant = edges.iter_mut().filter(|edge| {
            edge.from == sent.service && edge.to == **to && edge.channel.hop() == hop
        });
        if let (Some(edge), None) = (meant.next(), meant.next()) {
            edge.not_judged += sent.count;
        }
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
        let (what, to) = match gets_message(self.tree, at) {
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
            let reason = others.of_message(tree, call);
            rows.add(call, What::MessagesSent, to, reason);
        } else {
            let reason = others.of_call(tree, call);
            rows.add(call, What::Calls, address(tree, call), reason);
        }
    }
    let mut uncalled = Vec::new();
    let called = paths_of_calls(tree);
    for receiver in loose.receivers.into_iter().filter(sure) {
        match reason_of_receiver(tree, &others, &called, receiver) {
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
    add_without_kind(tree, pairs, &mut rows);
    add_continued(tree, pairs, &mut rows);
    rows.finish()
}

/// Why `receiver` has no sender; `None` if nothing in the source is known to call its service.
fn reason_of_receiver(
    tree: &Tree,
    others: &Others,
    called: &HashSet<Name>,
    receiver: At,
) -> Option<Reason> {
    let is_orphan = tree.parent(tree.entry(receiver)) == Parent::Missing;
    Some(if headers::say_sender_unsampled(tree, receiver) {
        SENDER_UNSAMPLED
    } else if tree.about(receiver).is_probe && !is_orphan {
        PROBE
    } else if is_preflight(tree, receiver) {
        PREFLIGHT
    } else if gets_message(tree, receiver) {
        NO_SENDER
    } else if is_orphan {
        NO_PARENT
    } else if is_monitors_path(tree, called, receiver) {
        PROBED
    } else if others.receive.contains(&tree.span(receiver).service) {
        NO_CALLER_INSIDE
    } else {
        return None;
    })
}

/// Whether the receiver `at` gets a message, and not a request. A function that messages invoke may
/// be of the kind SERVER.
fn gets_message(tree: &Tree, at: At) -> bool {
    let kind = tree.span(at).kind;
    kind == Kind::Consumer || !kind.is_sender() && tree.about(at).is_messaging
}

/// The paths that calls of the source ask for.
fn paths_of_calls(tree: &Tree) -> HashSet<Name> {
    let calls = tree.all().filter(|at| tree.is_call(*at));
    calls.map(|at| tree.about(at).path).collect()
}

/// Whether only monitors ask for the path of `receiver`, such as `/health`. Calls of the source are
/// to the paths `called`.
fn is_monitors_path(tree: &Tree, called: &HashSet<Name>, receiver: At) -> bool {
    let path = tree.about(receiver).path;
    let text = tree.names().text(path);
    text.len() > 1 && !is_specific(text) && !called.contains(&path)
}

/// Adds the roots that may have received something, although their kind does not say so.
fn add_without_kind(tree: &Tree, pairs: &Pairs, rows: &mut Rows<'_>) {
    let found = without_kind::find(tree, pairs);
    for at in found.like_others {
        rows.add_receiver(at, LIKE_OTHERS, Some(BTreeSet::new()));
    }
    // once for each row, because there may be many roots
    for ((service, _, _, reason), (_, others)) in &mut rows.rows {
        if let (true, Some(others)) = (*reason == LIKE_OTHERS, others) {
            others.extend(found.senders.get(service).into_iter().flatten());
        }
    }
    for at in found.without_kind {
        rows.add_receiver(at, WITHOUT_KIND, None);
    }
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
        let above = tree.span(parent).service;
        let to = tree.names().text(above).to_owned();
        let others = Some(BTreeSet::from([above]));
        rows.add(at, What::Continued, Some(to), (reason, others));
    }
}

/// Whether a browser may have sent the request to ask which ones it may send. Browsers' spans show
/// only the real request.
fn is_preflight(tree: &Tree, receiver: At) -> bool {
    let is_root = tree.parent(tree.entry(receiver)) == Parent::None;
    is_root && tree.names().text(tree.about(receiver).method) == "OPTIONS"
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
