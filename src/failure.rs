//! How a command fails: the sentence on standard error and the exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::credentials::without_credentials;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Wrong usage or bad input, exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Failure {
            code: 2,
            message: without_credentials(&message.to_string()),
        }
    }

    /// A check that did not pass, exit code 1.
    pub(crate) fn check(message: impl fmt::Display) -> Self {
        Failure {
            code: 1,
            message: without_credentials(&message.to_string()),
        }
    }

    /// Ended by a signal, exit code 130.
    pub(crate) fn interrupted() -> Self {
        Failure {
            code: 130,
            message: "interrupted".to_owned(),
        }
    }

    /// Standard output that cannot be written. A reader that has gone, `| head` for example, is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure {
                code: 0,
                message: String::new(),
            },
            _ => Failure::check(format!("standard output cannot be written: {error}")),
        }
    }

    /// Whether there is nothing to say about it.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
