//! Why a command failed: the sentence on standard error, and the exit code.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use baton_experiments::ExperimentError;
use baton_lab::LabError;
use baton_loadgen::InvalidSettings;
use baton_propagators::ModeError;
use baton_traces::merge::MergeError;
use baton_traces::run::RunError;
use baton_traces::source::SourceError;

use crate::credentials::without_credentials;
use crate::exit_code::Exit;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn new(exit: Exit, message: impl fmt::Display) -> Failure {
        Failure {
            exit,
            message: without_credentials(&message.to_string()),
        }
    }

    /// Wrong usage, or an input that cannot be read: exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::WrongInput, message)
    }

    /// A check that failed, or something that was lost: exit code 1.
    pub(crate) fn check(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::CheckFailed, message)
    }

    /// Something that could not be carried out: exit code 3.
    pub(crate) fn not_carried_out(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::NotCarriedOut, message)
    }

    /// A signal ended the command: exit code 130.
    pub(crate) fn interrupted() -> Failure {
        Failure::new(Exit::Interrupted, "interrupted")
    }

    /// For `map_err`: the input file at `path` cannot be read.
    pub(crate) fn reading(path: &Path) -> impl Fn(io::Error) -> Failure {
        move |error| Failure::usage(format!("cannot read {}: {error}", path.display()))
    }

    /// For `map_err`: the file or directory at `path` cannot be made or written.
    pub(crate) fn writing(path: &Path) -> impl Fn(io::Error) -> Failure {
        move |error| Failure::not_carried_out(format!("cannot write {}: {error}", path.display()))
    }

    /// For `map_err`: the TOML in `text`, the content of the file at `path`, is not valid.
    pub(crate) fn toml(path: &Path, text: &str) -> impl Fn(toml::de::Error) -> Failure {
        move |error| {
            let line = error.span().map(|place| {
                let before = &text.as_bytes()[..place.start.min(text.len())];
                1 + before.iter().filter(|byte| **byte == b'\n').count()
            });
            let line = line.map_or_else(String::new, |line| format!(", line {line}"));
            // the message may have several lines
            let said: Vec<&str> = error.message().lines().map(str::trim).collect();
            Failure::usage(format!("{}{line}: {}", path.display(), said.join(", ")))
        }
    }

    /// Standard output cannot be written. If the reader has gone, as in `baton … | head`, that is
    /// not a failure.
    pub(crate) fn output(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::new(Exit::Done, ""),
            _ => Failure::not_carried_out(format!("cannot write to standard output: {error}")),
        }
    }

    /// The same failure, with the flag that caused it.
    pub(crate) fn of(self, flag: &str) -> Failure {
        Failure {
            message: format!("{flag}: {}", self.message),
            ..self
        }
    }

    /// Whether the failure needs no message.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit.code())
    }

    /// The exit code as a number.
    pub(crate) fn code(&self) -> i32 {
        self.exit.code().into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<ModeError> for Failure {
    fn from(error: ModeError) -> Failure {
        Failure::usage(error)
    }
}

impl From<InvalidSettings> for Failure {
    fn from(faults: InvalidSettings) -> Failure {
        Failure::usage(faults)
    }
}

impl From<LabError> for Failure {
    /// If a function does not start, its command or a variable is wrong. Both come from the user.
    fn from(error: LabError) -> Failure {
        match error {
            LabError::FunctionStart { .. } | LabError::Shards { .. } => Failure::usage(error),
            LabError::Directory(error) => error.into(),
            _ => Failure::not_carried_out(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::NotARun { .. }
            | RunError::Foreign { .. }
            | RunError::Json { .. }
            | RunError::Read(_) => Failure::usage(error),
            RunError::File { action: "read", .. } => Failure::usage(error),
            RunError::File { .. } | RunError::InUse { .. } => Failure::not_carried_out(error),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        match error {
            SourceError::Run(error) => error.into(),
            SourceError::Unreachable { .. } => Failure::not_carried_out(error),
            SourceError::Name(_)
            | SourceError::Read(_)
            | SourceError::Files { .. }
            | SourceError::Backend { .. } => Failure::usage(error),
        }
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Failure {
        match error {
            MergeError::Source(error) => error.into(),
            MergeError::Run(error) => error.into(),
            MergeError::Copy { .. } => Failure::not_carried_out(error),
            _ => Failure::usage(error),
        }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Failure {
        match error {
            ExperimentError::Lab(error) => error.into(),
            ExperimentError::Run(error) => error.into(),
            ExperimentError::Interrupted => Failure::interrupted(),
            ExperimentError::File { action: "read", .. }
            | ExperimentError::Setting(_)
            | ExperimentError::Mode(_)
            | ExperimentError::Plan(_)
            | ExperimentError::Input { .. }
            | ExperimentError::Read(_) => Failure::usage(error),
            ExperimentError::File { .. }
            | ExperimentError::LoadGenerator(_)
            | ExperimentError::Internal(_) => Failure::not_carried_out(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_flag_and_no_password() {
        let failure = Failure::usage("http://kate:hush@host/ is not an address").of("--endpoint");
        assert_eq!(
            failure.to_string(),
            "--endpoint: http://host/ is not an address"
        );
        assert_eq!(failure.exit_code(), ExitCode::from(2));
    }
}
