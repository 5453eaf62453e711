//! A source that is a directory of exports, and spans that occur twice.

use baton_traces::measure::Measured;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};
use baton_traces::trace::{Gathering, Place};
use baton_traces::trace_difference::{Mark, TraceDifference};

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
