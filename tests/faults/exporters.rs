//! Servers that the functions' exporters cannot use. No request fails or waits for them, no record
//! is lost, and every span that did not leave is counted.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{accepted, body, received};
use crate::support::lab::{Lab, Setup};
use crate::support::nodejs::nodejs;
use crate::support::processes::peak;
use crate::support::{run, server};

/// How a server answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Refusal,
    Silence,
    Failure,
    Garbage,
    /// Success, with a body that does not end.
    Endless,
    /// The connection is reset before an answer.
    Reset,
    /// OTLP's success, but no span of the request was kept.
    Partial,
}

const ANSWERS: [Answer; 7] = [
    Answer::Refusal,
    Answer::Silence,
    Answer::Failure,
    Answer::Garbage,
    Answer::Endless,
    Answer::Reset,
    Answer::Partial,
];

/// `ExportTraceServiceResponse` with `partial_success`: 2 spans rejected, `full`.
const PARTIAL: &[u8] = b"\x0a\x08\x08\x02\x12\x04full";

const REQUESTS: u64 = 2;

/// Every answer to functions that wait for the next event, and to frozen ones.
fn answers() -> impl Iterator<Item = (Answer, &'static [&'static str])> {
    let flags: [&[&str]; 2] = [&[], &["--freeze"]];
    ANSWERS
        .into_iter()
        .flat_map(move |answer| flags.map(|flags| (answer, flags)))
}

/// The address of a server that answers so. It lives as long as the test.
async fn address(answer: Answer) -> String {
    if answer == Answer::Refusal {
        let (socket, endpoint) = server::nobody();
        std::mem::forget(socket);
        return endpoint.replace("/dev/producer", "");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                if answer == Answer::Reset {
                    // what was sent and not read makes the system send a reset
                    let _ = connection.readable().await;
                    return;
                }
                let _ = connection.read(&mut [0; 65536]).await;
                let partial = [
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n", PARTIAL.len()).as_bytes(),
                    PARTIAL,
                ]
                .concat();
                let said: &[u8] = match answer {
                    Answer::Failure => b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno",
                    Answer::Garbage => b"\0\xff\x13 no HTTP at all\r\n\r\n",
                    Answer::Endless => b"HTTP/1.1 200 OK\r\n\r\n",
                    Answer::Partial => &partial,
                    Answer::Silence | Answer::Refusal | Answer::Reset => b"",
                };
                let _ = connection.write_all(said).await;
                if answer == Answer::Endless {
                    while connection.write_all(&[b'x'; 65536]).await.is_ok() {}
                }
                std::future::pending::<()>().await
            });
        }
    });
    format!("http://{address}")
}

/// A lab with one process of each function, which have these variables.
async fn lab_with(variables: &[(&str, &str)], flags: &'static [&str]) -> Lab {
    let setup = Setup::new()
        .function("producer", variables)
        .function("consumer", variables)
        .flags(["--instances", "1"])
        .flags(flags.iter().copied())
        .variable("BATON_FLUSH_TIMEOUT", "300");
    setup.start().await
}

/// Sends requests to a lab whose functions have such an exporter, and ends it.
async fn survive(mut lab: Lab, answer: Answer) -> Lab {
    for request in 1..=REQUESTS {
        let start = Instant::now();
        let taken = accepted(&lab, [(request, body(request, "fine"))]).await;
        assert_eq!(taken.len(), 1, "{answer:?}");
        // an exporter's own limit is 10 s
        assert!(start.elapsed() < Duration::from_secs(8), "{answer:?}");
        lab.wait_for_delivered(request).await;
    }
    for process in lab.processes() {
        let peak = peak(process);
        assert!(peak < 400, "{answer:?}: {peak} MiB");
    }
    lab.stop_well().await;
    assert_eq!(received(&lab.saved), [1, 2], "{answer:?}");
    lab
}

#[tokio::test]
async fn a_bad_zipkin_server_costs_only_spans_and_each_is_counted() {
    for (answer, freeze) in answers() {
        let endpoint = format!("{}/api/v2/spans", address(answer).await);
        let variables = [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint.as_str()),
        ];
        let lab = survive(lab_with(&variables, freeze).await, answer).await;
        // Zipkin's answers have no content, so a body after a success means nothing
        let means_success = [Answer::Endless, Answer::Partial].contains(&answer);
        let dropped = if means_success { 0 } else { 2 };
        for function in ["producer", "consumer"] {
            let lines = run::log(&lab.saved, function, "spans.dropped");
            let counts = lines.iter().map(|line| &line["dropped"]).cloned();
            let expected = vec![json!(2); if dropped == 0 { 0 } else { REQUESTS as usize }];
            assert_eq!(counts.collect::<Vec<_>>(), expected, "{answer:?}");
        }
        let summary = run::json(&lab.saved.join("summary.json"));
        let counted = &summary["troubles"]["spans_dropped"];
        assert_eq!(*counted, 2 * dropped * REQUESTS, "{answer:?}: {summary}");
    }
}

#[tokio::test]
async fn a_bad_otlp_server_costs_only_spans_and_each_is_counted() {
    for (answer, freeze) in answers() {
        let endpoint = address(answer).await;
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
        let lab = survive(lab_with(&variables, freeze).await, answer).await;
        for function in ["producer", "consumer"] {
            let lines = run::log(&lab.saved, function, "spans.dropped");
            let counts = lines.iter().map(|line| &line["dropped"]).cloned();
            let expected = vec![json!(2); REQUESTS as usize];
            assert_eq!(
                counts.collect::<Vec<_>>(),
                expected,
                "{answer:?} {freeze:?}"
            );
            let says_why = lines.iter().all(|line| line.to_string().contains("full"));
            assert!(says_why || answer != Answer::Partial, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn functions_in_nodejs_survive_a_bad_otlp_server() {
    let (Some(producer), Some(consumer)) = (nodejs("producer"), nodejs("consumer")) else {
        return;
    };
    for (answer, freeze) in answers() {
        let variables = format!(
            "=env OTEL_EXPORTER_OTLP_ENDPOINT={} BATON_FLUSH_TIMEOUT=300 ",
            address(answer).await
        );
        let [producer, consumer] =
            [&producer, &consumer].map(|function| function.replacen('=', &variables, 1));
        let flags = ["--function", &producer, "--function", &consumer];
        let lab = Setup::new()
            .flags(flags)
            .flags(["--instances", "1"])
            .flags(freeze.iter().copied())
            .start()
            .await;
        let lab = survive(lab, answer).await;
        for function in ["producer", "consumer"] {
            let log = std::fs::read_to_string(lab.saved.join(format!("logs/{function}.log")));
            let said = log.expect("a log");
            let words = "the spans may not have been exported";
            // its exporter takes a partial success as a success
            let is_told = said.contains(words) || answer == Answer::Partial;
            assert!(is_told, "{answer:?} {freeze:?}: {said}");
        }
    }
}
