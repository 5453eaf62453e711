//! Files for packagers: completions that a shell accepts, and a manual page of every command.

use std::process::Stdio;

use crate::support::command::Sandbox;

/// The commands in the help.
const COMMANDS: [&str; 14] = [
    "run",
    "burst",
    "matrix",
    "up",
    "switch",
    "logs",
    "explain",
    "audit",
    "compare",
    "traces",
    "map",
    "merge",
    "completions",
    "man",
];
/// The commands that only baton itself starts.
const OWN: [&str; 3] = ["attack", "sandbox", "function"];

#[tokio::test]
async fn every_shell_gets_a_script_that_names_the_commands_for_people_only() {
    let sandbox = Sandbox::new();
    for (shell, about_command) in [
        ("bash", "baton,NAME)"),
        ("zsh", "'NAME:"),
        ("fish", "-a \"NAME\""),
        ("elvish", "cand NAME "),
        ("powershell", "[CompletionResult]::new('NAME',"),
    ] {
        let printed = sandbox.run(["completions", shell]).await;
        assert_eq!(printed.code, Some(0), "{shell}: {printed:?}");
        let names = |command: &&str| {
            let line = about_command.replace("NAME", command);
            printed.stdout.contains(&line)
        };
        let missing: Vec<_> = COMMANDS.iter().filter(|name| !names(name)).collect();
        assert!(missing.is_empty(), "{shell} lacks {missing:?}");
        let own: Vec<_> = OWN.iter().filter(|name| names(name)).collect();
        assert!(own.is_empty(), "{shell} shows {own:?}");
    }
    let refused = sandbox.run(["completions", "tcsh"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("bash"), "{refused:?}");
}

#[tokio::test]
async fn bash_completes_with_the_script() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(["completions", "bash"]).await.stdout;
    std::fs::write(sandbox.path("baton.bash"), script).expect("room");
    let ask = "source ./baton.bash; COMP_WORDS=(baton com); COMP_CWORD=1; _baton baton com baton; \
               echo \"${COMPREPLY[@]}\"";
    let shell = tokio::process::Command::new("bash")
        .args(["--norc", "-c", ask])
        .current_dir(sandbox.path("."))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("bash");
    assert_eq!(
        String::from_utf8_lossy(&shell.stdout),
        "compare completions\n"
    );
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let sandbox = Sandbox::new();
    let written = sandbox.run(["man", "--out", "pages"]).await;
    assert_eq!(written.code, Some(0), "{written:?}");
    let mut expected: Vec<_> = COMMANDS
        .iter()
        .map(|name| format!("pages/baton-{name}.1"))
        .chain(["pages/baton.1".to_owned()])
        .collect();
    let mut paths: Vec<_> = written.stdout.lines().collect();
    expected.sort_unstable();
    paths.sort_unstable();
    assert_eq!(paths, expected);
    for path in paths {
        let page = std::fs::read_to_string(sandbox.path(path)).expect("a page");
        assert!(page.contains("\n.SH NAME\n"), "{path}");
        assert!(page.contains("\n.SH OPTIONS\n"), "{path}");
    }
}

#[tokio::test]
async fn one_page_is_printed() {
    let sandbox = Sandbox::new();
    let baton = sandbox.run(["man"]).await;
    assert!(baton.stdout.contains(".TH baton 1"), "{baton:?}");
    assert!(baton.stdout.contains("baton\\-run(1)"), "{baton:?}");
    let run = sandbox.run(["man", "run"]).await;
    assert!(run.stdout.contains(".TH baton-run 1"), "{run:?}");
    assert!(run.stdout.contains("\\-\\-format"), "{run:?}");
    let json = sandbox.run(["man", "run", "--format", "json"]).await.json();
    assert_eq!(json["file"], "baton-run.1");
    assert_eq!(
        json["page"].as_str().map(str::trim_end),
        Some(run.stdout.trim_end())
    );
    let refused = sandbox.run(["man", "attack"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(
        refused
            .stderr
            .contains("no command \"attack\"; its commands are run,"),
        "{refused:?}"
    );
}
