//! Switches whose client has gone: they happen completely or not at all, and the lab's status is
//! true.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::lab::{Lab, Setup, answer};
use crate::support::{run, wait_until};

/// Requests a switch of both functions, and disconnects without waiting for the answer.
async fn ask_and_go(lab: &Lab, mode: &str) {
    let page = reqwest::Url::parse(&lab.addresses.page).expect("a URL");
    let body = json!({ "producer": mode, "consumer": mode }).to_string();
    let request = format!(
        "POST /switch HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        lab.token(),
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", page.port().expect("a port")))
        .await
        .expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
}

/// The modes of the two functions in the status.
fn modes(status: &Value) -> [Value; 2] {
    ["producer", "consumer"].map(|function| {
        let mode = &status[function]["propagation"]["OTEL_PROPAGATORS"];
        assert!(mode.is_string(), "{status}");
        mode.clone()
    })
}

/// The names of the headers that a mode writes into a record.
fn headers(mode: &Value) -> &'static [&'static str] {
    match mode.as_str() {
        Some("tracecontext") => &["traceparent"],
        Some("b3") => &["b3"],
        Some("b3multi") => &["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"],
        other => panic!("{other:?} was never asked for"),
    }
}

/// Sends a request, and asserts that both ends used this mode: the record has the headers of the
/// mode, and the consumer continued the trace in them.
async fn assert_traffic(lab: &Lab, mode: &Value) {
    let request = lab.accepted("{}").await;
    let (sent, received) = wait_until("the record is delivered", async || {
        let sent = run::log(&lab.saved, "producer", "record.sent")
            .into_iter()
            .find(|line| line["request_id"] == request.as_str())?;
        let received = run::log(&lab.saved, "consumer", "record.received")
            .into_iter()
            .find(|line| line["sequence_number"] == sent["sequence_number"])?;
        Some((sent, received))
    })
    .await;
    let carrier = received["tracecontext"].as_object().expect("headers");
    let mut names: Vec<_> = carrier.keys().map(|name| name.to_lowercase()).collect();
    names.sort();
    assert_eq!(names, headers(mode), "{mode}: {received}");
    assert!(sent["trace_id"].is_string(), "{sent}");
    assert_eq!(sent["trace_id"], received["trace_id"], "{mode}: {received}");
}

#[tokio::test]
async fn a_switch_whose_client_goes_away_is_made_whole_or_not_at_all() {
    let mut lab = Setup::new()
        .flags(["--producer", "tracecontext", "--consumer", "tracecontext"])
        .start()
        .await;
    for round in 0..6 {
        for mode in ["b3", "b3multi", "tracecontext"] {
            ask_and_go(&lab, mode).await;
            let [producer, consumer] = wait_until("both functions have one mode", async || {
                // waits for the switch in progress
                let answer = answer(lab.change("/switch").json(&json!({}))).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let modes = modes(&serde_json::from_str(&answer.body).expect("JSON"));
                (modes[0] == modes[1]).then_some(modes)
            })
            .await;
            // this is the requested mode, unless the client left before the switch began
            if producer == mode {
                assert_traffic(&lab, &consumer).await;
            }
        }
        // a switch with a waiting client still works, and the traffic shows it
        let mode = ["b3", "tracecontext", "b3multi"][round % 3];
        let [producer, consumer] = ["producer", "consumer"].map(|name| format!("{name}={mode}"));
        let finished = lab.sandbox.run(["switch", &producer, &consumer]).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_eq!(modes(&lab.status().await), [mode, mode]);
        assert_traffic(&lab, &json!(mode)).await;
    }
    let summary = lab.stop_and_sum_up().await;
    let records = &summary["records"];
    assert!(records["sent"].as_u64() >= Some(6), "{records}");
    assert_eq!(records["sent"], records["delivered"], "{records}");
}
