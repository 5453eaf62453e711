//! Counts requests during an attack. Each request takes one lock for less than a microsecond.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::outcome::Bodies;
use crate::outcome::latency::{Buckets, Latency, histogram, latency, micros};
use crate::outcome::progress::{Progress, Recent, Requests};
use crate::request::failure::RequestFailure;
use crate::request::spans::{ClientSpan, MAX_SPANS_PER_LINE};

/// The most different failures. A message that contains an id would make every failure different.
const MAX_KINDS: usize = 32;

/// The fewest unanswered requests at the start after which an attack gives up.
const MIN_UNANSWERED: u64 = 3;
/// The timeouts per user after which an attack gives up on an endpoint that has answered before.
const MIN_TIMEOUTS: u64 = 3;

/// Counts requests, their times and their failures, and collects spans into lines.
#[derive(Debug)]
pub(crate) struct Counter {
    begun: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ok: u64,
    failed: u64,
    failures: BTreeMap<RequestFailure, u64>,
    statuses: BTreeMap<u16, u64>,
    bodies: Bodies,
    /// The beginning of the body of the first failed answer that has one.
    first_failed_body: Option<String>,
    /// Latency from the moment of sending, in microseconds like all histograms.
    latency: Histogram<u64>,
    /// Latency from the due time, if there is a rate.
    corrected: Option<Histogram<u64>>,
    /// How many requests in a row got no answer.
    unanswered: u64,
    /// How many of them ended with a timeout.
    timeouts: u64,
    answered: bool,
    recent: Window,
    ended: Option<Instant>,
    spans: Vec<ClientSpan>,
    lines: Option<Sender<Vec<ClientSpan>>>,
}

/// The counts since the last report of progress.
#[derive(Debug)]
struct Window {
    since: Instant,
    ok: u64,
    failed: u64,
    latency: Histogram<u64>,
}

/// The final counts.
#[derive(Debug)]
pub(crate) struct Counted {
    pub requests: Requests,
    /// Most frequent first.
    pub failures: Vec<(RequestFailure, u64)>,
    /// How many answers had each status.
    pub statuses: BTreeMap<u16, u64>,
    /// The bytes of all bodies.
    pub bodies: Bodies,
    /// The beginning of the body of the first failed answer that has one.
    pub first_failed_body: Option<String>,
    /// Latency from the moment of sending.
    pub latency: Option<Latency>,
    /// Latency from the due time, if there is a rate.
    pub corrected: Option<Latency>,
    /// All latencies from the moment of sending.
    pub buckets: Buckets,
    /// All latencies from the due time, if there is a rate.
    pub corrected_buckets: Option<Buckets>,
    /// When the last request ended.
    pub ended: Option<Instant>,
}

impl Counter {
    /// A counter that sends spans to `lines`. `has_rate` says whether requests have due times.
    pub(crate) fn new(lines: Option<Sender<Vec<ClientSpan>>>, has_rate: bool) -> Self {
        Self {
            begun: AtomicU64::new(0),
            state: Mutex::new(State {
                ok: 0,
                failed: 0,
                failures: BTreeMap::new(),
                statuses: BTreeMap::new(),
                bodies: Bodies::default(),
                first_failed_body: None,
                latency: histogram(),
                corrected: has_rate.then(histogram),
                unanswered: 0,
                timeouts: 0,
                answered: false,
                recent: Window {
                    since: Instant::now(),
                    ok: 0,
                    failed: 0,
                    latency: histogram(),
                },
                ended: None,
                spans: Vec::with_capacity(MAX_SPANS_PER_LINE),
                lines,
            }),
        }
    }

    /// Counts a request that is about to be sent.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that ended at `now`.
    pub(crate) fn end(&self, span: ClientSpan, now: Instant) {
        let mut state = self.state();
        state.ended = state.ended.max(Some(now));
        match &span.failure {
            None => {
                state.ok += 1;
                state.recent.ok += 1;
                let (took, corrected) =
                    (micros(span.duration), micros(span.duration + span.behind));
                state.latency.saturating_record(took);
                state.recent.latency.saturating_record(corrected);
                if let Some(histogram) = &mut state.corrected {
                    histogram.saturating_record(corrected);
                }
            }
            Some(failure) => {
                state.failed += 1;
                state.recent.failed += 1;
                state.count(failure);
            }
        }
        state.note_answer(&span);
        state.count_answer(&span);
        if state.lines.is_some() {
            state.spans.push(span);
            if state.spans.len() == MAX_SPANS_PER_LINE {
                state.hand_on();
            }
        }
    }

    /// The progress of the attack. It resets the recent counts.
    pub(crate) fn progress(&self, elapsed: Duration) -> Progress {
        let mut state = self.state();
        let all = state.corrected.as_ref().unwrap_or(&state.latency);
        let latency_ms = latency(all);
        let now = Instant::now();
        let window = &mut state.recent;
        let recent = Recent {
            time: now - window.since,
            ok: window.ok,
            failed: window.failed,
            latency_ms: latency(&window.latency),
        };
        (window.since, window.ok, window.failed) = (now, 0, 0);
        window.latency.reset();
        Progress {
            requests: Requests {
                sent: self.begun.load(Ordering::Relaxed),
                ok: state.ok,
                failed: state.failed,
            },
            elapsed,
            latency_ms,
            recent,
        }
    }

    /// Whether an attack of `users` should give up: none of its first requests was answered, or
    /// each user has recently had several timeouts on average.
    pub(crate) fn is_hopeless(&self, users: usize) -> bool {
        let users = users as u64;
        let state = self.state();
        !state.answered && state.unanswered >= users.max(MIN_UNANSWERED)
            || state.timeouts >= users.saturating_mul(MIN_TIMEOUTS)
    }

    /// The final counts. Call this when no request is in progress.
    pub(crate) fn finish(&self) -> Counted {
        let mut state = self.state();
        state.hand_on();
        state.lines = None;
        let mut failures: Vec<_> = std::mem::take(&mut state.failures).into_iter().collect();
        failures.sort_by(|(left, few), (right, many)| many.cmp(few).then_with(|| left.cmp(right)));
        Counted {
            requests: Requests {
                sent: state.ok + state.failed,
                ok: state.ok,
                failed: state.failed,
            },
            failures,
            statuses: std::mem::take(&mut state.statuses),
            bodies: state.bodies,
            first_failed_body: state.first_failed_body.take(),
            latency: latency(&state.latency),
            corrected: state.corrected.as_ref().and_then(latency),
            buckets: Buckets::of(&state.latency),
            corrected_buckets: state.corrected.as_ref().map(Buckets::of),
            ended: state.ended,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes whether the endpoint answered. A refusal also counts as an answer.
    fn note_answer(&mut self, span: &ClientSpan) {
        if span.status.is_some() {
            self.answered = true;
            (self.unanswered, self.timeouts) = (0, 0);
        } else {
            self.unanswered += 1;
            let is_timeout = span.failure == Some(RequestFailure::Timeout);
            self.timeouts += u64::from(is_timeout);
        }
    }

    fn count_answer(&mut self, span: &ClientSpan) {
        if let Some(status) = span.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        self.bodies.sent += span.traffic.sent;
        self.bodies.received += span.traffic.received;
        if self.first_failed_body.is_none() {
            self.first_failed_body.clone_from(&span.traffic.failed_body);
        }
    }

    fn count(&mut self, failure: &RequestFailure) {
        if let Some(count) = self.failures.get_mut(failure) {
            *count += 1;
            return;
        }
        let kind = if self.failures.len() < MAX_KINDS {
            failure.clone()
        } else {
            failure.without_details()
        };
        *self.failures.entry(kind).or_default() += 1;
    }

    fn hand_on(&mut self) {
        if let Some(lines) = &self.lines
            && !self.spans.is_empty()
        {
            let spans = std::mem::replace(&mut self.spans, Vec::with_capacity(MAX_SPANS_PER_LINE));
            // If the writer has ended, it had an error, which is reported when the file is
            // finished.
            let _ = lines.send(spans);
        }
    }
}

#[cfg(test)]
mod tests;
