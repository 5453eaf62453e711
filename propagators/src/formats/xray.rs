//! AWS X-Ray's tracing header.
//!
//! AWS X-Ray, "Tracing header"
//! (<https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>):
//!
//! ```text
//! X-Amzn-Trace-Id = part *( ";" OWS part )      ; in any order
//! part            = "Root=" root / "Parent=" 16HEXDIG / "Sampled=" ( "0" / "1" / "?" ) / name "=" text
//! root            = "1-" 8HEXDIG "-" 24HEXDIG   ; a time in seconds, and the rest of the trace id
//! ```
//!
//! `Sampled=?`, or no `Sampled`, asks the receiver to decide. Parts with other names (`Self`,
//! `Lineage`, those of an application) are ignored. A header without `Parent`, as load balancers
//! write it, has no span that could be the parent. It is valid and holds only its decision. There
//! is no context to continue.
//!
//! Lambda sets the environment variable `_X_AMZN_TRACE_ID` to such a header for every invocation.
//! If X-Ray is off, it has `Sampled=0`. [`XraySource::Environment`](crate::policy::XraySource)
//! reads it if no header arrived. If `xray` is the last format of the mode, it then turns sampling
//! off for the whole service.
//!
//! Size bound: 74 bytes are written; at most 8192 are read.
//!
//! What it cannot carry: the debug state (it is written as sampled), `tracestate`, the random flag.
//! Parts with other names are not passed on.

use crate::carrier::{Getter, Setter, Single, single, trimmed};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::reject::GET;
use crate::format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject};
use crate::policy::Engine;

pub(crate) const NAME: &str = "xray";
pub(crate) const HEADER: &str = "x-amzn-trace-id";
/// The environment variable in which AWS Lambda provides the header. Candidates name it as their
/// header if they came from there.
pub const X_AMZN_TRACE_ID: &str = "_X_AMZN_TRACE_ID";

const MAX_BYTES: usize = 8192;

const TRACING_HEADER: &str = "AWS X-Ray, Concepts, Tracing header";
const TRACE_ID_FORMAT: &str =
    "AWS X-Ray, Segment documents, trace_id: a version, 8 hexadecimal digits of time and 24 more";
const SEGMENT_ID: &str = "AWS X-Ray, Segment documents, id: 16 hexadecimal digits";

static ROOT: Field = Field {
    name: "Root",
    length: "35",
    spec: TRACE_ID_FORMAT,
};
static VERSION: Field = Field {
    name: "version in Root",
    length: "1",
    spec: TRACE_ID_FORMAT,
};
static PARENT: Field = Field {
    name: "Parent",
    length: "16",
    spec: SEGMENT_ID,
};
static SAMPLED: Field = Field {
    name: "Sampled",
    length: "1",
    spec: TRACING_HEADER,
};

/// The format `xray`.
#[derive(Clone, Copy, Debug)]
pub struct XRay;

impl Format for XRay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        "X-Amzn-Trace-Id"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[HEADER]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[ShortId, Zeros, Truncated, NotADigit]
    }

    fn lambda_variable(&self) -> Option<&'static str> {
        Some(X_AMZN_TRACE_ID)
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let fault = |fault| Candidate::malformed(reject(fault, None, TRACING_HEADER));
        match single(carrier, HEADER) {
            Single::Absent => Candidate::absent(NAME, HEADER),
            Single::NotText => fault(Fault::NotText),
            Single::Value(value) => match Parts::read(value.text).and_then(Parts::context) {
                Ok(found) => {
                    let objection = match found {
                        Extracted::SamplingOnly(_) => {
                            Some(reject(Fault::NoParent, None, TRACING_HEADER))
                        }
                        _ if value.differing => Some(reject(Fault::FirstTaken, None, GET)),
                        _ => None,
                    };
                    Candidate {
                        objection: objection.map(Box::new),
                        ..Candidate::new(NAME, HEADER, Outcome::Valid(found))
                    }
                }
                Err(reject) => Candidate::malformed(Reject {
                    position: reject.position.map(|position| position + value.cut),
                    ..reject
                }),
            },
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        let mut header =
            *b"Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";
        let trace_id = context.trace_id.digits();
        header[7..15].copy_from_slice(&trace_id[..8]);
        header[16..40].copy_from_slice(&trace_id[8..]);
        header[48..64].copy_from_slice(&context.span_id.digits());
        header[73] = match context.sampling {
            Sampling::Deferred => b'?',
            Sampling::Drop => b'0',
            Sampling::Keep | Sampling::Debug => b'1',
        };
        carrier.set(HEADER, std::str::from_utf8(&header).unwrap_or_default());
    }
}

fn reject(fault: Fault, position: Option<usize>, spec: &'static str) -> Reject {
    Reject {
        format: NAME,
        header: HEADER,
        fault,
        position,
        spec,
        engine: Engine::Native,
    }
}

/// The text of a part and its position.
type Part<'a> = Option<(&'a str, usize)>;

/// The parts that are read.
#[derive(Default)]
struct Parts<'a> {
    root: Part<'a>,
    parent: Part<'a>,
    sampled: Part<'a>,
    /// The length of the whole value.
    end: usize,
}

impl<'a> Parts<'a> {
    fn read(value: &'a str) -> Result<Self, Reject> {
        if value.is_empty() {
            return Err(reject(Fault::Empty, Some(0), TRACING_HEADER));
        }
        if value.len() > MAX_BYTES {
            let limit = MAX_BYTES;
            let fault = Fault::TooLarge { limit };
            return Err(reject(fault, Some(MAX_BYTES), TRACING_HEADER));
        }
        let mut parts = Parts {
            end: value.len(),
            ..Parts::default()
        };
        let mut start = 0;
        for piece in value.split(';') {
            let (part, cut) = trimmed(piece);
            let place = start + cut;
            start += piece.len() + 1;
            if part.is_empty() {
                continue;
            }
            let Some((name, text)) = part.split_once('=') else {
                return Err(reject(Fault::NoEqualsSign, Some(place), TRACING_HEADER));
            };
            let (slot, field) = match name {
                "Root" => (&mut parts.root, &ROOT),
                "Parent" => (&mut parts.parent, &PARENT),
                "Sampled" => (&mut parts.sampled, &SAMPLED),
                _ => continue,
            };
            if slot.replace((text, place + name.len() + 1)).is_some() {
                return Err(reject(Fault::Twice { field }, Some(place), TRACING_HEADER));
            }
        }
        Ok(parts)
    }

    fn context(self) -> Result<Extracted, Reject> {
        let Some((root, start)) = self.root else {
            let fault = Fault::NoField { field: &ROOT };
            return Err(reject(fault, Some(self.end), TRACING_HEADER));
        };
        let trace_id = trace_id(root.as_bytes(), start)?;
        let sampling = match self.sampled {
            None | Some(("?", _)) => Sampling::Deferred,
            Some(("0", _)) => Sampling::Drop,
            Some(("1", _)) => Sampling::Keep,
            Some((_, start)) => {
                let expected = "0, 1 or ?";
                let fault = Fault::SamplingState { expected };
                return Err(reject(fault, Some(start), TRACING_HEADER));
            }
        };
        let Some((parent, start)) = self.parent else {
            return Ok(Extracted::SamplingOnly(sampling));
        };
        let zeros = || reject(Fault::AllZeros { field: &PARENT }, Some(start), PARENT.spec);
        let span_id =
            SpanId::from_bytes(hex(&PARENT, parent.as_bytes(), start)?).ok_or_else(zeros)?;
        let context = TraceContext::new(trace_id, span_id, sampling);
        Ok(Extracted::Context(context))
    }
}

/// Reads `1-`, 8 digits, `-` and 24 digits.
fn trace_id(root: &[u8], start: usize) -> Result<TraceId, Reject> {
    let field = &ROOT;
    let fault = |fault, at| reject(fault, Some(start + at), ROOT.spec);
    if !root.starts_with(b"1-") {
        let (field, found) = (
            &VERSION,
            root.iter().take_while(|&&byte| byte != b'-').count(),
        );
        return Err(match found {
            1 => fault(
                Fault::Value {
                    expected: "version 1",
                },
                0,
            ),
            _ => fault(Fault::Length { field, found }, 0),
        });
    }
    if root.len() != 35 {
        let found = root.len();
        return Err(fault(Fault::Length { field, found }, 0));
    }
    if root[10] != b'-' {
        return Err(fault(Fault::NoSeparator { field: &ROOT_TIME }, 10));
    }
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&hex::<4>(field, &root[2..10], start + 2)?);
    bytes[4..].copy_from_slice(&hex::<12>(field, &root[11..], start + 11)?);
    TraceId::from_bytes(bytes).ok_or_else(|| fault(Fault::AllZeros { field }, 0))
}

static ROOT_TIME: Field = Field {
    name: "time in Root",
    length: "8",
    spec: TRACE_ID_FORMAT,
};

/// Reads exactly `2 * N` digits.
fn hex<const N: usize>(
    field: &'static Field,
    digits: &[u8],
    start: usize,
) -> Result<[u8; N], Reject> {
    let found = digits.len();
    if found != 2 * N {
        return Err(reject(
            Fault::Length { field, found },
            Some(start),
            field.spec,
        ));
    }
    hex::decode_padded(digits)
        .map_err(|at| reject(Fault::NotHex { field }, Some(start + at), field.spec))
}
