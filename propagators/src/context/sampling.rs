//! The four sampling states that a header can have.

use serde::{Deserialize, Serialize};

/// What the sender decided about recording the trace.
///
/// W3C has `Drop` and `Keep` only. B3 has all four
/// (<https://github.com/openzipkin/b3-propagation#sampling-state>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// No decision: the receiver makes it.
    #[default]
    Deferred,
    /// Do not record.
    Drop,
    /// Record.
    Keep,
    /// Record, and ignore samplers, because a person is debugging.
    Debug,
}

impl Sampling {
    /// The decision: `Some(true)` to record, `Some(false)` not to record, `None` if it is deferred.
    pub const fn decision(self) -> Option<bool> {
        match self {
            Sampling::Deferred => None,
            Sampling::Drop => Some(false),
            Sampling::Keep | Sampling::Debug => Some(true),
        }
    }

    /// Whether it is the debug state.
    pub const fn is_debug(self) -> bool {
        matches!(self, Sampling::Debug)
    }

    /// `Keep` or `Drop`, from a sampled bit.
    pub const fn from_sampled(sampled: bool) -> Self {
        if sampled {
            Sampling::Keep
        } else {
            Sampling::Drop
        }
    }
}
