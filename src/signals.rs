//! The signals that end a command: Ctrl-C, a request to terminate, a terminal that closes.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// The same signal twice within this time counts once. Some tools send a signal to a process and
/// then again to its group.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// Receives this process's signals from the moment of its creation.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    last: Option<(SignalKind, Instant)>,
}

/// Becomes true at the first signal, which asks the command to end and keep its results. The second
/// signal ends the process at once, after `clean_up`.
pub(crate) fn interrupted(
    clean_up: impl FnOnce() + Send + 'static,
) -> Result<watch::Receiver<bool>, Failure> {
    let [interrupted] = counted(clean_up)?;
    Ok(interrupted)
}

/// The first becomes true at the first signal, which asks the command to end and keep its results.
/// The second becomes true at the second signal, which asks it to wait for nothing more. The third
/// signal ends the process at once, after `clean_up`.
pub(crate) fn interrupted_and_hurried(
    clean_up: impl FnOnce() + Send + 'static,
) -> Result<(watch::Receiver<bool>, watch::Receiver<bool>), Failure> {
    let [interrupted, hurried] = counted(clean_up)?;
    Ok((interrupted, hurried))
}

/// Each receiver becomes true at its signal. One more ends the process.
fn counted<const N: usize>(
    clean_up: impl FnOnce() + Send + 'static,
) -> Result<[watch::Receiver<bool>; N], Failure> {
    let senders = [(); N].map(|()| watch::Sender::new(false));
    let receivers = senders.each_ref().map(watch::Sender::subscribe);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        for sender in senders {
            signals.next().await;
            sender.send_replace(true);
        }
        signals.next().await;
        clean_up();
        std::process::exit(130);
    });
    Ok(receivers)
}

impl Signals {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            last: None,
        })
    }

    /// Waits for the next signal that is not a repetition of the last.
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

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind)
        .map_err(|error| Failure::not_carried_out(format!("cannot listen for signals: {error}")))
}
