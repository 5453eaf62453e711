//! The edges of a system: the hand-offs from one service to another over one channel, with their
//! verdicts.

pub(crate) mod cause;
pub(crate) mod unjudged;

use std::collections::BTreeMap;

use baton_propagators::id::TraceId;
use serde::{Deserialize, Serialize};

use crate::ends::At;
use crate::ends::names::{Name, Names};
use crate::ends::tree::Tree;
use crate::ends::verdict;
use crate::evidence::{Evidence, Pair, Pairs};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::span::{Kind, SpanReference};

/// How many examples of each verdict are kept for an edge.
const MAX_EXAMPLES: usize = 2;

/// The channel of a hand-off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Channel {
    /// Whether it is a request or a message.
    pub kind: ChannelKind,
    /// The messaging or RPC system; `None` for HTTP, or if unknown.
    pub system: Option<String>,
    /// The queue, topic or stream; `None` for requests, or if unknown.
    pub destination: Option<String>,
}

/// Whether a hand-off is a request or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A request over HTTP.
    Http,
    /// A call over another RPC system.
    Rpc,
    /// A message.
    Messaging,
}

impl Channel {
    /// The corresponding hop of a run: ingress for requests, record for messages.
    pub(crate) fn hop(&self) -> Hop {
        match self.kind {
            ChannelKind::Http | ChannelKind::Rpc => Hop::Ingress,
            ChannelKind::Messaging => Hop::Record,
        }
    }
}

impl std::fmt::Display for Channel {
    /// Its text in tables: `http`, `grpc`, `kafka stock-levels`.
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
    /// The channel.
    pub channel: Channel,
    /// The sender's span.
    pub sender: SpanReference,
    /// The receiver's span.
    pub receiver: SpanReference,
    /// The verdict.
    pub verdict: Verdict,
    /// The evidence by which its two ends were matched.
    pub evidence: Evidence,
}

/// An example of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The verdict.
    pub verdict: Verdict,
    /// The sender's span.
    pub sender: SpanReference,
    /// The receiver's span.
    pub receiver: SpanReference,
}

/// How many hand-offs broke without it being known which sender belongs to which receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// At least this many.
    pub at_least: u64,
    /// At most this many.
    pub at_most: u64,
}

/// The hand-offs from one service to another over one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The sending service.
    pub from: String,
    /// The receiving service.
    pub to: String,
    /// The channel.
    pub channel: Channel,
    /// How many hand-offs were judged: the sum of `verdicts`.
    pub handoffs: u64,
    /// How many have each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many have each flag.
    pub flags: BTreeMap<Flag, u64>,
    /// How many hand-offs were matched by each kind of evidence.
    pub evidence: BTreeMap<Evidence, u64>,
    /// How many further hand-offs broke, without it being known which.
    pub ambiguous: Between,
    /// How many senders are known not to have been sampled.
    pub sender_unsampled: u64,
    /// What caused the most common broken verdict, if the spans show it.
    pub cause: Option<String>,
    /// What would fix it.
    pub change: Option<String>,
    /// How many traces have judged hand-offs on it. Traces are counted, because hand-offs of one
    /// trace are not independent.
    pub traces: u64,
    /// In how many of these traces every hand-off held.
    pub traces_whole: u64,
    /// A few hand-offs of each verdict.
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

    /// The most common broken verdict, if there is one.
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

/// What identifies an edge while hand-offs are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    from: Name,
    to: Name,
    kind: ChannelKind,
    system: Name,
    destination: Name,
}

impl Key {
    /// The edge between two spans. Either span may name the channel.
    fn of(tree: &Tree, sender: At, receiver: At) -> Key {
        let (from, to) = (tree.about(sender), tree.about(receiver));
        let is_message = tree.span(sender).kind == Kind::Producer
            || tree.span(receiver).kind == Kind::Consumer
            || from.is_messaging && tree.is_call(sender);
        let rpc = to.rpc.or(from.rpc);
        let (kind, system, destination) = if is_message {
            let system = from.system.or(to.system);
            let destination = from.destination.or(to.destination);
            (ChannelKind::Messaging, system, destination)
        } else if rpc.is_empty() {
            (ChannelKind::Http, Name::EMPTY, Name::EMPTY)
        } else {
            (ChannelKind::Rpc, rpc, Name::EMPTY)
        };
        Key {
            from: tree.span(sender).service,
            to: tree.span(receiver).service,
            kind,
            system,
            destination,
        }
    }

    fn channel(self, names: &Names) -> Channel {
        let said = |name| Some(names.text(name).to_owned()).filter(|text| !text.is_empty());
        Channel {
            kind: self.kind,
            system: said(self.system),
            destination: said(self.destination),
        }
    }
}

/// An edge while its hand-offs are counted, in the order of their senders' traces.
struct Counting {
    edge: Edge,
    signs: cause::Signs,
    /// The trace of the last hand-off, and whether all of its hand-offs held so far.
    last: Option<(TraceId, bool)>,
}

impl Counting {
    fn new(key: Key, names: &Names) -> Counting {
        let edge = Edge {
            from: names.text(key.from).to_owned(),
            to: names.text(key.to).to_owned(),
            channel: key.channel(names),
            handoffs: 0,
            verdicts: BTreeMap::new(),
            flags: BTreeMap::new(),
            evidence: BTreeMap::new(),
            ambiguous: Between::default(),
            sender_unsampled: 0,
            cause: None,
            change: None,
            traces: 0,
            traces_whole: 0,
            examples: Vec::new(),
        };
        Counting {
            edge,
            signs: cause::Signs::default(),
            last: None,
        }
    }

    fn count(&mut self, tree: &Tree, pair: &Pair, verdict: Verdict) {
        let edge = &mut self.edge;
        edge.handoffs += 1;
        *edge.verdicts.entry(verdict).or_default() += 1;
        *edge.evidence.entry(pair.evidence).or_default() += 1;
        let flags = verdict::flags(tree, pair.sender, pair.receiver);
        for flag in Flag::ALL.into_iter().filter(|flag| flag.is_in(flags)) {
            *edge.flags.entry(flag).or_default() += 1;
        }
        if !verdict.is_whole() {
            self.signs.add(tree, pair, verdict);
        }
        self.count_trace(tree.span(pair.sender).trace, verdict.is_whole());
        let examples = &mut self.edge.examples;
        let same = examples.iter().filter(|example| example.verdict == verdict);
        if same.count() < MAX_EXAMPLES {
            examples.push(Example {
                verdict,
                sender: tree.span(pair.sender).reference(),
                receiver: tree.span(pair.receiver).reference(),
            });
        }
    }

    fn count_trace(&mut self, trace: TraceId, is_whole: bool) {
        match &mut self.last {
            Some((last, all)) if *last == trace => *all &= is_whole,
            last => {
                let before = last.replace((trace, is_whole));
                self.edge.traces += 1;
                self.edge.traces_whole += u64::from(before.is_some_and(|(_, whole)| whole));
            }
        }
    }

    fn finish(mut self) -> Edge {
        let is_whole = self.last.is_some_and(|(_, whole)| whole);
        self.edge.traces_whole += u64::from(is_whole);
        (self.edge.cause, self.edge.change) = self.signs.cause(&self.edge).unzip();
        self.edge
    }
}

/// The edges of a source, those with the most broken hand-offs first. Every judged hand-off goes to
/// `each`.
pub(crate) fn judge(
    tree: &Tree,
    pairs: &Pairs,
    mut each: Option<&mut dyn FnMut(&HandOff)>,
) -> Vec<Edge> {
    let names = tree.names();
    let mut edges: BTreeMap<Key, Counting> = BTreeMap::new();
    for pair in pairs.iter() {
        let key = Key::of(tree, pair.sender, pair.receiver);
        let verdict = verdict::of(tree, pair.sender, pair.receiver);
        let edge = edges
            .entry(key)
            .or_insert_with(|| Counting::new(key, names));
        edge.count(tree, pair, verdict);
        if let Some(each) = &mut each {
            each(&HandOff {
                from: names.text(key.from).to_owned(),
                to: names.text(key.to).to_owned(),
                channel: key.channel(names),
                sender: tree.span(pair.sender).reference(),
                receiver: tree.span(pair.receiver).reference(),
                verdict,
                evidence: pair.evidence,
            });
        }
    }
    // what stays ambiguous belongs to an edge that has no other hand-offs perhaps
    for ((from, to), ambiguous) in pairs.ambiguous() {
        let key = Key {
            from: *from,
            to: *to,
            ..Key::of(tree, ambiguous.example.0, ambiguous.example.1)
        };
        let edge = edges
            .entry(key)
            .or_insert_with(|| Counting::new(key, names));
        edge.edge.ambiguous.at_least += ambiguous.at_least;
        edge.edge.ambiguous.at_most += ambiguous.at_most;
    }
    let mut edges: Vec<Edge> = edges.into_values().map(Counting::finish).collect();
    edges.sort_by(|left, right| {
        let broken = |edge: &Edge| edge.broken() + edge.ambiguous.at_least;
        let place = |edge: &Edge| (edge.from.clone(), edge.to.clone(), edge.channel.clone());
        let worst = broken(right).cmp(&broken(left));
        worst.then_with(|| place(left).cmp(&place(right)))
    });
    edges
}
