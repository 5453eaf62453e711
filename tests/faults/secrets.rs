//! What baton must not show, and what it must not trust.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::command::Sandbox;
use crate::support::lab::Setup;

#[tokio::test]
async fn a_key_in_an_address_is_not_repeated() {
    let sandbox = Sandbox::new();
    for address in [
        "zipkin+http://127.0.0.1:1?apikey=SECRET",
        "http://127.0.0.1:1/?apikey=SECRET",
        "jaeger://127.0.0.1:1?apikey=SECRET",
    ] {
        let finished = sandbox.run(["traces", address]).await;
        assert!(finished.code != Some(0), "{finished:?}");
        let shown = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[tokio::test]
async fn a_log_controls_no_terminal_in_either_format() {
    let mut lab = Setup::new().start().await;
    lab.accepted("{\"name\": \"a\u{202e}b\"}").await;
    lab.wait_for_delivered(1).await;
    for format in ["text", "json"] {
        let arguments = ["logs", "producer", "--format", format];
        let finished = lab.sandbox.run(arguments).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(!finished.stdout.contains('\u{202e}'), "{format}");
        assert!(finished.stdout.contains("202e"), "{format}: {finished:?}");
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_not_trusted() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("runtime");
    fs::create_dir_all(&folder).expect("room");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("permissions");
    let finished = sandbox.run(["switch", "producer=b3"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let words = "can be written by other users";
    assert!(finished.stderr.contains(words), "{finished:?}");
}

#[tokio::test]
async fn help_on_a_full_disk_fails() {
    let sandbox = Sandbox::new();
    let full = fs::File::options().write(true).open("/dev/full");
    let full = full.expect("/dev/full");
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"]] {
        let mut command = sandbox.baton(arguments);
        command.stdout(full.try_clone().expect("a handle"));
        let finished = crate::support::command::ended(command.spawn().expect("it starts")).await;
        assert_eq!(finished.code, Some(3), "{arguments:?}: {finished:?}");
    }
}
