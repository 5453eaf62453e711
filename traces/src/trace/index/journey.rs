//! Traces that belong together: the halves of a broken trace. Also picks an example trace.

use std::collections::HashSet;

use baton_propagators::TraceId;
use serde::Serialize;

use super::{Crossing, TraceIndex};
use crate::audit;
use crate::hand_off::{Hop, Verdict};
use crate::matching::by_id::{HandOff, HandOffKey};
use crate::span::{SpanReference, UnixTime};

/// A hand-off, with the ids of its ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Passage {
    /// Which hop.
    pub hop: Hop,
    /// Its verdict; `None` if neither end has a span.
    pub verdict: Option<Verdict>,
    /// What matches its two ends: the request id, the record's sequence number, or in an export the
    /// kind of evidence.
    pub key: String,
    /// The sender's span.
    pub sender: Option<SpanReference>,
    /// The receiver's span.
    pub receiver: Option<SpanReference>,
    /// Whether the receiver's span was recorded.
    pub receiver_recorded: bool,
}

/// Traces that belong together, although the context between them was lost.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// The traces, in the order of their start.
    pub traces: Vec<TraceId>,
    /// The hand-offs that begin or end in them.
    pub passages: Vec<Passage>,
    /// How many further traces belong to it.
    pub left_out: u64,
}

impl TraceIndex {
    /// The trace, and the traces that broken hand-offs lead to, forwards to receivers and backwards
    /// to senders; at most `limit` traces.
    pub fn journey(&self, trace_id: TraceId, limit: usize) -> Journey {
        let between: Vec<(TraceId, TraceId)> = self
            .crossings()
            .filter_map(|crossing| {
                let from = crossing.sender?.trace_id;
                let to = crossing.receiver?.trace_id;
                (from != to).then_some((from, to))
            })
            .collect();
        let onward = reachable(trace_id, &between, |(from, to)| (from, to));
        let back = reachable(trace_id, &between, |(from, to)| (to, from));
        let others = onward.union(&back).copied();
        let mut traces: Vec<TraceId> = others
            .filter(|id| self.table.traces.contains_key(id))
            .collect();
        // the earliest traces stay, if there are more than the limit
        let start = |id: &TraceId| self.table.traces.get(id).and_then(|entry| entry.start);
        traces.sort_by_key(|id| (start(id), *id));
        let all = traces.len();
        traces.truncate(limit.saturating_sub(1));
        let left_out = (all - traces.len()) as u64;
        traces.push(trace_id);
        traces.sort_by_key(|id| (start(id), *id));
        let mut passages = self.passages_of(&traces);
        passages.sort_by(|a, b| (a.hop, &a.key).cmp(&(b.hop, &b.key)));
        Journey {
            traces,
            passages,
            left_out,
        }
    }

    /// The hand-offs that begin or end in one of `traces`.
    fn passages_of(&self, traces: &[TraceId]) -> Vec<Passage> {
        let is_inside =
            |span: Option<SpanReference>| span.is_some_and(|span| traces.contains(&span.trace_id));
        let others = self.audited.iter().flat_map(|audited| &audited.passages);
        let others = others
            .filter(|passage| is_inside(passage.sender) || is_inside(passage.receiver))
            .cloned();
        let of_run = self.hand_offs_of_run().filter(|hand_off| {
            let receiver = hand_off.receiver.as_ref();
            let receiver = receiver.and_then(|receiver| receiver.reference);
            is_inside(hand_off.sender.reference) || is_inside(receiver)
        });
        of_run.map(Passage::from).chain(others).collect()
    }

    /// The traces with a hand-off that broke, or that was not judged.
    fn traces_not_whole(&self) -> HashSet<TraceId> {
        let crossings = self.crossings();
        let others = crossings.filter(|crossing| !crossing.verdict.is_some_and(Verdict::holds));
        others.flat_map(Crossing::trace_ids).collect()
    }

    /// An example of a trace with a hand-off that has one of the verdicts `wanted`, if possible a
    /// record's. It prefers traces with few spans, such as those of a single record, and among them
    /// one from the middle, to avoid a cold start. If a hand-off holds under all of
    /// `wanted`, every hand-off of the example holds.
    pub fn example(&self, wanted: impl Fn(Verdict) -> bool) -> Option<TraceId> {
        let mut verdicts = Verdict::ALL.into_iter().filter(|verdict| wanted(*verdict));
        let not_whole = match verdicts.all(Verdict::holds) {
            true => self.traces_not_whole(),
            false => HashSet::new(),
        };
        [Hop::Record, Hop::Ingress].into_iter().find_map(|hop| {
            let crossings = self.crossings();
            let crossings = crossings
                .filter(|crossing| crossing.trace_ids().all(|id| !not_whole.contains(&id)));
            let mut found: Vec<(u64, Option<UnixTime>, TraceId)> = crossings
                .filter(|crossing| crossing.hop == hop && crossing.verdict.is_some_and(&wanted))
                .filter_map(|crossing| {
                    let trace_id = crossing.sender?.trace_id;
                    let traces = crossing.trace_ids();
                    let spans = traces.filter_map(|id| Some(self.table.traces.get(&id)?.spans));
                    let is_there = self.table.traces.contains_key(&trace_id);
                    is_there.then(|| (spans.sum(), crossing.start, trace_id))
                })
                .collect();
            found.sort();
            let fewest = found.first()?.0;
            found.retain(|(spans, ..)| *spans == fewest);
            Some(found[found.len() / 2].2)
        })
    }
}

/// Everything that can be reached from `start`, except `start`.
fn reachable(
    start: TraceId,
    between: &[(TraceId, TraceId)],
    direction: impl Fn((TraceId, TraceId)) -> (TraceId, TraceId),
) -> HashSet<TraceId> {
    let mut reached = HashSet::from([start]);
    loop {
        let before = reached.len();
        for pair in between {
            let (from, to) = direction(*pair);
            if reached.contains(&from) {
                reached.insert(to);
            }
        }
        if reached.len() == before {
            reached.remove(&start);
            return reached;
        }
    }
}

impl From<&audit::HandOff> for Passage {
    fn from(hand_off: &audit::HandOff) -> Passage {
        Passage {
            hop: hand_off.channel.hop(),
            verdict: Some(hand_off.verdict),
            key: hand_off.evidence.name().to_owned(),
            sender: hand_off.sender,
            receiver: hand_off.receiver,
            receiver_recorded: true,
        }
    }
}

impl From<HandOff<'_>> for Passage {
    fn from(hand_off: HandOff<'_>) -> Passage {
        let receiver = hand_off.receiver;
        Passage {
            hop: hand_off.hop,
            verdict: hand_off.verdict,
            key: match hand_off.key {
                HandOffKey::Request(id) => id.to_owned(),
                HandOffKey::Message(key) => key.sequence_number.to_owned(),
            },
            sender: hand_off.sender.reference,
            receiver: receiver.as_ref().and_then(|receiver| receiver.reference),
            receiver_recorded: receiver.is_some_and(|receiver| receiver.recorded),
        }
    }
}
