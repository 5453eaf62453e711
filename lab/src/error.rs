//! Why a lab cannot start or carry out a request.

use std::io;
use std::path::PathBuf;

use axum::http::StatusCode;

/// Each message is one sentence: what failed, where, and what would help.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Another program listens on the port.
    #[error(
        "port {port} for the {server} is in use; end the program that has it, or choose another with {flag} (0 lets the system choose)"
    )]
    PortInUse {
        /// The server of the lab that needs the port.
        server: &'static str,
        /// The port.
        port: u16,
        /// The command line flag that sets it.
        flag: &'static str,
    },
    /// The port cannot be opened for another reason.
    #[error("cannot listen on port {port} for the {server}: {reason}")]
    Listen {
        /// The server of the lab that needs the port.
        server: &'static str,
        /// The port.
        port: u16,
        /// The system's reason.
        reason: io::Error,
    },
    /// A function's process does not start.
    #[error("the {function} does not start: {reason}")]
    FunctionStart {
        /// `producer` or `consumer`.
        function: &'static str,
        /// Its message, or how it ended.
        reason: String,
    },
    /// The stream cannot be created.
    #[error("the stream {stream} cannot be created: {reason}")]
    Stream {
        /// Its name.
        stream: String,
        /// Kinesis' answer.
        reason: String,
    },
    /// The file of a stream cannot be read.
    #[error("cannot read the stream in {path}: {reason}", path = path.display())]
    StreamUnread {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of a stream cannot be written.
    #[error("cannot keep the stream in {path}: {reason}", path = path.display())]
    StreamUnkept {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The stream that is to be resumed has another number of shards.
    #[error("the records to resume are on {before} shards, not {now}; use --shards {before}")]
    Shards {
        /// The shards of the earlier stream.
        before: u32,
        /// The shards of the new one.
        now: u32,
    },
    /// A file of the lab's directory cannot be written.
    #[error("cannot write {path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The same, with a sentence that names the file.
    #[error(transparent)]
    Disk(io::Error),
    /// The run directory cannot be used.
    #[error(transparent)]
    Directory(baton_traces::run::RunError),
    /// A setting has no such value.
    #[error("{0}")]
    Setting(String),
    /// The system gives no random bytes.
    #[error("cannot draw the lab's token from /dev/urandom: {0}")]
    Token(io::Error),
    /// The lab ends.
    #[error("the lab is shutting down")]
    Stopping,
}

impl LabError {
    /// The HTTP status that tells the sender of a request about the error: 400 if a setting is
    /// wrong, and 409 if the lab cannot do it now.
    pub fn http_status(&self) -> StatusCode {
        match self {
            LabError::Setting(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::CONFLICT,
        }
    }
}
