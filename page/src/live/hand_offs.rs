//! One hand-off: what its ends and the audits show of it, and its verdict.

use baton_propagators::TraceId;
use baton_traces::hand_off::{self, Receiver, Sender, Verdict};
use baton_traces::span::{SpanReference, UnixTime};

use super::edges::{Counted, EdgeKey};
use super::keys::{Id, Key};
use super::names::Name;
use super::traces::Traces;

/// How many deliveries of one message are kept.
const MAX_DELIVERIES: usize = 8;

/// What an audit shows of a hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByAudit {
    /// The number of the period that was audited.
    pub(super) period: usize,
    pub(super) edge: EdgeKey,
    pub(super) verdict: Verdict,
    pub(super) sender: Option<SpanReference>,
    pub(super) receiver: Option<SpanReference>,
}

impl ByAudit {
    pub(super) fn ends(&self) -> impl Iterator<Item = SpanReference> + use<> {
        [self.sender, self.receiver].into_iter().flatten()
    }
}

/// A hand-off. At least one of its ends was seen.
#[derive(Debug)]
pub(super) struct HandOff {
    pub(super) id: Id,
    pub(super) sender: Option<Box<(Sender, Name)>>,
    pub(super) receivers: Vec<(Receiver, Name)>,
    /// The stream or queue.
    pub(super) queue: Option<Name>,
    /// When a function logged one of its ends, if that end was not sampled.
    pub(super) logged: Option<UnixTime>,
    /// What an audit shows, if ids do not match its ends.
    pub(super) by_audit: Option<Box<ByAudit>>,
    /// The hand-off that an audit found to be the same one. It counts there.
    pub(super) counts_as: Option<Key>,
    /// The verdict by ids, and the place of the receiver that it is about.
    by_ids: Option<(Option<Verdict>, usize)>,
    /// Where it is counted at present.
    pub(super) counted: Option<Counted>,
}

impl HandOff {
    pub(super) fn new(id: Id) -> HandOff {
        HandOff {
            id,
            sender: None,
            receivers: Vec::new(),
            queue: None,
            logged: None,
            by_audit: None,
            counts_as: None,
            by_ids: None,
            counted: None,
        }
    }

    /// Adds the sender. A span shows more than a log. Returns whether it was taken.
    pub(super) fn add_sender(&mut self, sender: Sender, service: Name) -> bool {
        let is_better = |known: &(Sender, Name)| sender.recorded && !known.0.recorded;
        let is_taken = self.sender.as_deref().is_none_or(is_better);
        if is_taken {
            self.sender = Some(Box::new((sender, service)));
        }
        is_taken
    }

    /// Adds a receiver. Returns whether it was taken.
    pub(super) fn add_receiver(&mut self, receiver: Receiver, service: Name) -> bool {
        let is_known = |(known, _): &(Receiver, Name)| known.reference == receiver.reference;
        let is_taken =
            self.receivers.len() < MAX_DELIVERIES && !self.receivers.iter().any(is_known);
        if is_taken {
            self.receivers.push((receiver, service));
        }
        is_taken
    }

    /// Judges it by ids. Of several deliveries, the best counts. Returns the spans that could
    /// change the verdict if they arrived.
    pub(super) fn judge(&mut self, traces: &Traces) -> Vec<SpanReference> {
        let mut awaited = Vec::new();
        if let Some(end) = self.sender.as_deref_mut() {
            let (sender, service) = (&mut end.0, end.1);
            let is_near = |receiver: &Receiver| {
                let trace = sender.reference.map(|sender| sender.trace_id);
                let links = receiver.links.iter().map(|link| link.to);
                links
                    .chain(receiver.reference)
                    .any(|near| Some(near.trace_id) == trace)
            };
            if self.receivers.iter().any(|(receiver, _)| is_near(receiver)) {
                awaited.extend(traces.look_above(sender, service));
                for (receiver, _) in &self.receivers {
                    traces.look_below(sender, receiver, &mut awaited);
                }
            }
        }
        let sender = self.sender.as_deref().map(|(sender, _)| sender);
        let receivers = self.receivers.iter().enumerate();
        let judged = receivers.map(|(place, (receiver, service))| {
            let is_remote = traces.has_remote_parent(receiver, *service, &mut awaited);
            let verdict = sender.and_then(|sender| hand_off::verdict(sender, receiver, is_remote));
            (verdict, place)
        });
        self.by_ids = judged.min_by_key(|(verdict, _)| (verdict.is_none(), *verdict));
        match self.verdict_by_ids() {
            Some(verdict) if !verdict.holds() => awaited,
            _ => Vec::new(),
        }
    }

    /// The verdict by ids alone.
    pub(super) fn verdict_by_ids(&self) -> Option<Verdict> {
        self.by_ids.and_then(|(verdict, _)| verdict)
    }

    /// The verdict; `None` if there is none yet.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let by_audit = || self.by_audit.as_ref().map(|found| found.verdict);
        self.verdict_by_ids().or_else(by_audit)
    }

    fn receiver(&self) -> Option<&(Receiver, Name)> {
        self.receivers.get(self.by_ids?.1)
    }

    /// The service that the verdict by ids is about.
    pub(super) fn receiving_service(&self) -> Option<Name> {
        self.receiver().map(|(_, service)| *service)
    }

    /// Whether one of its ends was not sampled, and is known from the log.
    pub(super) fn has_unsampled_end(&self) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|end| !end.0.recorded)
            || self.receiver().is_some_and(|(end, _)| !end.recorded)
    }

    /// When it happened: when the sender's span started, or else the receiver's.
    pub(super) fn time(&self) -> Option<UnixTime> {
        let sent = self.sender.as_ref().and_then(|end| end.0.start);
        let received = || self.receivers.first()?.0.start;
        sent.or_else(received).or(self.logged)
    }

    /// The edge that it went over.
    pub(super) fn edge(&self) -> EdgeKey {
        let by_audit = self.by_audit.as_ref().map(|found| found.edge);
        let by_ids = EdgeKey {
            from: self.sender.as_ref().map(|end| end.1),
            queue: self.queue,
            to: self.receiving_service(),
        };
        EdgeKey {
            from: by_ids.from.or(by_audit.and_then(|edge| edge.from)),
            queue: by_ids.queue.or(by_audit.and_then(|edge| edge.queue)),
            to: by_ids.to.or(by_audit.and_then(|edge| edge.to)),
        }
    }

    /// Whether only a client's end was seen. Most such requests are answered by a function whose
    /// span arrives soon after.
    pub(super) fn is_clients_alone(&self) -> bool {
        let edge = self.edge();
        edge.to.is_none() && edge.queue.is_none()
    }

    /// The traces of its ends, as far as they left spans. The sender's comes first.
    pub(super) fn trace_ids(&self) -> impl Iterator<Item = TraceId> + '_ {
        let sender = self.sender.iter().map(|end| &end.0);
        let sender = sender.filter(|sender| sender.recorded);
        let sender = sender.filter_map(|sender| sender.reference);
        let receivers = self.receivers.iter().map(|(receiver, _)| receiver);
        let receivers = receivers.filter(|receiver| receiver.recorded);
        let receivers = receivers.filter_map(|receiver| receiver.reference);
        let by_audit = self.by_audit.iter().flat_map(|found| found.ends());
        let ends = sender.chain(receivers).chain(by_audit);
        ends.map(|reference| reference.trace_id)
    }
}
