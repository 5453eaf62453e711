//! What people see: headers, faults with a caret, modes, and advice.

use super::{B3, TRACEPARENT, explain, modes, piped};
use crate::support::command::Sandbox;

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
  rule: W3C Trace Context Level 2, section 3.2.2 (traceparent header field values)
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
