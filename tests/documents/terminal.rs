//! The two terminals of a reader: one runs commands, one runs a lab.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::command::Sandbox;
use crate::support::lab::FREE_PORTS;
use crate::support::processes;

/// The longest that one command of a document may take, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// `cargo run --release -- …` runs the program under test instead, without Cargo.
const CARGO: &str = "#!/bin/sh
[ \"$1 $2 $3\" = 'run --release --' ] || { echo \"cargo $* is not run here\"; exit 1; }
shift 3
exec baton \"$@\"
";
/// The last line that a lab prints when it is up.
const LAST_LINE: &str = "Ctrl-C delivers what was accepted and ends the lab.";

/// Runs the commands of a document, one after the other, in a folder that has nothing but the
/// repository's examples of spans.
pub(crate) struct Terminal {
    sandbox: Sandbox,
    lab: Option<Lab>,
}

/// A lab that the document has started; it is killed when this is dropped.
struct Lab {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        for folder in ["bin", "work"] {
            std::fs::create_dir(sandbox.path(folder)).expect("a folder");
        }
        symlink(crate::support::command::baton(), sandbox.path("bin/baton")).expect("a link");
        let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
        symlink(traces, sandbox.path("work/traces")).expect("a link");
        let cargo = sandbox.path("bin/cargo");
        std::fs::write(&cargo, CARGO).expect("a script");
        let executable = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&cargo, executable).expect("an executable script");
        Terminal { sandbox, lab: None }
    }

    /// A file that the commands have written.
    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.sandbox.path("work").join(name);
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs a command and gives its standard output. `baton up` stays up, on free ports.
    ///
    /// # Errors
    /// Everything that it printed, if it failed.
    pub(crate) async fn run(&mut self, command: &str) -> Result<String, String> {
        if command.starts_with("baton up") {
            assert!(self.lab.is_none(), "`{command}` while a lab is up");
            return self.start_lab(command).await;
        }
        let output = timeout(PATIENCE, self.shell(command).output()).await;
        let output = output.expect("a command ends in time").expect("its output");
        let text = String::from_utf8(output.stdout).expect("text");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}\n{text}{said}", output.status));
        }
        Ok(text)
    }

    /// Presses Ctrl-C in the terminal of the lab, and returns what the lab prints until it ends.
    pub(crate) async fn interrupt(&mut self) -> Result<String, String> {
        let mut lab = self.lab.take().ok_or("no lab is up to be interrupted")?;
        processes::send(lab.child.id().expect("it runs"), Signal::INT);
        let mut text = String::new();
        let read = timeout(PATIENCE, lab.output.read_to_string(&mut text)).await;
        read.expect("a lab ends in time").expect("text");
        let status = lab.child.wait().await.expect("its status");
        if status.success() {
            Ok(text)
        } else {
            Err(format!("{status}\n{text}"))
        }
    }

    /// A shell that is about to run `command`.
    fn shell(&self, command: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.sandbox.path("bin");
        let mut shell = self.sandbox.program("bash");
        shell
            .arg("-c")
            .arg(command)
            .current_dir(self.sandbox.path("work"))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("LANG", "C.UTF-8");
        shell
    }

    async fn start_lab(&mut self, command: &str) -> Result<String, String> {
        // the lab prints its last words on standard error
        let command = format!("exec {command} {} 2>&1", FREE_PORTS.join(" "));
        let mut child = self.shell(&command).spawn().expect("a shell");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        while !text.trim_end().ends_with(LAST_LINE) {
            let read = timeout(PATIENCE, output.read_line(&mut text)).await;
            if read.expect("a lab is up in time").expect("text") == 0 {
                return Err(text);
            }
        }
        self.lab = Some(Lab { child, output });
        Ok(text)
    }
}

impl Lab {}
