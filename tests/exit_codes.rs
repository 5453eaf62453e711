//! The exit code says what kind of failure it was, and the sentence names the path or address and
//! the flag.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::support::command::{Sandbox, ended};
use crate::support::generated::Generated;
use crate::support::server::{Server, answer, nobody};

/// Every code and the beginning of its meaning.
const CODES: [(&str, &str); 5] = [
    ("0", "done"),
    ("1", "a check failed"),
    ("2", "wrong usage"),
    ("3", "not carried out"),
    ("130", "interrupted"),
];

#[tokio::test]
async fn the_help_and_the_manual_page_have_the_table() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(["help"]).await.stdout;
    let page = sandbox.run(["man", "compare"]).await.stdout;
    for (code, meaning) in CODES {
        let line = format!("\n  {code:<3} {meaning}");
        assert!(help.contains(&line), "{line} is missing in {help}");
        let entry = format!(".B {code}\n{meaning}");
        assert!(page.contains(&entry), "{entry} is missing in {page}");
    }
}

#[tokio::test]
async fn a_full_disk_is_not_a_failed_check() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("pages")).expect("room");
    symlink("/dev/full", sandbox.path("pages/baton.1")).expect("a link");
    let pages = sandbox.run(["man", "--out", "pages"]).await;
    assert_eq!(pages.code, Some(3), "{pages:?}");
    let sentence = "baton: --out: cannot write pages/baton.1: No space left on device";
    assert!(pages.stderr.starts_with(sentence), "{pages:?}");

    let mut explain = sandbox.baton(["explain", "b3: 0"]);
    explain.stdout(
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("a device"),
    );
    let explained = ended(explain.spawn().expect("the command starts")).await;
    assert_eq!(explained.code, Some(3), "{explained:?}");
    let sentence = "cannot write to standard output: No space left on device";
    assert!(explained.stderr.contains(sentence), "{explained:?}");
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_named_with_its_flag() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "").expect("room");
    for name in ["one", "two"] {
        let seed = name.len() as u64 + u64::from(name == "two");
        Generated {
            seed,
            ..Generated::default()
        }
        .write(&sandbox.path(name));
    }
    let endpoint = Server::well().await.endpoint();
    for arguments in [
        &["merge", "one", "two", "--out", "file/merged"][..],
        &["man", "--out", "file/pages"],
        &["burst", "--endpoint", &endpoint, "--out", "file/run"],
        &[
            "burst",
            "--endpoint",
            &endpoint,
            "--goose-report",
            "file/report.html",
        ],
        &["up", "--save", "file/run"],
        &["run", "b3", "--out", "file/runs"],
        &["audit", "one", "--hand-offs", "file/hand-offs"],
    ] {
        let finished = sandbox.run(arguments).await;
        assert_eq!(finished.code, Some(3), "{arguments:?}: {finished:?}");
        let flag = arguments[arguments.len() - 2];
        for words in [format!("baton: {flag}: "), "file/".to_owned()] {
            assert!(finished.stderr.contains(&words), "{words}: {finished:?}");
        }
    }
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_is_not_wrong_usage() {
    let sandbox = Sandbox::new();
    let (_socket, nobody) = nobody();
    let missing = Server::start(|number| async move { answer(404, number) }).await;
    let host = |endpoint: &str| endpoint.replace("/dev/producer", "");
    for (source, code, words) in [
        (format!("jaeger+{}", host(&nobody)), 3, "cannot reach"),
        (
            "zipkin+http://no-such-host.invalid".to_owned(),
            3,
            "cannot reach",
        ),
        (
            format!(
                "jaeger+{}",
                host(&missing.endpoint()).replace("http:", "https:")
            ),
            3,
            "cannot reach",
        ),
        // it answers, but not as Jaeger does
        (format!("jaeger+{}", host(&missing.endpoint())), 2, "404"),
    ] {
        for command in ["map", "audit"] {
            let finished = sandbox.run([command, &source]).await;
            assert_eq!(finished.code, Some(code), "{source}: {finished:?}");
            assert!(finished.stderr.contains(words), "{source}: {finished:?}");
            assert!(finished.stderr.contains(&source), "{source}: {finished:?}");
        }
    }
}

#[tokio::test]
async fn an_input_that_is_missing_is_named_with_its_flag() {
    let sandbox = Sandbox::new();
    let burst = ["burst", "--endpoint", "http://127.0.0.1:1/"];
    for (arguments, sentence) in [
        (&["map", "nowhere"][..], "cannot read nowhere: No such file"),
        (&["compare", "nowhere", "nowhere"], "cannot read nowhere"),
        (
            &["matrix", "--from", "nowhere"],
            "--from: cannot read nowhere: No such file",
        ),
        (
            &["burst", "--plan", "nowhere"],
            "--plan: cannot read nowhere: No such file",
        ),
        (
            &[&burst[..], &["--payload", "nowhere"]].concat(),
            "--payload: cannot read nowhere: No such file",
        ),
        (
            &[&burst[..], &["--header", "@nowhere"]].concat(),
            "--header: cannot read nowhere: No such file",
        ),
    ] {
        let finished = sandbox.run(arguments).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(sentence), "{finished:?}");
    }
}
