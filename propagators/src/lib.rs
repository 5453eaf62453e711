//! Trace-context formats: what a header means, which context a mode continues, and why.
//!
//! Services pass the context of a trace to each other in headers, and there are several formats for
//! that. A service that reads more than one format can find several contexts in one request, and
//! they can disagree. [`Propagation::extract`] reads the headers of a carrier in every format of a
//! list. Its answer holds what each format found (a context, a refusal with its reason, or
//! nothing), which context is continued, and how the others disagree with it:
//!
//! ```
//! use baton_propagators::{HeaderList, Mode, Propagation};
//!
//! let headers = HeaderList::from([
//!     ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
//!     ("B3", "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0"),
//! ]);
//! let mode: Mode = "tracecontext,b3".parse()?;
//! let extraction = Propagation::from(mode).extract(&headers);
//!
//! // The last valid format of the list wins, as with OpenTelemetry's composite propagator.
//! let context = extraction.context().expect("both formats hold one");
//! assert_eq!(context.trace_id.to_string(), "463ac35c9f6413ad48485a3953bb6124");
//! let conflict = extraction.conflict.expect("they disagree");
//! assert_eq!(conflict.formats.as_slice(), ["tracecontext", "b3"]);
//! # Ok::<(), baton_propagators::ModeError>(())
//! ```
//!
//! A refusal is a value. It holds the header, the fault, its position and the section of the
//! specification:
//!
//! ```
//! # use baton_propagators::{HeaderList, Mode, Propagation};
//! let headers = HeaderList::from([("b3", "463ac35c9f6413ad-a2fb4a1d-1")]);
//! let extraction = Propagation::from("b3".parse::<Mode>()?).extract(&headers);
//! let reject = extraction.candidates[0].reject().expect("the span id is too short");
//! assert_eq!(
//!     reject.to_string(),
//!     "b3 has a SpanId of 8 characters instead of 16, at byte 17",
//! );
//! # Ok::<(), baton_propagators::ModeError>(())
//! ```
//!
//! # In an OpenTelemetry service
//!
//! Rust's SDK does not read `OTEL_PROPAGATORS`. This call does:
//!
//! ```
//! use baton_propagators::Propagator;
//! use opentelemetry::global;
//!
//! global::set_text_map_propagator(Propagator::from_environment()?);
//!
//! let mut headers = http::HeaderMap::new();
//! headers.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?);
//! let context = global::get_text_map_propagator(|propagator| {
//!     propagator.extract(&opentelemetry_http::HeaderExtractor(&headers))
//! });
//! # use opentelemetry::trace::TraceContextExt;
//! assert!(context.span().span_context().is_remote());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is where
//!
//! - [`carrier`]: where headers are read and written: maps, HTTP headers, JSON objects. Case never
//!   matters.
//! - [`context`]: what headers hold: ids, the sampling decision, `tracestate` and baggage.
//! - [`format`](mod@format): what a format is, with the refusals of headers (`reject`) and the
//!   defects of real senders (`header_defect`).
//! - [`formats`](mod@formats): the list of formats, and one file for each with its grammar, its size
//!   bound and what it cannot carry.
//! - [`policy`]: settings with a few named values, such as the engine.
//! - [`propagation`]: a service's settings: which formats it reads and writes (`mode`), what it found
//!   in a request (`extraction`), and the upstream crates as the engine (`otel_engine`).
//! - [`lambda`]: the envelope on the stream, and X-Ray's header from the environment of a function.
//! - [`libraries`]: what libraries in use make of headers.
//! - [`explanation`]: what arrived and what it leads to, in sentences.
//! - [`otel`]: all of this as an OpenTelemetry propagator.
//!
//! # What it promises
//!
//! It does no I/O. Reading is total: any bytes give a value or a refusal, never a panic, and the
//! time is linear in their number. Reading a context allocates only for a `tracestate` or for
//! baggage that arrived. Writing one allocates only for baggage and in the carrier.

#![forbid(unsafe_code)]

pub mod carrier;
pub mod context;
pub mod explanation;
pub mod format;
pub mod formats;
pub mod lambda;
pub mod libraries;
pub mod otel;
pub mod policy;
pub mod propagation;
#[cfg(test)]
mod tests;

pub use carrier::{Getter, HeaderList, Setter};
pub use context::{
    Baggage, Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, TraceState,
};
pub use explanation::Explanation;
pub use format::{Candidate, Fault, Field, Format, HeaderDefect, Outcome, Reject, Usual};
pub use formats::{FORMATS, formats};
pub use otel::Propagator;
pub use policy::{Engine, OnConflict, Select, XraySource};
pub use propagation::{
    Conflict, ConflictKind, Extraction, Mode, ModeError, NoUpstream, Pairing, Problem, Problems,
    Propagation,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
