//! One invocation of a function: the event that goes in and the answer, or error, that comes out.

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
    /// Where the one waiting caller hears of the outcome. Dropped unanswered, it means the instance
    /// is gone.
    pub(crate) reply: oneshot::Sender<Result<Bytes, InvocationError>>,
}

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvocationError {
    /// All instances are busy and as many invocations wait as may.
    #[error(
        "all {instances} instances of the {function} are busy and {waiting} invocations wait already"
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
    /// The instance's process ended in the middle.
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
    /// The invocation took too long; its instance was ended.
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
    /// Whether the function never saw the event, so that trying again repeats nothing.
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

/// A fresh request id, a UUID of version 4 as AWS uses.
pub(crate) fn request_id() -> String {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes())
        .into_uuid()
        .to_string()
}

/// `Lambda-Runtime-Trace-Id` of a function whose X-Ray tracing is off: Lambda sets it all the same,
/// with `Sampled=0`.
pub(crate) fn xray_trace_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = now.as_secs() & 0xffff_ffff;
    let unique = fastrand::u128(..) >> 32;
    let parent = fastrand::u64(1..);
    format!("Root=1-{seconds:08x}-{unique:024x};Parent={parent:016x};Sampled=0")
}
