//! B3 in a single header.

use super::{PARENT_SPAN_ID, Place, SINGLE, TRACE_ID};
use crate::carrier::{Getter, Single, single};
use crate::context::{Extracted, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::reject::GET;
use crate::format::{Candidate, Fault, Outcome, Reject};

const SINGLE_HEADER: &str = "B3 Propagation, Single Header";
const SAMPLING_STATE: &str = "B3 Propagation, Single Header, Sampling State";

/// Reads ids of full length and a sampling state; `None` for any other header.
#[inline]
pub(super) fn usual(value: &[u8]) -> Option<TraceContext> {
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

/// What the header holds for `format`, or why it is refused; `None` if it did not arrive.
#[inline]
pub(super) fn read(
    format: &'static str,
    carrier: &dyn Getter,
) -> Option<Result<Candidate, Reject>> {
    let at = |position| Place {
        format,
        header: SINGLE,
        position,
    };
    let value = match single(carrier, SINGLE) {
        Single::Absent => return None,
        Single::NotText => return Some(Err(at(None).reject(Fault::NotText, SINGLE_HEADER))),
        Single::Value(value) => value,
    };
    Some(
        parse(value.text.as_bytes(), at(Some(value.cut))).map(|(found, objection)| {
            let first_taken = || at(None).reject(Fault::FirstTaken, GET);
            let objection = value.differing.then(first_taken).or(objection);
            Candidate {
                objection: objection.map(Box::new),
                ..Candidate::new(format, SINGLE, Outcome::Valid(found))
            }
        }),
    )
}

/// What a value holds, and what is wrong with its parent span id.
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

/// The bytes after the `-` of a field, and their place.
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
