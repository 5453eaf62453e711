//! One run with all its files, and problems with files.

use std::fs;
use std::io::Write as _;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::measure::Measured;
use baton_traces::percentiles::{Percentiles, Sizes};
use baton_traces::run::{Function, RunDirectory, RunError};
use baton_traces::summary::{Records, Requests, Summary};

use super::case::{self, Order};

/// Three requests. The second one has no log lines, and the third one failed.
const BURST: &str = "
== a burst
client       trace=1 span=c1 request=r1 at=0..40
log.request  trace=1 span=a1 parent=c1 remote request=r1
server       trace=1 span=a1 parent=c1 remote request=r1 at=10..30
log.sent     trace=1 span=b1 parent=a1 message=1 request=r1 carrier=70
send         trace=1 span=b1 parent=a1 message=1 at=20..25 carrier=70
record       trace=1 span=d1 parent=b1 remote message=1 at=55..60
client       trace=2 span=c2 request=r2 at=100..120
server       trace=2 span=a2 parent=c2 remote request=r2 at=102..118
send         trace=2 span=b2 parent=a2 message=2 at=104..106
record       trace=2 span=d2 parent=b2 remote message=2 at=155..170
record       trace=2 span=d3 parent=b2 remote message=2 at=255..270
client       trace=3 span=c3 request=r3 at=130..200 status=500
--
";

fn burst() -> Summary {
    case::parse(BURST)[0].summary(Order::AsWritten)
}

#[test]
fn latencies_throughput_and_sizes_are_those_of_the_burst() {
    let summary = burst();
    assert_eq!(
        summary.requests,
        Some(Requests {
            sent: 3,
            ok: 2,
            failed: 1
        })
    );
    let records = Records {
        sent: 2,
        delivered: Some(2),
        duplicates: 1,
        lost: Some(0),
        undelivered: None,
    };
    assert_eq!(summary.records, Some(records));
    assert_eq!((summary.traces, summary.spans), (Some(3), Some(10)));
    assert_eq!(summary.duration_s, Some(5.0));
    // The two that succeeded, from 0 to 200 ms.
    assert_eq!(summary.throughput_rps, Some(10.0));
    assert_eq!(
        summary.carrier_bytes,
        Some(Sizes {
            mean: 35.0,
            max: 70
        })
    );
    // The failed one does not count.
    assert_percentiles(summary.latency_ms.request, 20.0, 40.0);
    // From 0 to 60 ms by the log's request id, and from 100 ms to the end of the first delivery at
    // 170 ms by the server span.
    assert_percentiles(summary.latency_ms.end_to_end, 60.0, 70.0);
}

fn assert_percentiles(percentiles: Option<Percentiles>, p50: f64, max: f64) {
    let percentiles = percentiles.expect("latencies");
    assert!(
        (percentiles.p50 - p50).abs() <= p50 / 1000.0,
        "{percentiles:?}"
    );
    assert_eq!(percentiles.max, max);
}

#[test]
fn end_to_end_starts_at_the_producer_where_there_is_no_client_span() {
    let case = "\n== curl\nserver trace=1 span=a request=r1 at=10..30\nsend trace=1 span=b parent=a message=1\n\
                record trace=1 span=d parent=b remote message=1 at=55..60\n--\n";
    let summary = case::parse(case)[0].summary(Order::AsWritten);
    assert_percentiles(summary.latency_ms.end_to_end, 50.0, 50.0);
    assert_eq!(summary.latency_ms.request, None);
    assert_eq!(summary.requests, None);
    assert_eq!(summary.throughput_rps, None);
}

#[test]
fn the_shape_of_summary_json_is_the_documented_one() {
    let json = serde_json::to_value(burst()).expect("JSON");
    assert_eq!(json["pairing"], "tracecontext:tracecontext");
    assert_eq!(json["engine"], "native");
    assert_eq!(json["started"], "2023-11-14T22:13:20Z");
    assert_eq!(json["duration_s"], 5.0);
    assert_eq!(
        json["requests"],
        serde_json::json!({"sent": 3, "ok": 2, "failed": 1})
    );
    assert_eq!(json["hops"]["ingress"], serde_json::json!({"connected": 2}));
    assert_eq!(json["flags"]["record"]["tracestate_lost"], 0);
    assert_eq!(json["latency_ms"]["end_to_end"]["max"], 70.0);
    assert_eq!(json["carrier_bytes"]["max"], 70);
    for field in ["name", "records", "traces", "spans", "throughput_rps"] {
        assert!(!json[field].is_null(), "{field}");
    }
}

#[test]
fn a_written_summary_reads_back_as_it_was() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    let summary = burst();
    summary.write(&run).expect("room");
    assert_eq!(Summary::read(&run).expect("a summary"), summary);
}

/// A run with nothing but its manifest.
fn empty_run(directory: &tempfile::TempDir) -> RunDirectory {
    let run = RunDirectory::create(directory.path().join("tracecontext")).expect("a run");
    run.write_manifest(&case::manifest("tracecontext"))
        .expect("room");
    run
}

#[test]
fn figures_that_a_run_lacks_are_null_with_a_reason() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let summary = Measured::of_run(&empty_run(&directory))
        .expect("a run")
        .summary;
    assert_eq!(summary.name, "tracecontext");
    let json = serde_json::to_value(&summary).expect("JSON");
    for field in [
        "requests",
        "records",
        "traces",
        "spans",
        "throughput_rps",
        "carrier_bytes",
    ] {
        assert!(json[field].is_null(), "{field}: {}", json[field]);
    }
    assert!(json["latency_ms"]["request"].is_null());
    let problems = summary.problems.join("\n");
    for file in ["spans.jsonl.zst", "producer.log", "consumer.log"] {
        assert!(
            problems.contains(&format!("{file} is missing")),
            "{problems}"
        );
    }
}

#[test]
fn load_json_decides_how_many_requests_there_were() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = empty_run(&directory);
    let load = r#"{"requests":{"sent":9,"ok":7,"failed":2,"other":1},"users":{}}"#;
    fs::write(run.load_path(), load).expect("room");
    let summary = Measured::of_run(&run).expect("a run").summary;
    assert_eq!(
        summary.requests,
        Some(Requests {
            sent: 9,
            ok: 7,
            failed: 2
        })
    );

    fs::write(run.load_path(), r#"{"requests":"many"}"#).expect("room");
    let summary = Measured::of_run(&run).expect("a run").summary;
    assert_eq!(summary.requests, None);
    let problems = summary.problems.join("\n");
    assert!(
        problems.contains("load.json: expected the load generator's figures"),
        "{problems}"
    );
}

#[test]
fn a_killed_run_gives_the_spans_that_it_wrote() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = empty_run(&directory);
    let mut spans = run.append_spans().expect("a span file");
    let line = |span: char| {
        let (trace, span) = ("1".repeat(32), span.to_string().repeat(16));
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{span}"}}]}}]}}]}}"#
        )
    };
    spans.write_request(line('a').as_bytes()).expect("room");
    spans.finish().expect("room");
    let whole = fs::metadata(run.spans_path()).expect("a file").len();
    let mut spans = run.append_spans().expect("a span file");
    spans.write_request(line('b').as_bytes()).expect("room");
    spans.finish().expect("room");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(run.spans_path())
        .expect("a file");
    file.set_len(whole + 20).expect("a shorter file");

    let summary = Measured::of_run(&run).expect("a run").summary;
    assert_eq!(summary.spans, Some(1));
    let problems = summary.problems.join("\n");
    assert!(
        problems.contains("spans.jsonl.zst is cut short after 1 span,"),
        "{problems}"
    );
}

#[test]
fn a_broken_line_of_spans_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = empty_run(&directory);
    let mut spans = run.append_spans().expect("a span file");
    spans.write_request(b"{}").expect("room");
    spans.write_request(br#"{"resourceSpans":}"#).expect("room");
    spans.finish().expect("room");
    let error = Measured::of_run(&run)
        .expect_err("a broken line")
        .to_string();
    assert!(
        error.contains("spans.jsonl.zst, line 2: expected OTLP/JSON"),
        "{error}"
    );
}

#[test]
fn a_broken_log_line_is_counted_and_the_rest_is_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = empty_run(&directory);
    let mut log = fs::File::create(run.log_path(Function::Consumer)).expect("a log");
    let ids = format!(
        r#""trace_id":"{}","span_id":"{}""#,
        "1".repeat(32),
        "a".repeat(16)
    );
    writeln!(log, "START RequestId: 1").expect("room");
    writeln!(log, r#"{{"event":"record.received","stream":"s"}}"#).expect("room");
    writeln!(log, r#"{{"event":"record.failed"}}"#).expect("room");
    writeln!(log, r#"{{"event":"spans.dropped","dropped":3}}"#).expect("room");
    writeln!(
        log,
        r#"{{"event":"record.received","sequence_number":"7",{ids}}}"#
    )
    .expect("room");
    let summary = Measured::of_run(&run).expect("a run").summary;
    assert_eq!(summary.log_problems, 1);
    assert_eq!(summary.records_without_sender, 1);
    assert_eq!(summary.troubles.records_failed, 1);
    assert_eq!(summary.troubles.spans_dropped, 3);
    let problems = summary.problems.join("\n");
    assert!(problems.contains("consumer.log, line 2"), "{problems}");
}

#[test]
fn a_directory_without_a_manifest_is_not_a_run() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let error = RunDirectory::open(directory.path()).expect_err("no run");
    assert!(matches!(error, RunError::NotARun { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("is not a run directory: it has no run.json"),
        "{error}"
    );
}

#[test]
fn verdicts_are_counted_by_hop() {
    let summary = burst();
    assert_eq!(summary.count(Hop::Record, Verdict::Connected), 2);
    // The third request failed and left nothing in the producer, so it is not a hand-off.
    assert_eq!(summary.judged(Hop::Ingress), 2);
    assert_eq!(summary.count(Hop::Ingress, Verdict::Lost), 0);
}
