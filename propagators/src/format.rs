//! What a trace-context format is, and what reading one can find.

mod header_defect;
pub(crate) mod reject;

use std::fmt::Debug;

use crate::carrier::{Getter, Setter};
use crate::context::{Baggage, Extracted, Outgoing, TraceContext};

pub use header_defect::HeaderDefect;
pub use reject::{Fault, Field, Reject};

/// One trace-context format. All that is true of a format is in its file; nothing else compares its
/// name.
pub trait Format: Debug + Sync {
    /// Its standard name, as in `OTEL_PROPAGATORS`.
    fn name(&self) -> &'static str;

    /// Its headers as people write them, as in `X-B3-*`.
    fn headers(&self) -> &'static str;

    /// Every header it reads or writes, in lower case. A service that forwards headers and then
    /// injects its own context removes these first. Otherwise the old parent span id stays beside
    /// the new context.
    fn fields(&self) -> &'static [&'static str];

    /// Every header it writes, in lower case: OpenTelemetry's [`fields`][spec] of a propagator.
    ///
    /// [spec]: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#fields
    fn written(&self) -> &'static [&'static str] {
        self.fields()
    }

    /// The prefixes, in lower case, of headers that carry one baggage entry each. Most formats have
    /// none. A service that forwards headers removes these together with [`Format::fields`].
    fn prefixes(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its headers that are lists: several headers of the same name make one list.
    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    /// The headers, in lower case, that hold the trace id. `Format::written` has at least one of
    /// them.
    fn trace_id_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// What makes [`Format::trace_id_headers`] malformed. A defect that the format allows is not
    /// among them: Jaeger allows ids in upper case, for example.
    fn defects(&self) -> &'static [HeaderDefect] {
        &[]
    }

    /// The format after which its family is named. Formats of one family read each other's headers,
    /// so a reader of one finds what a writer of another wrote.
    fn family(&self) -> &'static str {
        self.name()
    }

    /// The environment variable in which AWS Lambda provides its header, if it does.
    fn lambda_variable(&self) -> Option<&'static str> {
        None
    }

    /// Whether its headers can hold a trace context.
    fn carries_context(&self) -> bool {
        true
    }

    /// Whether its headers can hold W3C's `tracestate`.
    fn carries_tracestate(&self) -> bool {
        false
    }

    /// Whether its headers can hold baggage.
    fn carries_baggage(&self) -> bool {
        !self.prefixes().is_empty()
    }

    /// Whether it reads the header of this name. Case does not matter.
    fn reads(&self, header: &str) -> bool {
        let starts_with = |prefix: &&str| {
            let start = header.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        self.fields()
            .iter()
            .any(|field| field.eq_ignore_ascii_case(header))
            || self.prefixes().iter().any(starts_with)
    }

    /// Reads what a carrier holds in this format. It never fails and never panics: for a header
    /// that it cannot read, the candidate says why. Its cost grows linearly with the size of the
    /// headers.
    fn extract(&self, carrier: &dyn Getter) -> Candidate;

    /// Reads only the context, and only from headers in their most common form. [`Usual::Other`]
    /// means that the caller has to use [`Format::extract`]. Any other answer is the one that
    /// `extract` would give.
    fn usual(&self, carrier: &dyn Getter) -> Usual {
        let _ = carrier;
        Usual::Other
    }

    /// Writes what this format can carry of `outgoing`. It writes no header if there is nothing to
    /// carry.
    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter);
}

/// What [`Format::usual`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usual {
    /// No context: a header that every context of the format has did not arrive.
    Absent,
    /// A context without any objection.
    Context(TraceContext),
    /// Anything else.
    Other,
}

/// The trace flag with which the upstream B3 crate marks debugging.
pub(crate) const UPSTREAM_DEBUG: u8 = 0x04;

/// What one format found in a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The format's standard name.
    pub format: &'static str,
    /// The result of reading it.
    pub outcome: Outcome,
    /// The decisive header: the one that holds the context, the one at fault, or the one that is
    /// absent.
    pub header: &'static str,
    /// What is wrong although the outcome is valid. Examples: a `tracestate` that was dropped, a
    /// `b3` header that was ignored for a valid `x-b3-traceid`, or a fault that engine `otel`
    /// overlooks.
    pub objection: Option<Box<Reject>>,
    /// The baggage in headers of this format, whether its context is valid or not.
    pub baggage: Option<Baggage>,
    /// The trace flags that the upstream crates gave a context under engine `otel`. They use bits
    /// for B3's debug and deferred states, and such a debug state can be unsampled.
    pub(crate) upstream_flags: Option<u8>,
}

/// The result of reading one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// None of its headers arrived.
    Absent,
    /// Its headers arrived and cannot be used.
    Malformed(Reject),
    /// Its headers arrived and hold this.
    Valid(Extracted),
}

impl Candidate {
    /// A candidate with this outcome and without an objection.
    pub fn new(format: &'static str, header: &'static str, outcome: Outcome) -> Self {
        Candidate {
            format,
            outcome,
            header,
            objection: None,
            baggage: None,
            upstream_flags: None,
        }
    }

    /// The candidate of a format whose headers did not arrive.
    pub fn absent(format: &'static str, header: &'static str) -> Self {
        Self::new(format, header, Outcome::Absent)
    }

    /// The candidate of a format whose header was refused.
    pub fn malformed(reject: Reject) -> Self {
        Self::new(reject.format, reject.header, Outcome::Malformed(reject))
    }

    /// Its context, if it has one to continue.
    pub fn context(&self) -> Option<&TraceContext> {
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => Some(context),
            _ => None,
        }
    }

    /// The same as [`Candidate::context`], by value.
    pub(crate) fn into_context(self) -> Option<TraceContext> {
        match self.outcome {
            Outcome::Valid(Extracted::Context(context)) => Some(context),
            _ => None,
        }
    }

    /// The baggage in its headers, with or without a context.
    pub(crate) fn baggage(&self) -> Option<&Baggage> {
        match &self.outcome {
            Outcome::Valid(Extracted::Baggage(baggage)) => Some(baggage),
            _ => self.baggage.as_ref(),
        }
    }

    /// Why it was refused, if it was.
    pub fn reject(&self) -> Option<&Reject> {
        match &self.outcome {
            Outcome::Malformed(reject) => Some(reject),
            _ => None,
        }
    }

    /// Its sampling decision; `None` if it has none or defers it.
    pub fn sampled(&self) -> Option<bool> {
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => context.sampling.decision(),
            Outcome::Valid(Extracted::SamplingOnly(sampling)) => sampling.decision(),
            _ => None,
        }
    }

    /// Whether it asks for debugging. Under engine `otel` such a context can still be unsampled.
    pub fn debug(&self) -> bool {
        if let Some(flags) = self.upstream_flags {
            return flags & UPSTREAM_DEBUG != 0;
        }
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => context.sampling.is_debug(),
            Outcome::Valid(Extracted::SamplingOnly(sampling)) => sampling.is_debug(),
            _ => false,
        }
    }
}
