//! The async runtimes of the commands.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// For commands that run a lab. A lab serves thousands of small requests per second. Two threads
/// are enough for that, and leave the other cores to the functions.
pub(crate) fn for_lab() -> Result<Runtime, Failure> {
    started(Builder::new_multi_thread().worker_threads(2))
}

/// For commands that wait for one thing at a time.
pub(crate) fn on_this_thread() -> Result<Runtime, Failure> {
    started(&mut Builder::new_current_thread())
}

fn started(builder: &mut Builder) -> Result<Runtime, Failure> {
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| Failure::not_carried_out(format!("threads cannot be started: {error}")))
}
