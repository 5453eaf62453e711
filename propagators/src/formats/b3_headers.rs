//! Reading B3's headers. Both formats, `b3` and `b3multi`, read both encodings.
//!
//! OpenTelemetry's [B3 requirements][requirements] ask an extractor to try both encodings and the
//! single header first. So both formats use the `x-b3-*` headers if `b3` is absent or malformed.
//! They differ in what they write.
//!
//! A sampling state without ids (`b3: 0`) is valid and holds no context. An id of zeros is refused,
//! because OpenTelemetry has no such id. The parent span id is not needed and not kept, because in
//! OpenTelemetry the two sides of a request never share a span. If it is malformed, the candidate
//! has an objection and the context continues without it.
//!
//! [requirements]: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#b3-requirements

mod multi;
mod single;

use crate::carrier::Getter;
use crate::context::{SpanId, TraceId, hex};
use crate::format::{Candidate, Fault, Field, Outcome, Reject, Usual};
use crate::policy::Engine;

/// The single header.
pub(crate) const SINGLE: &str = "b3";
pub(crate) const TRACE_ID_HEADER: &str = "x-b3-traceid";
pub(super) const SPAN_ID_HEADER: &str = "x-b3-spanid";
pub(crate) const PARENT_SPAN_ID_HEADER: &str = "x-b3-parentspanid";
pub(super) const SAMPLED: &str = "x-b3-sampled";
pub(crate) const FLAGS: &str = "x-b3-flags";

/// All of B3's headers.
pub(super) const FIELDS: &[&str; 6] = &[
    SINGLE,
    TRACE_ID_HEADER,
    SPAN_ID_HEADER,
    SAMPLED,
    FLAGS,
    PARENT_SPAN_ID_HEADER,
];

const IDENTIFIERS: &str = "B3 Propagation, Http Encodings, TraceId and SpanId: lower-hex characters, 32 or 16 of a TraceId and 16 of a SpanId";
const NOT_ZERO: &str =
    "OpenTelemetry Tracing API, SpanContext: a valid id has at least one non-zero byte";

pub(crate) static TRACE_ID: Field = Field {
    name: "TraceId",
    length: "32 or 16",
    spec: IDENTIFIERS,
};
static SPAN_ID: Field = Field {
    name: "SpanId",
    length: "16",
    spec: IDENTIFIERS,
};
pub(crate) static PARENT_SPAN_ID: Field = Field {
    name: "ParentSpanId",
    length: "16",
    spec: IDENTIFIERS,
};

/// Reads a context from headers in their most common form, the single header first.
pub(super) fn usual(carrier: &dyn Getter) -> Usual {
    match carrier.get(SINGLE) {
        None => multi::usual(carrier),
        Some(value) => single::usual(value.as_bytes()).map_or(Usual::Other, Usual::Context),
    }
}

/// Reads both encodings for `format`, the single header first. `header` is the one that is called
/// absent if none arrived.
pub(super) fn extract(
    format: &'static str,
    header: &'static str,
    carrier: &dyn Getter,
) -> Candidate {
    let refusal = match single::read(format, carrier) {
        Some(Ok(candidate)) => return candidate,
        Some(Err(reject)) => Some(reject),
        None => None,
    };
    let multi = multi::read(format, header, carrier);
    match (refusal, &multi.outcome) {
        (None, _) => multi,
        (Some(reject), Outcome::Valid(_)) => Candidate {
            objection: Some(Box::new(reject)),
            ..multi
        },
        (Some(reject), _) => Candidate::malformed(reject),
    }
}

/// The format, the header and the byte that are being read.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) format: &'static str,
    pub(super) header: &'static str,
    pub(super) position: Option<usize>,
}

impl Place {
    fn after(self, bytes: usize) -> Self {
        Place {
            position: self.position.map(|position| position + bytes),
            ..self
        }
    }

    pub(super) fn reject(self, fault: Fault, spec: &'static str) -> Reject {
        Reject {
            format: self.format,
            header: self.header,
            fault,
            position: self.position,
            spec,
            engine: Engine::Native,
        }
    }

    /// Reads a trace id of 128 or 64 bits.
    pub(super) fn trace_id(self, digits: &[u8]) -> Result<TraceId, Reject> {
        let id = match digits.len() {
            16 => TraceId::from_low_64(self.hex(&TRACE_ID, digits)?),
            _ => TraceId::from_bytes(self.hex(&TRACE_ID, digits)?),
        };
        id.ok_or_else(|| self.reject(Fault::AllZeros { field: &TRACE_ID }, NOT_ZERO))
    }

    /// Reads a span id.
    pub(super) fn span_id(self, digits: &[u8]) -> Result<SpanId, Reject> {
        SpanId::from_bytes(self.hex(&SPAN_ID, digits)?)
            .ok_or_else(|| self.reject(Fault::AllZeros { field: &SPAN_ID }, NOT_ZERO))
    }

    /// Checks a parent span id. Zeros are valid: they mean that there is no parent.
    pub(super) fn parent_span_id(self, digits: &[u8]) -> Result<(), Reject> {
        self.hex::<8>(&PARENT_SPAN_ID, digits).map(|_| ())
    }

    fn hex<const N: usize>(self, field: &'static Field, digits: &[u8]) -> Result<[u8; N], Reject> {
        hex::decode(digits).map_err(|at| {
            let found = digits.len();
            if found == 2 * N {
                self.after(at)
                    .reject(Fault::NotLowerHex { field }, field.spec)
            } else {
                self.reject(Fault::Length { field, found }, field.spec)
            }
        })
    }
}
