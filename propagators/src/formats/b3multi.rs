//! B3 in several headers.
//!
//! B3 Propagation, "Multiple Headers" (<https://github.com/openzipkin/b3-propagation#multiple-headers>):
//!
//! ```text
//! x-b3-traceid      = 32HEXDIGLC / 16HEXDIGLC   ; 64-bit ids are padded on the left with zeros
//! x-b3-spanid       = 16HEXDIGLC
//! x-b3-parentspanid = 16HEXDIGLC                ; absent at the root
//! x-b3-sampled      = "1" / "0"                 ; absent: deferred
//! x-b3-flags        = "1"                       ; debug; any other value says nothing
//! ```
//!
//! `true` and `false` are read for `x-b3-sampled`, as the specification grants to old tracers, and never written.
//! Debug implies an accept decision, so `x-b3-sampled` is not looked at beside it. A sampling decision alone is
//! valid and holds no context; a parent span id needs the ids. A malformed parent span id is objected to, and the
//! context continues without it. Where one of these headers arrives several times, the first value wins; the
//! specification says so, and the candidate says that it happened.
//!
//! The `b3` header is read first; see [`b3`] for why, and for what the ids may be.
//!
//! Size bound: names and values make 84 bytes, 117 with a parent span id, which is read and never written.
//!
//! What it cannot carry: `tracestate`, the random flag.

use super::b3::{self, Place};
use crate::carrier::{Arrival, Getter, Setter, Single, single};
use crate::context::{Extracted, Outgoing, TraceContext};
use crate::format::{Candidate, Format, Outcome, Usual};
use crate::header_defect::HeaderDefect;
use crate::hex;
use crate::id::{SpanId, TraceId};
use crate::reject::{Fault, Reject};
use crate::sampling::Sampling;

pub(crate) const NAME: &str = "b3multi";

pub(crate) const TRACE_ID: &str = "x-b3-traceid";
pub(super) const SPAN_ID: &str = "x-b3-spanid";
pub(crate) const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
pub(super) const SAMPLED: &str = "x-b3-sampled";
pub(crate) const FLAGS: &str = "x-b3-flags";

const MULTIPLE_HEADERS: &str = "B3 Propagation, Multiple Headers";
const SAMPLING_STATE: &str = "B3 Propagation, Multiple Headers, Sampling State";

/// The format `b3multi`.
#[derive(Clone, Copy, Debug)]
pub struct B3Multi;

impl Format for B3Multi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn headers(&self) -> &'static str {
        "X-B3-*"
    }

    fn fields(&self) -> &'static [&'static str] {
        b3::FIELDS
    }

    fn written(&self) -> &'static [&'static str] {
        &[TRACE_ID, SPAN_ID, SAMPLED, FLAGS]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[TRACE_ID]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[ShortId, UpperCase, Zeros, NotADigit, Quoted, Undefined]
    }

    fn family(&self) -> &'static str {
        b3::NAME
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        b3::extract(NAME, TRACE_ID, carrier)
    }

    fn usual(&self, carrier: &dyn Getter) -> Usual {
        b3::usual(carrier)
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        fn text(digits: &[u8]) -> &str {
            std::str::from_utf8(digits).unwrap_or_default()
        }
        carrier.set(TRACE_ID, text(&context.trace_id.digits()));
        carrier.set(SPAN_ID, text(&context.span_id.digits()));
        match context.sampling {
            Sampling::Deferred => {}
            Sampling::Drop => carrier.set(SAMPLED, "0"),
            Sampling::Keep => carrier.set(SAMPLED, "1"),
            Sampling::Debug => carrier.set(FLAGS, "1"),
        }
    }
}

/// Reads the `x-b3-*` headers as they are usually written.
pub(super) fn usual(carrier: &dyn Getter) -> Usual {
    const NAMES: [&str; 5] = [TRACE_ID, SPAN_ID, SAMPLED, FLAGS, PARENT_SPAN_ID];
    let mut found = [Arrival::default(); NAMES.len()];
    carrier.arrivals(&NAMES, &mut found);
    let [trace_id, span_id, sampled, flags, parent] = found;
    if trace_id.first.is_none() {
        return Usual::Absent;
    }
    let (Some(trace_id), Some(span_id), None, None) =
        (trace_id.first, span_id.first, flags.first, parent.first)
    else {
        return Usual::Other;
    };
    let sampling = match sampled.first {
        None => Sampling::Deferred,
        Some("0") => Sampling::Drop,
        Some("1") => Sampling::Keep,
        Some(_) => return Usual::Other,
    };
    let trace_id = hex::decode(trace_id.as_bytes())
        .ok()
        .and_then(TraceId::from_bytes);
    let span_id = hex::decode(span_id.as_bytes())
        .ok()
        .and_then(SpanId::from_bytes);
    match (trace_id, span_id) {
        (Some(trace_id), Some(span_id)) => {
            Usual::Context(TraceContext::new(trace_id, span_id, sampling))
        }
        _ => Usual::Other,
    }
}

/// Reads the `x-b3-*` headers on behalf of `format`; `absent` is the header that counts as absent where none
/// of them arrived.
pub(super) fn read(format: &'static str, absent: &'static str, carrier: &dyn Getter) -> Candidate {
    let mut headers = Headers {
        format,
        carrier,
        objection: None,
    };
    match headers.read() {
        Ok(None) => Candidate::absent(format, absent),
        Ok(Some((header, extracted))) => Candidate {
            objection: headers.objection.map(Box::new),
            ..Candidate::new(format, header, Outcome::Valid(extracted))
        },
        Err(reject) => Candidate::malformed(reject),
    }
}

struct Headers<'a> {
    format: &'static str,
    carrier: &'a dyn Getter,
    /// The first header that came with several values.
    objection: Option<Reject>,
}

impl<'a> Headers<'a> {
    /// What the headers hold, and the header that holds it; `None` where none arrived.
    fn read(&mut self) -> Result<Option<(&'static str, Extracted)>, Reject> {
        let ids = (self.header(TRACE_ID)?, self.header(SPAN_ID)?);
        let (trace_id, span_id) = match ids {
            (Some(trace_id), Some(span_id)) => (trace_id, span_id),
            (None, None) if self.header(PARENT_SPAN_ID)?.is_some() => {
                return Err(self.missing(TRACE_ID));
            }
            (None, None) => {
                return Ok(match self.sampling()? {
                    (_, Sampling::Deferred) => None,
                    (header, sampling) => Some((header, Extracted::SamplingOnly(sampling))),
                });
            }
            (None, Some(_)) => return Err(self.missing(TRACE_ID)),
            (Some(_), None) => return Err(self.missing(SPAN_ID)),
        };
        let trace_id = trace_id.place.trace_id(trace_id.value.as_bytes())?;
        let span_id = span_id.place.span_id(span_id.value.as_bytes())?;
        let (_, sampling) = self.sampling()?;
        // It is not needed: whatever is wrong with it is an objection.
        let fault = match self.header(PARENT_SPAN_ID) {
            Ok(Some(parent)) => parent.place.parent_span_id(parent.value.as_bytes()).err(),
            Ok(None) => None,
            Err(reject) => Some(reject),
        };
        self.objection = self.objection.or(fault);
        let context = TraceContext::new(trace_id, span_id, sampling);
        Ok(Some((TRACE_ID, Extracted::Context(context))))
    }

    /// The sampling state, and the header that says so.
    fn sampling(&mut self) -> Result<(&'static str, Sampling), Reject> {
        if self.header(FLAGS)?.is_some_and(|flags| flags.value == "1") {
            return Ok((FLAGS, Sampling::Debug));
        }
        let Some(sampled) = self.header(SAMPLED)? else {
            return Ok((SAMPLED, Sampling::Deferred));
        };
        match sampled.value {
            "1" | "true" => Ok((SAMPLED, Sampling::Keep)),
            "0" | "false" => Ok((SAMPLED, Sampling::Drop)),
            _ => {
                let fault = Fault::SamplingState { expected: "0 or 1" };
                Err(sampled.place.reject(fault, SAMPLING_STATE))
            }
        }
    }

    /// One header's value, the first if there are several; `None` where it did not arrive.
    #[inline]
    fn header(&mut self, header: &'static str) -> Result<Option<Header<'a>>, Reject> {
        let place = |position| Place {
            format: self.format,
            header,
            position,
        };
        let value = match single(self.carrier, header) {
            Single::Absent => return Ok(None),
            Single::NotText => return Err(place(None).reject(Fault::NotText, MULTIPLE_HEADERS)),
            Single::Value(value) => value,
        };
        if value.differing && self.objection.is_none() {
            self.objection = Some(place(None).reject(Fault::FirstTaken, MULTIPLE_HEADERS));
        }
        Ok(Some(Header {
            value: value.text,
            place: place(Some(value.cut)),
        }))
    }

    fn missing(&self, header: &'static str) -> Reject {
        let place = Place {
            format: self.format,
            header,
            position: None,
        };
        place.reject(Fault::Missing, MULTIPLE_HEADERS)
    }
}

/// A header's value and where it starts.
struct Header<'a> {
    value: &'a str,
    place: Place,
}
