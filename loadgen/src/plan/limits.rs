//! The limits of an attack's settings.

use std::time::Duration;

/// The most users. Each holds a connection, and by default a process may open 1,024 files.
pub const MAX_USERS: usize = 1_000;
/// The longest attack.
pub const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest timeout of a request.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// The shortest timeout of a request.
pub const MIN_TIMEOUT: Duration = Duration::from_millis(1);
/// The lowest rate, in requests per second over all users.
pub const MIN_RATE: f64 = 0.001;
/// The highest rate, in requests per second over all users.
pub const MAX_RATE: f64 = 1_000_000.0;
/// The largest body in bytes: the size limit of a Kinesis record (1 MiB). A producer that adds
/// trace context accepts less.
pub const MAX_PAYLOAD: usize = 1 << 20;
