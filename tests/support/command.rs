//! Runs the command in a clean environment.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::PATIENCE;

/// A folder for everything that a test writes, and an environment without the variables of the
/// tester.
pub(crate) struct Sandbox(TempDir);

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Standard output, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// The path of the command that is tested: the one built with the tests, unless `BATON_TESTED`
/// names another build.
pub(crate) fn baton() -> String {
    std::env::var("BATON_TESTED").unwrap_or_else(|_| env!("CARGO_BIN_EXE_baton").to_owned())
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Sandbox(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command. It runs in the folder, with only the variables that every program needs.
    /// Dropping its handle kills it.
    pub(crate) fn baton<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.program(&baton());
        command.args(arguments);
        command
    }

    /// Any other program, in the same way.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.0.path())
            .env("BATON_RUNTIME_DIR", self.path("runtime"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the command to its end.
    pub(crate) async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        ended(self.baton(arguments).spawn().expect("the command starts")).await
    }
}

/// Waits until a command has ended by itself.
pub(crate) async fn ended(child: Child) -> Finished {
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the command ends in time")
        .expect("its output");
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}
