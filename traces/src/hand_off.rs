//! One hand-off: its two ends, and what became of the trace context between them.
//!
//! [`crate::matching::by_id`] matches the ends by request id or message key. This module judges the
//! trace ids and parent ids of two ends that belong together.

mod by_ids;
mod ends;
mod meaning;

use std::fmt;

use baton_propagators::lambda::Function;
use serde::{Deserialize, Serialize};

pub(crate) use self::by_ids::{ByIds, every_member_is_in};
pub use self::by_ids::{flags, predicted, verdict};
pub(crate) use self::ends::MAX_LINKS;
pub use self::ends::{Luggage, MessageKey, Receiver, ReceiverLink, Role, Sender, leads_up};

/// A place where context is handed from one service to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// HTTP headers, from the client to the producer.
    Ingress,
    /// The Kinesis record, from the producer to the consumer.
    Record,
}

impl Hop {
    /// Both hops, in the order in which a message takes them.
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

/// The result of one hand-off. docs/reference/verdicts.md has the exact condition of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The receiver continues the sender's trace.
    Connected,
    /// The receiver has a span link to the sender.
    Linked,
    /// The receiver started a new trace.
    NewTrace,
    /// The receiver is in the sender's trace, below a span that is not the sender's.
    WrongParent,
    /// The receiver continues a trace that is not the sender's.
    WrongTrace,
    /// The trace id lost its upper 64 bits.
    IdTruncated,
    /// The receiver was not sampled, although the sender was.
    Unsampled,
    /// The message did not arrive.
    Lost,
}

impl Verdict {
    /// Every verdict, from best to worst.
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

    /// Whether the trace can be followed from the sender to the receiver.
    pub fn holds(self) -> bool {
        matches!(self, Verdict::Connected | Verdict::Linked)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What else can be lost, whatever the verdict. [`Flag::meaning`] has the exact conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The sampling decision.
    SampledChanged,
    /// Members of `tracestate`.
    TracestateLost,
    /// Entries of baggage.
    BaggageLost,
    /// The debug flag.
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

    /// Whether `flags` contain this flag.
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

/// What was lost in a hand-off, whatever its verdict: one member for each [`Flag`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// [`Flag::SampledChanged`].
    pub sampled_changed: bool,
    /// [`Flag::TracestateLost`].
    pub tracestate_lost: bool,
    /// [`Flag::BaggageLost`].
    pub baggage_lost: bool,
    /// [`Flag::DebugLost`].
    pub debug_lost: bool,
}
