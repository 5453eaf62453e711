//! How long an attack lasts, how fast it is, and what a cancelled one leaves behind.

use std::sync::Arc;
use std::time::Duration;

use baton_loadgen::{Settings, Stop};
use serde_json::Value;
use tokio::sync::Notify;

use crate::support::{Attacker, Server, settings, well};

#[tokio::test]
async fn a_duration_ends_the_attack() {
    let server = Server::well().await;
    let settings = Settings {
        stop: Stop::Duration(Duration::from_millis(600)),
        users: 2,
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    let outcome = attacked.outcome();
    assert!(outcome.duration_s >= 0.3, "{}", outcome.duration_s);
    assert!(!outcome.interrupted);
    assert_eq!(outcome.requests.sent, server.seen().len() as u64);
    assert_eq!(outcome.requests.ok, outcome.requests.sent);
    let (last, before) = attacked.report.progress.split_last().unwrap();
    assert_eq!(last.requests, outcome.requests);
    assert!(
        before.iter().any(|progress| progress.requests.ok > 0),
        "told while it ran: {before:?}"
    );
    assert!(before.is_sorted_by_key(|progress| progress.elapsed));
}

#[tokio::test]
async fn a_rate_is_not_exceeded() {
    let server = Server::well().await;
    let settings = Settings {
        stop: Stop::Requests(40),
        rate: Some(100.0),
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(settings).end().await;
    let outcome = attacked.outcome();
    assert_eq!(outcome.requests.ok, 40);
    // From the first turn to the 40th.
    assert!(outcome.duration_s >= 0.39, "{}", outcome.duration_s);
}

#[tokio::test]
async fn under_a_rate_latency_counts_from_when_a_request_was_due() {
    // the first request stalls every user for a second, in which 99 others are due
    const STALL: Duration = Duration::from_secs(1);
    let server = Server::start(|number| async move {
        if number == 0 {
            tokio::time::sleep(STALL).await;
        }
        well(number)
    })
    .await;
    let one_user = |rate| Settings {
        users: 1,
        stop: Stop::Requests(200),
        rate,
        ..settings(server.endpoint())
    };
    let attacked = Attacker::start(one_user(Some(100.0))).end().await;
    let outcome = attacked.outcome();
    let (sent, due) = (
        outcome.latency_ms.unwrap(),
        outcome.latency_corrected_ms.unwrap(),
    );
    assert!(
        sent.max >= 1_000.0 && sent.p90 < 500.0,
        "one of 200 stalled: {sent:?}"
    );
    assert!(due.p90 >= 500.0, "and delayed a hundred others: {due:?}");

    let attacked = Attacker::start(one_user(None)).end().await;
    assert_eq!(attacked.outcome().latency_corrected_ms, None);
}

#[tokio::test]
async fn requests_that_were_due_but_never_sent_are_counted() {
    let (server, _) = hanging_after(0).await;
    let attacked = Attacker::start(Settings {
        users: 1,
        stop: Stop::Duration(Duration::from_millis(500)),
        rate: Some(100.0),
        timeout: Duration::from_millis(400),
        ..settings(server.endpoint())
    })
    .end()
    .await;
    let outcome = attacked.outcome();
    assert!(outcome.requests.sent < 5, "{}", outcome.summary);
    assert_eq!(outcome.requests.sent + outcome.unsent, 50);
}

#[tokio::test]
async fn users_begin_one_after_the_other() {
    let (server, _) = hanging_after(0).await;
    let attacked = Attacker::start(Settings {
        users: 4,
        stop: Stop::Duration(Duration::from_millis(900)),
        ramp: Duration::from_millis(800),
        timeout: Duration::from_millis(800),
        ..settings(server.endpoint())
    })
    .end()
    .await;
    let starts = attacked.spans().into_iter().map(|span| {
        let nanoseconds: u64 = span.text("startTimeUnixNano").parse().unwrap();
        Duration::from_nanos(nanoseconds)
    });
    let mut starts: Vec<_> = starts.collect();
    starts.sort();
    let spread = starts[3] - starts[0];
    assert!(spread >= Duration::from_millis(400), "of 600: {spread:?}");
}

/// A server that answers the first `answered` requests and lets the others hang, and a signal that
/// one hangs.
async fn hanging_after(answered: usize) -> (Server, Arc<Notify>) {
    let hanging = Arc::new(Notify::new());
    let signal = Arc::clone(&hanging);
    let server = Server::start(move |number| {
        let signal = Arc::clone(&signal);
        async move {
            if number < answered {
                return well(number);
            }
            signal.notify_one();
            std::future::pending().await
        }
    })
    .await;
    (server, hanging)
}

fn many(endpoint: String) -> Settings {
    Settings {
        stop: Stop::Requests(1_000_000),
        users: 3,
        ..settings(endpoint)
    }
}

#[tokio::test]
async fn cancelling_keeps_the_measurements() {
    let (server, hanging) = hanging_after(50).await;
    let mut attacker = Attacker::start(many(server.endpoint()));
    hanging.notified().await;
    attacker.cancel();
    let attacked = attacker.end().await;

    let outcome = attacked.outcome();
    let (sent, hung) = (outcome.requests.sent, outcome.requests.failed);
    assert!(outcome.interrupted);
    assert_eq!(outcome.requests.ok, 50);
    assert_eq!(sent, 50 + hung);
    assert!(
        (1..=3).contains(&hung),
        "as many as there are users: {hung}"
    );
    assert_eq!(
        outcome.summary,
        format!(
            "interrupted: {hung} of {sent} requests failed: interrupted before the answer came"
        )
    );
    assert_eq!(server.seen().len() as u64, sent);
    assert_eq!(attacked.spans().len() as u64, sent);
    let goose: Value =
        serde_json::from_str(outcome.goose.as_ref().expect("a report").get()).unwrap();
    let counts = &goose["requests"]["POST /dev/producer"];
    assert_eq!(
        (&counts["success_count"], &counts["fail_count"]),
        (&50.into(), &hung.into())
    );
}

#[tokio::test]
async fn the_first_interrupt_signal_cancels_too() {
    let (server, hanging) = hanging_after(50).await;
    let attacker = Attacker::start(many(server.endpoint()));
    hanging.notified().await;
    let pid = rustix::process::Pid::from_raw(attacker.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let attacked = attacker.end().await;
    assert!(attacked.outcome().interrupted);
    assert_eq!(attacked.outcome().requests.ok, 50);
}

#[tokio::test]
async fn a_user_that_waits_for_its_turn_is_cancelled_at_once() {
    let begun = Arc::new(Notify::new());
    let signal = Arc::clone(&begun);
    let server = Server::start(move |number| {
        signal.notify_one();
        async move { well(number) }
    })
    .await;
    let mut attacker = Attacker::start(Settings {
        rate: Some(0.001),
        ..many(server.endpoint())
    });
    begun.notified().await;
    attacker.cancel();
    let attacked = attacker.end().await;
    assert_eq!(
        attacked.outcome().summary,
        "interrupted: the only request succeeded"
    );
}
