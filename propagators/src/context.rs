//! What passes between services: the context of a span, and what extraction and injection deal in.

use crate::baggage::Baggage;
use crate::id::{SpanId, TraceId};
use crate::sampling::Sampling;

pub use crate::tracestate::TraceState;

/// The context of the sender's span, whatever format it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace to continue.
    pub trace_id: TraceId,
    /// The sender's span: the parent of the receiver's.
    pub span_id: SpanId,
    /// The sender's sampling decision.
    pub sampling: Sampling,
    /// Whether the right half of the trace id is known to be random: W3C's random-trace-id flag
    /// (Trace Context Level 2, section 3.2.2.5.2). Other formats cannot say so.
    pub random: bool,
    /// Vendors' data; only W3C carries it.
    pub tracestate: TraceState,
}

impl TraceContext {
    /// A context of these ids and this decision, without the random flag and without `tracestate`.
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

/// What a valid header can yield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// A context that can be continued.
    Context(TraceContext),
    /// A sampling decision without ids, as B3 allows (`b3: 0`). It is valid and never continued.
    SamplingOnly(Sampling),
    /// Baggage: travels beside the context and never competes with it.
    Baggage(Baggage),
}

/// What a service hands to the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The context of the span that sends; `None` outside any span.
    pub context: Option<TraceContext>,
    /// The baggage that goes along; carried only where the mode lists `baggage`.
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
