//! The verdict on two ends of a run that belong together, and the flags, from their ids and
//! contexts alone. `ends::verdict` judges those of an export.

use baton_propagators::id::SpanId;

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
    let is_linked = receiver.links.iter().any(|link| links_to_sender(link.to));
    if at.trace_id == from.trace_id {
        // In B3, client and server may share a span's id.
        if receiver.parent.is_some_and(is_senders) || at == from {
            Verdict::Connected
        } else if is_linked {
            // a child of the span that fetched the message
            Verdict::Linked
        } else {
            Verdict::WrongParent
        }
    } else if is_linked {
        Verdict::Linked
    } else if at.trace_id.is_64_bit() && at.trace_id.low_64() == from.trace_id.low_64() {
        Verdict::IdTruncated
    } else if remote_parent {
        Verdict::WrongTrace
    } else {
        Verdict::NewTrace
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
