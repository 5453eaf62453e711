//! The engine `otel`: the upstream OpenTelemetry crates read and write the headers, as in most Rust
//! services today. They give no reasons, so the reason of a refusal comes from this crate's own
//! reading.

pub(crate) mod convert;

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};
use opentelemetry_propagator_b3::{B3Encoding, Propagator as B3};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::mode::Mode;
use crate::carrier::{Getter, Setter, trimmed};
use crate::context::{Extracted, Outgoing, Sampling, SpanId, TraceContext, TraceId, TraceState};
use crate::format::{Candidate, Fault, Format, Outcome, Reject, UPSTREAM_DEBUG};
use crate::formats::{b3, b3multi, baggage, tracecontext};
use crate::policy::Engine;

/// The trace flag that the B3 crate uses for a deferred decision. W3C later used it for random
/// trace ids.
const DEFERRED: u8 = 0x02;

type Upstream = &'static (dyn TextMapPropagator + Send + Sync);

static TRACE_CONTEXT: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);
static BAGGAGE: LazyLock<BaggagePropagator> = LazyLock::new(BaggagePropagator::new);
static B3_SINGLE: LazyLock<B3> = LazyLock::new(|| B3::with_encoding(B3Encoding::SingleHeader));
static B3_MULTI: LazyLock<B3> = LazyLock::new(|| B3::with_encoding(B3Encoding::MultipleHeader));

/// The upstream propagator of a format, in its usual configuration; `None` if upstream has none.
fn propagator(format: &str) -> Option<Upstream> {
    match format {
        tracecontext::NAME => Some(&*TRACE_CONTEXT),
        baggage::NAME => Some(&*BAGGAGE),
        b3::NAME => Some(&*B3_SINGLE),
        b3multi::NAME => Some(&*B3_MULTI),
        _ => None,
    }
}

/// Whether upstream has a propagator for a format on this version of OpenTelemetry.
pub(crate) fn has(format: &str) -> bool {
    propagator(format).is_some()
}

/// Reads a format with the upstream crates. If they have no propagator for it, its headers are
/// refused.
pub(crate) fn extract(format: &dyn Format, carrier: &dyn Getter) -> Candidate {
    let ours = format.extract(carrier);
    let Some(propagator) = propagator(format.name()) else {
        return no_upstream(ours);
    };
    let cx = propagator.extract_with_context(&Context::new(), &Arrived(carrier));
    let baggage = convert::from_upstream_baggage(cx.baggage()).map(Extracted::Baggage);
    let flags = cx.span().span_context().trace_flags().to_u8();
    let context = trace_context(cx.span().span_context()).map(Extracted::Context);

    let Some(found) = context.or(baggage) else {
        return refused(ours);
    };
    Candidate {
        format: ours.format,
        header: decisive(&ours, propagator, carrier),
        upstream_flags: matches!(found, Extracted::Context(_)).then_some(flags),
        objection: match &ours.outcome {
            Outcome::Malformed(reject) => Some(Box::new(*reject)),
            _ => ours.objection,
        },
        outcome: Outcome::Valid(found),
        baggage: None,
    }
}

/// The header from which upstream took the context. It may differ from the one that this crate
/// would read: upstream reads B3's single header first too, and uses the others if it does not
/// understand the single one.
fn decisive(ours: &Candidate, propagator: Upstream, carrier: &dyn Getter) -> &'static str {
    if ![b3::NAME, b3multi::NAME].contains(&ours.format) {
        return ours.header;
    }
    let arrived = |header| carrier.get(header).is_some();
    match (arrived(b3::HEADER), arrived(b3multi::TRACE_ID)) {
        (true, false) => b3::HEADER,
        (false, _) => b3multi::TRACE_ID,
        (true, true) => {
            let single = SingleAlone(carrier);
            let cx = propagator.extract_with_context(&Context::new(), &Arrived(&single));
            if cx.span().span_context().is_valid() {
                b3::HEADER
            } else {
                b3multi::TRACE_ID
            }
        }
    }
}

/// Only B3's single header of a carrier.
struct SingleAlone<'a>(&'a dyn Getter);

impl Getter for SingleAlone<'_> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        if name.eq_ignore_ascii_case(b3::HEADER) {
            self.0.get_all(name, each);
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        each(b3::HEADER);
    }
}

/// The candidate of a format that upstream has no propagator for: absent or malformed.
fn no_upstream(ours: Candidate) -> Candidate {
    if ours.outcome == Outcome::Absent {
        return ours;
    }
    Candidate::malformed(Reject {
        format: ours.format,
        header: ours.header,
        fault: Fault::NoUpstream,
        position: None,
        spec: NO_SPEC,
        engine: Engine::Otel,
    })
}

const NO_SPEC: &str = "none: what the opentelemetry crates do";

/// The candidate if upstream found nothing, with the reason from this crate's own reading.
fn refused(ours: Candidate) -> Candidate {
    let reject = match ours.outcome {
        Outcome::Absent => return ours,
        Outcome::Malformed(reject) => reject.upstream(),
        Outcome::Valid(_) => Reject {
            format: ours.format,
            header: ours.header,
            fault: Fault::NotReadUpstream,
            position: None,
            spec: NO_SPEC,
            engine: Engine::Otel,
        },
    };
    Candidate::malformed(reject)
}

/// Upstream's context. A deferred decision, and the debug state of a single header, are not sampled
/// there.
fn trace_context(span_context: &SpanContext) -> Option<TraceContext> {
    let flags = span_context.trace_flags();
    let sampling = match (flags.is_sampled(), flags.to_u8() & UPSTREAM_DEBUG != 0) {
        (true, true) => Sampling::Debug,
        (sampled, _) => Sampling::from_sampled(sampled),
    };
    Some(TraceContext {
        trace_id: TraceId::from_bytes(span_context.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(span_context.span_id().to_bytes())?,
        sampling,
        random: false,
        tracestate: TraceState::from_list(&span_context.trace_state().header()),
    })
}

/// Writes `outgoing` with the upstream crates, except in formats that they have no propagator for.
/// Without a context, their B3 propagator writes a decision not to sample.
pub(crate) fn inject(mode: &Mode, outgoing: &Outgoing, carrier: &mut dyn Setter) {
    let mut cx = Context::new();
    if let Some(context) = &outgoing.context {
        let flags = match context.sampling {
            Sampling::Deferred => DEFERRED,
            Sampling::Drop => 0,
            Sampling::Keep => 1,
            Sampling::Debug => UPSTREAM_DEBUG | 1,
        };
        // Upstream's B3 takes this flag for a deferred decision, as it does in any other service.
        let flags = flags | if context.random { DEFERRED } else { 0 };
        cx = cx.with_remote_span_context(convert::with_flags(context, TraceFlags::new(flags)));
    }
    if let Some(baggage) = &outgoing.baggage {
        cx = cx.with_baggage(convert::to_upstream_baggage(baggage));
    }
    inject_context(mode, &cx, carrier);
}

/// Writes what a context holds with the upstream crates.
pub(crate) fn inject_context(mode: &Mode, cx: &Context, carrier: &mut dyn Setter) {
    for format in mode.formats() {
        if let Some(propagator) = propagator(format.name()) {
            propagator.inject_context(cx, &mut Written(carrier));
        }
    }
}

/// A carrier as an upstream extractor. It behaves like upstream's extractor over HTTP headers:
/// values have no white space around them, and values that are not visible ASCII are omitted.
struct Arrived<'a>(&'a dyn Getter);

fn visible(value: &str) -> Option<&str> {
    let is_visible = |byte| matches!(byte, b'\t' | b' '..=b'~');
    value.bytes().all(is_visible).then(|| trimmed(value).0)
}

impl Extractor for Arrived<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(visible)
    }

    fn keys(&self) -> Vec<&str> {
        let mut keys = Vec::new();
        self.0.keys(&mut |key| keys.push(key));
        keys
    }

    fn get_all(&self, name: &str) -> Option<Vec<&str>> {
        let (mut values, mut arrived) = (Vec::new(), false);
        self.0.get_all(name, &mut |value| {
            arrived = true;
            values.extend(visible(value));
        });
        arrived.then_some(values)
    }
}

/// A carrier as an upstream injector.
struct Written<'a>(&'a mut dyn Setter);

impl Injector for Written<'_> {
    fn set(&mut self, name: &str, value: String) {
        self.0.set(name, &value);
    }
}
