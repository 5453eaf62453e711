//! Work that a person starts on the page, one at a time. It ends by itself, when they stop it, or
//! when the lab stops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// One kind of work: how far it is, and how the last one ended.
#[derive(Debug)]
pub(crate) struct Job<Progress, Ended>(Arc<Mutex<State<Progress, Ended>>>);

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

/// Work that has begun. It is over when this is dropped, however that happens.
#[derive(Debug)]
pub(crate) struct Begun<Progress, Ended> {
    state: Arc<Mutex<State<Progress, Ended>>>,
    /// Becomes true when the work has to end.
    stop: watch::Sender<bool>,
    /// What to keep when it is over; `None` for the result of the work before.
    result: Option<Ended>,
}

impl<Progress, Ended> Default for Job<Progress, Ended> {
    fn default() -> Self {
        Job(Arc::new(Mutex::new(State {
            running: None,
            last: None,
        })))
    }
}

fn now<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Progress: Clone, Ended: Clone> Job<Progress, Ended> {
    /// How far the running work is, and how the last one ended.
    pub(crate) fn state(&self) -> (Option<Progress>, Option<Ended>) {
        let state = now(&self.0);
        let running = state.running.as_ref();
        let progress = running.map(|running| running.progress.clone());
        (progress, state.last.clone())
    }

    /// Notes that work begins; `None` if other work is still running. `if_lost` is the result if
    /// the work ends without one, because it panicked.
    pub(crate) fn begin(
        &self,
        progress: Progress,
        if_lost: Ended,
    ) -> Option<Begun<Progress, Ended>> {
        let mut state = now(&self.0);
        if state.running.is_some() {
            return None;
        }
        let stop = watch::Sender::new(false);
        state.running = Some(Running {
            stop: stop.clone(),
            progress,
        });
        Some(Begun {
            state: Arc::clone(&self.0),
            stop,
            result: Some(if_lost),
        })
    }

    /// Updates how far the running work is.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(running) = &mut now(&self.0).running {
            change(&mut running.progress);
        }
    }

    /// Asks the running work to end. Returns whether any was running.
    pub(crate) fn stop(&self) -> bool {
        let state = now(&self.0);
        let running = state.running.as_ref();
        running.is_some_and(|running| {
            running.stop.send_replace(true);
            true
        })
    }
}

impl<Progress, Ended> Begun<Progress, Ended> {
    /// Becomes true when the work has to end.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Tells the work to end when the lab stops, and when it has taken longer than `most`. The
    /// future ends `patience` after the work was told to end, if the work has not ended by itself.
    pub(crate) fn deadline(
        &self,
        mut lab_stops: watch::Receiver<bool>,
        most: Duration,
        patience: Duration,
    ) -> impl Future<Output = ()> + Send + use<Progress, Ended> {
        let stop = self.stop.clone();
        let mut stopped = stop.subscribe();
        async move {
            tokio::select! {
                _ = lab_stops.wait_for(|stops| *stops) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
                () = tokio::time::sleep(most) => {}
            }
            stop.send_replace(true);
            tokio::time::sleep(patience).await;
        }
    }

    /// Notes that the work has ended. Without a result, that of the one before stays.
    pub(crate) fn end(mut self, result: Option<Ended>) {
        self.result = result;
    }
}

impl<Progress, Ended> Drop for Begun<Progress, Ended> {
    fn drop(&mut self) {
        let mut state = now(&self.state);
        state.running = None;
        if let Some(result) = self.result.take() {
            state.last = Some(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_over_and_says_so() {
        let job: Job<u8, &str> = Job::default();
        let begun = job.begin(0, "lost").expect("nothing runs");
        assert!(job.begin(0, "lost").is_none(), "one at a time");
        let work = tokio::spawn(async move {
            let _begun = begun;
            panic!("as a test");
        });
        assert!(work.await.is_err());
        assert_eq!(job.state(), (None, Some("lost")));
        let next = job.begin(1, "lost").expect("the first one is over");
        next.end(Some("well"));
        assert_eq!(job.state(), (None, Some("well")));
        job.begin(2, "lost").expect("nothing runs").end(None);
        assert_eq!(job.state(), (None, Some("well")), "the one before stays");
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_given_up_when_the_lab_stops() {
        let job: Job<u8, &str> = Job::default();
        let begun = job.begin(0, "lost").expect("nothing runs");
        let lab = watch::Sender::new(false);
        let deadline = begun.deadline(lab.subscribe(), Duration::MAX, Duration::ZERO);
        lab.send_replace(true);
        let stopped = begun.stopped();
        tokio::select! {
            () = std::future::pending::<()>() => {}
            () = deadline => {}
        }
        assert!(*stopped.borrow(), "it was asked to end first");
    }
}
