//! One hand-off: its two ends, and what became of the trace context between them.
//!
//! The ends are matched by the request id or the message key ([`crate::assemble`]); here the trace ids and
//! parent ids of two ends that are known to belong together are judged.

mod meaning;

use std::fmt;

use baton_propagators::function::Function;
use baton_propagators::id::SpanId;
use serde::{Deserialize, Serialize};

use crate::span::{Key, Kind, Span, SpanFormat, SpanReference, UnixTime};

/// Where context is handed from one service to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// HTTP headers, from the client to the producer.
    Ingress,
    /// The Kinesis record, from the producer to the consumer.
    Record,
}

impl Hop {
    /// Both hops, in the order in which a message passes them.
    pub const BOTH: [Hop; 2] = [Hop::Ingress, Hop::Record];

    /// The hop whose receiver is `function`.
    pub fn into(function: Function) -> Hop {
        match function {
            Function::Producer => Hop::Ingress,
            Function::Consumer => Hop::Record,
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Hop::Ingress => "ingress",
            Hop::Record => "record",
        })
    }
}

/// What became of one hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The receiver's span is in the sender's trace, and its parent is the sender's span, or it shares
    /// the sender's id.
    Connected,
    /// Another trace, but a span link points to the sender's span.
    Linked,
    /// The receiver started a trace of its own: the context was not carried, not understood, or refused.
    NewTrace,
    /// Same trace, but the parent is not the sender's span.
    WrongParent,
    /// The receiver continued a context other than the sender's: a conflicting header won.
    WrongTrace,
    /// The trace id survives only in its low 64 bits.
    IdTruncated,
    /// Context arrived, but the receiver's span was not sampled although the sender's was.
    Unsampled,
    /// The message was accepted and never delivered.
    Lost,
}

impl Verdict {
    /// Every verdict, the best first.
    pub const ALL: [Verdict; 8] = [
        Verdict::Connected,
        Verdict::Linked,
        Verdict::NewTrace,
        Verdict::WrongParent,
        Verdict::WrongTrace,
        Verdict::IdTruncated,
        Verdict::Unsampled,
        Verdict::Lost,
    ];

    /// Its name in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Connected => "connected",
            Verdict::Linked => "linked",
            Verdict::NewTrace => "new_trace",
            Verdict::WrongParent => "wrong_parent",
            Verdict::WrongTrace => "wrong_trace",
            Verdict::IdTruncated => "id_truncated",
            Verdict::Unsampled => "unsampled",
            Verdict::Lost => "lost",
        }
    }

    /// Whether one can follow the trace from the sender to the receiver.
    pub fn is_whole(self) -> bool {
        matches!(self, Verdict::Connected | Verdict::Linked)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What else can be lost; the names are those of [`Flags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// See [`Flags::sampled_changed`].
    SampledChanged,
    /// See [`Flags::tracestate_lost`].
    TracestateLost,
    /// See [`Flags::baggage_lost`].
    BaggageLost,
    /// See [`Flags::debug_lost`].
    DebugLost,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Flag; 4] = [
        Flag::SampledChanged,
        Flag::TracestateLost,
        Flag::BaggageLost,
        Flag::DebugLost,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Flag::SampledChanged => "sampled_changed",
            Flag::TracestateLost => "tracestate_lost",
            Flag::BaggageLost => "baggage_lost",
            Flag::DebugLost => "debug_lost",
        }
    }

    /// Whether `flags` have it.
    pub fn is_in(self, flags: Flags) -> bool {
        match self {
            Flag::SampledChanged => flags.sampled_changed,
            Flag::TracestateLost => flags.tracestate_lost,
            Flag::BaggageLost => flags.baggage_lost,
            Flag::DebugLost => flags.debug_lost,
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What else did not survive a hand-off, whatever its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The sampling decisions of the two ends differ.
    pub sampled_changed: bool,
    /// The sender had `tracestate` members that the receiver has not.
    pub tracestate_lost: bool,
    /// Fewer baggage entries arrived than left.
    pub baggage_lost: bool,
    /// The sender's context had the debug flag, the receiver's has not.
    pub debug_lost: bool,
}

/// What names a record on both sides of Kinesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey<'a> {
    /// The stream's name.
    pub stream: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The sequence number that Kinesis gave the record; unique within its shard.
    pub sequence_number: &'a str,
}

/// Which end of which hand-off a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// Sender of the ingress hop. A request that failed may have no id to match it by.
    ClientRequest {
        /// The request id that the API answered with.
        request_id: Option<&'a str>,
    },
    /// Receiver of the ingress hop.
    ServerRequest {
        /// The request id of the API's event.
        request_id: &'a str,
    },
    /// Sender of the record hop; only a record that was accepted has a key.
    Send(MessageKey<'a>),
    /// Receiver of the record hop.
    Receive(MessageKey<'a>),
    /// None: a span inside a service, or one that nothing can be matched by.
    Other,
}

impl<'a> Role<'a> {
    /// The role of `span`, told from its kind and attributes alone.
    pub fn of(span: &'a Span<'_>) -> Role<'a> {
        let attributes = &span.attributes;
        let request_id = attributes.text(Key::RequestId);
        let message = attributes
            .text(Key::MessageId)
            .map(|sequence_number| MessageKey {
                stream: attributes.text(Key::Destination).unwrap_or_default(),
                shard: attributes.text(Key::Partition).unwrap_or_default(),
                sequence_number,
            });
        let sends = attributes.text(Key::OperationType) == Some("send");
        match (span.kind, message) {
            (Kind::Producer, Some(key)) => Role::Send(key),
            (Kind::Client, Some(key)) if sends => Role::Send(key),
            (Kind::Consumer, Some(key)) => Role::Receive(key),
            // An AWS SDK's own requests have request ids too, of another API.
            (Kind::Client, _) if sends || attributes.get(Key::RpcSystem).is_some() => Role::Other,
            // what has neither an id nor a status is no request of HTTP, but of a database, say
            (Kind::Client, _)
                if request_id.is_none()
                    && attributes.get(Key::StatusCode).is_none()
                    && attributes.get(Key::ErrorType).is_none() =>
            {
                Role::Other
            }
            (Kind::Client, _) => Role::ClientRequest { request_id },
            (Kind::Server, _) => match request_id {
                Some(request_id) => Role::ServerRequest { request_id },
                None => Role::Other,
            },
            _ => Role::Other,
        }
    }
}

/// What left with, or arrived in, a context besides its ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Luggage {
    /// The `tracestate`; empty if there is none.
    pub trace_state: Box<str>,
    /// How many baggage entries.
    pub baggage_entries: u64,
    /// The debug flag.
    pub debug: bool,
}

impl Luggage {
    /// What `span` says it had; `None` if nothing, as most spans.
    pub fn of(span: &Span<'_>) -> Option<Box<Luggage>> {
        let entries = span.attributes.integer(Key::BaggageEntries);
        let luggage = Luggage {
            trace_state: Box::from(&*span.trace_state),
            baggage_entries: entries
                .and_then(|entries| entries.try_into().ok())
                .unwrap_or(0),
            debug: span.attributes.boolean(Key::ContextDebug) == Some(true),
        };
        (luggage != Luggage::default()).then(|| Box::new(luggage))
    }
}

/// The end that handed over.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Its span; `None` if the sender ran without tracing.
    pub reference: Option<SpanReference>,
    /// The parent of its span.
    pub parent: Option<SpanId>,
    /// Whether its span was recorded; otherwise all that is known comes from the log.
    pub recorded: bool,
    /// Its sampling decision; `None` if it is not known, or was left to the receiver.
    pub sampled: Option<bool>,
    /// When its span started.
    pub start: Option<UnixTime>,
    /// When its span ended.
    pub end: Option<UnixTime>,
    /// What left with the context.
    pub luggage: Option<Box<Luggage>>,
    /// What its span came as, if not as OTLP: nothing may say then which `tracestate` left.
    pub format: Option<SpanFormat>,
}

impl Sender {
    /// Whoever puts records on the stream and leaves no trace of it.
    pub(crate) const UNKNOWN: Sender = Sender {
        reference: None,
        parent: None,
        recorded: false,
        sampled: None,
        start: None,
        end: None,
        luggage: None,
        format: None,
    };
}

/// A span that a receiver links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverLink {
    /// The linked span.
    pub to: SpanReference,
    /// The `tracestate` of the linked context; empty if there is none.
    pub trace_state: Box<str>,
}

/// The end that took over.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// Its span; `None` if the receiver ran without tracing.
    pub reference: Option<SpanReference>,
    /// The parent of its span.
    pub parent: Option<SpanId>,
    /// Whether that parent is in another process; `None` if nothing says so.
    pub parent_is_remote: Option<bool>,
    /// Whether its span was recorded; otherwise all that is known comes from the log.
    pub recorded: bool,
    /// Its sampling decision, if known.
    pub sampled: Option<bool>,
    /// Whether headers arrived, understood or not, if known.
    pub carrier: Option<bool>,
    /// When its span started.
    pub start: Option<UnixTime>,
    /// When its span ended.
    pub end: Option<UnixTime>,
    /// The spans it links to.
    pub links: Box<[ReceiverLink]>,
    /// What arrived with the context.
    pub luggage: Option<Box<Luggage>>,
    /// What its span came as, if not as OTLP: nothing may say then which `tracestate` arrived, and to what it links.
    pub format: Option<SpanFormat>,
}

/// The verdict on a message that was delivered.
///
/// `remote_parent` says whether the receiver's parent is in another process. Gives `None` where there is nothing
/// to judge, because neither end was traced.
///
/// A receiver without a recorded span is judged by the ids in its log. It is `unsampled` if its sender was
/// sampled and context arrived: the sender's, or another that it continued, or headers it made nothing of.
pub fn verdict(sender: &Sender, receiver: &Receiver, remote_parent: bool) -> Option<Verdict> {
    let sender_sampled = sender.sampled == Some(true);
    match (sender.reference, receiver.reference) {
        (Some(from), Some(at)) => {
            let by_ids = verdict_by_ids(from, at, receiver, remote_parent);
            let turned_off =
                !receiver.recorded && receiver.sampled == Some(false) && sender_sampled;
            let arrived = by_ids != Verdict::NewTrace || receiver.carrier == Some(true);
            Some(if turned_off && arrived {
                Verdict::Unsampled
            } else {
                by_ids
            })
        }
        // There was no context to hand over.
        (None, Some(_)) if remote_parent => Some(Verdict::WrongTrace),
        (None, Some(_)) => Some(Verdict::NewTrace),
        (Some(_), None) => sender_sampled.then_some(Verdict::Unsampled),
        (None, None) => None,
    }
}

fn verdict_by_ids(
    from: SpanReference,
    at: SpanReference,
    receiver: &Receiver,
    remote_parent: bool,
) -> Verdict {
    if at.trace_id == from.trace_id {
        // With B3, client and server may share a span's id.
        if receiver.parent == Some(from.span_id) || at == from {
            Verdict::Connected
        } else {
            Verdict::WrongParent
        }
    } else if receiver.links.iter().any(|link| link.to == from) {
        Verdict::Linked
    } else if at.trace_id.is_64_bit() && at.trace_id.low_64() == from.trace_id.low_64() {
        Verdict::IdTruncated
    } else if remote_parent {
        Verdict::WrongTrace
    } else {
        Verdict::NewTrace
    }
}

/// What did not survive, of a message that was delivered.
///
/// Only recorded spans say what `tracestate`, baggage and debug flag they had, so a receiver that was not
/// recorded is not said to have lost them, nor one that did not come as OTLP to have lost the `tracestate`.
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

/// Whether the keys of all members of `left` are in `arrived`. A receiver may put members of its own in front,
/// and may update a value (W3C Trace Context, section 3.5).
pub(crate) fn every_member_is_in(left: &str, arrived: &str) -> bool {
    fn keys(state: &str) -> impl Iterator<Item = &str> {
        state
            .split(',')
            .filter_map(|member| Some(member.split_once('=')?.0.trim()))
    }
    keys(left).all(|key| keys(arrived).any(|other| other == key))
}
