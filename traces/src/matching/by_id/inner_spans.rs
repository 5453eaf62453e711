//! The spans above and below a sender in its service. A context may be injected by hand while one
//! above it is active, or by an HTTP client below it.

use baton_propagators::SpanId;

use super::end::End;
use super::shards::{Ends, Inner};
use crate::hand_off::{self, Sender};
use crate::span::{Span, SpanReference};

impl Ends {
    /// Adds a span whose role has no id. It may lead to a span above it in its service.
    pub(super) fn add_other(&mut self, span: &Span<'_>) {
        let trace = span.reference.trace_id.to_bytes();
        let id = self.hash((trace, span.reference.span_id.to_bytes()));
        let Some(parent) = hand_off::leads_up(span) else {
            self.add_top(id);
            return;
        };
        let is_unsaid = span.parent_is_remote.is_none();
        let inner = Inner {
            span: id,
            parent: u64::from_be_bytes(parent.to_bytes()),
            service: is_unsaid.then(|| self.names.intern(span.service)),
        };
        self.add_inner(inner);
    }

    /// The spans above the parent of `sender` in its service, the nearest first.
    pub(super) fn above(&self, sender: &End) -> Vec<SpanId> {
        let mut above = Vec::new();
        let mut next = sender.parent;
        // the parent itself is not inner if it is the other end of a hand-off
        while let Some(inner) = self.inner(self.hash((sender.trace, next.to_be_bytes())))
            && above.len() < Sender::MAX_ABOVE
        {
            let Some(parent) = SpanId::from_bytes(inner.parent.to_be_bytes()) else {
                break;
            };
            if !self.is_local(inner) {
                break;
            }
            above.push(parent);
            next = inner.parent;
        }
        above
    }

    /// Whether the span with this id is below `sender` in its service.
    pub(super) fn is_below(&self, span: SpanId, sender: SpanReference) -> bool {
        let trace = sender.trace_id.to_bytes();
        let sender = u64::from_be_bytes(sender.span_id.to_bytes());
        let mut next = u64::from_be_bytes(span.to_bytes());
        for _ in 0..Sender::MAX_ABOVE {
            match self.inner(self.hash((trace, next.to_be_bytes()))) {
                Some(inner) if self.is_local(inner) => next = inner.parent,
                _ => return false,
            }
            if next == sender {
                return true;
            }
        }
        false
    }

    /// Whether the parent of `inner` is in its own service.
    fn is_local(&self, inner: &Inner) -> bool {
        inner
            .service
            .is_none_or(|service| self.has_without_flags(service, inner.parent))
    }
}
