//! What the tests of the whole share: the command, a lab that is up, and what both leave behind.

pub(crate) mod backends;
pub(crate) mod command;
pub(crate) mod generated;
pub(crate) mod kinesis;
pub(crate) mod lab;
pub(crate) mod processes;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod split;
pub(crate) mod template;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest a test waits for anything, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at that nobody announces.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `look` gives something, and gives that.
///
/// Panics with `what` did not happen when [`PATIENCE`] is over.
pub(crate) async fn wait_until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The program that Cargo made of the example `name`.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its program");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("tests are in the profile's deps folder");
    let example = profile.join("examples").join(name);
    assert!(
        example.is_file(),
        "{} is missing; `cargo build --examples` makes it",
        example.display()
    );
    example
}

/// Says why a test cannot be made here. In CI, which installs everything, that fails the test.
pub(crate) fn skipped(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped in CI: {reason}");
    eprintln!("skipped: {reason}");
}
