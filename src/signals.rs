//! The signals that end a command: Ctrl-C, a request to terminate, a terminal that closes.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Twice the same signal this close together is one: some tools send theirs to a process and then to its group.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// The signals of this process, from the moment this is made.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    last: Option<(SignalKind, Instant)>,
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt()).map_err(Failure::check)?,
            terminate: signal(SignalKind::terminate()).map_err(Failure::check)?,
            hangup: signal(SignalKind::hangup()).map_err(Failure::check)?,
            last: None,
        })
    }

    /// Returns at the next signal that is not an echo of the last.
    pub(crate) async fn next(&mut self) {
        loop {
            let kind = tokio::select! {
                _ = self.interrupt.recv() => SignalKind::interrupt(),
                _ = self.terminate.recv() => SignalKind::terminate(),
                _ = self.hangup.recv() => SignalKind::hangup(),
            };
            let now = Instant::now();
            let is_echo = self
                .last
                .is_some_and(|(last, time)| last == kind && now - time < SAME_SIGNAL);
            self.last = Some((kind, now));
            if !is_echo {
                return;
            }
        }
    }
}
