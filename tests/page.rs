//! The live page over HTTP: what it shows and what it refuses.

mod kept_runs;
mod other_systems;
mod sending;

use std::os::unix::fs::PermissionsExt;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_SECURITY_POLICY, ORIGIN};
use serde_json::json;

use crate::support::lab::{Lab, Setup, answer};
use crate::support::{run, wait_until};

/// A page as a browser gets it.
async fn page(lab: &Lab, path: &str) -> String {
    let address = format!("{}{path}", lab.addresses.page);
    let request = lab.client.get(address).header(ACCEPT, "text/html");
    answer(request).await.body
}

/// Waits until a page contains a text, and returns the page.
async fn page_with(lab: &Lab, path: &str, text: &str) -> String {
    wait_until(&format!("{path} has {text}"), async || {
        let page = page(lab, path).await;
        page.contains(text).then_some(page)
    })
    .await
}

/// Switches both functions in the page's form.
async fn switch(lab: &Lab, producer: &str, consumer: &str) {
    let modes = json!({ "producer": producer, "consumer": consumer });
    let answer = answer(lab.change("/modes").json(&modes)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("In effect since"), "{answer:?}");
}

/// Sends the page's form. Returns the address of the request's trace.
async fn send(lab: &Lab, headers: &str) -> String {
    let form = json!({ "name": "Kate", "superpower": "Tracing", "headers": headers });
    let answer = answer(lab.change("/send").json(&form)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("Its trace"), "{answer:?}");
    let (_, rest) = answer.body.split_once("href=\"").expect("a link");
    let (address, _) = rest.split_once('"').expect("its end");
    address.to_owned()
}

#[tokio::test]
async fn a_browser_gets_the_map_before_any_span_and_curl_the_status() {
    let mut lab = Setup::new().start().await;
    let get = lab.client.get(&lab.addresses.page);
    let first = get.header(ACCEPT, "text/html").send().await;
    let first = first.expect("an answer");
    let policy = first.headers()[CONTENT_SECURITY_POLICY].to_str();
    let policy = policy.expect("text").to_owned();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(policy.contains("style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = first.text().await.expect("text");
    for shown in [
        "<svg",
        ">producer-lambda</text>",
        ">consumer-lambda</text>",
        "No request yet with these modes",
    ] {
        assert!(text.contains(shown), "{shown} is missing in {text}");
    }
    // a browser with script paints this before it looks at any form
    let (first, rest) = text.split_once("<noscript>").expect("the rest");
    assert!(
        first.contains("<svg") && !first.contains("<form"),
        "{first}"
    );
    assert!(rest.contains("<form"), "{rest}");
    let plain = answer(lab.client.get(&lab.addresses.page)).await;
    assert!(plain.body.starts_with("baton lab\n"), "{plain:?}");
    for path in ["/traces", "/explain", "/runs", "/logs/producer"] {
        let page = page(&lab, path).await;
        assert!(page.contains("<main"), "{path}: {page}");
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn changes_need_the_token_and_the_same_origin() {
    let mut lab = Setup::new().start().await;
    let note = lab
        .sandbox
        .path("runtime")
        .join(format!("{}.json", lab.pid));
    let mode = std::fs::metadata(note).expect("the note").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600, "only the user reads the token");
    for path in [
        "/switch",
        "/flush",
        "/modes",
        "/send",
        "/burst",
        "/burst/stop",
        "/runs",
        "/matrix",
        "/matrix/stop",
    ] {
        let address = format!("{}{path}", lab.addresses.page);
        let own = lab.addresses.page.clone();
        let other = "http://localhost:8080".to_owned();
        for (token, origin, refused) in [
            (None, None, true),
            (
                Some("0123456789abcdef0123456789abcdef".to_owned()),
                None,
                true,
            ),
            (Some(lab.token()), Some(other), true),
            (None, Some(own.clone()), true),
            (Some(lab.token()), Some(own), false),
            (Some(lab.token()), None, false),
        ] {
            let mut request = lab.client.post(&address).json(&json!({}));
            if let Some(token) = &token {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            if let Some(origin) = &origin {
                request = request.header(ORIGIN, origin);
            }
            let answer = answer(request).await;
            let what = format!("{path} from {origin:?}: {answer:?}");
            assert_eq!(answer.status == 403, refused, "{what}");
        }
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn an_unknown_address_is_not_found() {
    let mut lab = Setup::new().start().await;
    let address = |path: &str| format!("{}{path}", lab.addresses.page);
    for path in ["/nowhere", "/logs/nobody", "/traces/x", "/runs/x/report"] {
        let browser = lab.client.get(address(path)).header(ACCEPT, "text/html");
        let answered = answer(browser).await;
        assert_eq!(answered.status, 404, "{path}: {answered:?}");
        assert!(answered.body.contains("<main"), "{path}: {answered:?}");
    }
    let curl = answer(lab.client.get(address("/nowhere"))).await;
    assert_eq!(curl.status, 404, "{curl:?}");
    assert!(curl.body.starts_with("{\"message\":"), "{curl:?}");
    lab.stop_well().await;
}

#[tokio::test]
async fn pasted_headers_are_answered_before_they_are_sent() {
    let mut lab = Setup::new().start().await;
    switch(&lab, "b3", "b3").await;
    for (headers, says) in [
        (
            "traceparent:%2000-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01%0A\
             b3:%2011111111111111112222222222222222-3333333333333333-0",
            &[
                "Two different traces arrive",
                "The producer (b3) would continue trace 11111111… of b3.",
                "trace 0af76519… of traceparent",
                "/explain?text=",
            ][..],
        ),
        (
            "traceparent:%2000-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            &["The producer (b3) would start a new trace."],
        ),
        ("accept:%20text/html", &["No trace context arrives"]),
        ("nonsense", &["is not a header; write NAME: VALUE"]),
    ] {
        let answered = page(&lab, &format!("/send/preview?headers={headers}")).await;
        for text in says {
            assert!(answered.contains(text), "{text}: {answered}");
        }
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_trace_is_seen_to_break_and_after_a_switch_to_join() {
    let mut lab = Setup::new().start().await;
    switch(&lab, "none", "none").await;
    send(&lab, "").await;
    let broken = page_with(&lab, "/", "The trace breaks from producer-lambda to").await;
    assert!(broken.contains("1 new_trace"), "{broken}");
    assert!(broken.contains("edge broken"), "the edge is drawn broken");
    let cause = "With these modes, the producer writes no header; the consumer reads no header";
    assert!(broken.contains(cause), "{broken}");

    switch(&lab, "b3", "b3").await;
    send(&lab, "").await;
    let joined = page_with(&lab, "/", "Every judged hand-off held").await;
    assert!(joined.contains("1 connected"), "{joined}");
    assert!(
        !joined.contains("edge broken"),
        "counts begin anew: {joined}"
    );
    // the consumer's own trace of the batch is newer, and does not hide the request's
    let (_, newest) = joined.split_once("newest-title\">").expect("the list");
    let newest = newest.split("<tr id=").nth(1).expect("a row");
    for function in ["producer-lambda", "consumer-lambda"] {
        assert!(newest.contains(function), "{function}: {newest}");
    }
    let first = page_with(&lab, "/?period=0", "1 new_trace").await;
    for shown in ["You see an earlier period", "Back to now"] {
        assert!(first.contains(shown), "{shown}: {first}");
        assert!(!joined.contains(shown), "{shown}: {joined}");
    }

    // the record's trace opens with the headers that were on the stream
    let sent = run::log(&lab.saved, "producer", "record.sent");
    let id = sent.last().and_then(|line| line["trace_id"].as_str());
    let trace = page(&lab, &format!("/traces/{}", id.expect("an id"))).await;
    for shown in [
        "<pre class=\"code\" tabindex=\"0\">b3: ",
        "One trace context arrives in b3",
        "Kinesis.getRecord",
    ] {
        assert!(trace.contains(shown), "{shown} is missing in {trace}");
    }
    let found = page(&lab, &format!("/traces?id={}", &id.expect("an id")[..12])).await;
    assert!(found.contains("1 trace, newest first"), "{found}");
    for (search, number) in [
        ("verdict=new_trace", "2 traces"),
        ("verdict=connected", "1 trace,"),
        ("attribute=custom.tag.name%3DKate", "3 traces"),
        ("attribute=custom.tag.name%3DNobody", "0 traces"),
        (
            "from=producer-lambda&to=consumer-lambda&verdict=connected",
            "1 trace,",
        ),
        ("service=nobody", "0 traces"),
    ] {
        let found = page(&lab, &format!("/traces?{search}")).await;
        assert!(found.contains(number), "{search}: {found}");
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_client_with_a_mode_makes_the_first_hop_visible() {
    let mut lab = Setup::new().start().await;
    let modes = json!({ "client": "tracecontext", "producer": "b3", "consumer": "b3" });
    assert_eq!(answer(lab.change("/modes").json(&modes)).await.status, 200);
    send(&lab, "").await;
    let broken = page_with(&lab, "/", "The trace breaks from client to producer-lambda").await;
    assert!(broken.contains("1 new_trace"), "{broken}");
    // another mode of the client is another setting, which the counts do not mix with this one
    let modes = json!({ "client": "b3" });
    assert_eq!(answer(lab.change("/modes").json(&modes)).await.status, 200);
    send(&lab, "").await;
    let joined = page_with(&lab, "/", "Every judged hand-off held").await;
    assert!(joined.contains("client b3, producer b3"), "{joined}");
    let past = page(&lab, "/?period=0").await;
    for shown in [
        "client tracecontext, producer b3",
        "the client writes traceparent",
    ] {
        assert!(past.contains(shown), "{shown} is missing in {past}");
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_record_that_was_not_sampled_is_judged_by_the_log() {
    let mut lab = Setup::new().start().await;
    switch(&lab, "b3", "b3").await;
    let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
    let request = send(&lab, &format!("b3: {ids}-0")).await;
    // at once, before the lines of the log are read
    let trace = page(&lab, &request).await;
    for shown in ["This trace was not sampled", "/logs/producer"] {
        assert!(trace.contains(shown), "{shown} is missing in {trace}");
    }
    let why = "1 hand-off not sampled; the ids are from the functions";
    let page = page_with(&lab, "/", why).await;
    assert!(page.contains("1 connected"), "{page}");
    assert!(!page.contains("(no receiver seen)"), "{page}");
    let why = "1 hand-off not judged: the sender has no span to compare with";
    assert!(page.contains(why), "{page}");
    let path = "/traces/0af7651916cd43dd8448eb211c80319c";
    let trace = page_with(&lab, path, "Every judged hand-off held").await;
    for shown in ["This trace was not sampled", &format!("b3: {ids}-0")[..20]] {
        assert!(trace.contains(shown), "{shown} is missing in {trace}");
    }
    assert!(
        !trace.contains("class=\"waterfall\""),
        "nothing to draw: {trace}"
    );
    lab.stop_well().await;
}

#[tokio::test]
async fn the_list_of_traces_follows_its_search() {
    let mut lab = Setup::new().start().await;
    let events = format!(
        "{}/traces/events?service=producer-lambda",
        lab.addresses.page
    );
    let mut open = lab.client.get(events).send().await.expect("an answer");
    lab.accepted("{}").await;
    let mut text = String::new();
    while !text.contains("1 trace, newest first") {
        let chunk = open.chunk().await.expect("an answer");
        text.push_str(&String::from_utf8_lossy(&chunk.expect("an event")));
    }
    assert!(text.contains("event: list"), "{text}");
    let wrong = lab
        .client
        .get(format!("{}/traces/events?verdict=x", lab.addresses.page));
    assert_eq!(answer(wrong).await.status, 400);
    let by_attribute = page(&lab, "/traces?attribute=a%3Db").await;
    assert!(
        by_attribute.contains("This list does not update"),
        "{by_attribute}"
    );
    lab.stop_well().await;
}

#[tokio::test]
async fn a_burst_shows_its_progress_and_can_be_stopped() {
    let mut lab = Setup::new().start().await;
    let form = json!({ "users": "2", "rate": "20", "seconds": "60" });
    let start = async || answer(lab.change("/burst").json(&form)).await;
    assert_eq!(start().await.status, 200);
    assert_eq!(start().await.status, 409, "one burst at a time");
    page_with(&lab, "/", "<progress").await;
    page_with(&lab, "/", "hand-off held").await;
    let stop = answer(lab.change("/burst/stop").json(&json!({}))).await;
    assert_eq!(stop.status, 200, "{stop:?}");
    let ended = page_with(&lab, "/", "The last burst sent").await;
    assert!(!ended.contains("<progress"), "{ended}");
    for (name, value) in [("users", "0"), ("rate", "1000000"), ("seconds", "x")] {
        let mut wrong = form.clone();
        wrong[name] = value.into();
        let answer = answer(lab.change("/burst").json(&wrong)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_matrix_of_chosen_modes_is_measured() {
    let mut lab = Setup::new().start().await;
    let start = async |modes: &str| {
        let form = json!({ "mode": modes, "engine": "native" });
        answer(lab.change("/matrix").json(&form)).await.status
    };
    assert_eq!(start("").await, 400, "no mode");
    assert_eq!(start("zipkin").await, 400, "not a mode");
    assert_eq!(start("b3").await, 200);
    assert_eq!(start("b3").await, 400, "one at a time");
    let measured = page_with(&lab, "/matrix", "5 connected").await;
    assert!(measured.contains("<th scope=\"row\">b3</th>"), "{measured}");
    lab.stop_well().await;
}

#[tokio::test]
async fn the_oldest_traces_leave_memory_and_the_page_says_so() {
    let mut lab = Setup::new().flags(["--page-traces", "3"]).start().await;
    let mut page = String::new();
    for sent in 1..=5 {
        lab.accepted("{}").await;
        // a trace that leaves memory before its last span came cannot be judged
        page = page_with(&lab, "/", &format!("{sent} connected")).await;
    }
    assert!(page.contains("older traces left memory"), "{page}");
    assert!(page.contains("3 traces in memory, at most 3"), "{page}");
    let summary = lab.stop_and_sum_up().await;
    let records = &summary["hops"]["record"];
    assert_eq!(records["connected"], 5, "the run on disk has all of them");
}

#[tokio::test]
async fn the_log_page_follows_and_an_open_page_does_not_delay_the_end() {
    let mut lab = Setup::new().start().await;
    let log = format!("{}/logs/consumer/events", lab.addresses.page);
    let mut following = lab.client.get(log).send().await.expect("an answer");
    let events = format!("{}/events", lab.addresses.page);
    let mut open = lab.client.get(events).send().await.expect("an answer");
    lab.accepted("{}").await;
    let mut text = String::new();
    while !text.contains("record received") {
        let chunk = following.chunk().await.expect("an answer");
        text.push_str(&String::from_utf8_lossy(&chunk.expect("a line")));
    }
    assert!(text.contains("event: lines"), "{text}");
    let mut seen = String::new();
    while !seen.contains("1 connected") {
        let chunk = open.chunk().await.expect("an answer");
        seen.push_str(&String::from_utf8_lossy(&chunk.expect("an event")));
    }
    assert!(seen.contains("event: map"), "{seen}");
    let stopping = std::time::Instant::now();
    lab.stop_well().await;
    assert!(
        stopping.elapsed().as_secs() < 10,
        "open pages end with the lab"
    );
}
