//! The spans above and below an end in its service. A context may be injected by hand while one
//! above it is active, or by an HTTP client below it. A run has all spans before it judges; here a
//! span may come after the ends that it leads to, so these wait for it.

use std::collections::{BTreeSet, HashMap, HashSet};

use baton_propagators::SpanId;
use baton_traces::hand_off::{self, Role, Sender};
use baton_traces::span::Span;

use super::keys::Key;
use super::names::Name;

/// The spans of one trace that lead from one span to another of the same service.
#[derive(Debug, Default)]
pub(super) struct InnerSpans {
    /// The parents of the spans that lead up. With its service, if the exporter does not say
    /// whether the parent is remote.
    parents: HashMap<SpanId, (SpanId, Option<Name>)>,
    /// The spans whose exporter does not say whether their parent is remote.
    without_flags: HashSet<(SpanId, Name)>,
    /// The hand-offs that a span could change if it arrived.
    waiting: BTreeSet<(SpanId, Key)>,
}

impl InnerSpans {
    /// Adds a span. Returns the hand-offs that have to be judged again.
    pub(super) fn add(&mut self, span: &Span<'_>, role: Role<'_>, service: Name) -> Vec<Key> {
        let id = span.reference.span_id;
        let is_unsaid = span.parent_is_remote.is_none();
        let parent = hand_off::leads_up(span).filter(|_| !role.has_id());
        if let Some(parent) = parent {
            let service = is_unsaid.then_some(service);
            self.parents.insert(id, (parent, service));
        }
        if is_unsaid {
            self.without_flags.insert((id, service));
        }
        let waiting = self.waiting.range((id, Key::MIN)..=(id, Key::MAX));
        let keys: Vec<Key> = waiting.map(|(_, key)| *key).collect();
        for key in &keys {
            self.waiting.remove(&(id, *key));
        }
        keys
    }

    /// Lets a hand-off wait for a span.
    pub(super) fn wait(&mut self, span: SpanId, key: Key) {
        self.waiting.insert((span, key));
    }

    /// Whether the span is of this service, as far as exporters without flags are concerned.
    pub(super) fn is_of(&self, span: SpanId, service: Name) -> bool {
        self.without_flags.contains(&(span, service))
    }

    /// The spans above `parent` in its service, the nearest first, and the span that could lead
    /// further up if it arrived.
    pub(super) fn chain(&self, parent: SpanId) -> (Vec<SpanId>, SpanId) {
        let mut above = Vec::new();
        let mut next = parent;
        while above.len() < Sender::MAX_ABOVE
            && let Some((parent, service)) = self.parents.get(&next)
        {
            next = *parent;
            if service.is_some_and(|service| !self.is_of(*parent, service)) {
                break;
            }
            above.push(*parent);
        }
        (above, next)
    }
}
