//! `--save` and `--out` with a directory that is not a run's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::command::Sandbox;
use crate::support::lab::{FREE_PORTS, Setup};

/// Starts a lab there, which must be refused.
async fn refused(sandbox: &Sandbox, words: &str) {
    let arguments = ["up", "--save", "mine"].iter().chain(&FREE_PORTS);
    let finished = sandbox.run(arguments).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains(words), "{finished:?}");
    assert!(
        finished.stderr.contains("name another directory"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn files_that_are_not_batons_are_not_touched() {
    for (name, words) in [
        ("run.json", "its run.json is not a run's manifest"),
        ("report.html", "it has report.html and no run.json"),
        (
            "logs/producer.log",
            "it has logs/producer.log and no run.json",
        ),
        ("summary.json", "it has summary.json and no run.json"),
    ] {
        let sandbox = Sandbox::new();
        let file = sandbox.path("mine").join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("room");
        fs::write(&file, "mine").expect("room");
        refused(&sandbox, words).await;
        assert_eq!(
            fs::read_to_string(&file).expect("the file"),
            "mine",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_report_that_is_not_batons_is_not_replaced() {
    let sandbox = Sandbox::new();
    let report = sandbox.path("report.html");
    fs::write(&report, "<title>Quarter 3</title>").expect("room");
    let finished = sandbox
        .run(["run", "none", "--requests", "1", "--out", "."])
        .await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let kept = fs::read_to_string(&report).expect("the file");
    assert_eq!(kept, "<title>Quarter 3</title>");
}

#[tokio::test]
async fn links_are_not_written_through() {
    for (name, words) in [
        (".lock", "its .lock is a symbolic link"),
        ("logs", "its logs is a symbolic link"),
    ] {
        let sandbox = Sandbox::new();
        let target = sandbox.path("target");
        fs::create_dir_all(sandbox.path("mine")).expect("room");
        match name {
            "logs" => fs::create_dir_all(&target).expect("room"),
            _ => fs::write(&target, "precious").expect("room"),
        }
        symlink(&target, sandbox.path("mine").join(name)).expect("a link");
        refused(&sandbox, words).await;
        match name {
            "logs" => assert_eq!(fs::read_dir(&target).expect("a folder").count(), 0),
            _ => assert_eq!(fs::read_to_string(&target).expect("the file"), "precious"),
        }
    }
}

#[tokio::test]
async fn a_run_is_for_its_owner_and_says_which_one_it_replaces() {
    let setup = Setup::new();
    let saved = setup.path("saved");
    let mut lab = setup.start().await;
    lab.accepted("{}").await;
    lab.stop_well().await;
    for name in [
        "run.json",
        "spans.jsonl.zst",
        "report.html",
        "logs/producer.log",
        ".lock",
    ] {
        let mode = fs::metadata(saved.join(name))
            .expect(name)
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mut again = Setup::within(&lab.sandbox, "saved").start().await;
    let finished = again.stop().await;
    assert!(
        finished.stderr.contains("replacing the run of 2"),
        "{finished:?}"
    );
}
