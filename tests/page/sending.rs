//! Requests and bursts that the page sends.

use serde_json::json;

use super::{page_with, switch};
use crate::support::lab::{Setup, answer};
use crate::support::wait_until;

/// 4 KiB in blocks of 512 bytes: enough for the manifest, not for the spans of many requests.
const FILE_LIMIT: u32 = 8;

#[tokio::test]
async fn a_request_is_sent_though_the_disk_has_no_room_for_its_span() {
    // only the page writes spans: a function would wait for the disk before it answers
    let no_spans = [("OTEL_TRACES_EXPORTER", "none")];
    let lab = Setup::new()
        .function("producer", &no_spans)
        .function("consumer", &no_spans)
        .file_limit(FILE_LIMIT);
    let mut lab = lab.start().await;
    let modes = json!({ "client": "tracecontext" });
    assert_eq!(answer(lab.change("/modes").json(&modes)).await.status, 200);
    let said = wait_until("the disk is full", async || {
        let form = json!({ "name": "Kate", "superpower": "Tracing", "headers": "" });
        let sent = answer(lab.change("/send").json(&form)).await;
        assert_eq!(sent.status, 200, "the endpoint took it: {sent:?}");
        let is_full = sent.body.contains("span is not kept");
        is_full.then_some(sent.body)
    })
    .await;
    assert!(said.contains("Its trace"), "{said}");
    assert!(said.contains("not judged"), "{said}");
    lab.stop().await;
}

#[tokio::test]
async fn the_requests_of_a_burst_are_judged_while_it_runs() {
    let mut lab = Setup::new().start().await;
    let modes = json!({ "client": "b3", "producer": "b3", "consumer": "b3" });
    assert_eq!(answer(lab.change("/modes").json(&modes)).await.status, 200);
    let form = json!({ "users": "2", "rate": "300", "seconds": "60" });
    assert_eq!(answer(lab.change("/burst").json(&form)).await.status, 200);
    let page = page_with(&lab, "/", "from=client").await;
    assert!(page.contains("<progress"), "{page}");
    let stop = answer(lab.change("/burst/stop").json(&json!({}))).await;
    assert_eq!(stop.status, 200, "{stop:?}");
    let ended = page_with(&lab, "/", "The last burst sent").await;
    assert!(!ended.contains("missing"), "{ended}");
    switch(&lab, "none", "none").await;
    let next = answer(lab.change("/burst").json(&form)).await;
    assert_eq!(next.status, 200, "the first one is over: {next:?}");
    // a lab ends with a burst that runs
    lab.stop().await;
}
