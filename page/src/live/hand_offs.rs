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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// When a function logged one of its ends, if that end was not sampled.
    pub(super) logged: Option<UnixTime>,
    /// Where it is counted at present.
    pub(super) counted: Option<Counted>,
}

/// The place where a hand-off is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) period: usize,
    pub(super) edge: EdgeKey,
    pub(super) verdict: Option<Verdict>,
    /// Whether one of its ends was not sampled, and is known from the log.
    pub(super) is_unsampled: bool,
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

    /// Whether one of its ends was not sampled, and is known from the log.
    pub(super) fn has_unsampled_end(&self) -> bool {
        let sender = self.sender.as_ref();
        let receiver = self.judged().map(|(_, receiver)| &receiver.0);
        sender.is_some_and(|(sender, _)| !sender.recorded)
            || receiver.is_some_and(|receiver| !receiver.recorded)
    }

    /// When it happened: when the sender's span started, or else the receiver's.
    pub(super) fn time(&self) -> Option<UnixTime> {
        let sent = self.sender.as_ref().and_then(|(sender, _)| sender.start);
        let received = || self.receivers.first()?.0.start;
        sent.or_else(received).or(self.logged)
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

    /// The traces of its ends, as far as they left spans.
    pub(super) fn trace_ids(&self) -> impl Iterator<Item = TraceId> + '_ {
        let sender = self.sender.iter().map(|(sender, _)| sender);
        let sender = sender.filter(|sender| sender.recorded);
        let sender = sender.filter_map(|sender| sender.reference);
        let receivers = self.receivers.iter().map(|(receiver, _)| receiver);
        let receivers = receivers.filter(|receiver| receiver.recorded);
        let receivers = receivers.filter_map(|receiver| receiver.reference);
        sender.chain(receivers).map(|reference| reference.trace_id)
    }
}
