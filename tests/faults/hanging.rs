//! A consumer that hangs, crashes or answers too much on some of many records, and Ctrl-C in the
//! middle of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{accepted, body, handled, undeliverable};
use crate::support::lab::Setup;

/// How many requests are sent at the same time.
const TOGETHER: u64 = 100;

/// Sends this many requests, each `nth` of them with `word`, and ends the lab at once. Every record
/// that was accepted must be handled or set aside. Prints the counts.
async fn interrupted(requests: u64, nth: u64, word: &str, flags: &[&str]) {
    let mut lab = Setup::new()
        .fragile_consumer()
        .flags(flags.iter().copied())
        .start()
        .await;
    let mut sent = BTreeSet::new();
    for start in (0..requests).step_by(TOGETHER as usize) {
        let bodies = (start..requests.min(start + TOGETHER)).map(|id| {
            let is_bad = id % nth == nth / 2;
            (id, body(id, if is_bad { word } else { "fine" }))
        });
        sent.extend(accepted(&lab, bodies).await);
    }
    lab.signal(rustix::process::Signal::INT);
    let finished = lab.ended_within(Duration::from_secs(600)).await;
    let handled = handled(&lab.sandbox.path("output"));
    let distinct: BTreeSet<u64> = handled.iter().copied().collect();
    let aside: BTreeSet<u64> = undeliverable(&lab.saved).into_iter().collect();
    let lost = sent
        .iter()
        .filter(|id| !distinct.contains(*id) && !aside.contains(*id));
    let lost: Vec<_> = lost.collect();
    println!(
        "{word}: sent {requests}, accepted {}, delivered {}, set aside {}, lost {}, duplicated {}",
        sent.len(),
        distinct.len(),
        aside.len(),
        lost.len(),
        handled.len() - distinct.len(),
    );
    assert!(lost.is_empty(), "{word}: {lost:?}, {finished:?}");
    assert!(sent.len() as u64 > requests / 2, "{word}: {finished:?}");
    let bad = |id: &u64| id % nth == nth / 2;
    assert!(
        sent.iter()
            .filter(|id| bad(id))
            .all(|id| aside.contains(id))
    );
    assert_eq!(finished.code, Some(1), "{word}: {finished:?}");
    let said = format!("{} records could not be delivered", aside.len());
    assert!(finished.stderr.contains(&said), "{word}: {finished:?}");
}

#[tokio::test]
async fn every_record_is_handled_or_set_aside_although_some_go_wrong() {
    let flags = ["--timeout", "6s", "--retries", "0", "--batch-size", "4"];
    for (nth, word) in [(25, "hang"), (10, "bulky"), (10, "crash")] {
        interrupted(50, nth, word, &flags).await;
    }
}

#[tokio::test]
#[ignore = "takes some minutes"]
async fn three_of_1500_hang() {
    interrupted(1500, 500, "hang", &["--timeout", "2s"]).await;
}

#[tokio::test]
#[ignore = "takes some minutes"]
async fn thirty_of_1500_answer_with_8_mb() {
    interrupted(1500, 50, "bulky", &["--timeout", "2s"]).await;
}

#[tokio::test]
#[ignore = "takes some minutes"]
async fn thirty_of_1500_crash() {
    interrupted(1500, 50, "crash", &["--timeout", "2s"]).await;
}
