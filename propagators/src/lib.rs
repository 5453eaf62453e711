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
//! - [`mode`]: lists of formats, and pairings of a producer's and a consumer's list.
//! - [`policy`]: the other settings; [`propagation`]: all settings together, including those from
//!   environment variables.
//! - [`extraction`]: what reading the headers of a request found.
//! - [`format`](mod@format): what a format is; [`formats`](mod@formats): the list of them, and one
//!   file for each with its grammar, its size bound and what it cannot carry.
//! - [`carrier`]: where headers are read and written: maps, HTTP headers, JSON objects. Case never
//!   matters.
//! - [`envelope`]: the record that carries headers over a stream.
//! - [`xray_from_lambda`]: X-Ray's header from the environment of a Lambda function.
//! - [`otel`]: all of this as an OpenTelemetry propagator. The upstream crates can also be the
//!   engine.
//! - [`reject`]: the wording of refusals; [`explanation`]: what arrived and what it leads to, in
//!   sentences.
//! - [`header_defect`]: malformed headers, as real senders produce them.
//!
//! # What it promises
//!
//! It does no I/O. Reading is total: any bytes give a value or a refusal, never a panic, and the
//! time is linear in their number. Reading a context allocates only for a `tracestate` or for
//! baggage that arrived. Writing one allocates only for baggage and in the carrier.

#![forbid(unsafe_code)]

pub mod baggage;
pub mod carrier;
pub mod context;
pub mod envelope;
pub mod explanation;
pub mod extraction;
pub mod format;
pub mod formats;
pub mod function;
pub mod header_defect;
mod hex;
pub mod id;
pub mod libraries;
pub mod mode;
pub mod otel;
mod otel_engine;
pub mod policy;
pub mod propagation;
pub mod reject;
pub mod sampling;
#[cfg(test)]
mod tests;
mod tracestate;
pub mod xray_from_lambda;

pub use baggage::Baggage;
pub use carrier::{Getter, HeaderList, Setter};
pub use context::{Extracted, Outgoing, TraceContext, TraceState};
pub use explanation::Explanation;
pub use extraction::{Conflict, ConflictKind, Extraction};
pub use format::{Candidate, Format, Outcome, Usual};
pub use formats::{FORMATS, formats};
pub use header_defect::HeaderDefect;
pub use id::{SpanId, TraceId};
pub use mode::{Mode, ModeError, Pairing};
pub use otel::Propagator;
pub use policy::{Engine, OnConflict, Select, XraySource};
pub use propagation::{NoUpstream, Problem, Problems, Propagation};
pub use reject::{Fault, Field, Reject};
pub use sampling::Sampling;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
