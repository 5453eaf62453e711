//! Conversions between OpenTelemetry's types and this crate's: span contexts, `tracestate`,
//! baggage.

use opentelemetry::baggage::{BaggageMetadata, KeyValueMetadata};
use opentelemetry::trace::{self, SpanContext, TraceFlags};

use crate::context::baggage::{Baggage, Entry};
use crate::context::{Sampling, SpanId, TraceContext, TraceId, TraceState};
use crate::format::UPSTREAM_DEBUG;

/// W3C's random-trace-id flag. The crates have no name for it.
const RANDOM: TraceFlags = TraceFlags::new(0x02);

/// The context of a span context; `None` if it is not valid. Flag 04, which the upstream B3 crate
/// uses for debugging, becomes the debug state.
pub fn trace_context(span_context: &SpanContext) -> Option<TraceContext> {
    let flags = span_context.trace_flags();
    let sampling = if flags.to_u8() & UPSTREAM_DEBUG != 0 {
        Sampling::Debug
    } else {
        Sampling::from_sampled(flags.is_sampled())
    };
    Some(TraceContext {
        trace_id: TraceId::from_bytes(span_context.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(span_context.span_id().to_bytes())?,
        sampling,
        random: flags & RANDOM == RANDOM,
        tracestate: from_upstream_tracestate(span_context.trace_state()),
    })
}

/// The remote span context of a context. Debug and deferred states count as sampled. Entries of
/// `tracestate` that OpenTelemetry's type refuses are omitted.
pub fn span_context(context: &TraceContext) -> SpanContext {
    let sampled = context.sampling.decision() != Some(false);
    let random = if context.random {
        RANDOM
    } else {
        TraceFlags::NOT_SAMPLED
    };
    with_flags(context, random.with_sampled(sampled))
}

#[inline]
pub(crate) fn with_flags(context: &TraceContext, flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        trace::TraceId::from_bytes(context.trace_id.to_bytes()),
        trace::SpanId::from_bytes(context.span_id.to_bytes()),
        flags,
        true,
        to_upstream_tracestate(&context.tracestate),
    )
}

pub(crate) fn to_upstream_tracestate(tracestate: &TraceState) -> trace::TraceState {
    if tracestate.is_empty() {
        return trace::TraceState::NONE;
    }
    trace::TraceState::from_key_value(tracestate.members()).unwrap_or_else(|_| {
        // One refused member would refuse the whole list.
        let accepted = |member: &(&str, &str)| trace::TraceState::from_key_value([*member]).is_ok();
        trace::TraceState::from_key_value(tracestate.members().filter(accepted)).unwrap_or_default()
    })
}

pub(crate) fn from_upstream_tracestate(tracestate: &trace::TraceState) -> TraceState {
    if tracestate.into_iter().next().is_none() {
        return TraceState::EMPTY;
    }
    TraceState::parse(&tracestate.header()).unwrap_or_default()
}

pub(crate) fn to_upstream_baggage(baggage: &Baggage) -> opentelemetry::baggage::Baggage {
    let entries = baggage.entries().iter().cloned();
    entries
        .map(|entry| {
            let metadata = BaggageMetadata::from(entry.metadata);
            KeyValueMetadata::new(entry.key, entry.value, metadata)
        })
        .collect()
}

pub(crate) fn from_upstream_baggage(baggage: &opentelemetry::baggage::Baggage) -> Option<Baggage> {
    if baggage.is_empty() {
        return None;
    }
    let mut entries: Vec<Entry> = baggage
        .iter()
        .map(|(key, (value, metadata))| Entry {
            key: key.as_str().to_owned(),
            value: value.as_str().to_owned(),
            metadata: metadata.as_str().to_owned(),
        })
        .collect();
    // It is a hash map, and one context must always make the same header.
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Some(entries.into_iter().collect())
}
