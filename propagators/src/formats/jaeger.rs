//! Jaeger's own format.
//!
//! Jaeger, "Propagation Format" (<https://www.jaegertracing.io/sdk-migration/#propagation-format>):
//!
//! ```text
//! uber-trace-id   = trace-id ":" span-id ":" parent-span-id ":" flags
//! trace-id        = 1*32HEXDIG   ; not all zeros, padded on the left with zeros
//! span-id         = 1*16HEXDIG   ; not all zeros, padded on the left with zeros
//! parent-span-id  = *HEXDIG      ; deprecated, ignored when reading, "0" when writing
//! flags           = 1*2HEXDIG    ; 1 sampled, 2 debug (only with 1), the others ignored
//! uberctx-<key>   = url-encoded value
//! ```
//!
//! The specification says only "base16", so digits of either case are read. Lower case is written.
//! The whole value can be url-encoded (`%3A` for `:`), as Jaeger's HTTP clients send it. Baggage is
//! read with or without a context. A `+` in it is a space.
//!
//! Size bound: 53 bytes are written; 69 are read, or more if the value is url-encoded. Baggage has
//! W3C Baggage's limits of 64 entries and 8192 bytes.
//!
//! What it cannot carry: a deferred decision (it is written as not sampled), `tracestate`, the
//! random flag, the case of baggage names, properties of baggage entries, a decision without ids.

use super::baggage;
use super::prefixed::Prefixed;
use crate::carrier::{Getter, Setter, Single, single};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::reject::GET;
use crate::format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject};
use crate::policy::Engine;

pub(crate) const NAME: &str = "jaeger";
const HEADER: &str = "uber-trace-id";
const PREFIX: &str = "uberctx-";

const SAMPLED: u8 = 0x01;
const DEBUG: u8 = 0x02;

/// The most bytes of a value: with a parent span id of full length, and url-encoded as far as
/// possible.
const MAX_BYTES: usize = 256;

const VALUE: &str = "Jaeger, Propagation Format, Trace/Span Identity, Value";
const BAGGAGE: &str = "Jaeger, Propagation Format, Baggage";

static TRACE_ID: Field = Field {
    name: "trace-id",
    length: "1 to 32",
    spec: VALUE,
};
static SPAN_ID: Field = Field {
    name: "span-id",
    length: "1 to 16",
    spec: VALUE,
};
static PARENT_SPAN_ID: Field = Field {
    name: "parent-span-id",
    length: "1 to 16",
    spec: VALUE,
};
static FLAGS: Field = Field {
    name: "flags",
    length: "1 or 2",
    spec: VALUE,
};

static BAGGAGE_HEADERS: Prefixed = Prefixed {
    format: NAME,
    prefix: PREFIX,
    spec: BAGGAGE,
    decode: |value| baggage::decode(&value.replace('+', " ")),
    encode: |value| Some(encode(value)),
};

/// The format `jaeger`.
#[derive(Clone, Copy, Debug)]
pub struct Jaeger;

impl Format for Jaeger {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        HEADER
    }

    fn fields(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    fn prefixes(&self) -> &'static [&'static str] {
        &[PREFIX]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[
            Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
        ]
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let (baggage, mut objection) = BAGGAGE_HEADERS.read(carrier);
        let candidate = match single(carrier, HEADER) {
            Single::Absent => match &baggage {
                None => Candidate::absent(NAME, HEADER),
                Some(baggage) => {
                    let found = Extracted::Baggage(baggage.clone());
                    Candidate::new(NAME, PREFIX, Outcome::Valid(found))
                }
            },
            Single::NotText => Candidate::malformed(reject(Fault::NotText, None)),
            Single::Value(value) => match read(value.text) {
                Ok(context) => {
                    if value.differing {
                        let first_taken = Reject {
                            spec: GET,
                            ..reject(Fault::FirstTaken, None)
                        };
                        objection.get_or_insert(first_taken);
                    }
                    let found = Extracted::Context(context);
                    Candidate::new(NAME, HEADER, Outcome::Valid(found))
                }
                Err(reject) => Candidate::malformed(Reject {
                    position: reject.position.map(|position| position + value.cut),
                    ..reject
                }),
            },
        };
        Candidate {
            baggage,
            objection: objection.map(Box::new),
            ..candidate
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        if let Some(context) = &outgoing.context {
            let mut header = *b"00000000000000000000000000000000:0000000000000000:0:0";
            header[..32].copy_from_slice(&context.trace_id.digits());
            header[33..49].copy_from_slice(&context.span_id.digits());
            header[52] = match context.sampling {
                Sampling::Deferred | Sampling::Drop => b'0',
                Sampling::Keep => b'1',
                Sampling::Debug => b'3',
            };
            carrier.set(HEADER, std::str::from_utf8(&header).unwrap_or_default());
        }
        if let Some(baggage) = &outgoing.baggage {
            BAGGAGE_HEADERS.write(baggage, carrier);
        }
    }
}

fn reject(fault: Fault, position: Option<usize>) -> Reject {
    Reject {
        format: NAME,
        header: HEADER,
        fault,
        position,
        spec: VALUE,
        engine: Engine::Native,
    }
}

/// Reads a value that may be url-encoded.
fn read(value: &str) -> Result<TraceContext, Reject> {
    if value.is_empty() {
        return Err(reject(Fault::Empty, Some(0)));
    }
    if value.len() > MAX_BYTES {
        let limit = MAX_BYTES;
        return Err(reject(Fault::TooLarge { limit }, Some(MAX_BYTES)));
    }
    if !value.contains('%') {
        return parse(value.as_bytes());
    }
    let decoded = baggage::decode(value);
    if decoded == value {
        return parse(value.as_bytes());
    }
    // A position in the decoded value is not one in the value that arrived.
    parse(decoded.as_bytes()).map_err(|reject| Reject {
        position: None,
        ..reject
    })
}

fn parse(value: &[u8]) -> Result<TraceContext, Reject> {
    let mut fields = value.split(|&byte| byte == b':');
    let mut start = 0;
    let mut next = |field: &'static Field| {
        let digits = fields
            .next()
            .ok_or_else(|| reject(Fault::NoField { field }, Some(value.len())))?;
        let place = start;
        start += digits.len() + 1;
        Ok((digits, place))
    };
    let trace_id = next(&TRACE_ID)?;
    let trace_id = TraceId::from_bytes(hex(&TRACE_ID, trace_id)?)
        .ok_or_else(|| reject(Fault::AllZeros { field: &TRACE_ID }, Some(trace_id.1)))?;
    let span_id = next(&SPAN_ID)?;
    let span_id = SpanId::from_bytes(hex(&SPAN_ID, span_id)?)
        .ok_or_else(|| reject(Fault::AllZeros { field: &SPAN_ID }, Some(span_id.1)))?;
    next(&PARENT_SPAN_ID)?;
    let [flags] = hex(&FLAGS, next(&FLAGS)?)?;
    if fields.next().is_some() {
        let field = &FLAGS;
        return Err(reject(Fault::Trailing { field }, Some(start - 1)));
    }
    let sampling = match (flags & SAMPLED != 0, flags & DEBUG != 0) {
        (true, true) => Sampling::Debug,
        (sampled, _) => Sampling::from_sampled(sampled),
    };
    Ok(TraceContext::new(trace_id, span_id, sampling))
}

fn hex<const N: usize>(
    field: &'static Field,
    (digits, start): (&[u8], usize),
) -> Result<[u8; N], Reject> {
    hex::decode_padded(digits).map_err(|at| {
        let found = digits.len();
        if (1..=2 * N).contains(&found) {
            reject(Fault::NotHex { field }, Some(start + at))
        } else {
            reject(Fault::Length { field, found }, Some(start))
        }
    })
}

/// Url-encodes a value: everything except letters, digits and `-._~`.
fn encode(value: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
        }
    }
    encoded
}
