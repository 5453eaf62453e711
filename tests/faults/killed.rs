//! A lab that is killed.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::process::Signal;

use super::{accepted, body, handled};
use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::run;

/// A lab that holds records back until it ends.
fn holding(sandbox: &Arc<Sandbox>) -> Setup {
    Setup::within(sandbox, "saved")
        .fragile_consumer()
        .flags(["--batch-window", "10m"])
}

#[tokio::test]
async fn a_durable_stream_gives_everything_back_after_kill_9() {
    const REQUESTS: u64 = 60;
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = holding(&sandbox).flags(["--durable"]).start().await;
    let bodies = (0..REQUESTS).map(|id| (id, body(id, "fine")));
    let accepted = accepted(&lab, bodies).await;
    assert_eq!(accepted.len() as u64, REQUESTS);
    lab.signal(Signal::KILL);
    lab.ended().await;
    let output = sandbox.path("output");
    assert_eq!(handled(&output), [0; 0], "the window held them back");

    let saved = lab.saved.display().to_string();
    let refused = sandbox.run(["up", "--port", "0", "--save", &saved]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let words = format!("{REQUESTS} records wait there; deliver them with --resume");
    assert!(refused.stderr.contains(&words), "{refused:?}");

    let mut resumed = holding(&sandbox).flags(["--resume"]).start().await;
    let finished = resumed.stop().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let words = format!("resuming: {REQUESTS} records accepted and not delivered");
    assert!(finished.stderr.contains(&words), "{finished:?}");
    let mut delivered = handled(&output);
    delivered.sort_unstable();
    assert_eq!(delivered, accepted.into_iter().collect::<Vec<_>>());
    let manifest = run::json(&lab.saved.join("run.json"));
    assert_eq!(manifest["records"]["delivered"], REQUESTS, "{manifest}");
    assert!(!lab.saved.join("stream.jsonl").exists());
}

#[tokio::test]
async fn what_was_delivered_before_the_kill_is_not_delivered_again() {
    let sandbox = Arc::new(Sandbox::new());
    let setup = || Setup::within(&sandbox, "saved").fragile_consumer();
    let mut lab = setup().flags(["--durable"]).start().await;
    let bodies = (0..20).map(|id| (id, body(id, "fine")));
    let first = accepted(&lab, bodies).await;
    lab.wait_for_delivered(20).await;
    // this one is never answered, so it waits for the next lab, where it fails at once
    lab.accepted(body(99, "hang once")).await;
    lab.wait_for("the last record was taken", |status| {
        status["consumer"]["invocations"].as_u64() > Some(1)
    })
    .await;
    lab.signal(Signal::KILL);
    lab.ended().await;
    setup().flags(["--resume"]).start().await.stop_well().await;
    let delivered = handled(&sandbox.path("output"));
    let distinct: BTreeSet<u64> = delivered.iter().copied().collect();
    assert_eq!(distinct.len(), delivered.len(), "{delivered:?}");
    assert_eq!(distinct.len(), first.len() + 1);
}

#[tokio::test]
async fn a_killed_lab_is_not_under_way() {
    let sandbox = Arc::new(Sandbox::new());
    let setup = Setup::within(&sandbox, "saved").flags(["--batch-window", "10m"]);
    let mut lab = setup.start().await;
    for _ in 0..3 {
        lab.accepted("{}").await;
    }
    let saved = lab.saved.display().to_string();
    let compare = ["compare", &saved, "--fail-over", "lost=0"];
    let alive = sandbox.run(compare).await;
    assert!(!alive.stdout.contains("lost is 3"), "{alive:?}");
    lab.signal(Signal::KILL);
    lab.ended().await;
    let dead = sandbox.run(compare).await;
    assert_eq!(dead.code, Some(1), "{dead:?}");
    let resume = sandbox.run(["up", "--save", &saved, "--resume"]).await;
    assert_eq!(resume.code, Some(2), "{resume:?}");
    assert!(resume.stderr.contains("holds no stream"), "{resume:?}");
}
