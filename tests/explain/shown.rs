//! What people see: headers, faults with a caret, modes, and advice.

use std::process::Stdio;

use super::{B3, TRACEPARENT, explain, modes, piped};
use crate::support::command::{Sandbox, ended};

#[tokio::test]
async fn faults_are_shown_with_a_caret_and_their_rule() {
    let sandbox = Sandbox::new();
    for (headers, expected) in [
        (
            &["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01"][..],
            "\
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01
                                                 ^
  tracecontext: refused, traceparent has a parent-id of 15 characters instead of 16, at byte 36
  rule: W3C Trace Context Level 2, section 3.2.2.4 (parent-id)
",
        ),
        (
            &["B3: 463ac35c9f6413ad48485a3953bb6124"],
            "\
B3: 463ac35c9f6413ad48485a3953bb6124
                                    ^
  b3, b3multi: refused, b3 has no '-' after its TraceId, at byte 32
  rule: B3 Propagation, Single Header
",
        ),
        (
            // escapes take more columns than bytes, and no control character reaches the terminal
            &["traceparent: \u{1b}[31m00-\u{e9}\u{9b}"],
            "\
traceparent: \\x1b[31m00-\\u{e9}\\u{9b}
             ^
  tracecontext: refused, traceparent has a version with a character other than 0-9 and a-f, at byte 0
",
        ),
        (
            &["b3: 463ac35c9f6413ad48485a3953bb612\u{e9}-a2fb4a1d1a96d312-1"],
            "\
b3: 463ac35c9f6413ad48485a3953bb612\\u{e9}-a2fb4a1d1a96d312-1
    ^
  b3, b3multi: refused, b3 has a TraceId of 33 characters instead of 32 or 16, at byte 0
",
        ),
        (
            // if several headers make one list, the caret is under the one at fault
            &[TRACEPARENT, "tracestate: a=1,b=2", "tracestate: c=3,D=4"],
            "\
tracestate: a=1,b=2
tracestate: c=3,D=4
                ^
  tracecontext: trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled
  problem: tracestate has a list member whose key is not",
        ),
        (
            &["traceparent: a", "traceparent: b"],
            "\
traceparent: a
traceparent: b
  tracecontext: refused, traceparent arrived several times, but may arrive only once
  rule: RFC 9110, section 5.3 (field order)
",
        ),
        (
            &["x-b3-spanid: a2fb4a1d1a96d312"],
            "\
x-b3-spanid: a2fb4a1d1a96d312
  b3, b3multi: refused, x-b3-traceid is missing, and the other headers are useless without it
  rule: B3 Propagation, Multiple Headers
",
        ),
    ] {
        let finished = explain(&sandbox, headers).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        // Lines fold at 80 columns, but a caret stays under its character.
        let flat = finished.stdout.replace("\n    ", " ");
        for line in expected.lines() {
            let is_there = finished
                .stdout
                .lines()
                .chain(flat.lines())
                .any(|own| own.starts_with(line));
            assert!(is_there, "{}\n{line}", finished.stdout);
        }
        let widest = finished
            .stdout
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(widest <= Some(80), "{}", finished.stdout);
    }
    // bytes that are not UTF-8, which a service does not accept as text
    let finished = piped(&sandbox, &[], b"traceparent: 00-\xff\n").await;
    let expected = "traceparent: 00-\\xff\n                ^\n  tracecontext: refused, traceparent is not UTF-8 text\n";
    assert!(finished.stdout.contains(expected), "{}", finished.stdout);
}

#[tokio::test]
async fn people_see_headers_modes_and_what_to_make_of_them() {
    let sandbox = Sandbox::new();
    let finished = explain(&sandbox, &[TRACEPARENT, B3, "cookie: secret"]).await;
    let expected =
        "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c,\n";
    let flat = finished.stdout.replace("\n  ", " ");
    for part in [
        "With tracecontext,b3:",
        "With b3,tracecontext:",
        "OpenTelemetry (JavaScript, Python, Java, Go, Rust) continue b3",
        "Headers that no format reads: cookie",
    ] {
        assert!(flat.contains(part), "{}", finished.stdout);
    }
    assert!(finished.stdout.starts_with(expected), "{}", finished.stdout);
    assert!(!finished.stdout.contains('\u{1b}'), "no colour in a pipe");
}

#[tokio::test]
async fn the_first_lines_say_what_libraries_make_of_it() {
    let other = "traceparent: 00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-01";
    let b3 = |ids: &str| format!("b3: {ids}");
    let unsampled = b3("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0");
    let of_other_trace = b3("1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
    let root = "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678";
    let (trace, parent) = (
        "x-datadog-trace-id: 5208512171318403364",
        "x-datadog-parent-id: 0",
    );
    let sandbox = Sandbox::new();
    for (arguments, expected) in [
        (
            &[trace, parent][..],
            &[
                "With datadog most libraries keep the trace id of x-datadog-*, without a parent: Datadog (JavaScript, Python, Java, Rust).\nBut Datadog for Go starts a new trace.",
            ][..],
        ),
        (
            &[root, "--as", "brave"],
            &["With xray Brave keeps the trace id of X-Amzn-Trace-Id, without a parent."],
        ),
        (
            // Six names against seven: versions of one library count once.
            &[TRACEPARENT, TRACEPARENT],
            &[
                "traceparent arrives twice with trace",
                "With tracecontext most libraries continue traceparent: OpenTelemetry (Python,",
            ],
        ),
        (
            &[TRACEPARENT, other],
            &[
                "Two different traces arrive in traceparent,",
                "libraries continue the first traceparent: OpenTelemetry (Python,",
            ],
        ),
        (
            &[TRACEPARENT, &unsampled],
            &[
                "One span arrives with two sampling decisions: traceparent says sampled, b3 says not sampled.",
                "continue b3, not sampled",
            ],
        ),
        (
            &[TRACEPARENT, "--mode", "datadog", "--as", "brave"],
            &[
                "Brave does not read datadog, or was not measured with it. Ask with --mode and one of b3, b3multi, tracecontext, xray.",
            ],
        ),
        (
            &[TRACEPARENT, &of_other_trace, "--as", "brave"],
            &["Brave is set to one format at a time. Ask with --mode and one of b3,"],
        ),
        (
            &[TRACEPARENT, B3],
            &["What baton's functions, which follow the specifications, would continue:\nmode "],
        ),
        (
            &[TRACEPARENT, B3, "--engine", "otel"],
            &["What opentelemetry-rust would continue:\nmode "],
        ),
    ] {
        let finished = explain(&sandbox, arguments).await;
        let flat = finished.stdout.replace("\n  ", " ");
        for part in expected {
            assert!(flat.contains(part), "{part}\n{}", finished.stdout);
        }
    }
    let asked = [TRACEPARENT, "--mode", "b3", "--as", "brave"];
    let shown = explain(&sandbox, &asked).await.stdout;
    assert!(!shown.contains("nothing in traceparent"), "{shown}");
}

#[tokio::test]
async fn a_conflict_is_in_the_table_at_any_width() {
    let sandbox = Sandbox::new();
    let multi = [
        "x-b3-traceid: 0af7651916cd43dd8448eb211c80319c",
        "x-b3-spanid: b7ad6b7169203331",
        "x-b3-sampled: 0",
    ];
    for columns in ["100", "80", "60"] {
        let arguments = [&["explain", TRACEPARENT][..], &multi].concat();
        let mut command = sandbox.baton(arguments);
        command.env("COLUMNS", columns).stdin(Stdio::null());
        let finished = ended(command.spawn().expect("the command starts")).await;
        let mut lines = finished.stdout.lines();
        let heading = lines.find(|line| line.starts_with("mode "));
        assert!(
            heading.is_some_and(|line| line.ends_with("conflict")),
            "{columns}: {}",
            finished.stdout
        );
        let limit: usize = columns.parse().expect("a number");
        let fits = |line: &str| line.chars().count() <= limit;
        assert!(finished.stdout.lines().all(fits), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn lambdas_trace_header_is_explained_where_it_turns_sampling_off() {
    let sandbox = Sandbox::new();
    let header = "_X_AMZN_TRACE_ID=Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=0";
    let answer = explain(&sandbox, &["--format", "json", TRACEPARENT, header])
        .await
        .json();
    let last = modes(&answer)
        .iter()
        .position(|mode| mode == "tracecontext,xray")
        .expect("it is judged");
    assert_eq!(answer["modes"][last]["chosen"]["sampled"], false);
    assert_eq!(answer["candidates"][5]["header"], "_X_AMZN_TRACE_ID");
    let notes = answer["notes"].to_string();
    assert!(
        notes.contains("says Sampled=0, as Lambda sets it where X-Ray tracing is off"),
        "{notes}"
    );
    let piped = piped(
        &sandbox,
        &["--format", "json"],
        format!("{TRACEPARENT}\n{header}\n"),
    )
    .await;
    assert_eq!(piped.json()["candidates"], answer["candidates"]);

    let request = "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=1";
    let finished = explain(&sandbox, &["--format", "json", header, header, request]).await;
    let notes = finished.json()["notes"].to_string();
    for sentence in [
        "_X_AMZN_TRACE_ID is not read where a request has an X-Amzn-Trace-Id header.",
        "_X_AMZN_TRACE_ID is given 2 times, and an environment has it once: the first counts here.",
    ] {
        assert!(notes.contains(sentence), "{notes}");
    }
    assert!(
        !notes.contains("as Lambda sets it"),
        "the request's header is not Lambda's: {notes}"
    );
}

#[tokio::test]
async fn libraries_answer_once_for_modes_that_differ_only_in_selection() {
    let modes = ["tracecontext,b3/last", "tracecontext,b3/first"];
    let arguments = ["--mode", modes[0], "--mode", modes[1], TRACEPARENT, B3];
    let shown = explain(&Sandbox::new(), &arguments).await;
    let about_libraries = shown.stdout.matches("With tracecontext,b3").count();
    assert_eq!(about_libraries, 1, "{}", shown.stdout);
    let rows = shown.stdout.matches("\ntracecontext,b3").count();
    assert_eq!(rows, 2, "{}", shown.stdout);
    let links = shown.stdout.matches("becomes a span").count();
    assert!(links <= 1, "{}", shown.stdout);
}
