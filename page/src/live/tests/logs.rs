//! Ends that were not sampled, as the functions' logs show them.

use std::path::Path;

use baton_traces::run::Function;

use super::super::GrowingLog;
use super::*;

/// Lets the page read one line of a function's log.
fn tell(live: &Live, function: Function, line: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = written(folder.path(), function, &[line.to_owned()]);
    live.follow(std::slice::from_mut(&mut log));
}

/// A function's log with these lines.
fn written(folder: &Path, function: Function, lines: &[String]) -> GrowingLog {
    let path = folder.join(format!("{function:?}.log"));
    std::fs::write(&path, lines.join("\n") + "\n").expect("room");
    GrowingLog::new(function, path)
}

/// A line of a function's log about a record.
fn line(event: &str, trace: &str, id: u64, sampled: bool) -> String {
    format!(
        r#"{{"timestamp":"2023-11-14T22:13:21Z","event":"{event}","trace_id":"{trace}","span_id":"{id:016x}","parent_is_remote":true,
        "sampled":{sampled},"stream":"stream","shard_id":"shard-0","sequence_number":"7","tracecontext":{{"b3":"0"}}}}"#
    )
    .replace('\n', "")
}

#[test]
fn an_end_that_was_not_sampled_is_judged_by_the_log() {
    let live = Live::new(10);
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("7")).as_bytes());
    let received = line("record.received", OTHER, 2, false);
    tell(&live, Function::Consumer, &received);
    let expected = only("producer", "consumer-lambda", Verdict::Unsampled);
    assert_eq!(edges(&live), expected);
    let held = live.held();
    let periods = held.periods();
    let period = periods.get(periods.last()).expect("a period");
    let (_, edge) = period.edges.iter().next().expect("an edge");
    assert_eq!(edge.unsampled, 1);
    let example = TraceId::from_hex(TRACE).expect("an id");
    assert_eq!(edge.examples[&Verdict::Unsampled], example);
    drop(held);
    let mut ends = 0;
    live.unsampled_ends(&[example], &mut |_| ends += 1);
    assert_eq!(ends, 1, "the trace's page gets the receiver");
}

#[test]
fn ends_that_only_logs_show_are_judged_and_leave_memory() {
    let live = Live::new(2);
    for _ in 0..2 {
        tell(
            &live,
            Function::Producer,
            &line("record.sent", TRACE, 1, false),
        );
    }
    let received = line("record.received", TRACE, 2, false);
    let received = received.replace(
        "\"parent_is_remote\"",
        "\"parent_span_id\":\"0000000000000001\",\"parent_is_remote\"",
    );
    tell(&live, Function::Consumer, &received);
    let expected = only("producer-lambda", "consumer-lambda", Verdict::Connected);
    assert_eq!(edges(&live), expected);
    for number in 8..20 {
        let other = line("record.sent", TRACE, 1, false);
        let other = other.replace("\"7\"", &format!("\"{number}\""));
        tell(&live, Function::Producer, &other);
    }
    assert_eq!(live.held().hand_offs.len(), 2);
}

#[test]
fn a_log_is_followed_and_only_lines_of_unsampled_spans_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("consumer.log");
    let live = Live::new(10);
    let mut growing = GrowingLog::new(Function::Consumer, path.clone());
    live.follow(std::slice::from_mut(&mut growing));
    let lines = [
        line("record.received", TRACE, 2, true),
        "no JSON, \"sampled\":false".to_owned(),
        line("record.received", TRACE, 3, false),
    ];
    std::fs::write(&path, lines.join("\n")).expect("room");
    live.follow(std::slice::from_mut(&mut growing));
    assert!(live.held().hand_offs.is_empty(), "the line has not ended");
    std::fs::write(&path, lines.join("\n") + "\n").expect("room");
    live.follow(std::slice::from_mut(&mut growing));
    assert_eq!(live.held().hand_offs.len(), 1);
}

/// Two logs of `number` records each, in which every record is received a second after it was sent.
fn backlog(folder: &Path, number: u64) -> [GrowingLog; 2] {
    let lines = |event: &str, later: u64| {
        let line = |second: u64| {
            let line = line(event, TRACE, 1, false);
            let parent = match event {
                "record.received" => "\"parent_span_id\":\"0000000000000001\",\"parent_is_remote\"",
                _ => "\"parent_is_remote\"",
            };
            line.replace("\"parent_is_remote\"", parent)
                .replace("\"7\"", &format!("\"{second}\""))
                .replace("22:13:21", &time_of_day(second + later))
        };
        (0..number).map(line).collect::<Vec<_>>()
    };
    [
        written(folder, Function::Producer, &lines("record.sent", 0)),
        written(folder, Function::Consumer, &lines("record.received", 1)),
    ]
}

fn time_of_day(second: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[test]
fn a_backlog_of_both_logs_is_read_in_the_order_of_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let live = Live::new(10);
    live.follow(&mut backlog(folder.path(), 200));
    assert_eq!(sums(&live), (200, 200, 0), "each has both ends");
    assert!(live.held().hand_offs.len() <= 10);
}
