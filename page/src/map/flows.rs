//! What went between services in one period: the edges with what audits say about them.

use std::collections::BTreeMap;

use baton_propagators::TraceId;
use baton_traces::audit::Between;
use baton_traces::hand_off::Verdict;

use crate::live::{EdgeCount, EdgeKey, Held, Name, Period};

/// The hand-offs over one edge. Names are as spans have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// The sender; `None` if it left no span.
    pub(super) from: Option<String>,
    /// The stream or queue.
    pub(super) queue: Option<String>,
    /// The receiver; `None` if it left no span yet.
    pub(super) to: Option<String>,
    /// Whether these are all edges that are not listed.
    pub(super) is_further: bool,
    /// How many hand-offs.
    pub(super) count: u64,
    /// How many per second, over the last seconds.
    pub(super) rate: f64,
    /// How many have an end that was not sampled, and is known from the log.
    pub(super) unsampled: u64,
    /// How many left memory before they had a verdict.
    pub(super) left_unjudged: u64,
    /// How many have each verdict.
    pub(super) verdicts: BTreeMap<Verdict, u64>,
    /// How many more broke, although it is unknown which.
    pub(super) ambiguous: Between,
    /// Whether more may have broken, in traces that have left memory.
    pub(super) more_may_have_broken: bool,
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
        let broken = broken.filter(|(verdict, _)| !verdict.holds());
        let broken = broken.map(|(_, count)| count).sum::<u64>() + self.ambiguous.at_least;
        // an audit knew that some had, but not which
        broken.max(u64::from(self.more_may_have_broken))
    }

    fn of(held: &Held, key: &EdgeKey, edge: &EdgeCount) -> Flow {
        let name = |name: Option<Name>| name.map(|name| held.name(name).to_owned());
        Flow {
            from: name(key.from),
            queue: name(key.queue),
            to: name(key.to),
            is_further: *key == EdgeKey::FURTHER,
            count: edge.count,
            rate: edge.rate(),
            unsampled: edge.unsampled,
            left_unjudged: edge.left_unjudged,
            verdicts: edge.verdicts.clone(),
            more_may_have_broken: edge.more_may_have_broken,
            examples: edge.examples.clone(),
            ..Flow::default()
        }
    }
}

/// Whether these are records whose receivers were seen, and whose senders may still arrive.
pub(super) fn may_gain_a_sender(key: &EdgeKey, edge: &EdgeCount) -> bool {
    key.from.is_none() && key.queue.is_some() && edge.may_be_on_its_way()
}

/// All edges of a period. An ambiguous hand-off may be the only one on its edge. A record whose
/// receiver is seen before its sender has no edge at first: it would come and go in a burst.
pub(super) fn flows(held: &Held, period: &Period) -> Vec<Flow> {
    let edges = period.edges.iter();
    let edges = edges.filter(|(key, edge)| !may_gain_a_sender(key, edge));
    let mut flows: BTreeMap<EdgeKey, Flow> = edges
        .map(|(key, edge)| (*key, Flow::of(held, key, edge)))
        .collect();
    let notes = &period.audit.notes;
    for (key, between) in &notes.ambiguous {
        let flow = flows.entry(*key);
        let flow = flow.or_insert_with(|| Flow::of(held, key, &EdgeCount::default()));
        flow.count += between.at_least;
        flow.ambiguous = *between;
    }
    for (key, cause) in &notes.causes {
        if let Some(flow) = flows.get_mut(key) {
            flow.cause = Some(cause.clone());
        }
    }
    flows.into_values().collect()
}
