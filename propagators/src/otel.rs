//! The formats as an OpenTelemetry propagator.
//!
//! OpenTelemetry's span context cannot hold B3's debug state, a deferred decision, or every
//! `tracestate` that W3C allows, and the SDK clears the flags of spans that it does not sample. So
//! [`context`] adds a note of these to the [`Context`], and [`outgoing`] uses it if the trace is
//! still the same.

mod carrier;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};

use crate::carrier::{Getter, Setter};
use crate::context::baggage::Baggage;
use crate::context::{Outgoing, Sampling, SpanId, TraceContext, TraceId, TraceState};
use crate::format::{Candidate, Usual};
use crate::policy::{Engine, OnConflict, Select, XraySource};
use crate::propagation::otel_engine::convert::{
    from_upstream_baggage, to_upstream_baggage, to_upstream_tracestate, with_flags,
};
use crate::propagation::{
    BATON_XRAY_SOURCE, Extraction, Problem, Problems, Propagation, otel_engine,
};

use carrier::{Arrived, Written};

pub use crate::propagation::otel_engine::convert::{span_context, trace_context};

/// A [`Propagation`] as an OpenTelemetry propagator.
#[derive(Clone, Debug)]
pub struct Propagator {
    propagation: Propagation,
    fields: Vec<String>,
}

impl Propagator {
    /// A propagator with these settings. It ignores the X-Ray source, because a propagator sees
    /// only headers.
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

    /// A propagator with the settings of this process's environment: `OTEL_PROPAGATORS`, by default
    /// `tracecontext,baggage`, and the `BATON_` variables of [`propagation`](crate::propagation).
    ///
    /// # Errors
    ///
    /// Every variable with an invalid value, and what would be valid.
    /// `BATON_XRAY_SOURCE=environment` is invalid here, because OpenTelemetry shows a propagator
    /// only headers and nothing of Lambda's invocation.
    pub fn from_environment() -> Result<Self, Problems> {
        // A value that is not UTF-8 is an error, and not the same as no value.
        let lookup = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let propagation = Propagation::from_environment(lookup).map_err(Problems)?;
        if propagation.xray_source == XraySource::Environment {
            return Err(Problems(vec![Problem {
                variable: BATON_XRAY_SOURCE,
                value: propagation.xray_source.to_string(),
                reason: "OpenTelemetry shows a propagator only headers; use header, or call \
                         Propagation::extract_with_environment"
                    .to_owned(),
            }]));
        }
        Ok(Propagator::new(propagation))
    }

    /// Its settings.
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

/// Writes what a [`Context`] holds. With [`Engine::Otel`] the upstream crates get the context
/// itself, so they write exactly what they always write.
pub fn inject(propagation: &Propagation, cx: &Context, carrier: &mut dyn Setter) {
    match propagation.engine {
        Engine::Native => {
            let formats = propagation.inject.formats();
            let outgoing = Outgoing {
                context: outgoing_context(cx),
                // It allocates, so it is created only if a format writes it.
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

/// Reads a carrier into a context for the receiver's span. The result is that of [`context`] after
/// [`Propagation::extract`]. It is faster, because it keeps nothing of formats that are not
/// continued.
pub fn extract(propagation: &Propagation, carrier: &dyn Getter, parent: &Context) -> Context {
    // A disagreement is known only after all formats have been read.
    if propagation.on_conflict == OnConflict::Restart || propagation.engine == Engine::Otel {
        return context(&propagation.extract(carrier), parent);
    }
    let mut cx: Option<Context> = None;
    let mut baggage: Option<Baggage> = None;
    let mut formats = propagation.extract.formats();
    // The format that wins is read first. After a context was found, no other matters.
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

/// Baggage of the formats read so far and of one more. If several have an entry, the last format in
/// the mode counts, in whichever direction the mode is read.
fn merged(read: Option<Baggage>, arrived: &Baggage, read_from: Select) -> Baggage {
    let (read, arrived) = (read.unwrap_or_default(), arrived.clone());
    let (mut earlier, later) = match read_from {
        Select::First => (read, arrived),
        Select::Last => (arrived, read),
    };
    earlier.replace(&later);
    earlier
}

/// A context for the receiver's span: `parent` with the continued context as its remote span, if
/// there is one, and with the baggage that arrived.
///
/// A deferred decision counts as sampled here, because a span context cannot say that the receiver
/// decides. Samplers that decide can ask [`sampling`]. A debug state counts as sampled.
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

/// `parent` with a candidate's context as its remote span, and with a note of what the span cannot
/// hold.
fn continued(found: &Candidate, parent: &Context) -> Context {
    let Some(context) = found.context() else {
        return parent.clone();
    };
    if let Some(flags) = found.upstream_flags {
        return parent.with_remote_span_context(with_flags(context, TraceFlags::new(flags)));
    }
    remote(context.clone(), parent)
}

/// `parent` with a context as its remote span, and with a note of what the span cannot hold.
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

/// What a [`Context`] sends to the next service: its span's context, if it is valid, and its
/// baggage.
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

/// What the context that was continued said about sampling, for samplers and for spans that record
/// it; `None` where the context has no remote span.
pub fn sampling(cx: &Context) -> Option<Sampling> {
    let span = cx.span();
    let span_context = span.span_context();
    let context = trace_context(span_context).filter(|_| span_context.is_remote())?;
    let note = cx
        .get::<Note>()
        .filter(|note| note.trace_id == context.trace_id);
    Some(note.map_or(context.sampling, |note| note.sampling))
}

/// What a context has that its span context cannot hold.
#[derive(Debug)]
struct Note {
    trace_id: TraceId,
    span_id: SpanId,
    sampling: Sampling,
    random: bool,
    /// The whole `tracestate`, if the span context has only a part of it.
    tracestate: Option<TraceState>,
}

impl Note {
    /// `None` if the span context holds everything.
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

    /// Adds this note to a context of the same trace.
    fn restore(&self, context: TraceContext, span_context: &SpanContext) -> TraceContext {
        let sampling = match self.sampling {
            // The debug state belongs to the trace. A later decision does not end it.
            Sampling::Debug => Sampling::Debug,
            // The context is passed on without a new span, so the decision is still open.
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
