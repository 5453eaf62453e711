//! What went between services in one period: the edges that ids show, and those that an audit
//! found.

use std::collections::BTreeMap;

use baton_propagators::id::TraceId;
use baton_traces::audit::{Between, ChannelKind, Edge};
use baton_traces::hand_off::Verdict;

use crate::live::{AuditedEdge, EdgeCount, EdgeKey, Held, Period};

/// The hand-offs over one edge. Names are as spans have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// The sender; `None` if it left no span.
    pub(super) from: Option<String>,
    /// The stream or queue.
    pub(super) queue: Option<String>,
    /// The receiver; `None` if it left no span yet.
    pub(super) to: Option<String>,
    /// How many hand-offs.
    pub(super) count: u64,
    /// How many per second, lately.
    pub(super) rate: f64,
    /// How many have an end that was not sampled, and is known from the log.
    pub(super) unsampled: u64,
    /// How many have each verdict.
    pub(super) verdicts: BTreeMap<Verdict, u64>,
    /// How many more broke, without it being known which.
    pub(super) ambiguous: Between,
    /// A trace with each verdict.
    pub(super) examples: BTreeMap<Verdict, TraceId>,
    /// What broke it, if spans show it.
    pub(super) cause: Option<String>,
}

impl Flow {
    /// How many hand-offs have a verdict.
    pub(super) fn judged(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// How many hand-offs are known to have broken, at least.
    pub(super) fn broken(&self) -> u64 {
        let broken = self.verdicts.iter();
        let broken = broken.filter(|(verdict, _)| !verdict.is_whole());
        broken.map(|(_, count)| count).sum::<u64>() + self.ambiguous.at_least
    }

    /// An edge that ids show.
    fn by_id(held: &Held, key: &EdgeKey, edge: &EdgeCount) -> Flow {
        let name = |name: Option<crate::live::Name>| name.map(|name| held.name(name).to_owned());
        Flow {
            from: name(key.from),
            queue: name(key.queue),
            to: name(key.to),
            count: edge.count,
            rate: edge.rate(),
            unsampled: edge.unsampled,
            verdicts: edge.verdicts.clone(),
            examples: edge.examples.clone(),
            ..Flow::default()
        }
    }

    /// An edge that an audit found.
    fn audited(audited: &AuditedEdge) -> Flow {
        let Edge {
            from,
            to,
            channel,
            handoffs,
            verdicts,
            ambiguous,
            cause,
            examples,
            ..
        } = &audited.edge;
        let ends = |example: &baton_traces::audit::Example| {
            let end = example.sender.or(example.receiver)?;
            Some((example.verdict, end.trace_id))
        };
        let is_message = channel.kind == ChannelKind::Messaging;
        Flow {
            from: Some(from.clone()),
            queue: channel.destination.clone().filter(|_| is_message),
            to: Some(to.clone()),
            count: handoffs + ambiguous.at_least,
            rate: audited.rate(),
            verdicts: verdicts.clone(),
            ambiguous: *ambiguous,
            examples: examples.iter().filter_map(ends).collect(),
            cause: cause.clone(),
            ..Flow::default()
        }
    }
}

/// All edges of a period.
pub(super) fn flows(held: &Held, period: &Period) -> Vec<Flow> {
    let audited = period.audited.iter().flat_map(|audited| &audited.edges);
    let audited: Vec<Flow> = audited.map(Flow::audited).collect();
    let by_id = period.edges.iter();
    let by_id = by_id.map(|(key, edge)| Flow::by_id(held, key, edge));
    let mut flows: Vec<Flow> = by_id
        .filter_map(|flow| without_known_senders(flow, &audited))
        .collect();
    flows.extend(audited);
    flows
}

/// Requests without a client's span may be those that an audit matched to another service's calls.
/// They count once.
fn without_known_senders(mut flow: Flow, audited: &[Flow]) -> Option<Flow> {
    if flow.from.is_some() {
        return Some(flow);
    }
    let same = audited
        .iter()
        .filter(|other| other.to == flow.to && other.queue == flow.queue);
    let known: u64 = same.map(|other| other.count).sum();
    if known == 0 {
        return Some(flow);
    }
    flow.count = flow.count.saturating_sub(known);
    (flow.count > 0).then_some(flow)
}
