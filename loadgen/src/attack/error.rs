//! Why an attack could not be made at all.

use std::io;
use std::path::PathBuf;

/// Why an attack could not be made. Failures of requests are in the
/// [`AttackOutcome`](crate::AttackOutcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttackError {
    /// This process has already made an attack.
    #[error(
        "this process has already made an attack; goose allows one per process, so start another"
    )]
    SecondAttack,
    /// The span file cannot be created.
    #[error("cannot create the span file {}: {source}", path.display())]
    SpanFile {
        /// The plan's span file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// goose refused to start, or stopped.
    #[error("goose cannot attack: {0}")]
    Goose(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// goose's metrics cannot be serialised.
    #[error("cannot serialise goose's metrics: {0}")]
    Metrics(#[source] serde_json::Error),
}
