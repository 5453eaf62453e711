//! Predicts the verdicts from the formats alone: extract, span, inject, extract, all in this
//! process.
//!
//! The verdicts of a matrix come from real spans; the predictions come from `baton-propagators`.
//! The two must agree in every cell. If they do not, baton has a fault.

use baton_propagators::{
    Baggage, Extraction, HeaderList, Outgoing, Propagation, Sampling, SpanId, TraceContext, TraceId,
};
use baton_traces::hand_off::{self, Flags, Luggage, Receiver, Sender, Verdict};
use baton_traces::span::SpanReference;

/// The trace header that Lambda gives to an invocation without X-Ray. The ids are invented, as
/// Lambda's are.
pub(super) const LAMBDA_TRACE_HEADER: &str =
    "Root=1-6a3d5e1c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=0";

/// Ids in place of those that the services draw. The chance that a client draws one of them is 1 in
/// 2^64.
const TRACES: [TraceId; 2] = [trace_id(0xba), trace_id(0xbb)];
const SERVER: SpanId = span_id(0xba);
const SEND: SpanId = span_id(0xbb);
const RECORD: SpanId = span_id(0xbc);

/// The verdict and flags of one hand-off, observed or predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Its verdict; `None` if neither end was traced.
    pub(super) verdict: Option<Verdict>,
    /// The flags: what else was lost.
    pub(super) flags: Flags,
}

/// The predicted verdicts of one request.
#[derive(Clone, Debug)]
pub(super) struct Prediction {
    /// From the client to the producer.
    pub(super) ingress: Judgement,
    /// From the producer to the consumer.
    pub(super) record: Judgement,
}

/// Predicts the verdicts of a request with `headers` from the client `sender`.
pub(super) fn predict(
    sender: &Sender,
    headers: &HeaderList,
    producer: &Propagation,
    consumer: &Propagation,
) -> Prediction {
    let extraction = producer.extract_with_environment(headers, Some(LAMBDA_TRACE_HEADER));
    let server = Span::of_receiver(&extraction, TRACES[0], SERVER);
    let ingress = judge(sender, &server, None);

    let send = server.child(SEND);
    let mut carrier = HeaderList::new();
    producer.inject(&send.outgoing(), &mut carrier);
    let arrived = consumer.extract(&carrier);
    let record = Span::of_receiver(&arrived, TRACES[1], RECORD);
    Prediction {
        ingress,
        record: judge(&send.sender(), &record, Some(!carrier.is_empty())),
    }
}

/// A span that a service would make.
#[derive(Debug)]
struct Span {
    context: TraceContext,
    /// The parent, if it is in another service.
    remote_parent: Option<SpanId>,
    baggage: Option<Baggage>,
}

impl Span {
    /// The receiver's span: a child of the continued context, or the root of a new trace.
    fn of_receiver(extraction: &Extraction, own_trace: TraceId, span_id: SpanId) -> Self {
        let baggage = extraction.baggage.clone();
        match extraction.context() {
            Some(parent) => Span {
                context: TraceContext {
                    span_id,
                    sampling: match parent.sampling {
                        // no decision has been made, and the functions' sampler keeps everything
                        Sampling::Deferred => Sampling::Keep,
                        decided => decided,
                    },
                    ..parent.clone()
                },
                remote_parent: Some(parent.span_id),
                baggage,
            },
            None => Span {
                context: TraceContext::new(own_trace, span_id, Sampling::Keep),
                remote_parent: None,
                baggage,
            },
        }
    }

    /// A child span in the same service.
    fn child(&self, span_id: SpanId) -> Self {
        Span {
            context: TraceContext {
                span_id,
                ..self.context.clone()
            },
            remote_parent: None,
            baggage: self.baggage.clone(),
        }
    }

    fn outgoing(&self) -> Outgoing {
        Outgoing {
            context: Some(self.context.clone()),
            baggage: self.baggage.clone(),
        }
    }

    fn reference(&self) -> SpanReference {
        SpanReference {
            trace_id: self.context.trace_id,
            span_id: self.context.span_id,
        }
    }

    fn is_recorded(&self) -> bool {
        self.context.sampling.decision() == Some(true)
    }

    fn luggage(&self) -> Option<Box<Luggage>> {
        let entries = self.baggage.as_ref().map_or(0, Baggage::len);
        self.is_recorded().then(|| {
            Box::new(Luggage {
                trace_state: self.context.tracestate.as_str().into(),
                baggage_entries: entries as u64,
                debug: self.context.sampling.is_debug(),
            })
        })
    }

    fn sender(&self) -> Sender {
        Sender {
            reference: Some(self.reference()),
            recorded: self.is_recorded(),
            sampled: self.context.sampling.decision(),
            luggage: self.luggage(),
            ..Sender::default()
        }
    }

    fn receiver(&self, carrier: Option<bool>) -> Receiver {
        Receiver {
            reference: Some(self.reference()),
            parent: self.remote_parent,
            parent_is_remote: Some(self.remote_parent.is_some()),
            recorded: self.is_recorded(),
            sampled: self.context.sampling.decision(),
            carrier,
            luggage: self.luggage(),
            ..Receiver::default()
        }
    }
}

/// Judges a predicted hand-off by the rules for a real one.
fn judge(sender: &Sender, span: &Span, carrier: Option<bool>) -> Judgement {
    let receiver = span.receiver(carrier);
    Judgement {
        verdict: hand_off::verdict(sender, &receiver, span.remote_parent.is_some()),
        flags: hand_off::flags(sender, &receiver),
    }
}

const fn trace_id(byte: u8) -> TraceId {
    match TraceId::from_bytes([byte; 16]) {
        Some(id) => id,
        None => panic!("an id is not all zeros"),
    }
}

const fn span_id(byte: u8) -> SpanId {
    match SpanId::from_bytes([byte; 8]) {
        Some(id) => id,
        None => panic!("an id is not all zeros"),
    }
}

#[cfg(test)]
mod tests;
