//! Finds the hand-offs that a span is an end of, and keeps their counts true.

use std::sync::Arc;

use baton_propagators::id::TraceId;
use baton_traces::hand_off::{MessageKey, Receiver, Role, Sender};
use baton_traces::span::{Key as Attribute, Kind, Span, SpanReference};

use super::Held;
use super::hand_offs::{Counted, HandOff, Key};
use super::names::Name;

impl Held {
    /// Adds what `span` shows about hand-offs.
    pub(super) fn add_ends(&mut self, span: &Span<'_>, service: Name) {
        let key = match Role::of(span) {
            Role::ClientRequest {
                request_id: Some(id),
            } => {
                let key = Key::Request(id.into());
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.add_sender(Sender::client(span), service);
                Some(key)
            }
            Role::ServerRequest { request_id } => {
                let key = Key::Request(request_id.into());
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.add_receiver(Receiver::recorded(span), service);
                Some(key)
            }
            Role::Send(message) => {
                let key = record_key(message);
                let queue = self.names.number(message.stream);
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.queue = Some(queue);
                hand_off.add_sender(Sender::recorded(span), service);
                Some(key)
            }
            Role::Receive(message) => {
                let key = record_key(message);
                let queue = self.names.number(message.stream);
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.queue = Some(queue);
                hand_off.add_receiver(Receiver::recorded(span), service);
                Some(key)
            }
            Role::ClientRequest { request_id: None } | Role::Other => self.call(span, service),
        };
        if let Some(key) = key {
            if let Some(entry) = self.traces.get_mut(&span.reference.trace_id) {
                entry.add_hand_off(&key);
            }
            self.find_caller(&key, span, service);
            self.count(&key);
        }
        self.wake(span, service);
    }

    /// The call that a span without an id receives; `None` if it receives none, or if its parent is
    /// in its own service.
    fn call(&mut self, span: &Span<'_>, service: Name) -> Option<Key> {
        let receives = matches!(span.kind, Kind::Server | Kind::Consumer);
        if !receives || span.parent_is_remote == Some(false) {
            return None;
        }
        parent(span)?;
        let key = Key::Call(text_of(span.reference).into());
        let queue = span.attributes.text(Attribute::Destination);
        let queue = queue.filter(|_| span.kind == Kind::Consumer);
        let queue = queue.map(|queue| self.names.number(queue));
        let hand_off = self.hand_offs.entry(key.clone()).or_default();
        hand_off.queue = queue;
        hand_off.add_receiver(Receiver::recorded(span), service);
        Some(key)
    }

    /// Looks for the receiver's parent in another service, or notes that it is missing.
    fn find_caller(&mut self, key: &Key, span: &Span<'_>, service: Name) {
        if span.kind.is_sender() {
            return;
        }
        let Some(parent) = parent(span) else { return };
        let Some(entry) = self.traces.get_mut(&span.reference.trace_id) else {
            return;
        };
        let mut ends = entry.ends.iter();
        let caller = ends.find(|(id, _, other)| *id == parent && *other != service);
        match caller {
            Some((_, _, caller)) => {
                let caller = *caller;
                if let Some(hand_off) = self.hand_offs.get_mut(key) {
                    hand_off.caller = Some(caller);
                }
            }
            None if entry.waiting.len() < entry.ends.len() => {
                entry.waiting.push((parent, key.clone()));
            }
            None => {}
        }
    }

    /// Counts the hand-offs again that waited for this span.
    fn wake(&mut self, span: &Span<'_>, service: Name) {
        let Some(entry) = self.traces.get_mut(&span.reference.trace_id) else {
            return;
        };
        let id = span.reference.span_id;
        let woken: Vec<Key> = entry
            .waiting
            .extract_if(.., |(parent, _)| *parent == id)
            .map(|(_, key)| key)
            .collect();
        for key in woken {
            if let Some(hand_off) = self.hand_offs.get_mut(&key) {
                let is_own = hand_off.receivers.iter().any(|(_, own)| *own == service);
                hand_off.caller = (!is_own).then_some(service).or(hand_off.caller);
            }
            self.count(&key);
        }
    }

    /// Counts a hand-off where it belongs now.
    fn count(&mut self, key: &Key) {
        let Some(hand_off) = self.hand_offs.get(key) else {
            return;
        };
        // a call is known only when its caller is
        let is_known = !matches!(key, Key::Call(_)) || hand_off.caller.is_some();
        let counted = hand_off.edge().filter(|_| is_known).map(|edge| Counted {
            period: self.period_at(hand_off.time()),
            edge,
            verdict: hand_off.judged().and_then(|(verdict, _)| verdict),
        });
        let before = hand_off.counted;
        if before == counted {
            return;
        }
        let example = example(hand_off);
        if let Some(before) = before {
            self.periods[before.period].uncount(&before);
        }
        if let Some(counted) = &counted {
            self.periods[counted.period].count(counted, example, before.is_none());
        }
        if let Some(hand_off) = self.hand_offs.get_mut(key) {
            hand_off.counted = counted;
        }
    }
}

/// The trace by which a hand-off is shown: its sender's, or else its receiver's.
fn example(hand_off: &HandOff) -> Option<TraceId> {
    hand_off.trace_ids().next()
}

/// The parent's id. In B3, a receiver may share the id of its caller's span.
fn parent(span: &Span<'_>) -> Option<baton_propagators::id::SpanId> {
    let own = (span.parent_is_remote == Some(true)).then_some(span.reference.span_id);
    span.parent_span_id.or(own)
}

fn record_key(message: MessageKey<'_>) -> Key {
    let MessageKey {
        stream,
        shard,
        sequence_number,
    } = message;
    Key::Record(Arc::from(format!("{stream}/{shard}/{sequence_number}")))
}

fn text_of(span: SpanReference) -> String {
    format!("{}/{}", span.trace_id, span.span_id)
}
