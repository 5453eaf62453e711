//! The two ends of each hand-off, and its verdict.

use std::sync::Arc;

use baton_propagators::id::TraceId;
use baton_traces::hand_off::{self, Receiver, Sender, Verdict};
use baton_traces::span::UnixTime;

use super::names::Name;
use super::periods::EdgeKey;

/// How many deliveries of one message are kept.
const MAX_DELIVERIES: usize = 8;

/// What identifies a hand-off: the kind of its id and the id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A request, by the API's id.
    Request(Arc<str>),
    /// A record, by stream, shard and sequence number.
    Record(Arc<str>),
}

/// A hand-off. At least one of its ends was seen.
#[derive(Debug, Default)]
pub(super) struct HandOff {
    pub(super) sender: Option<(Sender, Name)>,
    pub(super) receivers: Vec<(Receiver, Name)>,
    /// The stream or queue.
    pub(super) queue: Option<Name>,
    /// Where it is counted at present.
    pub(super) counted: Option<Counted>,
}

/// The place where a hand-off is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) period: usize,
    pub(super) edge: EdgeKey,
    pub(super) verdict: Option<Verdict>,
}

impl HandOff {
    pub(super) fn add_sender(&mut self, sender: Sender, service: Name) {
        self.sender.get_or_insert((sender, service));
    }

    pub(super) fn add_receiver(&mut self, receiver: Receiver, service: Name) {
        let is_known = |(known, _): &(Receiver, Name)| known.reference == receiver.reference;
        if self.receivers.len() < MAX_DELIVERIES && !self.receivers.iter().any(is_known) {
            self.receivers.push((receiver, service));
        }
    }

    /// The verdict and the receiver that it is about. Of several deliveries, the best counts.
    pub(super) fn judged(&self) -> Option<(Option<Verdict>, &(Receiver, Name))> {
        let judged = self.receivers.iter().map(|receiver| {
            let verdict = self.sender.as_ref().and_then(|(sender, _)| {
                let end = &receiver.0;
                let remote = end.parent_is_remote.unwrap_or(end.parent.is_some());
                hand_off::verdict(sender, end, remote)
            });
            (verdict, receiver)
        });
        judged.min_by_key(|(verdict, _)| (verdict.is_none(), *verdict))
    }

    /// When it happened: when the sender's span started, or else the receiver's.
    pub(super) fn time(&self) -> Option<UnixTime> {
        let sent = self.sender.as_ref().and_then(|(sender, _)| sender.start);
        sent.or_else(|| self.receivers.first()?.0.start)
    }

    /// The edge that it went over; `None` while only a client's end was seen.
    pub(super) fn edge(&self) -> Option<EdgeKey> {
        let from = self.sender.as_ref().map(|(_, service)| *service);
        let to = self.judged().map(|(_, (_, service))| *service);
        if to.is_none() && self.queue.is_none() {
            return None;
        }
        Some(EdgeKey {
            from,
            queue: self.queue,
            to,
        })
    }

    /// The traces of its ends.
    pub(super) fn trace_ids(&self) -> impl Iterator<Item = TraceId> + '_ {
        let sender = self
            .sender
            .iter()
            .filter_map(|(sender, _)| sender.reference);
        let receivers = self.receivers.iter();
        let receivers = receivers.filter_map(|(receiver, _)| receiver.reference);
        sender.chain(receivers).map(|reference| reference.trace_id)
    }
}
