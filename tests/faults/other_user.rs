//! Another user of the same machine cannot read the files of a run or control a lab, and is not
//! trusted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::command::{Finished, Sandbox, baton, ended};
use crate::support::lab::{FREE_PORTS, Setup};
use crate::support::skipped;

/// The id of the user `nobody`.
const NOBODY: &str = "65534";

/// Programs as another user, who may enter the sandbox.
struct OtherUser<'a> {
    sandbox: &'a Sandbox,
    /// A copy, because the other user may not reach the one that is tested.
    baton: PathBuf,
}

impl<'a> OtherUser<'a> {
    /// `None`, with the reason, if this test may not change the user.
    async fn in_sandbox(sandbox: &'a Sandbox) -> Option<Self> {
        let root = sandbox.path("");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("permissions");
        let copy = sandbox.path("baton");
        fs::copy(baton(), &copy).expect("room");
        let other = OtherUser {
            sandbox,
            baton: copy,
        };
        let finished = other.run("true", &[]).await;
        if finished.is_none_or(|finished| finished.code != Some(0)) {
            skipped("only root, or a user whom sudo asks for no password, can become nobody");
            return None;
        }
        Some(other)
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Option<Finished> {
        let is_root = rustix::process::getuid().is_root();
        let mut command = self
            .sandbox
            .program(if is_root { "setpriv" } else { "sudo" });
        match is_root {
            true => command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]),
            false => command.args(["-n", "-u", "nobody"]),
        };
        let runtime = self.sandbox.path("runtime").display().to_string();
        command.args(["env", &format!("BATON_RUNTIME_DIR={runtime}")]);
        command.arg(program).args(arguments);
        Some(ended(command.spawn().ok()?).await)
    }

    async fn baton(&self, arguments: &[&str]) -> Finished {
        let baton = self.baton.display().to_string();
        self.run(&baton, arguments).await.expect("it starts")
    }
}

#[tokio::test]
async fn another_user_cannot_read_a_run_or_control_a_lab() {
    let mut lab = Setup::new().flags(["--durable"]).start().await;
    let sandbox = std::sync::Arc::clone(&lab.sandbox);
    let Some(other) = OtherUser::in_sandbox(&sandbox).await else {
        return;
    };
    lab.accepted(r#"{"secret": 1}"#).await;
    lab.wait_for_delivered(1).await;
    for name in [
        "run.json",
        "stream.jsonl",
        "spans.jsonl.zst",
        "logs/producer.log",
        ".lock",
    ] {
        let file = lab.saved.join(name).display().to_string();
        let read = other.run("cat", &[&file]).await.expect("it starts");
        assert_eq!(read.code, Some(1), "{name}: {read:?}");
        assert!(
            read.stderr.contains("Permission denied"),
            "{name}: {read:?}"
        );
    }
    // the notes of labs tell where they are
    let switch = other.baton(&["switch", "producer=b3"]).await;
    assert_eq!(switch.code, Some(2), "{switch:?}");
    let words = "runtime cannot be read: Permission denied";
    assert!(switch.stderr.contains(words), "{switch:?}");
    assert_eq!(lab.status().await["switches"], 0);
    let saved = lab.saved.display().to_string();
    let mut up = vec!["up", "--save", &saved];
    up.extend(FREE_PORTS);
    let replaced = other.baton(&up).await;
    assert_eq!(replaced.code, Some(3), "{replaced:?}");
    assert!(
        replaced.stderr.contains("Permission denied"),
        "{replaced:?}"
    );
    lab.stop_well().await;
    let again = other.baton(&["audit", &saved]).await;
    assert_eq!(again.code, Some(2), "{again:?}");
}

#[tokio::test]
async fn a_note_of_another_user_is_not_trusted() {
    let sandbox = Sandbox::new();
    let Some(other) = OtherUser::in_sandbox(&sandbox).await else {
        return;
    };
    fs::set_permissions(sandbox.path(""), fs::Permissions::from_mode(0o777)).expect("permissions");
    let folder = sandbox.path("runtime").display().to_string();
    let made = other.run("mkdir", &["-m", "700", &folder]).await;
    assert_eq!(made.expect("it starts").code, Some(0));
    let finished = sandbox.run(["switch", "producer=b3"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let is_root = rustix::process::getuid().is_root();
    // only root can read that folder at all
    let words = if is_root {
        "belongs to another user"
    } else {
        "Permission denied"
    };
    assert!(finished.stderr.contains(words), "{finished:?}");
}
