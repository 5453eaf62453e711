//! B3 in several headers.

use super::{FLAGS, PARENT_SPAN_ID_HEADER, Place, SAMPLED, SPAN_ID_HEADER, TRACE_ID_HEADER};
use crate::carrier::{Arrival, Getter, Single, single};
use crate::context::{Extracted, Sampling, SpanId, TraceContext, TraceId, hex};
use crate::format::{Candidate, Fault, Outcome, Reject, Usual};

const MULTIPLE_HEADERS: &str = "B3 Propagation, Multiple Headers";
const SAMPLING_STATE: &str = "B3 Propagation, Multiple Headers, Sampling State";

/// Reads a context from headers in their most common form.
pub(super) fn usual(carrier: &dyn Getter) -> Usual {
    const NAMES: [&str; 5] = [
        TRACE_ID_HEADER,
        SPAN_ID_HEADER,
        SAMPLED,
        FLAGS,
        PARENT_SPAN_ID_HEADER,
    ];
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

/// Reads the headers for `format`. `absent` is the one that is called absent if none arrived.
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
    /// The first header that arrived with several values.
    objection: Option<Reject>,
}

impl<'a> Headers<'a> {
    /// What the headers hold, and the header that holds it; `None` if none arrived.
    fn read(&mut self) -> Result<Option<(&'static str, Extracted)>, Reject> {
        let ids = (self.header(TRACE_ID_HEADER)?, self.header(SPAN_ID_HEADER)?);
        let (trace_id, span_id) = match ids {
            (Some(trace_id), Some(span_id)) => (trace_id, span_id),
            (None, None) if self.header(PARENT_SPAN_ID_HEADER)?.is_some() => {
                return Err(self.missing(TRACE_ID_HEADER));
            }
            (None, None) => {
                return Ok(match self.sampling()? {
                    (_, Sampling::Deferred) => None,
                    (header, sampling) => Some((header, Extracted::SamplingOnly(sampling))),
                });
            }
            (None, Some(_)) => return Err(self.missing(TRACE_ID_HEADER)),
            (Some(_), None) => return Err(self.missing(SPAN_ID_HEADER)),
        };
        let trace_id = trace_id.place.trace_id(trace_id.value.as_bytes())?;
        let span_id = span_id.place.span_id(span_id.value.as_bytes())?;
        let (_, sampling) = self.sampling()?;
        // It is not needed: whatever is wrong with it is an objection.
        let fault = match self.header(PARENT_SPAN_ID_HEADER) {
            Ok(Some(parent)) => parent.place.parent_span_id(parent.value.as_bytes()).err(),
            Ok(None) => None,
            Err(reject) => Some(reject),
        };
        self.objection = self.objection.or(fault);
        let context = TraceContext::new(trace_id, span_id, sampling);
        Ok(Some((TRACE_ID_HEADER, Extracted::Context(context))))
    }

    /// The sampling state, and the header that holds it.
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

    /// One header's value, the first if there are several; `None` if it did not arrive.
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
