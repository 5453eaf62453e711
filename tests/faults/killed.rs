//! A lab that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustix::process::Signal;

use super::{accepted, body, handled};
use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::{run, wait_until};

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

/// The batches that are full are delivered, and the window holds the rest back.
#[tokio::test]
async fn all_300_records_are_delivered_once_although_the_lab_is_killed() {
    const BATCH: u64 = 20;
    let sandbox = Arc::new(Sandbox::new());
    let batches = BATCH.to_string();
    let setup = || holding(&sandbox).flags(["--batch-size", &batches]);
    let mut lab = setup().flags(["--durable"]).start().await;
    let bodies = (0..300).map(|id| (id, body(id, "fine")));
    let accepted = accepted(&lab, bodies).await;
    assert_eq!(accepted.len(), 300);
    let mut on_shard = BTreeMap::new();
    for sent in run::log(&lab.saved, "producer", "record.sent") {
        *on_shard.entry(sent["shard_id"].to_string()).or_insert(0) += 1;
    }
    let full_batches = on_shard.values().map(|records: &u64| records / BATCH);
    let full_batches = full_batches.sum::<u64>();
    let delivered = BATCH * full_batches;
    lab.wait_for_delivered(delivered).await;
    // what is not noted there is delivered again
    wait_until("the deliveries are noted", async || {
        let stream = std::fs::read_to_string(lab.saved.join("stream.jsonl"));
        let noted = stream.expect("the stream").matches("\"handled\"").count();
        (noted as u64 == full_batches).then_some(())
    })
    .await;
    lab.signal(Signal::KILL);
    lab.ended().await;
    let output = sandbox.path("output");
    let before = handled(&output).len() as u64;
    assert_eq!(before, delivered);
    setup().flags(["--resume"]).start().await.stop_well().await;
    let mut handled = handled(&output);
    handled.sort_unstable();
    assert_eq!(
        handled,
        Vec::from_iter(accepted),
        "{before} before the kill"
    );
    println!(
        "300 accepted, {before} delivered before the kill, {} after it",
        300 - before
    );
}

#[tokio::test]
async fn a_write_cut_off_by_the_kill_hides_no_later_span() {
    let sandbox = Arc::new(Sandbox::new());
    let setup = || Setup::within(&sandbox, "saved").variable("BATON_FLUSH_TIMEOUT", "30000");
    let mut lab = setup().flags(["--durable"]).start().await;
    let path = lab.saved.join("spans.jsonl.zst");
    let mut requests = 0;
    // the collector writes once a second, when spans arrive
    while std::fs::metadata(&path).expect("the file").len() == 0 {
        requests += 1;
        lab.accepted(body(requests, "fine")).await;
    }
    lab.wait_for_delivered(requests).await;
    lab.signal(Signal::KILL);
    lab.ended().await;
    let whole = std::fs::read(&path).expect("the file");
    let half = zstd::bulk::compress(&[b' '; 5000], 3).expect("memory");
    let torn = [&whole[..], &half[..half.len() / 2]].concat();
    std::fs::write(&path, torn).expect("room");

    let mut resumed = setup().flags(["--resume"]).start().await;
    resumed.accepted(body(0, "fine")).await;
    resumed.wait_for_delivered(requests + 1).await;
    let finished = resumed.stop().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stderr.contains("ends in the middle of a write"),
        "{finished:?}"
    );
    let spans = run::spans(&lab.saved);
    let before = zstd::decode_all(whole.as_slice()).expect("whole frames");
    let before = String::from_utf8(before).expect("text");
    let (old, new): (Vec<&run::Span>, Vec<_>) = spans
        .iter()
        .partition(|span| before.contains(&span.span_id));
    assert!(!old.is_empty(), "of those before the kill");
    assert_eq!(new.len(), 4, "of the last request: {new:?}");
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
async fn a_killed_lab_does_not_count_as_running() {
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

#[tokio::test]
async fn an_unreadable_stream_is_reported_and_kept() {
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = holding(&sandbox).flags(["--durable"]).start().await;
    lab.accepted(body(1, "fine")).await;
    lab.signal(Signal::KILL);
    lab.ended().await;
    let stream = lab.saved.join("stream.jsonl");
    let damaged = std::fs::read_to_string(&stream).expect("the stream") + "{\"acc\n";
    std::fs::write(&stream, &damaged).expect("room");
    let saved = lab.saved.display().to_string();
    for flag in ["--resume", "--durable"] {
        let refused = sandbox.run(["up", "--save", &saved, flag]).await;
        assert_eq!(refused.code, Some(3), "{flag}: {refused:?}");
        let said = &refused.stderr;
        assert!(said.contains("cannot read the stream in"), "{flag}: {said}");
        assert!(said.contains("line 3 is not an entry"), "{flag}: {said}");
        assert_eq!(
            std::fs::read_to_string(&stream).expect("it is kept"),
            damaged
        );
    }
}
