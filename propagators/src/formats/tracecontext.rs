//! W3C Trace Context.
//!
//! Level 2, sections 3.2 and 3.3 (<https://www.w3.org/TR/trace-context-2/#traceparent-header>):
//!
//! ```text
//! traceparent = version "-" trace-id "-" parent-id "-" trace-flags
//! version     = 2HEXDIGLC   ; ff is forbidden
//! trace-id    = 32HEXDIGLC  ; not all zeros
//! parent-id   = 16HEXDIGLC  ; not all zeros
//! trace-flags = 2HEXDIGLC   ; 01 sampled, 02 random-trace-id, the others ignored
//! HEXDIGLC    = DIGIT / "a" / "b" / "c" / "d" / "e" / "f"
//! ```
//!
//! Version 00 is exactly these 55 bytes. A higher version starts with the same 55. If more follows,
//! it starts with `-` and is ignored (section 3.2.4). Version 00 is written. `traceparent` is not a
//! list. Several of them are malformed, even if they are equal. So is the one header that a proxy
//! makes of them when it joins them with commas (RFC 9110, section 5.3).
//!
//! `tracestate` comes with it; [`TraceState`] has the grammar. It is read only beside a valid
//! `traceparent`. If it is malformed, all of it is dropped, the context stays valid, and the
//! candidate has an objection.
//!
//! Size bound: 55 bytes for version 00, and at most 16,447 for `tracestate`.
//!
//! What it cannot carry: a deferred decision (it is written as not sampled, section 3.2.2.5.1), the
//! debug state (it is written as sampled), a decision without ids.

pub(crate) mod tracestate;

use std::ops::Range;

use crate::carrier::{Arrival, Getter, Setter, Single, single};
use crate::context::{self, Extracted, Outgoing, Sampling, SpanId, TraceId, TraceState, hex};
use crate::format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject, Usual};
use crate::policy::Engine;

pub(crate) const NAME: &str = "tracecontext";

pub(crate) const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = tracestate::HEADER;

/// Bytes of a version 00 `traceparent`.
pub const TRACEPARENT_BYTES: usize = 55;
const LENGTH: usize = TRACEPARENT_BYTES;
const SAMPLED: u8 = 0x01;
const RANDOM: u8 = 0x02;

const FIELD_VALUES: &str =
    "W3C Trace Context Level 2, section 3.2.2 (traceparent header field values)";
/// Only a list may have several field lines.
const ONE_LINE: &str = "RFC 9110, section 5.3 (field order)";
const VERSION_FORMAT: &str = "W3C Trace Context Level 2, section 3.2.2.2 (version-format)";
const VERSIONING: &str = "W3C Trace Context Level 2, section 3.2.4 (versioning of traceparent)";

static VERSION: Field = Field {
    name: "version",
    length: "2",
    spec: "W3C Trace Context Level 2, section 3.2.2.1 (version)",
};
static TRACE_ID: Field = Field {
    name: "trace-id",
    length: "32",
    spec: "W3C Trace Context Level 2, section 3.2.2.3 (trace-id)",
};
static PARENT_ID: Field = Field {
    name: "parent-id",
    length: "16",
    spec: "W3C Trace Context Level 2, section 3.2.2.4 (parent-id)",
};
static TRACE_FLAGS: Field = Field {
    name: "trace-flags",
    length: "2",
    spec: "W3C Trace Context Level 2, section 3.2.2.5 (trace-flags)",
};

/// The format `tracecontext`.
#[derive(Clone, Copy, Debug)]
pub struct TraceContext;

impl Format for TraceContext {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        TRACEPARENT
    }

    fn fields(&self) -> &'static [&'static str] {
        &[TRACEPARENT, TRACESTATE]
    }

    fn lists(&self) -> &'static [&'static str] {
        &[TRACESTATE]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[TRACEPARENT]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        HeaderDefect::ALL
    }

    fn carries_tracestate(&self) -> bool {
        true
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        let fault = |fault, position, spec| Candidate::malformed(reject(fault, position, spec));
        let parsed = match single(carrier, TRACEPARENT) {
            Single::Absent => return Candidate::absent(NAME, TRACEPARENT),
            Single::NotText => return fault(Fault::NotText, None, FIELD_VALUES),
            Single::Value(value) if value.several => {
                return fault(Fault::Several, None, ONE_LINE);
            }
            Single::Value(value) => {
                parse_traceparent(value.text.as_bytes()).map_err(|reject| Reject {
                    position: reject.position.map(|position| position + value.cut),
                    ..reject
                })
            }
        };
        let mut context = match parsed {
            Ok(context) => context,
            Err(reject) => return Candidate::malformed(reject),
        };
        let tracestate = TraceState::collect(|each| carrier.get_all(TRACESTATE, each));
        let objection = match tracestate {
            Ok(tracestate) => {
                context.tracestate = tracestate;
                None
            }
            Err(reject) => Some(Box::new(reject)),
        };
        Candidate {
            objection,
            ..Candidate::new(
                NAME,
                TRACEPARENT,
                Outcome::Valid(Extracted::Context(context)),
            )
        }
    }

    fn usual(&self, carrier: &dyn Getter) -> Usual {
        let mut found = [Arrival::default(); 2];
        carrier.arrivals(&[TRACEPARENT, TRACESTATE], &mut found);
        let [traceparent, tracestate] = found;
        let Some(value) = traceparent.first else {
            return Usual::Absent;
        };
        if traceparent.several || tracestate.several {
            return Usual::Other;
        }
        let Some(mut context) = usual(value.as_bytes()) else {
            return Usual::Other;
        };
        if let Some(value) = tracestate.first {
            match TraceState::parse(value) {
                Ok(tracestate) => context.tracestate = tracestate,
                Err(_) => return Usual::Other,
            }
        }
        Usual::Context(context)
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        carrier.set(
            TRACEPARENT,
            format_traceparent(context, &mut [0; TRACEPARENT_BYTES]),
        );
        if !context.tracestate.is_empty() {
            carrier.set(TRACESTATE, context.tracestate.as_str());
        }
    }
}

fn reject(fault: Fault, position: Option<usize>, spec: &'static str) -> Reject {
    Reject {
        format: NAME,
        header: TRACEPARENT,
        fault,
        position,
        spec,
        engine: Engine::Native,
    }
}

/// Writes a `traceparent` of version 00 into a buffer (Level 2, section 3.2), without an
/// allocation. It is for code with a carrier of its own.
///
/// ```
/// # use baton_propagators::formats::tracecontext::{TRACEPARENT_BYTES, format_traceparent, parse_traceparent};
/// let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = parse_traceparent(header.as_bytes())?;
/// assert_eq!(format_traceparent(&context, &mut [0; TRACEPARENT_BYTES]), header);
/// # Ok::<(), baton_propagators::Reject>(())
/// ```
pub fn format_traceparent<'a>(
    context: &context::TraceContext,
    buffer: &'a mut [u8; TRACEPARENT_BYTES],
) -> &'a str {
    let sampled = context.sampling.decision() == Some(true);
    let flags = (u8::from(sampled) * SAMPLED) | (u8::from(context.random) * RANDOM);
    *buffer = *b"00-00000000000000000000000000000000-0000000000000000-00";
    hex::encode(context.trace_id.to_bytes(), &mut buffer[3..35]);
    hex::encode(context.span_id.to_bytes(), &mut buffer[36..52]);
    hex::encode([flags], &mut buffer[53..]);
    std::str::from_utf8(buffer).unwrap_or_default()
}

/// Reads the value of `traceparent` (Level 2, section 3.2) without an allocation. The value has no
/// white space around it. The context has no `tracestate`.
///
/// # Errors
///
/// When the value breaks the grammar. The refusal says how, where, and by which section.
pub fn parse_traceparent(value: &[u8]) -> Result<context::TraceContext, Reject> {
    // In most headers the separators are in place, so each field is a fixed slice. For any other
    // header it is acceptable that finding the fault takes longer.
    if !in_place(value) {
        return Err(diagnose(value));
    }
    let [version] = field(value, 0..2, &VERSION)?;
    if version == 0xff {
        return Err(reject(Fault::ForbiddenVersion, Some(0), VERSION.spec));
    }
    if version == 0 && value.len() > LENGTH {
        return Err(trailing(value));
    }
    let zeros = |field: &'static Field, start| {
        move || reject(Fault::AllZeros { field }, Some(start), field.spec)
    };
    let trace_id = TraceId::from_bytes(field(value, 3..35, &TRACE_ID)?);
    let trace_id = trace_id.ok_or_else(zeros(&TRACE_ID, 3))?;
    let span_id = SpanId::from_bytes(field(value, 36..52, &PARENT_ID)?);
    let span_id = span_id.ok_or_else(zeros(&PARENT_ID, 36))?;
    let [flags] = field(value, 53..55, &TRACE_FLAGS)?;

    let sampling = Sampling::from_sampled(flags & SAMPLED != 0);
    Ok(context::TraceContext {
        random: flags & RANDOM != 0,
        ..context::TraceContext::new(trace_id, span_id, sampling)
    })
}

/// Reads a header of version 00; `None` for any other.
#[inline]
fn usual(value: &[u8]) -> Option<context::TraceContext> {
    let value: &[u8; LENGTH] = value.try_into().ok()?;
    if [value[0], value[1], value[2], value[35], value[52]] != *b"00---" {
        return None;
    }
    let [flags] = hex::decode(&value[53..]).ok()?;
    Some(context::TraceContext {
        trace_id: TraceId::from_bytes(hex::decode(&value[3..35]).ok()?)?,
        span_id: SpanId::from_bytes(hex::decode(&value[36..52]).ok()?)?,
        sampling: Sampling::from_sampled(flags & SAMPLED != 0),
        random: flags & RANDOM != 0,
        tracestate: TraceState::EMPTY,
    })
}

/// Whether the header is long enough and its separators are where version 00 has them.
fn in_place(value: &[u8]) -> bool {
    value.len() >= LENGTH
        && [2, 35, 52].iter().all(|&place| value[place] == b'-')
        && value.get(LENGTH).is_none_or(|&next| next == b'-')
}

/// Reads a field of a header whose separators are in place.
fn field<const N: usize>(
    value: &[u8],
    place: Range<usize>,
    field: &'static Field,
) -> Result<[u8; N], Reject> {
    let start = place.start;
    hex::decode(&value[place])
        .map_err(|at| reject(Fault::NotLowerHex { field }, Some(start + at), field.spec))
}

/// Finds what is wrong with a header whose separators are not in place: the first field with a
/// wrong number of characters, or without `-` after it.
fn diagnose(value: &[u8]) -> Reject {
    if value.is_empty() {
        return reject(Fault::Empty, Some(0), FIELD_VALUES);
    }
    let mut start = 0;
    for (field, length, spec) in [
        (&VERSION, 2, VERSIONING),
        (&TRACE_ID, 32, TRACE_ID.spec),
        (&PARENT_ID, 16, PARENT_ID.spec),
        (&TRACE_FLAGS, 2, TRACE_FLAGS.spec),
    ] {
        let is_last = field == &TRACE_FLAGS;
        let rest = &value[start..];
        let end = rest.iter().position(|&byte| byte == b'-');
        let found = end.unwrap_or(rest.len());
        if let Some(at) = hex::first_fault(&rest[..found.min(length)]) {
            return reject(Fault::NotLowerHex { field }, Some(start + at), spec);
        }
        if is_last && found > length {
            break;
        }
        if found != length {
            return reject(Fault::Length { field, found }, Some(start), spec);
        }
        if !is_last && end.is_none() {
            let fault = Fault::NoSeparator { field };
            return reject(fault, Some(value.len()), after_version(value));
        }
        start += length + 1;
    }
    trailing(value)
}

/// The refusal of what follows the last field.
fn trailing(value: &[u8]) -> Reject {
    let field = &TRACE_FLAGS;
    let fault = match value.starts_with(b"00") {
        true => Fault::Trailing { field },
        false => Fault::NoSeparator { field },
    };
    reject(fault, Some(LENGTH), after_version(value))
}

/// The section about what follows the version. `version-format` is for version 00 only.
fn after_version(value: &[u8]) -> &'static str {
    match value.starts_with(b"00") {
        true => VERSION_FORMAT,
        false => VERSIONING,
    }
}
