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
//! It reads the `x-b3-*` headers too; the rules for both encodings are in `b3_headers.rs`.
//!
//! Size bound: 51 bytes; 68 with a parent span id, which is read and never written.
//!
//! What it cannot carry: `tracestate`, the random flag.

use super::b3_headers::{self, FIELDS};
use crate::carrier::{Getter, Setter};
use crate::context::{Outgoing, Sampling};
use crate::format::{Candidate, Format, HeaderDefect, Usual};

pub(crate) use super::b3_headers::{PARENT_SPAN_ID, SINGLE as HEADER};

pub(crate) const NAME: &str = "b3";

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
        &[HEADER, b3_headers::TRACE_ID_HEADER]
    }

    fn defects(&self) -> &'static [HeaderDefect] {
        use HeaderDefect::*;
        &[
            ShortId, UpperCase, Zeros, Separator, Truncated, NotADigit, Quoted, Undefined, Joined,
        ]
    }

    fn extract(&self, carrier: &dyn Getter) -> Candidate {
        b3_headers::extract(NAME, HEADER, carrier)
    }

    fn usual(&self, carrier: &dyn Getter) -> Usual {
        b3_headers::usual(carrier)
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
