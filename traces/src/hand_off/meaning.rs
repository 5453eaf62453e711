//! The meaning of each verdict and flag, as a clause for people. The report, the page and
//! docs/reference/verdicts.md quote it.

use super::{Flag, Verdict};

impl Verdict {
    /// The condition for this verdict.
    pub fn meaning(self) -> &'static str {
        match self {
            Verdict::Connected => {
                "the receiver's span is in the sender's trace, and its parent is the sender's span, \
                 or a span above or below it in the sender's service"
            }
            Verdict::Linked => {
                "the parent is not the sender's, but a span link points to the sender's span, or to a \
                 span above or below it in the sender's service"
            }
            Verdict::NewTrace => {
                "the receiver started a trace of its own, because the context was not sent, not \
                 read, or refused"
            }
            Verdict::WrongParent => {
                "the same trace, but the parent is neither the sender's span nor a span above or \
                 below it in the sender's service"
            }
            Verdict::WrongTrace => {
                "the receiver continued a context that is not the sender's, because a conflicting \
                 header won"
            }
            Verdict::IdTruncated => "the trace id survives only in its low 64 bits",
            Verdict::Unsampled => {
                "the context arrived, but turned the receiver's span off against the sender's \
                 decision"
            }
            Verdict::Lost => "the message was accepted and never delivered",
        }
    }
}

impl Flag {
    /// The condition for this flag.
    pub fn meaning(self) -> &'static str {
        match self {
            Flag::SampledChanged => "the sampling decisions of the two ends differ",
            Flag::TracestateLost => "the sender had `tracestate` members that the receiver lacks",
            Flag::BaggageLost => "fewer baggage entries arrived than were sent",
            Flag::DebugLost => "the sender's context had the debug flag, the receiver's lacks it",
        }
    }
}
