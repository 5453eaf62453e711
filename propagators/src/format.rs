//! What a format is, and the list of all of them.

use std::fmt::Debug;

use crate::baggage::Baggage;
use crate::carrier::{Getter, Setter};
use crate::context::{Extracted, Outgoing, TraceContext};
use crate::formats::{b3, b3multi, datadog, jaeger, ottrace, tracecontext, xray};
use crate::reject::Reject;

/// Every format there is. The modes' names, the contract test, the benches and the command's listings all
/// come from here: a new format is one file in `formats/` and one line in this list.
pub static FORMATS: &[&dyn Format] = &[
    &tracecontext::TraceContext,
    &crate::formats::baggage::Baggage,
    &b3::B3,
    &b3multi::B3Multi,
    &jaeger::Jaeger,
    &xray::XRay,
    &datadog::Datadog,
    &ottrace::OtTrace,
];

/// How many formats there are, and so the most a mode can list.
pub(crate) const COUNT: usize = FORMATS.len();

/// One wire format.
pub trait Format: Debug + Sync {
    /// Its standard name: the one `OTEL_PROPAGATORS` uses.
    fn name(&self) -> &'static str;

    /// Every header it reads or writes, in lower case. Whoever forwards headers and injects over them
    /// removes these first, or the last sender's parent span id goes on with the next sender's context.
    fn fields(&self) -> &'static [&'static str];

    /// Every header it writes, in lower case: OpenTelemetry's [`fields`][spec] of a propagator.
    ///
    /// [spec]: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#fields
    fn written(&self) -> &'static [&'static str] {
        self.fields()
    }

    /// How the names of headers begin that carry one baggage entry each, in lower case; none in most formats. Such
    /// headers are removed along with the fields.
    fn prefixes(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads what a carrier holds in this format. It never fails and never panics: what cannot be read is a
    /// candidate that says why. Cost grows linearly with the size of the headers.
    fn extract(&self, carrier: &dyn Getter) -> Candidate;

    /// Whether its headers can hold baggage.
    fn carries_baggage(&self) -> bool {
        !self.prefixes().is_empty()
    }

    /// Reads the headers as nearly all requests have them, for a caller that asks only for the context. What it leaves as
    /// [`Usual::Other`] is for [`Format::extract`] to judge, and what it answers is what that would.
    fn usual(&self, carrier: &dyn Getter) -> Usual {
        let _ = carrier;
        Usual::Other
    }

    /// Writes what this format can carry of `outgoing`; nothing where there is nothing to write.
    fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter);
}

/// What [`Format::usual`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usual {
    /// No context: the header without which there is none did not arrive.
    Absent,
    /// A context, and nothing to object.
    Context(TraceContext),
    /// Anything else.
    Other,
}

/// What one format found in a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The format, by its standard name.
    pub format: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The header that was decisive: the one that holds the context, or the one at fault, or the one that
    /// is absent.
    pub header: &'static str,
    /// What is wrong although the outcome is valid: a `tracestate` that was dropped, a `b3` header that was
    /// passed over for a valid `x-b3-traceid`, or under engine `otel` a fault that the upstream crates overlook.
    pub objection: Option<Box<Reject>>,
    /// The baggage that came in headers of this format, whatever became of its context.
    pub baggage: Option<Baggage>,
    /// The trace flags the upstream crates gave a context under engine `otel`. They have bits for B3's debug
    /// and deferred states that stay on their span contexts, and a debug state of theirs can be unsampled.
    pub(crate) upstream_flags: Option<u8>,
}

/// What came of reading a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// None of its headers arrived.
    Absent,
    /// Its headers arrived and cannot be used.
    Malformed(Reject),
    /// Its headers arrived and mean this.
    Valid(Extracted),
}

impl Candidate {
    /// A candidate of this outcome, without objection.
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

    /// The context it holds, if it holds one that could be continued.
    pub fn context(&self) -> Option<&TraceContext> {
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => Some(context),
            _ => None,
        }
    }

    /// The context it holds, without the rest.
    pub(crate) fn into_context(self) -> Option<TraceContext> {
        match self.outcome {
            Outcome::Valid(Extracted::Context(context)) => Some(context),
            _ => None,
        }
    }

    /// The baggage that came in its headers: alone, or beside a context.
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

    /// What it says about sampling: `None` where it says nothing or defers the decision.
    pub fn sampled(&self) -> Option<bool> {
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => context.sampling.decision(),
            Outcome::Valid(Extracted::SamplingOnly(sampling)) => sampling.decision(),
            _ => None,
        }
    }

    /// Whether it asks for debugging. Under engine `otel` such a context can be unsampled all the same.
    pub fn debug(&self) -> bool {
        if let Some(flags) = self.upstream_flags {
            return flags & crate::otel::UPSTREAM_DEBUG != 0;
        }
        match &self.outcome {
            Outcome::Valid(Extracted::Context(context)) => context.sampling.is_debug(),
            Outcome::Valid(Extracted::SamplingOnly(sampling)) => sampling.is_debug(),
            _ => false,
        }
    }
}

/// The names of all formats, in the order they are listed to users.
pub fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name())
}

/// The format of this standard name; case does not matter.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS
        .iter()
        .copied()
        .find(|format| format.name().eq_ignore_ascii_case(name))
}
