//! Ctrl-C while records wait.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{accepted, body, handled, undeliverable};
use crate::support::lab::Setup;

#[tokio::test]
async fn every_record_is_delivered_or_set_aside_although_some_hang() {
    let mut lab = Setup::new()
        .fragile_consumer()
        .flags(["--timeout", "6s", "--retries", "0", "--batch-size", "4"])
        .start()
        .await;
    let hang = 100;
    lab.accepted(body(hang, "hang")).await;
    let bodies = (0..16).map(|id| (id, body(id, "fine")));
    let mut sent = accepted(&lab, bodies).await;
    sent.insert(hang);
    let finished = lab.stop().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let aside = undeliverable(&lab.saved);
    let mut found: BTreeSet<u64> = handled(&lab.sandbox.path("output")).into_iter().collect();
    found.extend(&aside);
    // a request that was not answered in time may still have been delivered
    assert!(found.is_superset(&sent), "{finished:?}");
    println!(
        "sent 17, accepted {}, delivered or set aside {}",
        sent.len(),
        found.len()
    );
    // the drain goes on while there is progress, so only the one that hangs is left
    assert_eq!(aside, [hang], "{finished:?}");
}

#[tokio::test]
async fn a_second_signal_writes_down_what_is_left() {
    let mut lab = Setup::new()
        .fragile_consumer()
        .flags(["--timeout", "10m"])
        .start()
        .await;
    let bodies = (0..5).map(|id| (id, body(id, "hang")));
    let sent = accepted(&lab, bodies).await;
    assert_eq!(sent.len(), 5);
    let start = Instant::now();
    lab.signal(Signal::INT);
    lab.signal(Signal::TERM);
    let finished = lab.ended().await;
    assert!(start.elapsed() < Duration::from_secs(30), "{finished:?}");
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let aside: BTreeSet<u64> = undeliverable(&lab.saved).into_iter().collect();
    assert_eq!(aside, sent);
    let said = "5 records could not be delivered (5 of them were left at the end); kept in";
    assert!(finished.stderr.contains(said), "{finished:?}");
}

#[tokio::test]
async fn a_slow_body_does_not_delay_the_end() {
    let mut lab = Setup::new().start().await;
    let port = ("127.0.0.1", lab.port());
    let mut slow = TcpStream::connect(port).await.expect("a connection");
    let head = "POST /dev/producer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n";
    slow.write_all(head.as_bytes()).await.expect("sent");
    let trickle = tokio::spawn(async move {
        // often enough that the server does not give up on it
        while slow.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    lab.accepted("{}").await;
    let start = Instant::now();
    lab.stop_well().await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    trickle.abort();
}
