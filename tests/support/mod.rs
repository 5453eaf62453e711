//! What the tests of the whole program share: the command, a lab that is up, and what both leave
//! behind.

pub(crate) mod backends;
pub(crate) mod command;
pub(crate) mod generated;
pub(crate) mod kinesis;
pub(crate) mod lab;
pub(crate) mod nodejs;
pub(crate) mod processes;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod split;
pub(crate) mod template;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The longest that a test waits for anything, even on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks at a condition that nothing announces.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `look` gives a value, and returns it.
///
/// Panics with "waited too long" and `what` after [`PATIENCE`].
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
        .unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// The program of the example `name`, as Cargo built it.
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

/// Prints why a test cannot run here. In CI, which installs everything, this fails the test.
pub(crate) fn skipped(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped in CI: {reason}");
    eprintln!("skipped: {reason}");
}

/// The lines of a document that run baton, each with its arguments. There must be several.
pub(crate) fn commands_of(document: &str) -> Vec<(&str, Vec<String>)> {
    let lines = document
        .lines()
        .filter_map(|line| line.strip_prefix("$ baton "));
    let commands: Vec<_> = lines
        .map(|line| (line, shlex::split(line).expect("words")))
        .collect();
    assert!(commands.len() > 3, "{commands:?}");
    commands
}

/// `bytes` compressed with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
