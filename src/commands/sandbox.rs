//! `baton sandbox`: runs a command that ends with its parent, even if the parent was killed.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::failure::Failure;

/// Asks the system to kill this process when its parent dies. Only Linux can do that. Elsewhere a
/// function ends when its Runtime API is gone.
pub(crate) fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        let _ =
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Replaces this process with the command. Returns only if that fails.
pub(crate) fn sandbox(command: &[OsString]) -> Result<ExitCode, Failure> {
    end_with_parent();
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Failure::usage("the command is empty"))?;
    let error = Command::new(program).args(arguments).exec();
    Err(Failure::not_carried_out(format!(
        "{} cannot be run: {error}",
        program.to_string_lossy()
    )))
}
