//! B3 in several headers.
//!
//! B3 Propagation, "Multiple Headers"
//! (<https://github.com/openzipkin/b3-propagation#multiple-headers>):
//!
//! ```text
//! x-b3-traceid      = 32HEXDIGLC / 16HEXDIGLC   ; 64-bit ids are padded on the left with zeros
//! x-b3-spanid       = 16HEXDIGLC
//! x-b3-parentspanid = 16HEXDIGLC                ; absent at the root
//! x-b3-sampled      = "1" / "0"                 ; absent: deferred
//! x-b3-flags        = "1"                       ; debug; any other value says nothing
//! ```
//!
//! It reads the `b3` header first; the rules for both encodings are in `b3_headers.rs`.
//!
//! `true` and `false` are read for `x-b3-sampled`, because the specification allows them from old
//! tracers. They are never written. Debug implies an accept decision, so `x-b3-sampled` is ignored
//! beside it. A sampling decision without ids is valid and holds no context. A parent span id
//! without ids is malformed. If one of these headers arrives several times, the first value counts,
//! as the specification says, and the candidate has an objection.
//!
//! Size bound: 84 bytes of names and values; 117 with a parent span id, which is read and never
//! written.
//!
//! What it cannot carry: `tracestate`, the random flag.

use super::b3_headers::{self, FIELDS, SAMPLED, SPAN_ID_HEADER};
use crate::carrier::{Getter, Setter};
use crate::context::{Outgoing, Sampling};
use crate::format::{Candidate, Format, HeaderDefect, Usual};

pub(crate) use super::b3_headers::{
    FLAGS, PARENT_SPAN_ID_HEADER as PARENT_SPAN_ID, TRACE_ID_HEADER as TRACE_ID,
};

pub(crate) const NAME: &str = "b3multi";
/// Both formats are named after the single header.
const FAMILY: &str = b3_headers::SINGLE;

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
        FIELDS
    }

    fn written(&self) -> &'static [&'static str] {
        &[TRACE_ID, SPAN_ID_HEADER, SAMPLED, FLAGS]
    }

    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[TRACE_ID]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[
            ShortId, UpperCase, Zeros, NotADigit, Quoted, Undefined, Joined,
        ]
    }

    fn family(&self) -> &'static str {
        FAMILY
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        b3_headers::extract(NAME, TRACE_ID, carrier)
    }

    fn usual(&self, carrier: &dyn Getter) -> Usual {
        b3_headers::usual(carrier)
    }

    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        let Some(context) = &outgoing.context else {
            return;
        };
        fn text(digits: &[u8]) -> &str {
            std::str::from_utf8(digits).unwrap_or_default()
        }
        carrier.set(TRACE_ID, text(&context.trace_id.digits()));
        carrier.set(SPAN_ID_HEADER, text(&context.span_id.digits()));
        match context.sampling {
            Sampling::Deferred => {}
            Sampling::Drop => carrier.set(SAMPLED, "0"),
            Sampling::Keep => carrier.set(SAMPLED, "1"),
            Sampling::Debug => carrier.set(FLAGS, "1"),
        }
    }
}
