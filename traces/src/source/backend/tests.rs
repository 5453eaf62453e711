//! Backends that send more than a source may take. What was read is used.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use baton_propagators::TraceId;
use serde_json::json;

use super::*;

/// The traces in each answer of the server.
const TRACES: u64 = 20;

/// A Zipkin server with an answer for every query that never ends: it waits after the traces.
fn endless_zipkin() -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let _ = connection.read(&mut [0; 65536]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n[");
            for trace in 1..=TRACES {
                let span =
                    json!([{ "traceId": format!("{trace:032x}"), "id": "00f067aa0ba902b7" }]);
                let _ = write!(connection, "{span},");
            }
            open.push(connection);
        }
    });
    Backend::parse(&format!("zipkin+http://{address}")).expect("an address")
}

/// What is read from it within these limits: the traces, and the problems.
fn read(limits: Limits) -> (BTreeSet<TraceId>, Vec<String>) {
    let mut traces = BTreeSet::new();
    let backend = endless_zipkin();
    let each = &mut |span: &Span<'_>| {
        traces.insert(span.reference.trace_id);
    };
    let reading = backend.read_within(limits, Want::Judging, each);
    let problems = reading.expect("what came before the limit").problems;
    (traces, problems)
}

fn says(problems: &[String], words: &str) -> bool {
    problems.iter().any(|problem| {
        problem.contains(words) && problem.contains("the rest was not read: shorten lookback")
    })
}

#[test]
fn traces_beyond_the_limit_are_not_read_and_baton_says_so() {
    let (traces, problems) = read(Limits {
        traces: 7,
        bytes: 900,
        ..Limits::OF_A_SOURCE
    });
    assert_eq!(traces.len(), 7);
    assert!(says(&problems, "has more than 7 traces"), "{problems:?}");
}

#[test]
fn bytes_beyond_the_limit_are_not_read_and_baton_says_so() {
    let (traces, problems) = read(Limits {
        bytes: 300,
        ..Limits::OF_A_SOURCE
    });
    assert!((1..=5).contains(&traces.len()), "{traces:?}");
    assert!(says(&problems, "sent more than 300 bytes"), "{problems:?}");
}

#[test]
fn no_answer_is_read_after_the_time_is_over() {
    let (traces, problems) = read(Limits {
        time: Duration::ZERO,
        ..Limits::OF_A_SOURCE
    });
    assert!(traces.is_empty(), "{traces:?}");
    assert!(says(&problems, "took more than 0 seconds"), "{problems:?}");
}

#[test]
fn every_source_has_the_limits_that_the_documents_name() {
    let limits = Limits::OF_A_SOURCE;
    assert_eq!((limits.bytes, limits.traces), (1 << 30, 1_000_000));
    assert_eq!(limits.time, Duration::from_secs(600));
}
