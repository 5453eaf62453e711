//! OT Trace, the format of OpenTracing's basic tracers.
//!
//! It has no formal specification. OpenTelemetry [lists] it as `ottrace` and [describes] it with
//! its propagators:
//!
//! ```text
//! ot-tracer-traceid = 16HEXDIG / 32HEXDIG                ; 16 as written; not all zeros
//! ot-tracer-spanid  = 16HEXDIG                           ; not all zeros
//! ot-tracer-sampled = "true" / "false" / "1" / "0"       ; true and false as written; absent: deferred
//! ot-baggage-<key>  = text                               ; as it is, not encoded
//! ```
//!
//! Nothing demands lower case, so digits of either case are read. Lower case is written. Baggage is
//! read only beside a valid context, as OpenTelemetry's propagators do.
//!
//! Size bound: 87 bytes of names and values. Baggage has W3C Baggage's limits of 64 entries and
//! 8192 bytes.
//!
//! What it cannot carry: the high 64 bits of a trace id (the receiver continues another trace than
//! the sender's), a trace id whose low 64 bits are zero, the debug state (it is written as
//! sampled), `tracestate`, the random flag, baggage values that are not printable ASCII, the case
//! of baggage names, properties of baggage entries.
//!
//! [lists]: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#propagators-distribution
//! [describes]: https://github.com/open-telemetry/opentelemetry-ruby/tree/main/propagator/ottrace#ot-trace-format

use super::prefixed::Prefixed;
use crate::carrier::{Getter, Setter, Single, single};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::reject::GET;
use crate::format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject};
use crate::policy::Engine;

pub(crate) const NAME: &str = "ottrace";
pub(crate) const TRACE_ID: &str = "ot-tracer-traceid";
const SPAN_ID: &str = "ot-tracer-spanid";
const SAMPLED: &str = "ot-tracer-sampled";
pub(crate) const PREFIX: &str = "ot-baggage-";

const FORMAT: &str = "OpenTelemetry OT Trace propagator, OT Trace Format";

static TRACE_ID_FIELD: Field = Field {
    name: "trace id",
    length: "16 or 32",
    spec: FORMAT,
};
static SPAN_ID_FIELD: Field = Field {
    name: "span id",
    length: "16",
    spec: FORMAT,
};

static BAGGAGE_HEADERS: Prefixed = Prefixed {
    format: NAME,
    prefix: PREFIX,
    spec: FORMAT,
    decode: str::to_owned,
    encode: |value| is_plain(value).then(|| value.to_owned()),
};

/// The format `ottrace`.
#[derive(Clone, Copy, Debug)]
pub struct OtTrace;

impl Format for OtTrace {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        "ot-tracer-*"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[TRACE_ID, SPAN_ID, SAMPLED]
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &[PREFIX]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[TRACE_ID]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[ShortId, Zeros, NotADigit, Quoted, Undefined, Joined]
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let mut objection = None;
        let context = match read(carrier, &mut objection) {
            Ok(None) => return Candidate::absent(NAME, TRACE_ID),
            Ok(Some(context)) => context,
            Err(reject) => return Candidate::malformed(reject),
        };
        let (baggage, of_baggage) = BAGGAGE_HEADERS.read(carrier);
        Candidate {
            baggage,
            objection: objection.or(of_baggage).map(Box::new),
            ..Candidate::new(NAME, TRACE_ID, Outcome::Valid(Extracted::Context(context)))
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        if context.trace_id.low_64() == [0; 8] {
            return;
        }
        fn text(digits: &[u8]) -> &str {
            std::str::from_utf8(digits).unwrap_or_default()
        }
        carrier.set(TRACE_ID, text(&context.trace_id.digits()[16..]));
        carrier.set(SPAN_ID, text(&context.span_id.digits()));
        if let Some(sampled) = context.sampling.decision() {
            carrier.set(SAMPLED, if sampled { "true" } else { "false" });
        }
        if let Some(baggage) = &outgoing.baggage {
            BAGGAGE_HEADERS.write(baggage, carrier);
        }
    }
}

/// What the headers hold; `None` if none arrived.
fn read(
    carrier: &dyn Getter,
    objection: &mut Option<Reject>,
) -> Result<Option<TraceContext>, Reject> {
    let trace_id = header(carrier, TRACE_ID, objection)?;
    let span_id = header(carrier, SPAN_ID, objection)?;
    let (trace_id, span_id) = match (trace_id, span_id) {
        (None, None) if header(carrier, SAMPLED, objection)?.is_none() => return Ok(None),
        (None, _) => return Err(reject(TRACE_ID, Fault::Missing, None)),
        (Some(_), None) => return Err(reject(SPAN_ID, Fault::Missing, None)),
        (Some(trace_id), Some(span_id)) => (trace_id, span_id),
    };
    let zeros =
        |header, field, place| move || reject(header, Fault::AllZeros { field }, Some(place));
    // 16 digits are the low half. They are padded on the left.
    let lengths: &[usize] = &[16, 32];
    let bytes = hex(TRACE_ID, &TRACE_ID_FIELD, trace_id, lengths)?;
    let id = TraceId::from_bytes(bytes);
    let id = id.ok_or_else(zeros(TRACE_ID, &TRACE_ID_FIELD, trace_id.1))?;
    let parent = SpanId::from_bytes(hex(SPAN_ID, &SPAN_ID_FIELD, span_id, &[16])?);
    let parent = parent.ok_or_else(zeros(SPAN_ID, &SPAN_ID_FIELD, span_id.1))?;
    let sampling = match header(carrier, SAMPLED, objection)? {
        None => Sampling::Deferred,
        Some(("true" | "1", _)) => Sampling::Keep,
        Some(("false" | "0", _)) => Sampling::Drop,
        Some((_, start)) => {
            let expected = "true or false";
            return Err(reject(
                SAMPLED,
                Fault::SamplingState { expected },
                Some(start),
            ));
        }
    };
    Ok(Some(TraceContext::new(id, parent, sampling)))
}

fn reject(header: &'static str, fault: Fault, position: Option<usize>) -> Reject {
    Reject {
        format: NAME,
        header,
        fault,
        position,
        spec: FORMAT,
        engine: Engine::Native,
    }
}

/// A header's value and the number of bytes of white space before it; `None` if it did not arrive.
fn header<'a>(
    carrier: &'a dyn Getter,
    header: &'static str,
    objection: &mut Option<Reject>,
) -> Result<Option<(&'a str, usize)>, Reject> {
    match single(carrier, header) {
        Single::Absent => Ok(None),
        Single::NotText => Err(reject(header, Fault::NotText, None)),
        Single::Value(value) => {
            if value.differing {
                objection.get_or_insert(Reject {
                    spec: GET,
                    ..reject(header, Fault::FirstTaken, None)
                });
            }
            Ok(Some((value.text, value.cut)))
        }
    }
}

fn hex<const N: usize>(
    header: &'static str,
    field: &'static Field,
    (digits, start): (&str, usize),
    lengths: &[usize],
) -> Result<[u8; N], Reject> {
    let found = digits.len();
    if !lengths.contains(&found) {
        return Err(reject(header, Fault::Length { field, found }, Some(start)));
    }
    hex::decode_padded(digits.as_bytes())
        .map_err(|at| reject(header, Fault::NotHex { field }, Some(start + at)))
}

/// Whether a value can be sent unchanged and comes back unchanged.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value
}
