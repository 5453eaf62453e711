//! Work that a person starts on the page, one at a time. It ends by itself, when they stop it, or
//! when the lab stops.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// One kind of work: how far it is, and how the last one ended.
#[derive(Debug)]
pub(crate) struct Job<Progress, Ended>(Mutex<State<Progress, Ended>>);

#[derive(Debug)]
struct State<Progress, Ended> {
    running: Option<Running<Progress>>,
    last: Option<Ended>,
}

#[derive(Debug)]
struct Running<Progress> {
    stop: watch::Sender<bool>,
    progress: Progress,
}

impl<Progress, Ended> Default for Job<Progress, Ended> {
    fn default() -> Self {
        Job(Mutex::new(State {
            running: None,
            last: None,
        }))
    }
}

impl<Progress: Clone, Ended: Clone> Job<Progress, Ended> {
    fn now(&self) -> MutexGuard<'_, State<Progress, Ended>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the running work is, and how the last one ended.
    pub(crate) fn state(&self) -> (Option<Progress>, Option<Ended>) {
        let state = self.now();
        let running = state.running.as_ref();
        let progress = running.map(|running| running.progress.clone());
        (progress, state.last.clone())
    }

    /// Notes that work begins. Gives what stops it; `None` if some runs already.
    pub(crate) fn begin(&self, progress: Progress) -> Option<watch::Sender<bool>> {
        let mut state = self.now();
        if state.running.is_some() {
            return None;
        }
        let stop = watch::Sender::new(false);
        state.running = Some(Running {
            stop: stop.clone(),
            progress,
        });
        Some(stop)
    }

    /// Changes how far the running work is.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(running) = &mut self.now().running {
            change(&mut running.progress);
        }
    }

    /// Asks the running work to end. Gives whether some runs.
    pub(crate) fn stop(&self) -> bool {
        let state = self.now();
        let running = state.running.as_ref();
        running.is_some_and(|running| {
            running.stop.send_replace(true);
            true
        })
    }

    /// Notes that the work has ended. Without a result, that of the one before stays.
    pub(crate) fn end(&self, ended: Option<Ended>) {
        let mut state = self.now();
        state.running = None;
        state.last = ended.or(state.last.take());
    }
}

/// Waits for `work`. If the lab stops first, `stop` tells the work to end.
pub(crate) async fn until_lab_stops<T>(
    work: impl Future<Output = T>,
    stop: &watch::Sender<bool>,
    mut stopping: watch::Receiver<bool>,
) -> T {
    let mut work = std::pin::pin!(work);
    let lab_stops = async {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    tokio::select! {
        done = &mut work => done,
        () = lab_stops => {
            stop.send_replace(true);
            work.await
        }
    }
}
