//! What both functions know about the current invocation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use opentelemetry::KeyValue;

/// The part of the invocation's time that is kept for sending the answer after the spans.
const ANSWER_RESERVE: Duration = Duration::from_millis(100);

/// Whether this process has handled an invocation before.
#[derive(Debug, Default)]
pub(crate) struct ColdStart {
    warm: AtomicBool,
}

impl ColdStart {
    /// True only for the first call.
    pub(crate) fn is_first(&self) -> bool {
        !self.warm.swap(true, Ordering::Relaxed)
    }
}

/// The span attributes of a Lambda invocation
/// (<https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/>): id, trigger, cold start,
/// function ARN.
pub(crate) fn attributes(
    context: &Context,
    trigger: &'static str,
    cold_start: bool,
) -> [KeyValue; 4] {
    [
        KeyValue::new("faas.invocation_id", context.request_id.clone()),
        KeyValue::new("faas.trigger", trigger),
        KeyValue::new("faas.coldstart", cold_start),
        KeyValue::new("cloud.resource_id", context.invoked_function_arn.clone()),
    ]
}

/// How much time is left before the invocation must answer.
pub(crate) fn time_left(context: &Context) -> Duration {
    context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(ANSWER_RESERVE)
}
