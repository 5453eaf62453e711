//! Counts the hand-offs of an edge.

use baton_propagators::TraceId;

use super::{Channel, ChannelKind, Edge, Example, HandOff, cause};
use crate::hand_off::{Flag, Flags, Verdict};
use crate::matching::evidence::{Ambiguous, Evidence};
use crate::matching::names::{Name, Names};
use crate::matching::spans::At;
use crate::matching::spans::tree::Tree;
use crate::span::{Kind, SpanReference};

/// How many examples of each verdict are kept for an edge.
const MAX_EXAMPLES: usize = 2;

/// What identifies an edge while hand-offs are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) from: Name,
    pub(super) to: Name,
    pub(super) kind: ChannelKind,
    pub(super) system: Name,
    pub(super) destination: Name,
}

impl Key {
    /// The edge between two spans. Either span may name the channel.
    pub(super) fn of(tree: &Tree, sender: At, receiver: At) -> Key {
        let (from, to) = (tree.about(sender), tree.about(receiver));
        let is_message = tree.span(sender).kind == Kind::Producer
            || tree.span(receiver).kind == Kind::Consumer
            || from.is_messaging && tree.is_call(sender);
        let rpc = to.rpc.or(from.rpc);
        let (kind, system, destination) = if is_message {
            let system = from.system.or(to.system);
            let destination = from.channel.or(to.channel);
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

    /// The edge over the same channel between these services.
    pub(super) fn between(self, from: Name, to: Name) -> Key {
        Key { from, to, ..self }
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

/// One judged hand-off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) sender: Option<SpanReference>,
    pub(super) receiver: Option<SpanReference>,
    /// The spans of both ends, if both were recorded.
    pub(super) spans: Option<(At, At)>,
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
    pub(super) flags: Flags,
    pub(super) sender_unsampled: bool,
}

impl Seen {
    /// The hand-off with its names, on the edge `key`.
    pub(super) fn hand_off(&self, key: Key, names: &Names) -> HandOff {
        HandOff {
            from: names.text(key.from).to_owned(),
            to: names.text(key.to).to_owned(),
            channel: key.channel(names),
            sender: self.sender,
            receiver: self.receiver,
            verdict: self.verdict,
            evidence: self.evidence,
        }
    }

    /// The order in which hand-offs are listed, and examples are preferred.
    pub(super) fn place(
        sender: Option<SpanReference>,
        receiver: Option<SpanReference>,
    ) -> impl Ord + use<> {
        let place = |span: Option<SpanReference>| span.map(|span| (span.trace_id, span.span_id));
        (place(sender), place(receiver))
    }
}

/// An edge while its hand-offs are counted, in any order.
pub(super) struct Counting {
    edge: Edge,
    signs: cause::Signs,
    /// The senders' traces, and whether all their hand-offs so far held. Hand-offs mostly come in
    /// the order of their traces, so there are few repetitions.
    traces: Vec<(TraceId, bool)>,
}

impl Counting {
    /// Starts to count.
    pub(super) fn new(key: Key, names: &Names) -> Counting {
        let edge = Edge {
            from: names.text(key.from).to_owned(),
            to: names.text(key.to).to_owned(),
            channel: key.channel(names),
            ..Edge::default()
        };
        Counting {
            edge,
            signs: cause::Signs::default(),
            traces: Vec::new(),
        }
    }

    /// Counts a hand-off.
    pub(super) fn count(&mut self, tree: &Tree, seen: &Seen) {
        let edge = &mut self.edge;
        edge.handoffs += 1;
        edge.sender_unsampled += u64::from(seen.sender_unsampled);
        *edge.verdicts.entry(seen.verdict).or_default() += 1;
        *edge.evidence.entry(seen.evidence).or_default() += 1;
        for flag in Flag::ALL.into_iter().filter(|flag| flag.is_in(seen.flags)) {
            *edge.flags.entry(flag).or_default() += 1;
        }
        let holds = seen.verdict.holds();
        if !holds {
            self.signs.add(tree, seen.spans, seen.verdict);
        }
        if let Some(sender) = seen.sender {
            match self.traces.last_mut() {
                Some((last, all)) if *last == sender.trace_id => *all &= holds,
                _ => self.traces.push((sender.trace_id, holds)),
            }
        }
        self.keep_example(seen);
    }

    /// Keeps the first hand-offs of each verdict by their ids, in whatever order they come.
    fn keep_example(&mut self, seen: &Seen) {
        let examples = &mut self.edge.examples;
        let same = examples
            .iter()
            .enumerate()
            .filter(|(_, example)| example.verdict == seen.verdict);
        let place = |example: &Example| Seen::place(example.sender, example.receiver);
        if same.clone().count() >= MAX_EXAMPLES {
            let last = same.max_by_key(|(_, example)| place(example));
            match last.map(|(index, example)| (index, place(example))) {
                Some((index, last)) if Seen::place(seen.sender, seen.receiver) < last => {
                    examples.remove(index);
                }
                _ => return,
            }
        }
        examples.push(Example {
            verdict: seen.verdict,
            sender: seen.sender,
            receiver: seen.receiver,
        });
    }

    /// Adds hand-offs that are known by their number alone.
    pub(super) fn add_ambiguous(&mut self, tree: &Tree, ambiguous: &Ambiguous) {
        self.signs.add_ambiguous(tree, ambiguous);
        self.edge.ambiguous.at_least += ambiguous.at_least;
        self.edge.ambiguous.at_most += ambiguous.at_most;
    }

    /// Adds further deliveries of a message that was counted.
    pub(super) fn add_deliveries(&mut self, more: u64) {
        self.edge.redelivered += more;
    }

    /// Adds a hand-off whose sender is known not to have been sampled, and that has no verdict.
    pub(super) fn add_unsampled_sender(&mut self) {
        self.edge.sender_unsampled += 1;
    }

    /// The edge with all its counts.
    pub(super) fn finish(mut self) -> Edge {
        self.traces.sort_unstable();
        let traces = self.traces.chunk_by(|left, right| left.0 == right.0);
        for trace in traces {
            self.edge.traces += 1;
            self.edge.traces_whole += u64::from(trace.iter().all(|(_, holds)| *holds));
        }
        let examples = &mut self.edge.examples;
        examples.sort_by_key(|example| {
            (
                example.verdict,
                Seen::place(example.sender, example.receiver),
            )
        });
        (self.edge.cause, self.edge.change) = self.signs.cause(&self.edge).unzip();
        self.edge
    }
}
