//! What services pass to each other: the context of a span, and what formats read and write.

pub mod baggage;
pub(crate) mod hex;
mod id;
mod sampling;
mod tracestate;

pub use baggage::Baggage;
pub use id::{SpanId, TraceId};
pub use sampling::Sampling;
pub use tracestate::TraceState;

/// The context of the sender's span, from any format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace to continue.
    pub trace_id: TraceId,
    /// The sender's span, which is the parent of the receiver's.
    pub span_id: SpanId,
    /// The sender's sampling decision.
    pub sampling: Sampling,
    /// W3C's random-trace-id flag: the right half of the trace id is random (Trace Context Level 2,
    /// section 3.2.2.5.2). No other format has it.
    pub random: bool,
    /// Vendors' data. Only W3C's format carries it.
    pub tracestate: TraceState,
}

impl TraceContext {
    /// A context with these ids and this decision, without the random flag and without
    /// `tracestate`.
    pub fn new(trace_id: TraceId, span_id: SpanId, sampling: Sampling) -> Self {
        TraceContext {
            trace_id,
            span_id,
            sampling,
            random: false,
            tracestate: TraceState::EMPTY,
        }
    }
}

/// What valid headers can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// A context that can be continued.
    Context(TraceContext),
    /// A sampling decision without ids, as in `b3: 0`. It is valid, and there is no context to
    /// continue.
    SamplingOnly(Sampling),
    /// Baggage. It accompanies a context and never competes with one.
    Baggage(Baggage),
}

/// What a service sends to the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The context of the sending span; `None` outside any span.
    pub context: Option<TraceContext>,
    /// The baggage. Only formats that carry baggage write it.
    pub baggage: Option<Baggage>,
}

impl From<TraceContext> for Outgoing {
    fn from(context: TraceContext) -> Self {
        Outgoing {
            context: Some(context),
            baggage: None,
        }
    }
}
