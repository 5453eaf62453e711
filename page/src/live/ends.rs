//! Finds the hand-offs that a span is an end of, and keeps their counts true.

use baton_propagators::id::TraceId;
use baton_traces::hand_off::{Receiver, Role, Sender};
use baton_traces::span::Span;

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
                let key = Key::record(message);
                let queue = self.names.number(message.stream);
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.queue = Some(queue);
                hand_off.add_sender(Sender::recorded(span), service);
                Some(key)
            }
            Role::Receive(message) => {
                let key = Key::record(message);
                let queue = self.names.number(message.stream);
                let hand_off = self.hand_offs.entry(key.clone()).or_default();
                hand_off.queue = Some(queue);
                hand_off.add_receiver(Receiver::recorded(span), service);
                Some(key)
            }
            Role::ClientRequest { request_id: None } | Role::Other => None,
        };
        if let Some(key) = key {
            if let Some(entry) = self.traces.get_mut(&span.reference.trace_id) {
                entry.add_hand_off(&key);
            }
            self.count(&key);
        }
    }

    /// Counts a hand-off where it belongs now.
    pub(super) fn count(&mut self, key: &Key) {
        let Some(hand_off) = self.hand_offs.get(key) else {
            return;
        };
        let counted = hand_off.edge().map(|edge| Counted {
            period: self.period_at(hand_off.time()),
            edge,
            verdict: hand_off.judged().and_then(|(verdict, _)| verdict),
            is_unsampled: hand_off.has_unsampled_end(),
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
            // a record comes to its edge when its receiver is seen
            let is_new = before.is_none_or(|before| before.edge != counted.edge);
            self.periods[counted.period].count(counted, example, is_new);
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
