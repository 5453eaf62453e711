//! Trace-context formats: what a header means, which context a mode continues, and why.
//!
//! Services hand the context of a trace on in headers, and there are several formats for that. A service that is
//! configured for more than one may find several contexts in one request, and they may disagree. This crate reads
//! the headers of a carrier in every format of a list with one call, [`Propagation::extract`], and the answer holds
//! what each format found (a context, a refusal with its reason, or nothing), which context is continued, and
//! in what the others disagree with it:
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
//! A refusal is a value that knows the header, the fault, its place and the specification's section:
//!
//! ```
//! # use baton_propagators::{HeaderList, Mode, Propagation};
//! let headers = HeaderList::from([("b3", "463ac35c9f6413ad-a2fb4a1d-1")]);
//! let extraction = Propagation::from("b3".parse::<Mode>()?).extract(&headers);
//! let reject = extraction.candidates[0].reject().expect("the span id is too short");
//! assert_eq!(
//!     reject.to_string(),
//!     "b3 has a SpanId of 8 characters where 16 belong, at byte 17",
//! );
//! # Ok::<(), baton_propagators::ModeError>(())
//! ```
//!
//! # In an OpenTelemetry service
//!
//! Rust's SDK does not read `OTEL_PROPAGATORS`; one call does:
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
//! - [`mode`]: lists of formats, pairings of them, and how to choose; [`propagation`]: all of it together, and from
//!   environment variables; [`extraction`]: the answer.
//! - [`format`](mod@format): the trait and the list of all formats; [`formats`](mod@formats): one file each, which opens with
//!   the grammar, the size bound and what the format cannot carry.
//! - [`carrier`]: maps, HTTP headers, JSON objects, all without regard to the case of names; [`envelope`]: the
//!   record that carries headers over a stream; [`environment`]: Lambda's, as a source of X-Ray's header.
//! - [`otel`]: the same as an OpenTelemetry propagator, and the upstream crates as an engine of their own.
//! - [`reject`]: all wording of refusals; [`explanation`]: what arrived and what it leads to, in sentences.
//!
//! # What it promises
//!
//! It does no I/O. Reading is total: any bytes give a value or a refusal, never a panic, in time linear in their
//! number. Reading a context touches no heap but for a `tracestate` or baggage that is there; writing one, no more
//! than the carrier does (baggage is put together on the heap).

#![forbid(unsafe_code)]

pub mod baggage;
pub mod carrier;
pub mod context;
pub mod envelope;
/// Old place of this name, until every crate uses the new one.
#[doc(hidden)]
pub mod environment {
    pub use crate::xray_from_lambda::X_AMZN_TRACE_ID;
}
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
