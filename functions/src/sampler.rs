//! The sampler: OpenTelemetry's own, except that a deferred decision is left to the receiver.

use baton_propagators::{Sampling, otel};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// Decides as `sampler` does, but treats a parent with a deferred sampling decision
/// (openzipkin/b3-propagation, "Sampling State": absent means defer) as undecided. OpenTelemetry's
/// `SpanContext` has no such state, so its parent-based samplers would treat a deferred decision as
/// "no".
#[derive(Clone, Debug)]
pub(crate) struct DeferringSampler {
    sampler: Sampler,
}

impl DeferringSampler {
    pub(crate) fn new(sampler: Sampler) -> Self {
        DeferringSampler { sampler }
    }
}

impl ShouldSample for DeferringSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let undecided = parent.is_some_and(|parent| {
            parent.span().span_context().is_remote()
                && otel::sampling(parent) == Some(Sampling::Deferred)
        });
        match &self.sampler {
            Sampler::ParentBased(root) if undecided => {
                let mut result = root.should_sample(None, trace_id, name, kind, attributes, links);
                if let Some(parent) = parent {
                    result.trace_state = parent.span().span_context().trace_state().clone();
                }
                result
            }
            sampler => sampler.should_sample(parent, trace_id, name, kind, attributes, links),
        }
    }
}
