//! Datadog's own format.
//!
//! Datadog, "Trace Context Propagation"
//! (<https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/#datadog-format>),
//! and for 128-bit trace ids
//! (<https://docs.datadoghq.com/tracing/guide/span_and_trace_id_format/>):
//!
//! ```text
//! x-datadog-trace-id          = 1*20DIGIT         ; the low 64 bits in decimal, not zero
//! x-datadog-parent-id         = 1*20DIGIT         ; 64 bits in decimal; 0 or absent: no parent
//! x-datadog-sampling-priority = [ "-" ] 1*10DIGIT ; above 0 keep (1, 2), others drop (0, -1); absent: deferred
//! x-datadog-tags              = [ tag *( "," tag ) ]
//! tag                         = key "=" value     ; _dd.p.tid: the high 64 bits, 16 lower-case hexadecimal digits
//! x-datadog-origin            = text              ; where the trace began; not read
//! ```
//!
//! If the tags cannot be read, or are longer than the 512 bytes that Datadog's libraries read, the
//! context is valid without the high half of the trace id, and the candidate has an objection. A
//! trace without a parent, as browsers start it, is valid and holds only its decision. There is no
//! span to continue.
//!
//! Size bound: 145 bytes of names and values are written; 512 bytes of tags are read.
//!
//! What it cannot carry: `tracestate`, the random flag, the debug state (it is written as priority
//! 2 and comes back as sampled), a trace id whose low 64 bits are zero. `x-datadog-origin` and
//! other tags are not passed on.

use crate::carrier::{Getter, Setter, Single, single, trimmed};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::reject::GET;
use crate::format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject};
use crate::policy::Engine;

pub(crate) const NAME: &str = "datadog";
const TRACE_ID: &str = "x-datadog-trace-id";
const PARENT_ID: &str = "x-datadog-parent-id";
const SAMPLING_PRIORITY: &str = "x-datadog-sampling-priority";
const TAGS: &str = "x-datadog-tags";
const ORIGIN: &str = "x-datadog-origin";

const HIGH_TAG: &str = "_dd.p.tid";
const MAX_TAGS: usize = 512;

const FORMAT: &str = "Datadog, Trace Context Propagation, Datadog format";
const ID_FORMAT: &str = "Datadog, Trace and Span ID Formats, 128-bit trace IDs";

static TRACE_ID_FIELD: Field = Field {
    name: "trace id",
    length: "a decimal number below 2 to the 64th",
    spec: ID_FORMAT,
};
static PARENT_ID_FIELD: Field = Field {
    name: "parent id",
    length: "a decimal number below 2 to the 64th",
    spec: ID_FORMAT,
};
static PRIORITY_FIELD: Field = Field {
    name: "sampling priority",
    length: "a decimal number of 32 bits, such as -1, 0, 1 or 2",
    spec: FORMAT,
};
static HIGH_FIELD: Field = Field {
    name: "_dd.p.tid",
    length: "16",
    spec: ID_FORMAT,
};

/// The format `datadog`.
#[derive(Clone, Copy, Debug)]
pub struct Datadog;

impl Format for Datadog {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        "x-datadog-*"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[TRACE_ID, PARENT_ID, SAMPLING_PRIORITY, TAGS, ORIGIN]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[TRACE_ID]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[Zeros, NotADigit, Quoted, Undefined, Joined]
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let mut objection = None;
        match read(carrier, &mut objection) {
            Ok(None) => Candidate::absent(NAME, TRACE_ID),
            Ok(Some(found)) => Candidate {
                objection: objection.map(Box::new),
                ..Candidate::new(NAME, TRACE_ID, Outcome::Valid(found))
            },
            Err(reject) => Candidate::malformed(reject),
        }
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        let low = u64::from_be_bytes(context.trace_id.low_64());
        if low == 0 {
            return;
        }
        let mut digits = [0; 20];
        carrier.set(TRACE_ID, decimal(low, &mut digits));
        let span_id = u64::from_be_bytes(context.span_id.to_bytes());
        carrier.set(PARENT_ID, decimal(span_id, &mut digits));
        match context.sampling {
            Sampling::Deferred => {}
            Sampling::Drop => carrier.set(SAMPLING_PRIORITY, "0"),
            Sampling::Keep => carrier.set(SAMPLING_PRIORITY, "1"),
            Sampling::Debug => carrier.set(SAMPLING_PRIORITY, "2"),
        }
        if !context.trace_id.is_64_bit() {
            let mut tags = *b"_dd.p.tid=0000000000000000";
            tags[10..].copy_from_slice(&context.trace_id.digits()[..16]);
            carrier.set(TAGS, std::str::from_utf8(&tags).unwrap_or_default());
        }
    }
}

fn reject(
    header: &'static str,
    fault: Fault,
    position: Option<usize>,
    spec: &'static str,
) -> Reject {
    Reject {
        format: NAME,
        header,
        fault,
        position,
        spec,
        engine: Engine::Native,
    }
}

/// What the headers hold; `None` if none arrived.
fn read(carrier: &dyn Getter, objection: &mut Option<Reject>) -> Result<Option<Extracted>, Reject> {
    let Some(trace_id) = filled(carrier, TRACE_ID, objection)? else {
        return match filled(carrier, PARENT_ID, objection)? {
            None => Ok(None),
            Some(_) => Err(reject(TRACE_ID, Fault::Missing, None, FORMAT)),
        };
    };
    let low = number(TRACE_ID, trace_id, &TRACE_ID_FIELD)?;
    if low == 0 {
        let field = &TRACE_ID_FIELD;
        return Err(reject(
            TRACE_ID,
            Fault::AllZeros { field },
            Some(trace_id.1),
            ID_FORMAT,
        ));
    }
    let parent = match filled(carrier, PARENT_ID, objection)? {
        None => 0,
        Some(parent) => number(PARENT_ID, parent, &PARENT_ID_FIELD)?,
    };
    let sampling = match filled(carrier, SAMPLING_PRIORITY, objection)? {
        None => Sampling::Deferred,
        Some((text, start)) => {
            let field = &PRIORITY_FIELD;
            let fault = || {
                reject(
                    SAMPLING_PRIORITY,
                    Fault::NotDecimal { field },
                    Some(start),
                    FORMAT,
                )
            };
            Sampling::from_sampled(priority(text).ok_or_else(fault)? > 0)
        }
    };
    let high = match header(carrier, TAGS, objection) {
        Ok(None) => Ok([0; 8]),
        Ok(Some((value, cut))) => tags(value, cut),
        Err(reject) => Err(reject),
    };
    let high = high.unwrap_or_else(|reject| {
        *objection = Some(reject);
        [0; 8]
    });
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high);
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    let ids = TraceId::from_bytes(bytes).zip(SpanId::from_bytes(parent.to_be_bytes()));
    Ok(Some(match ids {
        Some((trace_id, span_id)) => {
            Extracted::Context(TraceContext::new(trace_id, span_id, sampling))
        }
        None => {
            objection.get_or_insert(reject(PARENT_ID, Fault::NoParent, None, FORMAT));
            Extracted::SamplingOnly(sampling)
        }
    }))
}

/// A header's value and the number of bytes of white space before it; `None` if it did not arrive.
fn header<'a>(
    carrier: &'a dyn Getter,
    header: &'static str,
    objection: &mut Option<Reject>,
) -> Result<Option<(&'a str, usize)>, Reject> {
    match single(carrier, header) {
        Single::Absent => Ok(None),
        Single::NotText => Err(reject(header, Fault::NotText, None, FORMAT)),
        Single::Value(value) => {
            if value.differing {
                objection.get_or_insert(reject(header, Fault::FirstTaken, None, GET));
            }
            Ok(Some((value.text, value.cut)))
        }
    }
}

/// The same as [`header`], for a header that must not be empty.
fn filled<'a>(
    carrier: &'a dyn Getter,
    name: &'static str,
    objection: &mut Option<Reject>,
) -> Result<Option<(&'a str, usize)>, Reject> {
    match header(carrier, name, objection)? {
        Some(("", cut)) => Err(reject(name, Fault::Empty, Some(cut), FORMAT)),
        found => Ok(found),
    }
}

/// Reads a decimal number. It checks the digits, because `parse` accepts a plus sign.
fn number(
    header: &'static str,
    (digits, start): (&str, usize),
    field: &'static Field,
) -> Result<u64, Reject> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| all_digits);
    number.ok_or_else(|| reject(header, Fault::NotDecimal { field }, Some(start), field.spec))
}

fn priority(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all_digits)
}

/// The high half of the trace id, from tags that start at byte `cut` of their header.
fn tags(value: &str, cut: usize) -> Result<[u8; 8], Reject> {
    let fault = |fault, at| reject(TAGS, fault, at, FORMAT);
    if value.len() > MAX_TAGS {
        let limit = MAX_TAGS;
        return Err(fault(Fault::TooLarge { limit }, Some(cut + MAX_TAGS)));
    }
    let mut start = cut;
    for piece in value.split(',') {
        let (tag, blank) = trimmed(piece);
        let place = start + blank;
        start += piece.len() + 1;
        if tag.is_empty() {
            continue;
        }
        let Some((key, digits)) = tag.split_once('=') else {
            return Err(fault(Fault::NoEqualsSign, Some(place)));
        };
        if key != HIGH_TAG {
            continue;
        }
        let (field, place) = (&HIGH_FIELD, place + key.len() + 1);
        return hex::decode(digits.as_bytes()).map_err(|at| {
            let (fault, at) = match digits.len() {
                16 => (Fault::NotLowerHex { field }, place + at),
                found => (Fault::Length { field, found }, place),
            };
            reject(TAGS, fault, Some(at), field.spec)
        });
    }
    Ok([0; 8])
}

/// A number's decimal digits, without an allocation.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut start = digits.len();
    while start == digits.len() || number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    std::str::from_utf8(&digits[start..]).unwrap_or_default()
}
