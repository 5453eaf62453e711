//! How large a record gets: the producer's own code writes one.

use baton_propagators::baggage::Baggage;
use baton_propagators::carrier::HeaderList;
use baton_propagators::context::{Extracted, Outgoing, TraceContext, TraceState};
use baton_propagators::envelope;
use baton_propagators::format::{self, Outcome};
use baton_propagators::id::{SpanId, TraceId};
use baton_propagators::mode::{Engine, Mode};
use baton_propagators::propagation::Propagation;
use baton_propagators::sampling::Sampling;
use serde::Serialize;

use crate::failure::Failure;

/// Ids as any others, of W3C's examples: a decimal id may have a digit less.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";
/// The producer takes the request's id, a UUID, as partition key.
const PARTITION_KEY_BYTES: u64 = 36;

/// What the headers say besides the ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Luggage {
    pub(super) trace_state: TraceState,
    pub(super) baggage: Option<Baggage>,
}

impl Luggage {
    /// Reads baggage and `tracestate` as headers have them.
    ///
    /// # Errors
    /// If one of them is none, and why.
    pub(super) fn parse(baggage: &str, tracestate: Option<&str>) -> Result<Luggage, Failure> {
        let trace_state = match tracestate {
            Some(members) => TraceState::parse(members)
                .map_err(|reject| Failure::usage(format!("--tracestate: {reject}")))?,
            None => TraceState::EMPTY,
        };
        let headers = HeaderList::from([("baggage", baggage)]);
        let outcome = format::find("baggage").map(|format| format.extract(&headers).outcome);
        let baggage = match outcome {
            Some(Outcome::Valid(Extracted::Baggage(baggage))) => Some(baggage),
            Some(Outcome::Malformed(reject)) => {
                return Err(Failure::usage(format!("--baggage: {reject}")));
            }
            _ => None,
        };
        Ok(Luggage {
            trace_state,
            baggage,
        })
    }
}

/// The bytes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RecordSize {
    /// The body.
    pub(super) payload_bytes: u64,
    /// The JSON object that carries the context, its braces included.
    pub(super) carrier_bytes: u64,
    /// What the envelope adds around both.
    pub(super) envelope_bytes: u64,
    /// The partition key, which counts towards every limit.
    pub(super) partition_key_bytes: u64,
}

impl RecordSize {
    /// The record of a body of `payload` bytes under `mode`, as the producer writes it.
    ///
    /// # Errors
    /// If the engine has no such format.
    pub(super) fn of(
        mode: &Mode,
        engine: Engine,
        luggage: &Luggage,
        payload: u64,
    ) -> Result<RecordSize, Failure> {
        let propagation = Propagation {
            engine,
            ..Propagation::from(mode.clone())
        };
        propagation.check().map_err(Failure::usage)?;
        let mut carrier = HeaderList::new();
        propagation.inject(&outgoing(mode, luggage), &mut carrier);
        // the body stands in the record byte for byte, so any of that size will do
        let body = "\"\"";
        let record = envelope::record(mode, body, &carrier);
        let carrier_bytes = match mode.is_none() {
            true => 0,
            false => envelope::carrier_bytes(&carrier) as u64,
        };
        Ok(RecordSize {
            payload_bytes: payload,
            carrier_bytes,
            envelope_bytes: (record.len() - body.len()) as u64 - carrier_bytes,
            partition_key_bytes: PARTITION_KEY_BYTES,
        })
    }

    /// What Kinesis stores: the data.
    pub(super) fn data(&self) -> u64 {
        self.payload_bytes + self.carrier_bytes + self.envelope_bytes
    }

    /// What counts towards limits: data and partition key.
    pub(super) fn total(&self) -> u64 {
        self.data() + self.partition_key_bytes
    }
}

/// Baggage goes along where the mode lists it, as in the functions.
fn outgoing(mode: &Mode, luggage: &Luggage) -> Outgoing {
    let ids = TraceId::from_hex(TRACE_ID).zip(SpanId::from_hex(SPAN_ID));
    Outgoing {
        context: ids.map(|(trace_id, span_id)| TraceContext {
            tracestate: luggage.trace_state.clone(),
            ..TraceContext::new(trace_id, span_id, Sampling::Keep)
        }),
        baggage: luggage.baggage.clone().filter(|_| mode.contains("baggage")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of context and envelope, counted by hand.
    #[test]
    fn sizes_are_those_of_what_is_written() {
        let luggage = Luggage::parse("client=baton", Some("a=1")).expect("both are valid");
        for (mode, carrier, envelope) in [
            ("none", 0, 0),
            // {"b3":"…"} around 32 + 1 + 16 + 2 bytes
            ("b3", 60, 27),
            // {"traceparent":"…","tracestate":"a=1"}
            ("tracecontext", 73 + 19, 27),
            ("tracecontext,b3", 73 + 19 + 59, 27),
            // ,"baggage":"client=baton"
            ("tracecontext,baggage", 73 + 19 + 25, 27),
        ] {
            let mode = mode.parse().expect("a mode");
            let size = RecordSize::of(&mode, Engine::Native, &luggage, 100).expect("every format");
            let bytes = (size.payload_bytes, size.carrier_bytes, size.envelope_bytes);
            assert_eq!(bytes, (100, carrier, envelope), "{mode}");
            assert_eq!(size.data(), 100 + carrier + envelope);
            assert_eq!(size.total(), size.data() + 36);
        }
    }

    #[test]
    fn what_is_no_baggage_and_no_tracestate_is_refused() {
        for (baggage, tracestate) in [("", None), ("a", None), ("a=1", Some("A=1"))] {
            assert!(Luggage::parse(baggage, tracestate).is_err());
        }
    }
}
