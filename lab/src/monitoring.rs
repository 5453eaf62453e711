//! What a lab reports while it runs: its status, what happens in it, and what it cannot write.

pub(crate) mod disk;
mod status;
mod watcher;

pub(crate) use disk::{Disk, Kept};
pub use status::{Addresses, FunctionStatus, LabStatus};
pub use watcher::{DeliveredRecord, Watcher};
