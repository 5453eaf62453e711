//! What is counted while an attack runs. One request costs one lock, held for less than a microsecond.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::failure::Failure;
use crate::outcome::{Latency, Requests};
use crate::plan::MAX_TIMEOUT;
use crate::spans::{ClientSpan, SPANS_PER_LINE};

/// How many different failures are told apart. Messages that name an id would otherwise make every failure its own.
const MAX_KINDS: usize = 32;

/// Counts requests, their times and their failures, and hands spans on in lines.
#[derive(Debug)]
pub(crate) struct Tally {
    begun: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ok: u64,
    failed: u64,
    failures: BTreeMap<Failure, u64>,
    /// In microseconds.
    latency: Histogram<u64>,
    ended: Option<Instant>,
    spans: Vec<ClientSpan>,
    lines: Option<Sender<Vec<ClientSpan>>>,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub requests: Requests,
    /// Most frequent first.
    pub failures: Vec<(Failure, u64)>,
    pub latency: Option<Latency>,
    /// When the last request ended.
    pub ended: Option<Instant>,
}

impl Tally {
    /// A tally that sends spans to `lines`.
    pub(crate) fn new(lines: Option<Sender<Vec<ClientSpan>>>) -> Self {
        Self {
            begun: AtomicU64::new(0),
            state: Mutex::new(State {
                ok: 0,
                failed: 0,
                failures: BTreeMap::new(),
                latency: Histogram::new_with_bounds(1, micros(MAX_TIMEOUT), 3)
                    .expect("bounds and digits are in range"),
                ended: None,
                spans: Vec::with_capacity(SPANS_PER_LINE),
                lines,
            }),
        }
    }

    /// A request is about to be sent.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has ended, at `now`.
    pub(crate) fn end(&self, span: ClientSpan, now: Instant) {
        let mut state = self.state();
        state.ended = state.ended.max(Some(now));
        match &span.failure {
            None => {
                state.ok += 1;
                state.latency.saturating_record(micros(span.duration));
            }
            Some(failure) => {
                state.failed += 1;
                state.count(failure);
            }
        }
        if state.lines.is_some() {
            state.spans.push(span);
            if state.spans.len() == SPANS_PER_LINE {
                state.hand_on();
            }
        }
    }

    /// How many requests began, succeeded and failed so far.
    pub(crate) fn so_far(&self) -> Requests {
        let state = self.state();
        Requests {
            sent: self.begun.load(Ordering::Relaxed),
            ok: state.ok,
            failed: state.failed,
        }
    }

    /// The result, once no request is under way; no spans come after it.
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
            latency: latency(&state.latency),
            ended: state.ended,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, failure: &Failure) {
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
            let spans = std::mem::replace(&mut self.spans, Vec::with_capacity(SPANS_PER_LINE));
            // A writer that is gone has met an error, which finishing the file reports.
            let _ = lines.send(spans);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn latency(histogram: &Histogram<u64>) -> Option<Latency> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a latency in microseconds is far below 2^52"
    )]
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let quantile = |quantile| ms(histogram.value_at_quantile(quantile).min(histogram.max()));
    (!histogram.is_empty()).then(|| Latency {
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        p999: quantile(0.999),
        max: ms(histogram.max()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::SystemTime;

    use baton_propagators::context::TraceState;
    use baton_propagators::id::{SpanId, TraceId};
    use baton_propagators::sampling::Sampling;

    use crate::headers::Sent;

    use super::*;

    fn span(millis: u64, failure: Option<Failure>) -> ClientSpan {
        ClientSpan {
            sent: Sent {
                trace_id: TraceId::from_bytes([1; 16]).unwrap(),
                span_id: SpanId::from_bytes([1; 8]).unwrap(),
                sampling: Sampling::Keep,
                trace_state: TraceState::EMPTY,
                baggage_entries: None,
                scenario: None,
                defect: None,
            },
            headers: None,
            start: SystemTime::UNIX_EPOCH,
            duration: Duration::from_millis(millis),
            request_id: None,
            status: None,
            failure,
        }
    }

    fn end(tally: &Tally, millis: u64, failure: Option<Failure>) {
        tally.begin();
        tally.end(span(millis, failure), Instant::now());
    }

    fn status(message: &str) -> Failure {
        Failure::Status {
            status: 500,
            message: Some(message.to_owned()),
        }
    }

    #[test]
    fn percentiles_are_those_of_the_requests_that_succeeded() {
        let tally = Tally::new(None);
        for millis in 1..=1_000 {
            end(&tally, millis, None);
        }
        end(&tally, 60_000, Some(Failure::Timeout));
        let latency = tally.finish().latency.unwrap();
        let near = |value: f64, expected: f64| (value - expected).abs() <= expected / 1_000.0;
        assert!(near(latency.p50, 500.0), "{latency:?}");
        assert!(near(latency.p90, 900.0), "{latency:?}");
        assert!(near(latency.p99, 990.0), "{latency:?}");
        assert!(near(latency.p999, 999.0), "{latency:?}");
        assert!(near(latency.max, 1_000.0), "{latency:?}");
    }

    #[test]
    fn without_success_there_is_no_latency() {
        let tally = Tally::new(None);
        end(&tally, 1, Some(Failure::Timeout));
        assert_eq!(tally.finish().latency, None);
    }

    #[test]
    fn failures_are_counted_by_kind_most_frequent_first() {
        let tally = Tally::new(None);
        for failure in [status("b"), Failure::Timeout, status("a"), Failure::Timeout] {
            end(&tally, 1, Some(failure));
        }
        end(&tally, 1, None);
        let counted = tally.finish();
        assert_eq!(
            counted.failures,
            [(Failure::Timeout, 2), (status("a"), 1), (status("b"), 1)]
        );
        let Requests { sent, ok, failed } = counted.requests;
        assert_eq!((sent, ok, failed), (5, 1, 4));
    }

    #[test]
    fn messages_that_are_all_different_do_not_fill_the_memory() {
        let tally = Tally::new(None);
        for number in 0..1_000 {
            end(&tally, 1, Some(status(&format!("request {number} failed"))));
        }
        let failures = tally.finish().failures;
        let rest = Failure::Status {
            status: 500,
            message: None,
        };
        assert_eq!(failures.len(), MAX_KINDS + 1);
        assert_eq!(failures[0], (rest, 1_000 - MAX_KINDS as u64));
    }

    #[test]
    fn a_request_under_way_is_sent_but_neither_ok_nor_failed() {
        let tally = Tally::new(None);
        end(&tally, 1, None);
        tally.begin();
        let Requests { sent, ok, failed } = tally.so_far();
        assert_eq!((sent, ok, failed), (2, 1, 0));
    }

    #[test]
    fn spans_leave_in_full_lines_and_a_last_one() {
        let (lines, written) = mpsc::channel();
        let tally = Tally::new(Some(lines));
        for _ in 0..2 * SPANS_PER_LINE + 1 {
            end(&tally, 1, None);
        }
        tally.finish();
        let counts: Vec<usize> = written.iter().map(|spans| spans.len()).collect();
        assert_eq!(counts, [SPANS_PER_LINE, SPANS_PER_LINE, 1]);
    }
}
