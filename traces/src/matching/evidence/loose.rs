//! The spans that stronger evidence left over: receivers without a sender, and calls without a
//! receiver.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use baton_propagators::TraceId;
use foldhash::HashMap;

use super::clocks::{self, Clocks};
use super::fit::Places;
use super::{Marks, Pairs};
use crate::matching::names::Name;
use crate::matching::spans::about::Operation;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, End, LinkAt};
use crate::span::Kind;
use crate::threads::{numbers, together};

/// Receivers and calls that are in no pair.
#[derive(Debug)]
pub(crate) struct Loose {
    /// Servers, and consumers that handle a message.
    pub(crate) receivers: Vec<At>,
    /// Calls, except those that are part of another call.
    pub(crate) calls: Vec<At>,
}

impl Loose {
    /// The receivers and calls that are not in `pairs`.
    pub(crate) fn of(tree: &Tree, pairs: &Pairs) -> Loose {
        Loose {
            receivers: Loose::receivers(tree, pairs),
            calls: free_calls(tree, pairs),
        }
    }

    /// Only the receivers.
    pub(crate) fn receivers(tree: &Tree, pairs: &Pairs) -> Vec<At> {
        let mut receivers = numbers(tree.len(), |at| {
            let is_receiver = match tree.span(at).kind {
                Kind::Server => tree.entry(at) == at,
                Kind::Consumer => {
                    got_message(tree, at)
                        && !is_within_delivery(tree, pairs, at)
                        && !is_beside_delivery(tree, pairs, at)
                }
                _ => false,
            };
            is_receiver && !pairs.has_sender(at)
        });
        let around = around_deliveries(tree);
        if !around.is_empty() {
            receivers.retain(|at| !around.contains(at));
        }
        receivers
    }
}

/// Whether the consumer `at` got a message. One that fetches messages may have got none, and says
/// so by the id of a message.
fn got_message(tree: &Tree, at: At) -> bool {
    let (end, about) = (tree.span(at), tree.about(at));
    let is_empty_handed = about.is_nowhere
        && about.operation == Operation::Unknown
        && tree.parent(at) == Parent::None
        && tree.links(at).is_empty();
    end.has_message || about.operation != Operation::Receive && !is_empty_handed
}

/// How many spans above a consumer are looked at.
const MAX_ABOVE: usize = 100;

/// Whether a span above the consumer `at` in its service is known to have received the message: a
/// framework and its client write a span each. Spans below a batch have messages of their own.
fn is_within_delivery(tree: &Tree, pairs: &Pairs, at: At) -> bool {
    let is_batch = |at: At| tree.about(at).batch.is_some_and(|count| count > 1);
    let receives = |above: At| {
        let is_delivery = tree.span(above).kind == Kind::Consumer && pairs.has_sender(above);
        is_delivery && (is_batch(at) || !is_batch(above))
    };
    tree.above(at).take(MAX_ABOVE).any(receives)
}

/// Whether the consumer `at` links to messages that another span received: it collects them for a
/// batch.
fn is_beside_delivery(tree: &Tree, pairs: &Pairs, at: At) -> bool {
    let is_received = |at: At| pairs.has_receiver(at);
    let mut linked = tree.links(at).iter().filter_map(LinkAt::linked);
    tree.only_receives(at) && linked.any(is_received)
}

/// The consumers with another consumer below them, in their service, that handles what they got.
/// Only the inner one counts.
fn around_deliveries(tree: &Tree) -> BTreeSet<At> {
    let is_inner = |at: At| {
        let is_consumer = tree.span(at).kind == Kind::Consumer && got_message(tree, at);
        is_consumer && tree.local_parent(at).is_some()
    };
    let mut around = BTreeSet::new();
    for at in numbers(tree.len(), is_inner) {
        let destination = tree.about(at).destination;
        let is_around = |above: &At| {
            let other = tree.about(*above).destination;
            let is_one = other == destination || other.is_empty() || destination.is_empty();
            tree.span(*above).kind == Kind::Consumer && is_one
        };
        around.extend(tree.above(at).take(MAX_ABOVE).filter(is_around));
    }
    around
}

/// The calls without a receiver. A call may contain others, as an SDK's request contains the
/// request of its HTTP client. Of requests the innermost one that says what it asks for counts, of
/// messages the outermost.
pub(super) fn free_calls(tree: &Tree, pairs: &Pairs) -> Vec<At> {
    let calls = numbers(tree.len(), |at| tree.is_call(at) && !pairs.has_receiver(at));
    if calls.is_empty() {
        return calls;
    }
    let carries = |at: At| tree.about(at).is_messaging || tree.about(at).is_cloud_api;
    // the request inside a call to a broker or to a cloud's API, whatever that call does
    let may_contain = |at: At| match tree.span(at).kind {
        Kind::Client | Kind::Producer => carries(at) || tree.is_call(at) && pairs.has_receiver(at),
        Kind::Consumer => fetches_over_http(tree, pairs, at),
        _ => false,
    };
    // what a handler calls is not part of the call that fetched its message
    let handles = |at: At| tree.span(at).kind == Kind::Consumer && !may_contain(at);
    let all_calls = || tree.all().filter(|at| tree.is_call(*at));
    let answered_calls = all_calls().filter(|at| pairs.has_receiver(*at));
    // such as opening a connection for a request
    let is_step = |at: At| {
        let is_request = |at: At| tree.is_call(at) && names_request(tree, at);
        let is_bare = !carries(at) && !names_request(tree, at);
        is_bare && tree.above(at).take(MAX_ABOVE).any(is_request)
    };
    let requests = || all_calls().filter(|at| !is_step(*at));
    let ((has_inner, has_answered), (is_part, answered)) = together(
        || {
            let has_inner = with_call_below(tree, requests());
            (has_inner, with_call_below(tree, answered_calls))
        },
        || {
            (
                below(tree, may_contain, handles),
                answered_messages(tree, pairs),
            )
        },
    );
    let is_outer = |at: At| match carries(at) {
        true => has_answered[at as usize],
        false => has_inner[at as usize],
    };
    let is_within = |at: At| is_part[at as usize] || is_step(at);
    let is_free = |at: &At| {
        !answered.has(*at) && !is_within(*at) && !is_outer(*at) && !sends_others(tree, *at)
    };
    calls.into_iter().filter(is_free).collect()
}

/// Whether the call `at` says what it asks for, and not only where.
fn names_request(tree: &Tree, at: At) -> bool {
    let about = tree.about(at);
    let names = [about.path, about.method, about.rpc];
    names.iter().any(|name| !name.is_empty())
}

/// Whether the requests below the consumer `at` only fetch messages. Other brokers than those of
/// cloud providers are not asked over HTTP, so requests below their consumers are the work of a
/// handler, even if the consumer says that it received.
fn fetches_over_http(tree: &Tree, pairs: &Pairs, at: At) -> bool {
    const PROVIDERS: [&str; 3] = ["aws", "gcp", "azure"];
    let about = tree.about(at);
    let system = tree.names().text(about.system);
    let is_provider_s = PROVIDERS
        .iter()
        .any(|provider| system.starts_with(provider));
    let got_one = tree.span(at).has_message || pairs.has_sender(at);
    about.operation == Operation::Receive && (about.is_cloud_api || is_provider_s && !got_one)
}

/// Whether a call to a broker sends messages that have spans of their own, to which it has links.
fn sends_others(tree: &Tree, call: At) -> bool {
    let service = tree.span(call).service;
    let is_own = |at: At| tree.span(at).service == service && tree.is_call(at);
    let mut links = tree.links(call).iter();
    tree.about(call).is_messaging && links.any(|link| link.linked().is_some_and(is_own))
}

/// For each span, whether one of `calls` is below it in its service. A walk up ends where another
/// one has been, so the time does not grow with the depth of each call.
fn with_call_below(tree: &Tree, calls: impl Iterator<Item = At>) -> Vec<bool> {
    let mut marked = vec![false; tree.len()];
    for call in calls {
        let mut above = tree.local_parent(call);
        while let Some(at) = above.filter(|at| !marked[*at as usize]) {
            marked[at as usize] = true;
            above = tree.local_parent(at);
        }
    }
    marked
}

/// For each span, whether a span that `counts` is above it in its service, and none that `ends` this
/// in between.
fn below(tree: &Tree, counts: impl Fn(At) -> bool, ends: impl Fn(At) -> bool) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; tree.len()];
    let mut path = Vec::new();
    for at in tree.all() {
        let mut next = Some(at);
        while let Some(at) = next.filter(|at| known[*at as usize].is_none()) {
            path.push(at);
            next = tree.local_parent(at);
        }
        while let Some(at) = path.pop() {
            let parent = tree.local_parent(at);
            let is_below = parent.is_some_and(|parent| {
                counts(parent) || known[parent as usize] == Some(true) && !ends(parent)
            });
            known[at as usize] = Some(is_below);
        }
    }
    known
        .into_iter()
        .map(|is_below| is_below == Some(true))
        .collect()
}

/// Senders of a message that another span of the same trace stands for: an SDK's call to the broker
/// beside the span for the message, and both if the message is in a pair.
fn answered_messages(tree: &Tree, pairs: &Pairs) -> Marks {
    let ids = &tree.ids().messages;
    let mut answered = Marks::of(tree.len());
    let is_producer = |at: &At| tree.span(*at).kind == Kind::Producer;
    for message in ids.chunk_by(|left, right| left.id == right.id) {
        let senders = message
            .iter()
            .map(|id| id.at)
            .filter(|at| tree.is_call(*at));
        let mut sent = senders.clone().filter(|at| pairs.has_receiver(*at));
        let sent = sent.next();
        let Some(first) = sent.or_else(|| senders.clone().find(is_producer)) else {
            continue;
        };
        let trace = tree.span(first).trace;
        for at in senders.filter(|at| tree.span(*at).trace == trace) {
            if sent.is_some() || !is_producer(&at) {
                answered.insert(at);
            }
        }
    }
    answered
}

/// Finds the receivers that may have been called from another trace. Keeps what it learns of a
/// trace, so that a trace of many receivers is examined only once.
pub(super) struct Leaving<'a> {
    tree: &'a Tree,
    traces: Mutex<HashMap<TraceId, Arc<Enclosing>>>,
}

/// What may enclose a receiver: the parts of one trace that have a start.
struct Enclosing {
    /// Whether the source has the root of the trace.
    has_root: bool,
    /// The parts sorted by start, each with the two latest ends of the parts up to it, in different
    /// services.
    parts: Vec<(u64, LatestEnds)>,
}

/// The two latest ends, of different services.
type LatestEnds = [Option<(u64, Name)>; 2];

impl<'a> Leaving<'a> {
    pub(super) fn new(tree: &'a Tree) -> Leaving<'a> {
        Leaving {
            tree,
            traces: Mutex::default(),
        }
    }

    /// Whether `receiver` may have been called from another trace. If its trace has earlier spans
    /// in this source, it was called in its own trace, and only the sender is missing.
    pub(super) fn may_leave_its_trace(&self, pairs: &Pairs, receiver: At) -> bool {
        let parent = self.tree.parent(receiver);
        if parent == Parent::None || pairs.doubtful.contains_key(&receiver) {
            return true;
        }
        let own = self.tree.span(receiver);
        let enclosing = self.enclosing(receiver);
        !enclosing.has_root && !enclosing.enclose(own)
    }

    fn enclosing(&self, receiver: At) -> Arc<Enclosing> {
        let traces = || self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        let trace = self.tree.span(receiver).trace;
        let known = traces().get(&trace).cloned();
        known.unwrap_or_else(|| {
            // other threads need not wait for it
            let found = Arc::new(Enclosing::of(self.tree, receiver));
            traces().insert(trace, Arc::clone(&found));
            found
        })
    }
}

impl Enclosing {
    /// What may enclose a receiver in the trace of `at`.
    fn of(tree: &Tree, at: At) -> Enclosing {
        let has_root = tree.trace(at).any(|at| tree.parent(at) == Parent::None);
        let entries = tree.trace(at).filter(|at| tree.entry(*at) == *at);
        let mut entries: Vec<&End> = entries
            .map(|at| tree.span(at))
            .filter(|end| end.start != 0)
            .collect();
        entries.sort_by_key(|end| end.start);
        let mut latest: LatestEnds = [None, None];
        let parts = entries.into_iter().map(|end| {
            let other = latest.into_iter().flatten();
            let other = other
                .filter(|(_, service)| *service != end.service)
                .max_by_key(|it| it.0);
            let own = latest.into_iter().flatten();
            let own = own
                .filter(|(_, service)| *service == end.service)
                .max_by_key(|it| it.0);
            let own = own.map_or(end.end, |(time, _)| time.max(end.end));
            latest = [Some((own, end.service)), other];
            (end.start, latest)
        });
        Enclosing {
            has_root,
            parts: parts.collect(),
        }
    }

    /// Whether a part of another service encloses `own`.
    fn enclose(&self, own: &End) -> bool {
        let begun = self.parts.partition_point(|(start, _)| *start <= own.start);
        let Some((_, latest)) = begun.checked_sub(1).and_then(|at| self.parts.get(at)) else {
            return false;
        };
        let ends = latest.iter().flatten();
        ends.clone()
            .any(|(end, service)| *service != own.service && *end >= own.end)
    }
}

/// Whether `call` may have led to `receiver` by address and time, on the clocks of the two
/// services.
pub(super) fn fits(tree: &Tree, places: &Places, clocks: &Clocks, call: At, receiver: At) -> bool {
    let (from, to) = (tree.span(call), tree.span(receiver));
    let is_inside = tree.entry(call) == receiver;
    if is_inside || from.start == 0 || to.start == 0 {
        return false;
    }
    let start = clocks.start(tree, receiver, from.service);
    let since = start.saturating_sub(clocks::signed(from.start));
    if to.kind == Kind::Consumer {
        let (sent, received) = (tree.about(call), tree.about(receiver));
        let is_one = sent.is_messaging && !sent.destination.is_empty();
        let is_one = is_one && !sent.broker.is_apart(&received.broker);
        return is_one && sent.destination == received.destination && since >= -clocks.slack();
    }
    let until = start.saturating_sub(clocks::signed(from.end));
    since >= -clocks.slack() && until <= clocks.slack() && places.fit(tree, call, receiver)
}
