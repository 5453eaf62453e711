//! The live page in a real browser: what a teacher does in a lesson, in a mouse's and in a
//! keyboard's way, with axe-core on every view. Needs Chromium, Node.js and
//! `npm ci --prefix tests/browser`: `just browser`.

use std::path::Path;

use crate::support::command::ended;
use crate::support::lab::Setup;

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
    let finished = ended(node.spawn().expect("node starts")).await;
    assert_eq!(
        finished.code,
        Some(0),
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    lab.stop_well().await;
}
