//! The tracer, the spans it makes, and the flush that ends every invocation.
//!
//! Lambda freezes a process between invocations, so spans must leave before the answer does. The
//! flush waits for the exporters, but only for a limited time: telemetry must not fail or delay a
//! request.

mod partial_success;
mod sink;
mod zipkin;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_propagators::otel;
use futures_util::future::join_all;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::noop::NoopTracer;
use opentelemetry::trace::{Link, SpanContext, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};

use crate::configuration::settings::TelemetrySettings;
use crate::log::{Event, Level, Log, SpanIds};
use crate::sampler::DeferringSampler;

pub(crate) use self::sink::ExporterError;
use self::sink::SpanSink;

/// The most links of a span: one for each record of the largest batch that Lambda delivers.
const MAX_LINKS_PER_SPAN: u32 = 10_000;

/// Finished spans of the current invocation, waiting for the flush.
#[derive(Clone, Debug, Default)]
struct FinishedSpans(Arc<Mutex<Vec<SpanData>>>);

impl FinishedSpans {
    fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for FinishedSpans {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The tracer of a function and the exporters of its spans.
pub(crate) struct Telemetry {
    tracer: BoxedTracer,
    disabled: bool,
    finished: FinishedSpans,
    sinks: Vec<SpanSink>,
    flush_timeout: Duration,
    dropped_since_start: AtomicUsize,
}

impl Telemetry {
    /// Sets up the tracer and the exporters that the settings name.
    ///
    /// # Errors
    /// If an exporter refuses its own settings, for example an endpoint that is not a URL.
    pub(crate) fn new(settings: &TelemetrySettings) -> Result<Self, ExporterError> {
        let resource = resource(settings);
        let mut sinks = Vec::new();
        for &exporter in &settings.exporters {
            let mut sink = SpanSink::new(exporter, settings)?;
            sink.set_resource(&resource);
            sinks.push(sink);
        }
        let finished = FinishedSpans::default();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(DeferringSampler::new(settings.sampler.to_opentelemetry()))
            .with_max_links_per_span(MAX_LINKS_PER_SPAN)
            .with_span_processor(finished.clone())
            .build();
        // a disabled SDK makes no spans, but passes the incoming context on
        let tracer = match settings.disabled {
            true => BoxedTracer::new(Box::new(NoopTracer::new())),
            false => BoxedTracer::new(Box::new(provider.tracer("baton"))),
        };
        Ok(Telemetry {
            tracer,
            disabled: settings.disabled,
            finished,
            sinks,
            flush_timeout: settings.flush_timeout,
            dropped_since_start: AtomicUsize::new(0),
        })
    }

    /// The ids of a span for the log. `None` if the SDK is disabled, because then the span is just
    /// its parent.
    pub(crate) fn ids(&self, span: &SpanContext, parent: &SpanContext) -> Option<SpanIds> {
        (!self.disabled).then(|| SpanIds::new(span, parent))
    }

    /// The tracer that makes all spans of the function.
    pub(crate) fn tracer(&self) -> &BoxedTracer {
        &self.tracer
    }

    /// Passes the invocation's finished spans to every exporter and waits until they are delivered,
    /// for at most the configured flush timeout or `time_left`, whichever is shorter. The remaining
    /// spans are dropped, counted and reported in the log.
    pub(crate) async fn flush(&self, time_left: Duration, log: &mut Log) {
        let spans = self.finished.take();
        if spans.is_empty() {
            return;
        }
        let bound = self.flush_timeout.min(time_left);
        let count = spans.len();
        let batches = std::iter::repeat_n(spans, self.sinks.len());
        let exports = self.sinks.iter().zip(batches).map(|(sink, spans)| async move {
            match tokio::time::timeout(bound, sink.export(spans)).await {
                Ok(Ok(())) => sink.rejected().map(|rejected| {
                    let dropped = rejected.spans.min(count);
                    (dropped, format!("{dropped} spans were dropped, the server rejected them: {}", rejected.message))
                }),
                Ok(Err(error)) => Some((count, format!("{count} spans were dropped, the export failed: {error}"))),
                Err(_) => Some((count, format!(
                    "{count} spans were dropped, the exporter took longer than the {} ms that an answer waits for it",
                    bound.as_millis()
                ))),
            }
        });
        for (dropped, problem) in join_all(exports).await.into_iter().flatten() {
            let before = self
                .dropped_since_start
                .fetch_add(dropped, Ordering::Relaxed);
            let event = Event::SpansDropped {
                dropped,
                dropped_since_start: before + dropped,
            };
            log.line(Level::Warn, &problem, event, None);
        }
    }
}

/// Links to these spans.
pub(crate) fn links(contexts: impl IntoIterator<Item = SpanContext>) -> Vec<Link> {
    contexts.into_iter().map(Link::with_context).collect()
}

/// The attributes for parts of a context that a span's ids cannot show: the debug state and the
/// number of baggage entries.
pub(crate) fn context_attributes(context: &Context) -> impl Iterator<Item = KeyValue> {
    let debug = otel::outgoing(context)
        .context
        .is_some_and(|context| context.sampling.is_debug());
    let entries = context.baggage().len();
    [
        debug.then(|| KeyValue::new("baton.context.debug", true)),
        (entries > 0).then(|| KeyValue::new("baton.baggage.entries", entries as i64)),
    ]
    .into_iter()
    .flatten()
}

fn resource(settings: &TelemetrySettings) -> Resource {
    // the builder reads OTEL_RESOURCE_ATTRIBUTES; the service name is separate because it has a
    // default
    Resource::builder()
        .with_attributes(
            settings
                .lambda_attributes
                .iter()
                .map(|(key, value)| KeyValue::new(*key, value.clone())),
        )
        .with_service_name(settings.service_name.clone())
        .build()
}
