//! Tests of the counts, and of when an attack gives up.

use std::sync::mpsc;
use std::time::SystemTime;

use baton_propagators::{Sampling, SpanId, TraceId, TraceState};

use crate::request::headers::Sent;
use crate::request::spans::Traffic;

use super::*;

fn span(millis: u64, failure: Option<RequestFailure>) -> ClientSpan {
    ClientSpan {
        sent: Sent {
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: SpanId::from_bytes([1; 8]).unwrap(),
            parent_span_id: None,
            sampling: Sampling::Keep,
            trace_state: TraceState::EMPTY,
            baggage_entries: None,
            scenario: None,
            defect: None,
        },
        headers: None,
        start: SystemTime::UNIX_EPOCH,
        duration: Duration::from_millis(millis),
        behind: Duration::ZERO,
        request_id: None,
        status: None,
        failure,
        traffic: Traffic::default(),
    }
}

fn end(counter: &Counter, millis: u64, failure: Option<RequestFailure>) {
    counter.begin();
    counter.end(span(millis, failure), Instant::now());
}

fn status(message: &str) -> RequestFailure {
    RequestFailure::Status {
        status: 500,
        message: Some(message.to_owned()),
    }
}

#[test]
fn percentiles_are_those_of_the_requests_that_succeeded() {
    let counter = Counter::new(None, false);
    for millis in 1..=1_000 {
        end(&counter, millis, None);
    }
    end(&counter, 60_000, Some(RequestFailure::Timeout));
    let latency = counter.finish().latency.unwrap();
    let near = |value: f64, expected: f64| (value - expected).abs() <= expected / 1_000.0;
    assert!(near(latency.p50, 500.0), "{latency:?}");
    assert!(near(latency.p90, 900.0), "{latency:?}");
    assert!(near(latency.p99, 990.0), "{latency:?}");
    assert!(near(latency.p999, 999.0), "{latency:?}");
    assert!(near(latency.max, 1_000.0), "{latency:?}");
}

#[test]
fn under_a_rate_a_stall_counts_for_the_requests_that_it_delayed() {
    let counter = Counter::new(None, true);
    for behind in [0, 0, 900, 800] {
        let behind = Duration::from_millis(behind);
        counter.end(
            ClientSpan {
                behind,
                ..span(100, None)
            },
            Instant::now(),
        );
    }
    let recent = counter.progress(Duration::ZERO).recent.latency_ms;
    let counted = counter.finish();
    let (sent, due) = (counted.latency.unwrap(), counted.corrected.unwrap());
    assert!(sent.max < 101.0 && due.p50 < 101.0, "{sent:?} {due:?}");
    assert!(due.max > 999.0, "{due:?}");
    assert_eq!(recent, Some(due));
}

#[test]
fn recent_counts_start_from_zero_each_time() {
    let counter = Counter::new(None, false);
    end(&counter, 10, None);
    end(&counter, 10, Some(RequestFailure::Timeout));
    let first = counter.progress(Duration::ZERO);
    assert_eq!((first.recent.ok, first.recent.failed), (1, 1));
    end(&counter, 90, None);
    let second = counter.progress(Duration::ZERO);
    assert_eq!((second.recent.ok, second.recent.failed), (1, 0));
    assert!(second.recent.latency_ms.unwrap().p50 > 89.0, "{second:?}");
    assert!(second.latency_ms.unwrap().p50 < 11.0, "{second:?}");
}

#[test]
fn an_attack_gives_up_when_nothing_is_answered_or_nothing_any_more() {
    let answered = || ClientSpan {
        status: Some(500),
        ..span(1, Some(status("")))
    };
    let refused = || span(1, Some(RequestFailure::ConnectionRefused));
    let timeout = || span(1, Some(RequestFailure::Timeout));
    type Step<'a> = (u64, &'a dyn Fn() -> ClientSpan);
    let cases: &[(&[Step<'_>], bool)] = &[
        (&[(3, &refused)], false),
        (&[(4, &refused)], true),
        (&[(1, &answered), (1_000, &refused)], false),
        (&[(1, &answered), (11, &timeout)], false),
        (&[(1, &answered), (12, &timeout)], true),
        (
            &[
                (1, &answered),
                (11, &timeout),
                (1, &answered),
                (1, &timeout),
            ],
            false,
        ),
    ];
    for (number, (steps, expected)) in cases.iter().enumerate() {
        let counter = Counter::new(None, false);
        for (times, span) in *steps {
            for _ in 0..*times {
                counter.end(span(), Instant::now());
            }
        }
        assert_eq!(counter.is_hopeless(4), *expected, "case {number}");
    }
}

#[test]
fn without_success_there_is_no_latency() {
    let counter = Counter::new(None, false);
    end(&counter, 1, Some(RequestFailure::Timeout));
    assert_eq!(counter.finish().latency, None);
}

#[test]
fn failures_are_counted_by_kind_most_frequent_first() {
    let counter = Counter::new(None, false);
    for failure in [
        status("b"),
        RequestFailure::Timeout,
        status("a"),
        RequestFailure::Timeout,
    ] {
        end(&counter, 1, Some(failure));
    }
    end(&counter, 1, None);
    let counted = counter.finish();
    assert_eq!(
        counted.failures,
        [
            (RequestFailure::Timeout, 2),
            (status("a"), 1),
            (status("b"), 1)
        ]
    );
    let Requests { sent, ok, failed } = counted.requests;
    assert_eq!((sent, ok, failed), (5, 1, 4));
}

#[test]
fn messages_that_are_all_different_do_not_fill_the_memory() {
    let counter = Counter::new(None, false);
    for number in 0..1_000 {
        end(
            &counter,
            1,
            Some(status(&format!("request {number} failed"))),
        );
    }
    let failures = counter.finish().failures;
    let rest = RequestFailure::Status {
        status: 500,
        message: None,
    };
    assert_eq!(failures.len(), MAX_KINDS + 1);
    assert_eq!(failures[0], (rest, 1_000 - MAX_KINDS as u64));
}

#[test]
fn a_request_under_way_is_sent_but_neither_ok_nor_failed() {
    let counter = Counter::new(None, false);
    end(&counter, 1, None);
    counter.begin();
    let Requests { sent, ok, failed } = counter.progress(Duration::ZERO).requests;
    assert_eq!((sent, ok, failed), (2, 1, 0));
}

#[test]
fn spans_leave_in_full_lines_and_a_last_one() {
    let (lines, written) = mpsc::channel();
    let counter = Counter::new(Some(lines), false);
    for _ in 0..2 * MAX_SPANS_PER_LINE + 1 {
        end(&counter, 1, None);
    }
    counter.finish();
    let counts: Vec<usize> = written.iter().map(|spans| spans.len()).collect();
    assert_eq!(counts, [MAX_SPANS_PER_LINE, MAX_SPANS_PER_LINE, 1]);
}
