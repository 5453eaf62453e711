//! The live page in a real browser: what a teacher does in a lesson, with the mouse and with the
//! keyboard, and axe-core on every view. Needs Chromium, Node.js and
//! `npm ci --prefix tests/browser`: `just browser`.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::support::lab::Setup;

/// How long the lesson may take. It loads each of seven views several times.
const MAX_LESSON: Duration = Duration::from_secs(600);

#[tokio::test]
#[ignore = "needs Chromium, Node.js and `npm ci --prefix tests/browser`"]
async fn a_lesson_with_the_page() {
    let mut lab = Setup::new().start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/lesson.mjs");
    let mut node = lab.sandbox.program("node");
    let shots = std::env::var_os("BATON_SCREENSHOTS").unwrap_or_default();
    node.arg(script)
        .args([&lab.addresses.page, &lab.addresses.otlp])
        .env("BATON_SCREENSHOTS", shots);
    let lesson = node.spawn().expect("node starts").wait_with_output();
    let ended = timeout(MAX_LESSON, lesson).await;
    let output = ended.expect("the lesson ends in time").expect("its output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    lab.stop_well().await;
}
