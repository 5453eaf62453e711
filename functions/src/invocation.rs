//! What both functions know of the invocation they are in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use opentelemetry::KeyValue;

/// Left of the invocation's time for the answer to be sent after the spans were.
const ANSWER_RESERVE: Duration = Duration::from_millis(100);

/// Whether this process has handled an invocation before.
#[derive(Debug, Default)]
pub(crate) struct ColdStart {
    warm: AtomicBool,
}

impl ColdStart {
    /// True at the first call only.
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

/// How long the invocation may still take before it has to answer.
pub(crate) fn time_left(context: &Context) -> Duration {
    context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default()
        .saturating_sub(ANSWER_RESERVE)
}
