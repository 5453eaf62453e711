//! A source that is a directory of exports, and spans that occur twice.

use baton_traces::hand_off::Flag;
use baton_traces::measure::Measured;
use baton_traces::run::RunDirectory;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};
use baton_traces::trace::difference::{Mark, TraceDifference};
use baton_traces::trace::{Gathering, Place};

use serde_json::json;

use super::{data, source};

#[test]
fn a_directory_is_the_spans_of_its_files_each_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let below = directory.path().join("monday");
    std::fs::create_dir(&below).expect("room");
    let copy = |file: &str, to: std::path::PathBuf| std::fs::copy(data(file), to).expect(file);
    copy("forms/tempo-v2.json", directory.path().join("a.json"));
    // The same two spans in another form.
    copy("forms/console-go.txt", below.join("b.txt"));
    copy("forms/xray-segment.json", below.join("c.json"));
    std::fs::write(directory.path().join("README.md"), "# Notes\n").expect("room");
    std::fs::write(directory.path().join(".hidden"), "{").expect("room");
    let mut spans = 0;
    let all = Source::from(directory.path());
    let reading = all
        .read(Want::Judging, &mut |_| spans += 1)
        .expect("a directory");
    assert_eq!((reading.spans, spans), (4, 4));
    assert_eq!(reading.problems.len(), 1, "{:?}", reading.problems);
    assert!(
        reading.problems[0].contains("README.md: expected spans as"),
        "{:?}",
        reading.problems
    );
    assert_eq!(
        Measured::of(&all).expect("a directory").summary.spans,
        Some(4)
    );
}

#[test]
fn a_directory_of_runs_is_read_without_their_report() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let report = directory.path().join("report.html");
    std::fs::write(&report, "<!DOCTYPE html>").expect("room");
    let export = directory.path().join("a.json");
    std::fs::copy(data("forms/tempo-v2.json"), export).expect("an export");
    let problems = || {
        let read = Source::from(directory.path()).read(Want::Judging, &mut |_| {});
        read.expect("a directory").problems
    };
    assert_eq!(problems().len(), 1, "another tool's file beside an export");
    let run = RunDirectory::create(directory.path().join("none")).expect("a run directory");
    let manifest = json!({"engine": "native", "settings": {}, "start": "2026-11-23T05:00:00Z"});
    let manifest = serde_json::from_value(manifest).expect("a manifest");
    run.write_manifest(&manifest).expect("room");
    let spans = br#"{"resourceSpans":[]}"#;
    let mut file = run.append_spans().expect("a span file");
    file.write_request(spans).expect("room");
    file.finish().expect("room");
    assert_eq!(problems(), Vec::<String>::new());
}

#[test]
fn a_directory_without_spans_says_why() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let read = || {
        let read = Source::from(directory.path()).read(Want::Judging, &mut |_| {});
        read.expect_err("no spans").to_string()
    };
    assert!(read().ends_with("it is a directory without a file; name a run, or files of spans"));
    std::fs::write(directory.path().join("notes.txt"), "hello").expect("room");
    assert!(read().contains("it holds no file of spans; "), "{}", read());
}

#[test]
fn the_child_of_a_server_is_below_it_and_not_below_its_client() {
    for (file, tree) in [
        (
            "forms/zipkin-shared.json",
            &["0 gateway", "1 gateway", "2 auth", "3 auth"][..],
        ),
        (
            "forms/zipkin-shared-no-client.json",
            &["0 gateway", "1 auth", "2 auth"][..],
        ),
        (
            "forms/zipkin-v1.json",
            &["0 front", "1 front", "2 back"][..],
        ),
    ] {
        let mut ids = Vec::new();
        let each = &mut |span: &Span<'_>| ids.push(span.reference.trace_id);
        source(&data(file))
            .read(Want::Everything, each)
            .expect(file);
        let mut gathering = Gathering::new([ids[0]]);
        let each = &mut |span: &Span<'_>| gathering.add_span(span);
        source(&data(file))
            .read(Want::Everything, each)
            .expect(file);
        let trace = gathering.get(ids[0]).expect("a trace");
        let nodes = trace.tree();
        assert!(
            nodes
                .iter()
                .all(|node| matches!(node.place, Place::Root | Place::Child))
        );
        let shown: Vec<_> = nodes
            .iter()
            .map(|node| format!("{} {}", node.depth, trace.spans[node.span].service))
            .collect();
        assert_eq!(shown, tree, "{file}");
    }
}

#[test]
fn one_trace_in_two_forms_does_not_differ() {
    let pairs = [
        ("jaeger-stripped-zeros.json", "otlp-same-trace.json"),
        ("tempo-v2.json", "otlp-snake-case.json"),
    ];
    for (left, right) in pairs {
        let traces = [left, right].map(|file| {
            let file = source(&data(&format!("forms/{file}")));
            let mut ids = Vec::new();
            let each = &mut |span: &Span<'_>| ids.push(span.reference.trace_id);
            file.read(Want::Judging, each).expect("an export");
            let mut gathering = Gathering::new(ids.clone());
            let each = &mut |span: &Span<'_>| gathering.add_span(span);
            file.read(Want::Everything, each).expect("an export");
            gathering.get(ids[0]).expect("a trace")
        });
        let difference = TraceDifference::between(&traces[0], &traces[1]);
        assert_eq!(
            difference.count(Mark::Same),
            2,
            "{left}: {:?}",
            difference.rows
        );
        assert_eq!(difference.rows.len(), 2, "{left}");
    }
}

#[test]
fn a_span_in_two_forms_counts_in_the_one_that_says_more() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let directory = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, content: serde_json::Value| {
        std::fs::write(directory.path().join(name), content.to_string()).expect("room");
    };
    let header = format!("00-{trace}-00000000000000a1-00");
    let text = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
    let otlp = |service: &str, span: serde_json::Value| json!({"resource": {"attributes": [text("service.name", service)]}, "scopeSpans": [{"spans": [span]}]});
    // read before the other one
    write(
        "a.json",
        json!([
            {"traceId": trace, "id": "00000000000000a1", "kind": "CLIENT", "name": "get", "timestamp": 1_000_000,
             "duration": 900, "localEndpoint": {"serviceName": "a"}},
            {"traceId": trace, "id": "00000000000000b1", "parentId": "00000000000000a1", "kind": "SERVER", "name": "get",
             "timestamp": 1_000_100, "duration": 500, "localEndpoint": {"serviceName": "b"}},
            {"traceId": trace, "id": "00000000000000b2", "parentId": "00000000000000a2", "kind": "SERVER", "name": "get",
             "timestamp": 1_000_200, "duration": 500, "localEndpoint": {"serviceName": "b"},
             "tags": {"http.request.header.traceparent": header}},
        ]),
    );
    let server = |id: &str, parent: &str, attributes: serde_json::Value| {
        let span = json!({"traceId": trace, "spanId": id, "parentSpanId": parent, "kind": 2, "name": "get", "attributes": attributes});
        otlp("b", span)
    };
    let client = json!({"traceId": trace, "spanId": "00000000000000a1", "kind": 3, "name": "get", "traceState": "vendor=1"});
    let captured = json!([text("http.request.header.traceparent", &header)]);
    write(
        "b.json",
        json!({"resourceSpans": [
            otlp("a", client),
            server("00000000000000b1", "00000000000000a1", json!([])),
            server("00000000000000b2", "00000000000000a2", captured),
        ]}),
    );
    let all = Source::from(directory.path());
    let mut spans = 0;
    all.read(Want::Everything, &mut |_| spans += 1)
        .expect("a directory");
    assert_eq!(spans, 6, "each span of OTLP comes after that of Zipkin");
    let (audit, _) = crate::one_answer::audited(&all);
    assert_eq!(audit.spans, 3);
    let edge = &audit.edges[0];
    assert_eq!((edge.handoffs, edge.sender_unsampled), (1, 1));
    assert_eq!(edge.flags.get(&Flag::TracestateLost), Some(&1));
}
