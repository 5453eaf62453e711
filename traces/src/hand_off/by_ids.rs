//! The verdict on two ends that belong together, and the flags, from their ids and contexts alone.
//! This file looks at the ends of a run; `matching::spans::verdict` looks at those of an export.

use baton_propagators::{SpanId, TraceContext, TraceId};

use super::{Flags, Receiver, Sender, Verdict};
use crate::span::SpanReference;

/// The verdict on a delivered message.
///
/// `remote_parent` says whether the receiver's parent is in another process. `None` means that
/// neither end has a span, so there is nothing to judge.
///
/// A receiver without a recorded span is judged by the ids in its log. It is `unsampled` if its
/// sender was sampled and a context arrived: the sender's, another one that it continued, or
/// headers that it could not read.
pub fn verdict(sender: &Sender, receiver: &Receiver, remote_parent: bool) -> Option<Verdict> {
    let sender_sampled = sender.sampled == Some(true);
    match (sender.reference, receiver.reference) {
        (Some(from), Some(at)) => {
            let by_ids = verdict_by_ids(sender, from, receiver, at, remote_parent);
            let turned_off =
                !receiver.recorded && receiver.sampled == Some(false) && sender_sampled;
            let arrived = by_ids != Verdict::NewTrace || receiver.carrier == Some(true);
            Some(if turned_off && arrived {
                Verdict::Unsampled
            } else {
                by_ids
            })
        }
        // The sender had no context to hand over.
        (None, Some(_)) if remote_parent => Some(Verdict::WrongTrace),
        (None, Some(_)) => Some(Verdict::NewTrace),
        (Some(_), None) => sender_sampled.then_some(Verdict::Unsampled),
        (None, None) => None,
    }
}

fn verdict_by_ids(
    sender: &Sender,
    from: SpanReference,
    receiver: &Receiver,
    at: SpanReference,
    remote_parent: bool,
) -> Verdict {
    // a context that is injected by hand is often that of a span which was active, and some HTTP
    // clients inject that of their own span below
    let active = sender
        .parent
        .filter(|_| sender.parent_is_remote == Some(false));
    let is_senders = |span: SpanId| {
        span == from.span_id || Some(span) == active || sender.around.contains(&span)
    };
    let links_to_sender =
        |to: SpanReference| to.trace_id == from.trace_id && is_senders(to.span_id);
    let by_ids = ByIds {
        sender: from.trace_id,
        receiver: at.trace_id,
        // in B3, client and server may share a span's id
        is_child: receiver.parent.is_some_and(is_senders) || at == from,
    };
    let is_linked = || receiver.links.iter().any(|link| links_to_sender(link.to));
    by_ids.verdict(is_linked, || remote_parent)
}

/// The verdict that a hand-off will have if the sender's context is `sent`, and the receiver
/// continues `continued`; `None` if it will continue none. Both ends are sampled.
pub fn predicted(sent: &TraceContext, continued: Option<&TraceContext>) -> Verdict {
    let Some(continued) = continued else {
        return Verdict::NewTrace;
    };
    let by_ids = ByIds {
        sender: sent.trace_id,
        receiver: continued.trace_id,
        is_child: continued.span_id == sent.span_id,
    };
    by_ids.verdict(|| false, || true)
}

/// What the ids show of two ends that belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByIds {
    /// The sender's trace.
    pub(crate) sender: TraceId,
    /// The receiver's trace.
    pub(crate) receiver: TraceId,
    /// Whether the receiver's parent has the id of one of the sender's spans.
    pub(crate) is_child: bool,
}

impl ByIds {
    /// The verdict. `is_linked` says whether the receiver has a link to the sender, and
    /// `continues_another` whether it has a parent in another process.
    pub(crate) fn verdict(
        self,
        is_linked: impl FnOnce() -> bool,
        continues_another: impl FnOnce() -> bool,
    ) -> Verdict {
        let is_truncated =
            self.receiver.is_64_bit() && self.receiver.low_64() == self.sender.low_64();
        match self.sender == self.receiver {
            true if self.is_child => Verdict::Connected,
            // a consumer may be a child of the span that fetched the message
            _ if is_linked() => Verdict::Linked,
            true => Verdict::WrongParent,
            false if is_truncated => Verdict::IdTruncated,
            false if continues_another() => Verdict::WrongTrace,
            false => Verdict::NewTrace,
        }
    }
}

/// What was lost of a delivered message.
///
/// Only recorded spans show their `tracestate`, baggage and debug flag. So an unrecorded receiver
/// never counts as having lost them, and a receiver in another form than OTLP never counts as
/// having lost the `tracestate`.
pub fn flags(sender: &Sender, receiver: &Receiver) -> Flags {
    let sampled_changed = match (sender.sampled, receiver.sampled) {
        (Some(left), Some(arrived)) => left != arrived,
        _ => false,
    };
    let luggage = match &sender.luggage {
        Some(luggage) if receiver.recorded => luggage,
        _ => {
            return Flags {
                sampled_changed,
                ..Flags::default()
            };
        }
    };
    let arrived = receiver.luggage.as_deref();
    let linked = sender
        .reference
        .and_then(|from| receiver.links.iter().find(|link| link.to == from));
    let kept = |state: &str| every_member_is_in(&luggage.trace_state, state);
    let trace_state = arrived.map_or("", |arrived| &arrived.trace_state);
    Flags {
        sampled_changed,
        tracestate_lost: !(receiver.format.is_some() && trace_state.is_empty()
            || kept(trace_state)
            || linked.is_some_and(|link| kept(&link.trace_state))),
        baggage_lost: arrived.map_or(0, |arrived| arrived.baggage_entries)
            < luggage.baggage_entries,
        debug_lost: luggage.debug && !arrived.is_some_and(|arrived| arrived.debug),
    }
}

/// Whether the keys of all members of `left` are in `arrived`. A receiver may add its own members
/// in front and may update a value (W3C Trace Context, section 3.5).
pub(crate) fn every_member_is_in(left: &str, arrived: &str) -> bool {
    fn keys(state: &str) -> impl Iterator<Item = &str> {
        state
            .split(',')
            .filter_map(|member| Some(member.split_once('=')?.0.trim()))
    }
    keys(left).all(|key| keys(arrived).any(|other| other == key))
}
