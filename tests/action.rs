//! `action.yml`: what the script of the action prints, and how it ends.

use std::path::Path;
use std::process::Command;

use crate::support::command::Sandbox;
use crate::support::generated::Generated;

/// Runs the script as the action does. Returns its exit code, what it printed, and the job's
/// summary.
fn action(sandbox: &Sandbox, command: &str) -> (Option<i32>, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let baton = Path::new(env!("CARGO_BIN_EXE_baton"));
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = baton.parent().expect("a folder").display();
    let summary = sandbox.path("summary.md");
    let ended = Command::new(root.join(".ci/action"))
        .current_dir(sandbox.path(""))
        .env("PATH", format!("{folder}:{path}"))
        .env("COMMAND", command)
        .env("FORMAT", "github")
        .env("SUMMARY", "true")
        .env("GITHUB_OUTPUT", sandbox.path("output"))
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    let summary = std::fs::read_to_string(summary).unwrap_or_default();
    (ended.status.code(), printed, summary)
}

#[tokio::test]
async fn the_action_annotates_failed_checks_and_fails_the_job() {
    let sandbox = Sandbox::new();
    Generated::default().write(&sandbox.path("whole run"));
    let broken = Generated {
        broken: 40,
        seed: 2,
        ..Generated::default()
    };
    broken.write(&sandbox.path("broken"));
    let command = "compare 'whole run' broken --fail-under connected=99.9%";
    let (code, printed, summary) = action(&sandbox, command);
    assert_eq!(code, Some(1), "{printed}");
    let error = "::error title=--fail-under connected=99.9%25::broken: connected is 90%25";
    assert!(printed.contains(error), "{printed}");
    assert!(
        printed.contains("::warning title=broken%3A record.connected::"),
        "{printed}"
    );
    assert!(summary.contains("1 of 2 checks failed"), "{summary}");
    let output = std::fs::read_to_string(sandbox.path("output")).expect("an output");
    assert_eq!(output, "exit-code=1\n");

    let (code, printed, _) = action(&sandbox, "");
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.starts_with("::error title=baton::"), "{printed}");
}
