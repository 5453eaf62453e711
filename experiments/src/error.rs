//! Why an experiment fails.

use std::io;
use std::path::{Path, PathBuf};

use baton_lab::LabError;
use baton_loadgen::InvalidSettings;
use baton_propagators::ModeError;
use baton_traces::readers::ReadError;
use baton_traces::run::RunError;
use baton_traces::source::SourceError;

/// Why an experiment could not be prepared or carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A setting is wrong, or two settings contradict each other.
    #[error("{0}")]
    Setting(String),
    /// A mode is wrong.
    #[error(transparent)]
    Mode(#[from] ModeError),
    /// The load's settings are wrong.
    #[error(transparent)]
    Plan(#[from] InvalidSettings),
    /// An input file is not valid.
    #[error("{}: {problem}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The lab cannot be started.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A run directory cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Spans or a log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file or directory cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// The action that failed: `read`, `write`, …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The process of the load generator cannot be started, or ended without a result.
    #[error("the load generator {0}")]
    LoadGenerator(String),
    /// An operation failed that cannot fail in practice.
    #[error("{0}")]
    Internal(String),
    /// A signal ended the experiment early.
    #[error("interrupted")]
    Interrupted,
}

impl From<SourceError> for ExperimentError {
    fn from(error: SourceError) -> ExperimentError {
        match error {
            SourceError::Run(error) => ExperimentError::Run(error),
            SourceError::Read(error) => ExperimentError::Read(error),
            error => ExperimentError::Internal(error.to_string()),
        }
    }
}

impl ExperimentError {
    /// For `map_err`: the error for `action` on the file at `path`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> ExperimentError {
        let path = path.to_owned();
        move |source| ExperimentError::File {
            action,
            path: path.clone(),
            source,
        }
    }
}
