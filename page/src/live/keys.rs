//! What identifies a hand-off: its id, and the hash of it.

use std::hash::{BuildHasher, RandomState};

use baton_traces::hand_off::{MessageKey, Role};
use baton_traces::span::SpanReference;

/// What identifies a hand-off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Id {
    /// A request, by the API's id.
    Request(Box<str>),
    /// A record, by stream, shard and sequence number.
    Record(Box<str>),
    /// What an audit matched and no id: the spans of the sender and the receiver.
    Spans(Option<SpanReference>, Option<SpanReference>),
}

impl Id {
    /// The id that a span has for its part in a hand-off, and whether it is the sender.
    pub(super) fn of(role: Role<'_>) -> Option<(Id, bool)> {
        match role {
            Role::ClientRequest {
                request_id: Some(id),
            } => Some((Id::Request(id.into()), true)),
            Role::ServerRequest { request_id } => Some((Id::Request(request_id.into()), false)),
            Role::Send(message) => Some((Id::record(message), true)),
            Role::Receive(message) => Some((Id::record(message), false)),
            Role::ClientRequest { request_id: None } | Role::Other => None,
        }
    }

    /// The id of a record.
    pub(super) fn record(message: MessageKey<'_>) -> Id {
        let MessageKey {
            stream,
            shard,
            sequence_number,
        } = message;
        Id::Record(format!("{stream}/{shard}/{sequence_number}").into())
    }

    /// The parts of a record's id.
    pub(super) fn message(&self) -> Option<MessageKey<'_>> {
        let Id::Record(text) = self else {
            return None;
        };
        let mut parts = text.rsplitn(3, '/');
        Some(MessageKey {
            sequence_number: parts.next()?,
            shard: parts.next()?,
            stream: parts.next()?,
        })
    }
}

/// The hash of an [`Id`]. What is held refers to hand-offs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(u64);

impl Key {
    pub(super) const MIN: Key = Key(u64::MIN);
    pub(super) const MAX: Key = Key(u64::MAX);
}

/// Makes keys. No sender of spans can foresee them.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(RandomState);

impl Keys {
    pub(super) fn of(&self, id: &Id) -> Key {
        Key(self.0.hash_one(id))
    }
}
