//! Sources with fewer spans, or more, than the run had.

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::readers::collect::Collect as _;
use baton_traces::service_map::ServiceMap;
use baton_traces::source::extent::Extent;
use baton_traces::trace::index::{Filter, TraceIndex};
use serde_json::json;

use super::{measured, read};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A line with a client's span, or with the producer's span for it.
fn line(kind: u32, span: u64, request: &str) -> String {
    let attributes = json!([
        {"key": "aws.request_id", "value": {"stringValue": request}},
        {"key": "http.response.status_code", "value": {"intValue": "200"}}
    ]);
    let span = json!({
        "traceId": TRACE, "spanId": format!("{span:016x}"), "kind": kind, "attributes": attributes,
        "startTimeUnixNano": "1000", "endTimeUnixNano": "2000"
    });
    let parent = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    format!("{parent}\n")
}

#[test]
fn nothing_is_lost_in_an_export_whether_it_is_cut_or_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let whole = [line(3, 1, "a"), line(3, 2, "b"), line(2, 3, "a")].concat();
    let read = measured(directory.path(), whole.as_bytes());
    assert_eq!(read.summary.hops[&Hop::Ingress].get(&Verdict::Lost), None);
    let said =
        "1 hand-off of ingress not judged: one end is not in the source or cannot be matched";
    let mut unknown = read.unknown.iter();
    assert!(
        unknown.any(|unknown| unknown.sentence == said),
        "{:?}",
        read.unknown
    );
    let cut = whole + &line(2, 4, "b")[..40];
    let read = measured(directory.path(), cut.as_bytes());
    assert!(
        read.summary.problems[0].contains("cut short"),
        "{:?}",
        read.summary.problems
    );
    assert_eq!(read.summary.hops[&Hop::Ingress].get(&Verdict::Lost), None);
    let sentences: Vec<_> = read
        .unknown
        .iter()
        .map(|unknown| &*unknown.sentence)
        .collect();
    assert!(sentences.contains(&said), "{sentences:?}");
    assert!(read.summary.unknown.contains("ingress.lost"));
}

#[test]
fn a_span_that_was_exported_twice_is_one_request() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let lines = [
        line(3, 1, "a"),
        line(3, 2, "b"),
        line(2, 3, "a"),
        line(2, 4, "b"),
    ]
    .concat();
    let twice = lines.repeat(2);
    let read = measured(directory.path(), twice.as_bytes());
    assert_eq!(read.summary.requests.expect("requests").sent, 2);
}

#[test]
fn a_call_without_an_api_is_not_a_request() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": TRACE, "spanId": "000000000000000a", "kind": 3, "name": "SELECT"}]}]}]});
    let lines = [line(3, 1, "a"), line(2, 3, "a"), format!("{database}\n")].concat();
    let read = measured(directory.path(), lines.as_bytes());
    let requests = read.summary.requests.expect("requests");
    assert_eq!((requests.sent, requests.failed), (1, 0));
}

#[test]
fn a_segment_may_leave_its_trace_s_id_to_the_trace() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let document =
        json!({"id": "b7ad6b7169203331", "name": "shop", "start_time": 1.5, "end_time": 2.5});
    let answer = json!({"Traces": [{
        "Id": "1-0af76519-16cd43dd8448eb211c80319c",
        "Segments": [{"Id": "b7ad6b7169203331", "Document": document.to_string()}]
    }]});
    let read = measured(directory.path(), answer.to_string().as_bytes());
    assert_eq!(
        (read.summary.spans, read.summary.traces),
        (Some(1), Some(1))
    );
}

#[test]
fn a_segment_without_http_is_called_by_the_service_of_its_parent() {
    let segment =
        |id: &str, document: serde_json::Value| json!({"Id": id, "Document": document.to_string()});
    let producer = json!({"id": "000000000000000a", "name": "producer", "subsegments": [
        {"id": "000000000000000b", "name": "Kinesis", "namespace": "aws"}]});
    let consumer =
        json!({"id": "000000000000000c", "name": "consumer", "parent_id": "000000000000000b"});
    let answer = json!({"Traces": [{
        "Id": "1-0af76519-16cd43dd8448eb211c80319c",
        "Segments": [segment("000000000000000a", producer), segment("000000000000000c", consumer)]
    }]});
    let mut index = TraceIndex::new(Filter::default());
    let mut part = index.part();
    read(answer.to_string().as_bytes(), &mut |span| part.add(span)).expect("an answer");
    index.add_part(part);
    index.finish(&Extent::default());
    let map = ServiceMap::of(&index);
    let name = |place: usize| map.nodes[place].name.as_str();
    let edges: Vec<_> = map
        .edges
        .iter()
        .map(|edge| (name(edge.from), name(edge.to)))
        .collect();
    assert_eq!(edges, [("producer", "consumer")]);
}
