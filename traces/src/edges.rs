//! The edges of a system: what became of the hand-offs from one service to another over one channel.

pub(crate) mod cause;
pub(crate) mod unjudged;
pub(crate) mod verdict;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ends::At;
use crate::ends::tree::Tree;
use crate::evidence::{Pair, Pairs};
use crate::hand_off::{Flag, Verdict};
use crate::span::{Kind, SpanReference};

/// At most this many examples are kept of each verdict on an edge.
const MAX_EXAMPLES: usize = 2;

/// Over what a hand-off goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Channel {
    /// Whether it is a request or a message.
    pub kind: ChannelKind,
    /// The messaging or RPC system; `None` for HTTP, and if not said.
    pub system: Option<String>,
    /// The queue, topic or stream; `None` for requests, and if not said.
    pub destination: Option<String>,
}

/// Whether a hand-off is a request or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A request over HTTP.
    Http,
    /// A call over another RPC system.
    Rpc,
    /// A message.
    Messaging,
}

impl std::fmt::Display for Channel {
    /// As in a table: `http`, `grpc`, `kafka stock-levels`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            ChannelKind::Http => "http",
            ChannelKind::Rpc => "rpc",
            ChannelKind::Messaging => "messaging",
        };
        formatter.write_str(self.system.as_deref().unwrap_or(kind))?;
        match &self.destination {
            Some(destination) => write!(formatter, " {destination}"),
            None => Ok(()),
        }
    }
}

/// One judged hand-off.
#[derive(Clone, Debug, Serialize)]
pub struct HandOff {
    /// The sending service.
    pub from: String,
    /// The receiving service.
    pub to: String,
    /// Over what.
    pub channel: Channel,
    /// The span that handed over.
    pub sender: SpanReference,
    /// The span that took over.
    pub receiver: SpanReference,
    /// What became of the trace context.
    pub verdict: Verdict,
    /// By what the two ends are known to belong together.
    pub evidence: &'static str,
}

/// An example of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The verdict.
    pub verdict: Verdict,
    /// The span that handed over.
    pub sender: SpanReference,
    /// The span that took over.
    pub receiver: SpanReference,
}

/// How many hand-offs broke of which it is not known which sender belongs to which receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Between {
    /// At least this many.
    pub at_least: u64,
    /// At most this many.
    pub at_most: u64,
}

/// The hand-offs from one service to another over one channel.
#[derive(Clone, Debug, Serialize)]
pub struct Edge {
    /// The sending service.
    pub from: String,
    /// The receiving service.
    pub to: String,
    /// Over what.
    pub channel: Channel,
    /// How many hand-offs were judged: the sum of `verdicts`.
    pub handoffs: u64,
    /// How many have each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many have each flag.
    pub flags: BTreeMap<Flag, u64>,
    /// By what their ends are known to belong together, and of how many.
    pub evidence: BTreeMap<&'static str, u64>,
    /// How many more broke without it being known which.
    pub ambiguous: Between,
    /// How many senders are known not to have been sampled.
    pub sender_unsampled: u64,
    /// What broke the most common broken verdict, as far as the spans tell.
    pub cause: Option<String>,
    /// What would mend it.
    pub change: Option<String>,
    /// Some hand-offs of each verdict.
    pub examples: Vec<Example>,
}

impl Edge {
    /// How many judged hand-offs held.
    pub fn whole(&self) -> u64 {
        let whole = self
            .verdicts
            .iter()
            .filter(|(verdict, _)| verdict.is_whole());
        whole.map(|(_, count)| count).sum()
    }

    /// How many judged hand-offs broke.
    pub fn broken(&self) -> u64 {
        self.handoffs - self.whole()
    }

    /// The share of judged hand-offs that held; `None` if none was judged.
    pub fn share(&self) -> Option<f64> {
        (self.handoffs > 0).then(|| self.whole() as f64 / self.handoffs as f64)
    }

    /// The broken verdict that occurs most, if any does.
    pub fn worst(&self) -> Option<Verdict> {
        let broken = self
            .verdicts
            .iter()
            .filter(|(verdict, _)| !verdict.is_whole());
        broken
            .max_by_key(|(_, count)| **count)
            .map(|(verdict, _)| *verdict)
    }
}

/// The hand-offs of a source, judged, each given to `each`; and their edges, those with the most broken ones first.
pub(crate) fn judge(tree: &Tree, pairs: &Pairs, each: &mut dyn FnMut(&HandOff)) -> Vec<Edge> {
    let mut edges: BTreeMap<(String, String, Channel), (Edge, cause::Signs)> = BTreeMap::new();
    for pair in pairs.iter() {
        let hand_off = judged(tree, pair);
        let key = (
            hand_off.from.clone(),
            hand_off.to.clone(),
            hand_off.channel.clone(),
        );
        let (from, to, channel) = key.clone();
        let new = || (empty(from, to, channel), cause::Signs::default());
        let (edge, signs) = edges.entry(key).or_insert_with(new);
        count(tree, edge, pair, &hand_off);
        if !hand_off.verdict.is_whole() {
            signs.add(tree, pair, hand_off.verdict);
        }
        each(&hand_off);
    }
    add_ambiguous(tree, pairs, &mut edges);
    let finish = |(mut edge, signs): (Edge, cause::Signs)| {
        (edge.cause, edge.change) = signs.cause(&edge).unzip();
        edge
    };
    let mut edges: Vec<Edge> = edges.into_values().map(finish).collect();
    edges.sort_by_key(|edge| std::cmp::Reverse(edge.broken() + edge.ambiguous.at_least));
    edges
}

fn judged(tree: &Tree, pair: &Pair) -> HandOff {
    HandOff {
        from: tree.service(pair.sender).to_owned(),
        to: tree.service(pair.receiver).to_owned(),
        channel: channel(tree, pair.sender, pair.receiver),
        sender: tree.span(pair.sender).reference(),
        receiver: tree.span(pair.receiver).reference(),
        verdict: verdict::of(tree, pair.sender, pair.receiver),
        evidence: pair.evidence,
    }
}

fn empty(from: String, to: String, channel: Channel) -> Edge {
    Edge {
        from,
        to,
        channel,
        handoffs: 0,
        verdicts: BTreeMap::new(),
        flags: BTreeMap::new(),
        evidence: BTreeMap::new(),
        ambiguous: Between::default(),
        sender_unsampled: 0,
        cause: None,
        change: None,
        examples: Vec::new(),
    }
}

fn count(tree: &Tree, edge: &mut Edge, pair: &Pair, hand_off: &HandOff) {
    edge.handoffs += 1;
    *edge.verdicts.entry(hand_off.verdict).or_default() += 1;
    *edge.evidence.entry(hand_off.evidence).or_default() += 1;
    let flags = verdict::flags(tree, pair.sender, pair.receiver);
    for flag in Flag::ALL.into_iter().filter(|flag| flag.is_in(flags)) {
        *edge.flags.entry(flag).or_default() += 1;
    }
    let examples = &mut edge.examples;
    let same = examples
        .iter()
        .filter(|example| example.verdict == hand_off.verdict);
    if same.count() < MAX_EXAMPLES {
        examples.push(Example {
            verdict: hand_off.verdict,
            sender: hand_off.sender,
            receiver: hand_off.receiver,
        });
    }
}

/// Adds what stays ambiguous to the edge between its services, which has no other hand-offs perhaps.
fn add_ambiguous(
    tree: &Tree,
    pairs: &Pairs,
    edges: &mut BTreeMap<(String, String, Channel), (Edge, cause::Signs)>,
) {
    for ((from, to), ambiguous) in pairs.ambiguous() {
        let text = |name| tree.names().text(name).to_owned();
        let channel = channel(tree, ambiguous.example, ambiguous.example);
        let key = (text(*from), text(*to), channel);
        let (edge, _) = edges.entry(key.clone()).or_insert_with(|| {
            let (from, to, channel) = key;
            let edge = empty(from, to, channel);
            (edge, cause::Signs::default())
        });
        edge.ambiguous.at_least += ambiguous.at_least;
        edge.ambiguous.at_most += ambiguous.at_most;
    }
}

/// The channel between two spans: what either of them says.
pub(crate) fn channel(tree: &Tree, sender: At, receiver: At) -> Channel {
    let (from, to) = (tree.about(sender), tree.about(receiver));
    let said = |name| Some(tree.names().text(name).to_owned()).filter(|text| !text.is_empty());
    let is_message = tree.span(sender).kind == Kind::Producer
        || tree.span(receiver).kind == Kind::Consumer
        || from.is_messaging && tree.is_call(sender);
    if is_message {
        return Channel {
            kind: ChannelKind::Messaging,
            system: said(from.system.or(to.system)),
            destination: said(from.destination.or(to.destination)),
        };
    }
    let rpc = said(to.rpc).or_else(|| said(from.rpc));
    Channel {
        kind: if rpc.is_some() {
            ChannelKind::Rpc
        } else {
            ChannelKind::Http
        },
        system: rpc,
        destination: None,
    }
}
