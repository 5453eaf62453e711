//! B3 in a single header.
//!
//! B3 Propagation, "Single Header" (<https://github.com/openzipkin/b3-propagation#single-header>):
//!
//! ```text
//! b3            = TraceId "-" SpanId [ "-" SamplingState [ "-" ParentSpanId ] ] / SamplingState
//! TraceId       = 32HEXDIGLC / 16HEXDIGLC   ; 64-bit ids are padded on the left with zeros
//! SpanId        = 16HEXDIGLC
//! SamplingState = "1" / "0" / "d"           ; accept, deny, debug; absent: deferred
//! ParentSpanId  = 16HEXDIGLC
//! ```
//!
//! A sampling state alone (`b3: 0`) is valid and holds no context. Ids of zeros only are refused, as
//! OpenTelemetry has none such. The parent span id is not needed and not kept: OpenTelemetry does not let both
//! sides of a request share a span. A malformed one is objected to, and the context continues without it.
//!
//! OpenTelemetry's B3 requirements
//! (<https://opentelemetry.io/docs/specs/otel/context/api-propagators/#b3-requirements>) ask an extractor to try
//! both encodings, the single header first. So this format reads the `x-b3-*` headers too where `b3` is absent or
//! malformed, and `b3multi` reads `b3`. They differ in what they write.
//!
//! Size bound: 51 bytes, 68 with a parent span id, which is read and never written.
//!
//! What it cannot carry: `tracestate`, the random flag.

use super::b3multi;
use crate::carrier::{Getter, Setter, Single, single};
use crate::context::{Extracted, Outgoing, TraceContext};
use crate::format::{Candidate, Format, Outcome, Usual};
use crate::header_defect::HeaderDefect;
use crate::hex;
use crate::id::{SpanId, TraceId};
use crate::policy::Engine;
use crate::reject::{Fault, Field, GET, Reject};
use crate::sampling::Sampling;

pub(crate) const NAME: &str = "b3";

pub(crate) const HEADER: &str = "b3";

/// Both B3 formats read all of B3's headers.
pub(super) const FIELDS: &[&str; 6] = &[
    HEADER,
    b3multi::TRACE_ID,
    b3multi::SPAN_ID,
    b3multi::SAMPLED,
    b3multi::FLAGS,
    b3multi::PARENT_SPAN_ID,
];

const SINGLE_HEADER: &str = "B3 Propagation, Single Header";
const SAMPLING_STATE: &str = "B3 Propagation, Single Header, Sampling State";
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

/// The format `b3`.
#[derive(Clone, Copy, Debug)]
pub struct B3;

impl Format for B3 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        HEADER
    }

    fn fields(&self) -> &'static [&'static str] {
        FIELDS
    }

    fn written(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    // The upstream crates write both encodings.
    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[HEADER, b3multi::TRACE_ID]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        HeaderDefect::ALL
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        extract(NAME, HEADER, carrier)
    }

    fn usual(&self, carrier: &dyn Getter) -> Usual {
        usual(carrier)
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        let mut header = *b"00000000000000000000000000000000-0000000000000000-0";
        header[..32].copy_from_slice(&context.trace_id.digits());
        header[33..49].copy_from_slice(&context.span_id.digits());
        let (state, length) = match context.sampling {
            Sampling::Deferred => (b'0', 49),
            Sampling::Drop => (b'0', 51),
            Sampling::Keep => (b'1', 51),
            Sampling::Debug => (b'd', 51),
        };
        header[50] = state;
        carrier.set(
            HEADER,
            std::str::from_utf8(&header[..length]).unwrap_or_default(),
        );
    }
}

/// Reads both encodings as they are usually written, the single header first.
pub(super) fn usual(carrier: &dyn Getter) -> Usual {
    match carrier.get(HEADER) {
        None => b3multi::usual(carrier),
        Some(value) => usual_header(value.as_bytes()).map_or(Usual::Other, Usual::Context),
    }
}

/// Reads ids of full length and a sampling state; `None` for any other header, without saying why.
#[inline]
fn usual_header(value: &[u8]) -> Option<TraceContext> {
    let value: &[u8; 51] = value.try_into().ok()?;
    if [value[32], value[49]] != *b"--" {
        return None;
    }
    let sampling = match value[50] {
        b'0' => Sampling::Drop,
        b'1' => Sampling::Keep,
        b'd' => Sampling::Debug,
        _ => return None,
    };
    let trace_id = TraceId::from_bytes(hex::decode(&value[..32]).ok()?)?;
    let span_id = SpanId::from_bytes(hex::decode(&value[33..49]).ok()?)?;
    Some(TraceContext::new(trace_id, span_id, sampling))
}

/// Reads both encodings, the single header first, on behalf of `format`; `header` is the one that counts as
/// absent where all are.
pub(super) fn extract(
    format: &'static str,
    header: &'static str,
    carrier: &dyn Getter,
) -> Candidate {
    let at = |position| Place {
        format,
        header: HEADER,
        position,
    };
    let refusal = match single(carrier, HEADER) {
        Single::Absent => None,
        Single::NotText => Some(at(None).reject(Fault::NotText, SINGLE_HEADER)),
        Single::Value(value) => match parse(value.text.as_bytes(), at(Some(value.cut))) {
            Ok((found, objection)) => {
                let first_taken = || at(None).reject(Fault::FirstTaken, GET);
                let objection = value.differing.then(first_taken).or(objection);
                return Candidate {
                    objection: objection.map(Box::new),
                    ..Candidate::new(format, HEADER, Outcome::Valid(found))
                };
            }
            Err(reject) => Some(reject),
        },
    };
    let multi = b3multi::read(format, header, carrier);
    match (refusal, &multi.outcome) {
        (None, _) => multi,
        (Some(reject), Outcome::Valid(_)) => Candidate {
            objection: Some(Box::new(reject)),
            ..multi
        },
        (Some(reject), _) => Candidate::malformed(reject),
    }
}

/// What a value holds, and what is wrong with a parent span id that is not needed.
fn parse(value: &[u8], start: Place) -> Result<(Extracted, Option<Reject>), Reject> {
    match value {
        [] => return Err(start.reject(Fault::Empty, SINGLE_HEADER)),
        [state] => {
            let state = sampling(&[*state], start)?;
            return Ok((Extracted::SamplingOnly(state), None));
        }
        _ => {}
    }
    let (trace_id, place, rest) = field(value, start);
    let trace_id = place.trace_id(trace_id)?;
    let Some((rest, start)) = rest else {
        let end = start.after(value.len());
        return Err(end.reject(Fault::NoSeparator { field: &TRACE_ID }, SINGLE_HEADER));
    };
    let (span_id, place, rest) = field(rest, start);
    let span_id = place.span_id(span_id)?;

    let mut context = TraceContext::new(trace_id, span_id, Sampling::Deferred);
    let mut objection = None;
    if let Some((rest, start)) = rest {
        let (state, place, rest) = field(rest, start);
        context.sampling = sampling(state, place)?;
        if let Some((rest, start)) = rest {
            let (parent, place, rest) = field(rest, start);
            objection = place.parent_span_id(parent).err();
            if rest.is_some() {
                let end = place.after(parent.len());
                return Err(end.reject(
                    Fault::Trailing {
                        field: &PARENT_SPAN_ID,
                    },
                    SINGLE_HEADER,
                ));
            }
        }
    }
    Ok((Extracted::Context(context), objection))
}

/// What follows a field: the bytes behind its `-`, and where they are.
type Rest<'a> = Option<(&'a [u8], Place)>;

/// Splits off the field up to the next `-`.
fn field(value: &[u8], start: Place) -> (&[u8], Place, Rest<'_>) {
    let end = value.iter().position(|&byte| byte == b'-');
    match end {
        None => (value, start, None),
        Some(end) => (
            &value[..end],
            start,
            Some((&value[end + 1..], start.after(end + 1))),
        ),
    }
}

fn sampling(state: &[u8], place: Place) -> Result<Sampling, Reject> {
    match state {
        b"0" => Ok(Sampling::Drop),
        b"1" => Ok(Sampling::Keep),
        b"d" => Ok(Sampling::Debug),
        _ => {
            let expected = "0, 1 or d";
            Err(place.reject(Fault::SamplingState { expected }, SAMPLING_STATE))
        }
    }
}

/// Where in which header of which format something is read.
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

    /// Checks a parent span id. Zeros only are no fault of it: they say that there is none.
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
