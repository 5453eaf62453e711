//! OpenTelemetry: our formats as one of its propagators, its span contexts and ours, its crates as an engine.
//!
//! Only this module knows OpenTelemetry's types. A span context has no place for B3's debug state, for a decision
//! that was deferred, nor for every `tracestate` that W3C allows, and the SDK clears the flags of spans it does not
//! sample. So [`context`] puts a note of these beside it into the [`Context`], and [`outgoing`] reads it back where
//! the trace is still the same one.

mod carrier;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};

use crate::baggage::Baggage;
use crate::carrier::{Getter, Setter};
use crate::context::{Outgoing, TraceContext, TraceState};
use crate::extraction::Extraction;
use crate::format::{Candidate, Usual};
use crate::id::{SpanId, TraceId};
use crate::otel_engine;
use crate::otel_engine::convert::{
    from_upstream_baggage, to_upstream_baggage, to_upstream_tracestate, with_flags,
};
use crate::policy::{Engine, OnConflict, Select, XraySource};
use crate::propagation::{BATON_XRAY_SOURCE, Problem, Problems, Propagation};
use crate::sampling::Sampling;

use carrier::{Arrived, Written};

pub use crate::otel_engine::convert::{span_context, trace_context};

/// A [`Propagation`] as OpenTelemetry's propagator.
#[derive(Clone, Debug)]
pub struct Propagator {
    propagation: Propagation,
    fields: Vec<String>,
}

impl Propagator {
    /// A propagator that does what `propagation` says; but for its X-Ray source, since there are headers alone to read.
    pub fn new(propagation: Propagation) -> Self {
        let mut fields: Vec<String> = Vec::new();
        let all = propagation.inject.formats().iter();
        for field in all.flat_map(|format| format.written()) {
            if !fields.iter().any(|known| known == field) {
                fields.push((*field).to_owned());
            }
        }
        Propagator {
            propagation,
            fields,
        }
    }

    /// The propagator that this process' environment asks for: `OTEL_PROPAGATORS`, by default `tracecontext,baggage`, and
    /// the `BATON_` variables of [`propagation`](crate::propagation) beside it.
    ///
    /// # Errors
    ///
    /// Every variable that cannot be understood, with its value and what would be accepted. `BATON_XRAY_SOURCE=environment`
    /// is one of them: OpenTelemetry hands a propagator the headers of a request and nothing of Lambda's invocation.
    pub fn from_environment() -> Result<Self, Problems> {
        // A value that is not UTF-8 is no reason to do as if there were none.
        let lookup = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let propagation = Propagation::from_environment(lookup).map_err(Problems)?;
        if propagation.xray_source == XraySource::Environment {
            return Err(Problems(vec![Problem {
                variable: BATON_XRAY_SOURCE,
                value: propagation.xray_source.to_string(),
                reason: "a propagator of OpenTelemetry's sees headers alone; leave it at header, or call \
                         Propagation::extract_with_environment"
                    .to_owned(),
            }]));
        }
        Ok(Propagator::new(propagation))
    }

    /// What it does.
    pub fn propagation(&self) -> &Propagation {
        &self.propagation
    }
}

impl From<Propagation> for Propagator {
    fn from(propagation: Propagation) -> Self {
        Propagator::new(propagation)
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        inject(&self.propagation, cx, &mut Written(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        extract(&self.propagation, &Arrived(extractor), cx)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// Writes what a [`Context`] holds. With [`Engine::Otel`] the upstream crates get the context itself, so that
/// what they write is theirs to the last bit.
pub fn inject(propagation: &Propagation, cx: &Context, carrier: &mut dyn Setter) {
    match propagation.engine {
        Engine::Native => {
            let formats = propagation.inject.formats();
            let outgoing = Outgoing {
                context: outgoing_context(cx),
                // Made on the heap, so only where it is written.
                baggage: formats
                    .iter()
                    .any(|format| format.carries_baggage())
                    .then(|| from_upstream_baggage(cx.baggage()))
                    .flatten(),
            };
            propagation.inject(&outgoing, carrier);
        }
        Engine::Otel => otel_engine::inject_context(&propagation.inject, cx, carrier),
    }
}

/// Reads a carrier into a context for the receiver's span, as [`context`] does with [`Propagation::extract`], and faster,
/// since nothing is kept of the formats that are not continued.
pub fn extract(propagation: &Propagation, carrier: &dyn Getter, parent: &Context) -> Context {
    // Whether contexts disagree is known only once all have been read.
    if propagation.on_conflict == OnConflict::Restart || propagation.engine == Engine::Otel {
        return context(&propagation.extract(carrier), parent);
    }
    let mut cx: Option<Context> = None;
    let mut baggage: Option<Baggage> = None;
    let mut formats = propagation.extract.formats();
    // The format that would win is read first, and once there is a context, no other matters.
    while let Some((format, others)) = match propagation.select {
        Select::First => formats.split_first(),
        Select::Last => formats.split_last(),
    } {
        formats = others;
        if cx.is_some() && !format.carries_baggage() {
            continue;
        }
        match format.usual(carrier) {
            Usual::Absent => {}
            Usual::Context(context) if cx.is_none() => cx = Some(remote(context, parent)),
            Usual::Context(_) => {}
            Usual::Other => {
                let candidate = format.extract(carrier);
                if let Some(arrived) = candidate.baggage() {
                    baggage = Some(merged(baggage, arrived, propagation.select));
                }
                if let (None, Some(context)) = (&cx, candidate.into_context()) {
                    cx = Some(remote(context, parent));
                }
            }
        }
    }
    match baggage {
        None => cx.unwrap_or_else(|| parent.clone()),
        Some(baggage) => cx
            .as_ref()
            .unwrap_or(parent)
            .with_baggage(to_upstream_baggage(&baggage)),
    }
}

/// The baggage of the formats read so far and of one more. Of an entry that several hold, the last in the list counts,
/// whichever end the list is read from.
fn merged(read: Option<Baggage>, arrived: &Baggage, read_from: Select) -> Baggage {
    let (read, arrived) = (read.unwrap_or_default(), arrived.clone());
    let (mut earlier, later) = match read_from {
        Select::First => (read, arrived),
        Select::Last => (arrived, read),
    };
    earlier.replace(&later);
    earlier
}

/// A context for the receiver's span: `parent` with the continued context as its remote span, if one is
/// continued, and with the baggage that arrived.
///
/// A deferred decision counts as sampled here, since a span context cannot say that the decision is the
/// receiver's; [`sampling`] tells a sampler that wants to make it. A debug state counts as sampled.
pub fn context(extraction: &Extraction, parent: &Context) -> Context {
    let mut cx = match extraction.continued() {
        None => parent.clone(),
        Some(found) => continued(found, parent),
    };
    if let Some(baggage) = &extraction.baggage {
        cx = cx.with_baggage(to_upstream_baggage(baggage));
    }
    cx
}

/// `parent` with a candidate's context as its remote span, and with a note of what that cannot keep.
fn continued(found: &Candidate, parent: &Context) -> Context {
    let Some(context) = found.context() else {
        return parent.clone();
    };
    if let Some(flags) = found.upstream_flags {
        return parent.with_remote_span_context(with_flags(context, TraceFlags::new(flags)));
    }
    remote(context.clone(), parent)
}

/// `parent` with a context as its remote span, and with a note of what that cannot keep.
#[inline]
fn remote(context: TraceContext, parent: &Context) -> Context {
    let span_context = span_context(&context);
    let note = Note::of(&context, &span_context);
    let cx = parent.with_remote_span_context(span_context);
    match note {
        None => cx,
        Some(note) => cx.with_value(note),
    }
}

/// The span contexts that the receiver's span links to.
pub fn links(extraction: &Extraction, on_conflict: OnConflict) -> Vec<SpanContext> {
    let links = extraction.links(on_conflict);
    links.into_iter().map(span_context).collect()
}

/// What a [`Context`] hands to the next service: its span's context, if it has a valid one, and its baggage.
pub fn outgoing(cx: &Context) -> Outgoing {
    Outgoing {
        context: outgoing_context(cx),
        baggage: from_upstream_baggage(cx.baggage()),
    }
}

fn outgoing_context(cx: &Context) -> Option<TraceContext> {
    let span = cx.span();
    let context = trace_context(span.span_context())?;
    let note = cx
        .get::<Note>()
        .filter(|note| note.trace_id == context.trace_id);
    Some(match note {
        Some(note) => note.restore(context, span.span_context()),
        None => context,
    })
}

/// What the context that was continued said about sampling, for samplers and for spans that record it; `None`
/// where the context has no remote span.
pub fn sampling(cx: &Context) -> Option<Sampling> {
    let span = cx.span();
    let span_context = span.span_context();
    let context = trace_context(span_context).filter(|_| span_context.is_remote())?;
    let note = cx
        .get::<Note>()
        .filter(|note| note.trace_id == context.trace_id);
    Some(note.map_or(context.sampling, |note| note.sampling))
}

/// What a context said that its span context cannot keep.
#[derive(Debug)]
struct Note {
    trace_id: TraceId,
    span_id: SpanId,
    sampling: Sampling,
    random: bool,
    /// The whole `tracestate`, where the span context has only a part.
    tracestate: Option<TraceState>,
}

impl Note {
    /// `None` where the span context keeps everything.
    fn of(context: &TraceContext, kept: &SpanContext) -> Option<Self> {
        let plain = matches!(context.sampling, Sampling::Keep | Sampling::Drop);
        if plain && !context.random && context.tracestate.is_empty() {
            return None;
        }
        let members = context.tracestate.members().count();
        let partial = kept.trace_state().into_iter().len() != members;
        (!plain || context.random || partial).then(|| Note {
            trace_id: context.trace_id,
            span_id: context.span_id,
            sampling: context.sampling,
            random: context.random,
            tracestate: partial.then(|| context.tracestate.clone()),
        })
    }

    /// Gives a context of the same trace what this note kept.
    fn restore(&self, context: TraceContext, span_context: &SpanContext) -> TraceContext {
        let sampling = match self.sampling {
            // The debug state belongs to the trace, and a decision below it does not end it.
            Sampling::Debug => Sampling::Debug,
            // Passed through without a span of our own, the decision is still nobody's.
            Sampling::Deferred if self.span_id == context.span_id => Sampling::Deferred,
            _ => context.sampling,
        };
        let unchanged =
            |whole: &&TraceState| &to_upstream_tracestate(whole) == span_context.trace_state();
        let tracestate = match self.tracestate.as_ref().filter(unchanged) {
            Some(whole) => whole.clone(),
            None => context.tracestate,
        };
        TraceContext {
            sampling,
            random: context.random || self.random,
            tracestate,
            ..context
        }
    }
}
