//! A disk that fills while a lab runs. A limit on the length of files has the same effect, and
//! setting it needs no special rights.

use std::collections::BTreeSet;

use rustix::process::Signal;

use super::{accepted, body, handled, set_aside, undeliverable};
use crate::support::lab::{Lab, Setup};

/// 4 KiB in blocks of 512 bytes: enough for the manifest, not for a record of this test.
const FILE_LIMIT: u32 = 8;

/// A lab whose disk was full when three records had to be set aside, with their ids.
async fn with_full_disk() -> (Lab, BTreeSet<u64>) {
    let lab = Setup::new()
        .fragile_consumer()
        .flags(["--retries", "0"])
        .file_limit(FILE_LIMIT)
        .start()
        .await;
    let padding = "x".repeat(6000);
    let bodies = (0..3).map(|id| (id, body(id, &format!("fail {padding}"))));
    let sent = accepted(&lab, bodies).await;
    lab.wait_for("the full disk is said", |status| {
        status["disk_problems"][0].is_string()
    })
    .await;
    (lab, sent)
}

#[tokio::test]
async fn a_record_that_cannot_be_set_aside_is_printed_and_the_endpoint_answers_503() {
    let (mut lab, sent) = with_full_disk().await;
    assert_eq!(sent.len(), 3);
    let status = lab.status().await;
    let problem = status["disk_problems"].to_string();
    assert!(problem.contains("undeliverable.jsonl"), "{problem}");
    let refused = lab.post(body(9, "fine")).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.body, r#"{"message":"Service Unavailable"}"#);
    let page = lab.client.get(&lab.addresses.page).send().await;
    let page = page.expect("an answer").text().await.expect("text");
    assert!(page.contains("the disk: cannot write"), "{page}");

    lab.signal(Signal::INT);
    // within half a second the same signal counts once, so the second one is another signal
    lab.signal(Signal::TERM);
    let finished = lab.ended().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let printed: BTreeSet<u64> = set_aside(&finished.stderr).into_iter().collect();
    assert_eq!(printed, sent, "nothing else has them");
    assert_eq!(undeliverable(&lab.saved), [0; 0]);
    let said = "baton: 3 records could not be delivered, and could not be written to";
    assert!(finished.stderr.contains(said), "{finished:?}");
}

#[tokio::test]
async fn a_disk_that_has_room_again_gets_everything_that_waited() {
    let (mut lab, mut sent) = with_full_disk().await;
    assert_eq!(lab.post(body(8, "fine")).await.status, 503);
    lab.lift_file_limit();
    lab.wait_for("nothing is wrong with the disk", |status| {
        status["disk_problems"] == serde_json::json!([]) && status["records_undeliverable"] == 3
    })
    .await;
    sent.extend(accepted(&lab, [(9, body(9, "fine"))]).await);
    assert!(sent.contains(&9), "the endpoint takes records again");
    let finished = lab.stop().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let mut aside = undeliverable(&lab.saved);
    aside.sort_unstable();
    assert_eq!(aside, [0, 1, 2], "each once: {finished:?}");
    assert_eq!(handled(&lab.sandbox.path("output")), [9]);
    assert_eq!(set_aside(&finished.stderr), [0; 0], "the file has them");
}

#[tokio::test]
async fn a_full_disk_hides_no_lost_record_and_makes_none() {
    let mut lab = Setup::new()
        .fragile_consumer()
        .flags(["--retries", "0", "--no-bisect"])
        .file_limit(FILE_LIMIT)
        .start()
        .await;
    let sent = accepted(&lab, [(1, body(1, "fail")), (2, body(2, "fine"))]).await;
    lab.wait_for("both are handled", |status| {
        let count = |name: &str| status[name].as_u64().unwrap_or_default();
        count("records_delivered") + count("records_undeliverable") == 2
    })
    .await;
    let finished = lab.stop().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    // what was lost is said first, then that the report has no room
    let lost = finished.stderr.find("1 record could not be delivered");
    let unsaved = finished.stderr.find("cannot write");
    assert!(lost.is_some() && unsaved > lost, "{finished:?}");
    let mut found = undeliverable(&lab.saved);
    found.extend(handled(&lab.sandbox.path("output")));
    let found: BTreeSet<u64> = found.into_iter().collect();
    assert_eq!(found, sent);
    // the record that was set aside, and not the one that was delivered
    let saved = lab.saved.display().to_string();
    let compare = ["compare", &saved, "--fail-over", "lost=1"];
    let compared = lab.sandbox.run(compare).await;
    assert_eq!(compared.code, Some(0), "{compared:?}");
}
