//! Finds the hand-offs that a span is an end of, and keeps their counts true. A hand-off counts
//! once: when it has left memory, ends of it that come late change nothing.

use baton_propagators::TraceId;
use baton_traces::hand_off::{Receiver, Role, Sender};
use baton_traces::span::Span;

use super::Held;
use super::edges::Counted;
use super::hand_offs::HandOff;
use super::keys::{Id, Key};
use super::names::Name;

impl Held {
    /// Adds what `span`, in its `role`, shows about hand-offs.
    pub(super) fn add_ends(&mut self, span: &Span<'_>, role: Role<'_>, service: Name) {
        let Some((id, _)) = Id::of(role) else {
            return;
        };
        let queue = match role {
            Role::Send(message) | Role::Receive(message) => Some(self.names.number(message.stream)),
            _ => None,
        };
        let Some((key, hand_off)) = self.hand_off(id) else {
            return;
        };
        let trace_id = span.reference.trace_id;
        let is_noted = hand_off.trace_ids().any(|id| id == trace_id);
        hand_off.queue = hand_off.queue.or(queue);
        let is_taken = match role {
            Role::ClientRequest { .. } => hand_off.add_sender(Sender::client(span), service),
            Role::Send(_) => hand_off.add_sender(Sender::recorded(span), service),
            _ => hand_off.add_receiver(Receiver::recorded(span), service),
        };
        if is_taken
            && !is_noted
            && let Some(entry) = self.traces.get_mut(trace_id)
        {
            entry.hand_offs.push(key);
        }
        self.judge(key);
    }

    /// The hand-off with this id, made if it is not held; `None` if it has left memory.
    pub(super) fn hand_off(&mut self, id: Id) -> Option<(Key, &mut HandOff)> {
        let key = self.keys.of(&id);
        if self.left_hand_offs.contains(&key) {
            return None;
        }
        let hand_off = self.hand_offs.entry(key);
        let hand_off = hand_off.or_insert_with(|| Box::new(HandOff::new(id)));
        Some((key, hand_off))
    }

    /// Judges a hand-off by what is held, and counts it where it belongs now.
    pub(super) fn judge(&mut self, key: Key) {
        let Some(hand_off) = self.hand_offs.get_mut(&key) else {
            return;
        };
        for awaited in hand_off.judge(&self.traces) {
            if let Some(entry) = self.traces.get_mut(awaited.trace_id) {
                entry.inner_spans.wait(awaited.span_id, key);
            }
        }
        self.count(key);
    }

    /// Counts a hand-off where it belongs now.
    pub(super) fn count(&mut self, key: Key) {
        let Some(hand_off) = self.hand_offs.get(&key) else {
            return;
        };
        let is_counted = hand_off.counts_as.is_none() && !hand_off.is_clients_alone();
        let counted = is_counted.then(|| self.place_of(hand_off));
        self.count_as(key, counted);
    }

    /// The place where a hand-off counts.
    fn place_of(&self, hand_off: &HandOff) -> Counted {
        let by_audit = hand_off.by_audit.as_ref().map(|found| found.period);
        let period = match hand_off.time() {
            None => by_audit.unwrap_or_else(|| self.periods.last()),
            time => self.periods.at(time),
        };
        let edge = hand_off.edge();
        let edges = self.periods.get(period).map(|period| &period.edges);
        Counted {
            period,
            edge: edges.map_or(edge, |edges| edges.place_of(edge)),
            verdict: hand_off.verdict(),
            is_unsampled: hand_off.has_unsampled_end(),
        }
    }

    fn count_as(&mut self, key: Key, counted: Option<Counted>) {
        let Some(hand_off) = self.hand_offs.get_mut(&key) else {
            return;
        };
        let before = std::mem::replace(&mut hand_off.counted, counted);
        if before == counted {
            return;
        }
        let example = example(hand_off);
        if let Some(before) = before
            && let Some(period) = self.periods.get_mut(before.period)
        {
            period.edges.uncount(&before);
        }
        if let Some(counted) = &counted
            && let Some(period) = self.periods.get_mut(counted.period)
        {
            // the edge of a record is known only when its receiver is seen
            let is_new = before.is_none_or(|before| before.edge != counted.edge);
            period.edges.count(counted, example, is_new);
        }
    }

    /// Removes a hand-off from memory. It stays counted. If it has no verdict, it never gets one,
    /// and its edge says so.
    pub(super) fn leave(&mut self, key: Key) {
        let Some(hand_off) = self.hand_offs.get(&key) else {
            return;
        };
        if hand_off.counts_as.is_none() && hand_off.counted.is_none() {
            let counted = self.place_of(hand_off);
            self.count_as(key, Some(counted));
        }
        let Some(hand_off) = self.hand_offs.remove(&key) else {
            return;
        };
        if let Some(counted) = &hand_off.counted
            && let Some(period) = self.periods.get_mut(counted.period)
        {
            period.edges.leave(counted);
        }
        self.left_hand_offs.insert(key);
    }
}

/// The trace by which a hand-off is shown: its sender's, or else its receiver's.
fn example(hand_off: &HandOff) -> Option<TraceId> {
    hand_off.trace_ids().next()
}
