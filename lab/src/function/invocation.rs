//! One invocation of a function: its event, and its answer or error.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use tokio::sync::oneshot;

/// The largest event, and the largest synchronous answer, in bytes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub(crate) const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// An event on its way to an instance.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// `Lambda-Runtime-Aws-Request-Id`.
    pub(crate) request_id: String,
    /// The event, JSON.
    pub(crate) event: Bytes,
    /// Sends the outcome to the waiting caller. If it is dropped without an answer, the instance is
    /// gone.
    pub(crate) reply: oneshot::Sender<Result<Bytes, InvocationError>>,
}

/// Why an invocation got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvocationError {
    /// All instances are busy, and the queue is full.
    #[error(
        "all {instances} instances of the {function} are busy and {waiting} invocations are waiting already"
    )]
    Throttled {
        function: &'static str,
        instances: usize,
        waiting: usize,
    },
    /// The function reported an error.
    #[error("the {function} failed: {reason}")]
    Function {
        function: &'static str,
        reason: String,
    },
    /// The instance's process ended during the invocation.
    #[error("the {function}'s process ended during the invocation: {status}")]
    Exited {
        function: &'static str,
        status: String,
    },
    /// The instance was gone before it took the event.
    #[error("the {function}'s process ended before it took the event")]
    NotTaken {
        /// `producer` or `consumer`.
        function: &'static str,
    },
    /// The invocation took too long, and its instance was ended.
    #[error("the {function} did not answer within {} s", timeout.as_secs_f64())]
    TimedOut {
        function: &'static str,
        timeout: Duration,
    },
    /// The function's process cannot be started.
    #[error("the {function} does not start: {reason}")]
    NotStarting {
        function: &'static str,
        reason: String,
    },
}

impl InvocationError {
    /// Whether the function never saw the event, so that it can safely be sent again.
    pub(crate) fn is_before_function(&self) -> bool {
        match self {
            InvocationError::Throttled { .. }
            | InvocationError::NotTaken { .. }
            | InvocationError::NotStarting { .. } => true,
            InvocationError::Function { .. }
            | InvocationError::Exited { .. }
            | InvocationError::TimedOut { .. } => false,
        }
    }
}

/// A new request id: a UUID of version 4, as on AWS.
pub(crate) fn request_id() -> String {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes())
        .into_uuid()
        .to_string()
}

/// `Lambda-Runtime-Trace-Id` of a function without X-Ray tracing. Lambda sets it anyway, with
/// `Sampled=0`.
pub(crate) fn xray_trace_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = now.as_secs() & 0xffff_ffff;
    let unique = fastrand::u128(..) >> 32;
    let parent = fastrand::u64(1..);
    format!("Root=1-{seconds:08x}-{unique:024x};Parent={parent:016x};Sampled=0")
}
