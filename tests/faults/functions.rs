//! Faults of labs whose functions are frozen between events, or written in Node.js.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::process::Signal;

use super::{accepted, body, handled, received, set_aside, undeliverable};
use crate::support::command::Sandbox;
use crate::support::lab::{Lab, Setup};
use crate::support::nodejs::nodejs;
use crate::support::processes::{send_to_all, wait_until_gone};

/// A kind of functions. By default, they are baton's own and are not frozen between events.
struct Kind {
    name: &'static str,
    is_frozen: bool,
    is_nodejs: bool,
}

/// All kinds that can run here.
fn kinds() -> Vec<Kind> {
    let kind = |name, is_frozen, is_nodejs| Kind {
        name,
        is_frozen,
        is_nodejs,
    };
    let mut kinds = vec![kind("frozen", true, false)];
    if nodejs("producer").is_some() {
        kinds.push(kind("Node.js", false, true));
        kinds.push(kind("frozen Node.js", true, true));
    }
    kinds
}

impl Kind {
    /// A lab in which these functions are of this kind.
    fn lab(&self, sandbox: &Arc<Sandbox>, functions: &[&str]) -> Setup {
        let mut setup = Setup::within(sandbox, "saved");
        if self.is_frozen {
            setup = setup.flags(["--freeze"]);
        }
        for function in functions.iter().filter(|_| self.is_nodejs) {
            let function = nodejs(function).expect("installed");
            setup = setup.flags(["--function", &function]);
        }
        setup
    }
}

const BOTH: [&str; 2] = ["producer", "consumer"];

async fn sent(lab: &Lab, ids: std::ops::Range<u64>) -> BTreeSet<u64> {
    accepted(lab, ids.map(|id| (id, body(id, "fine")))).await
}

#[tokio::test]
async fn killed_functions_lose_no_accepted_record() {
    for kind in kinds() {
        let sandbox = Arc::new(Sandbox::new());
        // with more, several may be killed while they start, and then the lab refuses what waits
        let flags = ["--instances", "1"];
        let mut lab = kind.lab(&sandbox, &BOTH).flags(flags).start().await;
        let mut ids = BTreeSet::new();
        for round in 0..2 {
            let sending = sent(&lab, round * 20..round * 20 + 20);
            let killing = async {
                let taken = round * 20 + 5;
                lab.wait_for("some events were taken", |status| {
                    let invocations = status["producer"]["invocations"].as_u64();
                    invocations >= Some(taken) && status["records_delivered"] != 0
                })
                .await;
                send_to_all(&lab.processes(), Signal::KILL);
            };
            ids.extend(tokio::join!(sending, killing).0);
        }
        let finished = lab.stop().await;
        let received = received(&lab.saved);
        let delivered: BTreeSet<u64> = received.iter().copied().collect();
        let aside: BTreeSet<u64> = undeliverable(&lab.saved).into_iter().collect();
        let lost = ids
            .iter()
            .filter(|id| !delivered.contains(*id) && !aside.contains(*id));
        let lost: Vec<_> = lost.collect();
        println!(
            "{}: sent 40, accepted {}, delivered {}, set aside {}, lost {}, duplicated {}",
            kind.name,
            ids.len(),
            delivered.len(),
            aside.len(),
            lost.len(),
            received.len() - delivered.len(),
        );
        assert!(lost.is_empty(), "{}: {lost:?}, {finished:?}", kind.name);
        assert!(ids.len() > 30, "{}: {finished:?}", kind.name);
    }
}

#[tokio::test]
async fn a_stopped_function_is_replaced() {
    for kind in kinds() {
        let sandbox = Arc::new(Sandbox::new());
        let flags = ["--timeout", "6s"];
        let mut lab = kind.lab(&sandbox, &BOTH).flags(flags).start().await;
        let mut ids = sent(&lab, 0..1).await;
        lab.wait_for_delivered(1).await;
        send_to_all(&lab.processes(), Signal::STOP);
        // nothing answers the first request while the producer is stopped
        ids.extend(sent(&lab, 1..2).await);
        ids.extend(sent(&lab, 2..4).await);
        let finished = lab.stop().await;
        let found: BTreeSet<u64> = received(&lab.saved).into_iter().collect();
        assert!(found.is_superset(&ids), "{}: {finished:?}", kind.name);
        assert!(ids.contains(&3), "{}: {finished:?}", kind.name);
        assert_eq!(finished.code, Some(0), "{}: {finished:?}", kind.name);
    }
}

#[tokio::test]
async fn a_lab_that_ends_delivers_what_waits() {
    for kind in kinds() {
        let sandbox = Arc::new(Sandbox::new());
        let flags = ["--batch-window", "10m"];
        let mut lab = kind.lab(&sandbox, &BOTH).flags(flags).start().await;
        let ids = sent(&lab, 0..12).await;
        assert_eq!(ids.len(), 12, "{}", kind.name);
        assert_eq!(received(&lab.saved), [0; 0], "the window held them back");
        lab.stop_well().await;
        let mut found = received(&lab.saved);
        found.sort_unstable();
        assert_eq!(found, Vec::from_iter(ids), "{}", kind.name);
    }
}

#[tokio::test]
async fn a_lab_that_was_killed_leaves_no_process_and_gives_everything_back() {
    for kind in kinds() {
        let sandbox = Arc::new(Sandbox::new());
        let holding = || {
            let setup = kind.lab(&sandbox, &BOTH);
            setup.flags(["--batch-window", "10m"])
        };
        let mut lab = holding().flags(["--durable"]).start().await;
        let ids = sent(&lab, 0..12).await;
        let processes = lab.processes();
        assert!(processes.len() >= 2, "{}", kind.name);
        lab.signal(Signal::KILL);
        lab.ended().await;
        // even the frozen ones
        wait_until_gone(&processes).await;
        holding()
            .flags(["--resume"])
            .start()
            .await
            .stop_well()
            .await;
        let mut found = received(&lab.saved);
        found.sort_unstable();
        assert_eq!(found, Vec::from_iter(ids), "{}", kind.name);
    }
}

#[tokio::test]
async fn a_full_disk_fails_no_request_and_hides_no_record() {
    for kind in kinds() {
        let sandbox = Arc::new(Sandbox::new());
        let mut lab = kind
            .lab(&sandbox, &["producer"])
            .fragile_consumer()
            .flags(["--retries", "0"])
            // 4 KiB: the log of the producer has no room for this many lines
            .file_limit(8)
            .start()
            .await;
        let mut ids = BTreeSet::new();
        for id in 0..16 {
            ids.extend(accepted(&lab, [(id, body(id, "fine"))]).await);
        }
        let finished = lab.stop().await;
        let mut found: BTreeSet<u64> = handled(&sandbox.path("output")).into_iter().collect();
        found.extend(undeliverable(&lab.saved));
        found.extend(set_aside(&finished.stderr));
        let lost: Vec<_> = ids.difference(&found).collect();
        assert!(lost.is_empty(), "{}: {lost:?}, {finished:?}", kind.name);
        assert_eq!(ids.len(), 16, "{}: {finished:?}", kind.name);
    }
}
