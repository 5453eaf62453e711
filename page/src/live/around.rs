//! The spans above and below an end in its service. A context may be injected by hand while one
//! above it is active, or by an HTTP client below it. A run has all spans before it judges; here a
//! span may come after the ends that it leads to, so these wait for it.

use std::collections::{BTreeSet, HashMap, HashSet};

use baton_propagators::id::SpanId;
use baton_traces::hand_off::{self, Receiver, Role, Sender};
use baton_traces::span::{Span, SpanReference};

use super::hand_offs::Key;
use super::names::Name;
use super::traces::Traces;

/// The spans of one trace that lead from one span to another of the same service.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// The parents of the spans that lead up. With its service, if the exporter does not say
    /// whether the parent is remote.
    parents: HashMap<SpanId, (SpanId, Option<Name>)>,
    /// The spans whose exporter does not say whether their parent is remote.
    without_flags: HashSet<(SpanId, Name)>,
    /// The hand-offs that a span could change, if it came.
    waiting: BTreeSet<(SpanId, Key)>,
}

impl Around {
    /// Adds a span. Gives the hand-offs that have to be judged again.
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
    fn is_of(&self, span: SpanId, service: Name) -> bool {
        self.without_flags.contains(&(span, service))
    }

    /// The spans above `parent` in its service, the nearest first, and the span that could lead
    /// further up if it came.
    fn chain(&self, parent: SpanId) -> (Vec<SpanId>, SpanId) {
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

impl Traces {
    /// Finds the spans above a sender. Gives the span that could show more if it came.
    pub(super) fn look_above(&self, sender: &mut Sender, service: Name) -> Option<SpanReference> {
        let (reference, parent) = (sender.reference?, sender.parent?);
        let around = &self.get(reference.trace_id)?.around;
        if sender.parent_is_remote.is_none() && around.is_of(parent, service) {
            sender.parent_is_remote = Some(false);
        }
        let (chain, span_id) = around.chain(parent);
        for above in chain {
            if !sender.around.contains(&above) {
                sender.around.push(above);
            }
        }
        Some(SpanReference {
            span_id,
            ..reference
        })
    }

    /// Finds the spans below a sender that a receiver has as its parent or a link. Adds the spans
    /// that could show more if they came to `awaited`.
    pub(super) fn look_below(
        &self,
        sender: &mut Sender,
        receiver: &Receiver,
        awaited: &mut Vec<SpanReference>,
    ) {
        let Some(from) = sender.reference else {
            return;
        };
        let Some(entry) = self.get(from.trace_id) else {
            return;
        };
        for span in receiver.named_in(from.trace_id) {
            if span == from.span_id || sender.around.contains(&span) {
                continue;
            }
            let (above, span_id) = entry.around.chain(span);
            match above.contains(&from.span_id) {
                true => sender.around.push(span),
                false => awaited.push(SpanReference { span_id, ..from }),
            }
        }
    }

    /// Whether the parent of a receiver is in another process. If its span does not say so, it is,
    /// unless its service has a span with the parent's id. Such a span is awaited.
    pub(super) fn has_remote_parent(
        &self,
        receiver: &Receiver,
        service: Name,
        awaited: &mut Vec<SpanReference>,
    ) -> bool {
        if let Some(is_remote) = receiver.parent_is_remote {
            return is_remote;
        }
        let (Some(parent), Some(reference)) = (receiver.parent, receiver.reference) else {
            return receiver.parent.is_some();
        };
        let entry = self.get(reference.trace_id).filter(|_| receiver.recorded);
        let is_local = entry.is_some_and(|entry| entry.around.is_of(parent, service));
        if !is_local {
            awaited.push(SpanReference {
                span_id: parent,
                ..reference
            });
        }
        !is_local
    }
}
