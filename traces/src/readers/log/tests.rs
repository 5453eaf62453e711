use std::fs;

use super::*;

/// Reads a log with this text. Returns the counts of problems, and each line in its debug form.
fn read(text: &[u8]) -> (LogReading, Vec<String>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("consumer.log");
    fs::write(&path, text).expect("room");
    let mut lines = Vec::new();
    let reading = read_file(&path, &mut |line| lines.push(format!("{line:?}"))).expect("a log");
    (reading, lines)
}

/// Reads a log of one line and gives what `check` returns for it.
fn with_line<T>(json: &str, check: impl Fn(&LogLine<'_>) -> T) -> T {
    let mut result = None;
    let known = read_line(json.as_bytes(), &mut |line| result = Some(check(line)));
    assert_eq!(known, Ok(true), "{json}");
    result.expect("one line")
}

#[test]
fn a_received_record_has_its_key_its_ids_and_whether_headers_came() {
    let json = r#"{"timestamp":"2026-11-23T05:00:00Z","level":"INFO","service":"consumer-lambda",
        "event":"record.received","message":"record received","trace_id":"0af7651916cd43dd8448eb211c80319c",
        "span_id":"b7ad6b7169203331","parent_span_id":"00f067aa0ba902b7","parent_is_remote":true,"sampled":false,
        "stream":"events","shard_id":"shardId-000000000000","sequence_number":"4959","tracecontext":{"b3":"0"},
        "record":{"name":"Kate"}}"#;
    with_line(json, |line| {
        let key = MessageKey {
            stream: "events",
            shard: "shardId-000000000000",
            sequence_number: "4959",
        };
        assert_eq!(line.event, Event::RecordReceived { key, carrier: true });
        let reference = line.span.reference.expect("ids");
        assert_eq!(
            reference.trace_id.to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(reference.span_id.to_string(), "b7ad6b7169203331");
        assert!(line.span.parent_span_id.is_some());
        assert_eq!(
            (line.span.parent_is_remote, line.span.sampled),
            (Some(true), Some(false))
        );
    });
}

#[test]
fn headers_came_only_if_there_are_any() {
    for (tracecontext, came) in [("null", false), ("{}", false), (r#"{"b3":"0"}"#, true)] {
        let json = format!(
            r#"{{"event":"record.received","sequence_number":"1","tracecontext":{tracecontext}}}"#
        );
        let carrier = with_line(&json, |line| match line.event {
            Event::RecordReceived { carrier, .. } => carrier,
            _ => panic!("{line:?}"),
        });
        assert_eq!(carrier, came, "{tracecontext}");
    }
}

#[test]
fn a_sent_record_has_the_request_that_led_to_it_and_its_carrier_s_size() {
    for (fields, request, bytes) in [
        (
            r#""request_id":"r1","carrier_bytes":70"#,
            Some("r1"),
            Some(70),
        ),
        (r#""request_id":null,"carrier_bytes":null"#, None, None),
    ] {
        let json = format!(r#"{{"event":"record.sent","sequence_number":"1",{fields}}}"#);
        with_line(&json, |line| match line.event {
            Event::RecordSent {
                request_id,
                carrier_bytes,
                ..
            } => {
                assert_eq!((request_id, carrier_bytes), (request, bytes));
            }
            _ => panic!("{line:?}"),
        });
    }
}

#[test]
fn a_function_that_runs_without_tracing_has_no_ids() {
    let zeros = format!(
        r#""trace_id":"{}","span_id":"{}","#,
        "0".repeat(32),
        "0".repeat(16)
    );
    for ids in ["", r#""trace_id":null,"span_id":null,"#, &zeros] {
        let json = format!(r#"{{{ids}"event":"request","request_id":"r1"}}"#);
        assert_eq!(with_line(&json, |line| line.span.reference), None, "{ids}");
    }
}

#[test]
fn lines_of_others_are_skipped_and_broken_ones_of_ours_are_counted() {
    let (reading, lines) = read(
        b"START RequestId: 7f1c\n\
          {\"message\":\"no event\"}\n\
          [1,2]\n\
          \n\
          \xff\xfe\n\
          {\"event\":\"start\",\"sampled\":\"maybe\"}\n\
          {\"event\":7}\n\
          {\"event\":\"request\",\"request_id\":null}\n\
          {\"event\":\"record.received\",\"sampled\":\"maybe\"}\n\
          {\"event\":\"record.sent\"}\n\
          {\"event\":\"request\",\"request_id\":\"r1\"}\n\
          {\"event\":\"request\",\"request_id\":\"r",
    );
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\"r1\""), "{lines:?}");
    assert_eq!((reading.events, reading.problem_lines), (1, 2));
    assert!(
        reading.problems[0].contains("consumer.log, line 9: expected an event"),
        "{reading:?}"
    );
    assert!(
        reading.problems[0].contains("found: invalid type: string \"maybe\""),
        "{reading:?}"
    );
    assert!(
        reading.problems[1].ends_with("record.sent has no sequence_number"),
        "{reading:?}"
    );
}

#[test]
fn only_the_first_problems_are_named_and_all_are_counted() {
    let (reading, _) = read("{\"event\":\"record.sent\"}\n".repeat(100).as_bytes());
    assert_eq!(reading.problem_lines, 100);
    assert_eq!(reading.problems.len(), MAX_PROBLEMS);
}
