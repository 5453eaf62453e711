//! What a backend may take: queries, bytes, traces and time.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most that all queries of a source may take together. Beyond it, the rest of the traces is
/// not read, and the reading says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) queries: u64,
    /// Of all answers.
    pub(super) bytes: u64,
    pub(super) traces: usize,
    pub(super) time: Duration,
}

impl Limits {
    /// The limits of every source.
    pub(super) const OF_A_SOURCE: Limits = Limits {
        queries: 10_000,
        bytes: 1 << 30,
        traces: 1_000_000,
        time: Duration::from_secs(600),
    };

    /// The limit of bytes or time that was reached, as a clause: what the backend did.
    pub(super) fn reached(&self, bytes: &AtomicU64, deadline: Instant) -> Option<String> {
        if bytes.load(Ordering::Relaxed) > self.bytes {
            Some(format!("sent more than {} bytes", self.bytes))
        } else if Instant::now() > deadline {
            let seconds = self.time.as_secs_f64();
            Some(format!("took more than {seconds} seconds"))
        } else {
            None
        }
    }
}

/// An answer that ends with an error at the limit of bytes or time.
pub(super) struct Limited<R> {
    pub(super) answer: R,
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    /// Bytes of all answers so far.
    pub(super) bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(limit) = self.limits.reached(&self.bytes, self.deadline) {
            return Err(io::Error::other(format!("it {limit}")));
        }
        // at the limit, one more byte shows that the answer goes on
        let room = self.limits.bytes - self.bytes.load(Ordering::Relaxed);
        let room = usize::try_from(room.max(1)).unwrap_or(usize::MAX);
        let end = room.min(buffer.len());
        let read = self.answer.read(&mut buffer[..end])?;
        let sent = self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        match sent < self.limits.bytes {
            true => Ok(read),
            false if read == 0 => Ok(0),
            false => self.read(buffer),
        }
    }
}
