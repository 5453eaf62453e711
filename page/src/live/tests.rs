use std::collections::BTreeMap;

use baton_traces::hand_off::Verdict;
use baton_traces::run::Function;

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER: &str = "11111111111111112222222222222222";

/// One span as a request.
fn span(
    service: &str,
    trace: &str,
    id: u64,
    parent: u64,
    kind: u8,
    attributes: &[(&str, &str)],
) -> String {
    let attributes: Vec<String> = attributes
        .iter()
        .map(|(name, value)| format!(r#"{{"key":"{name}","value":{{"stringValue":"{value}"}}}}"#))
        .collect();
    let parent = match parent {
        0 => String::new(),
        parent => format!(r#""parentSpanId":"{parent:016x}","#),
    };
    // the parent of a receiver is remote
    let has_remote = matches!(kind, 2 | 5) && !parent.is_empty();
    let flags = if has_remote { 0x301 } else { 0x101 };
    let request = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{id:016x}",{parent}"kind":{kind},"flags":{flags},"name":"work",
        "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000001000000","attributes":[{}]}}]}}]}}]}}"#,
        attributes.join(",")
    );
    // the collector writes a request in one line
    request.replace('\n', "")
}

fn message(number: &str) -> [(&str, &str); 3] {
    [
        ("messaging.message.id", number),
        ("messaging.destination.name", "stream"),
        ("messaging.destination.partition.id", "shard-0"),
    ]
}

/// The verdicts of each edge, by the names of its ends.
fn edges(live: &Live) -> BTreeMap<(String, String), BTreeMap<Verdict, u64>> {
    let held = live.held();
    let name =
        |name: Option<Name>| name.map_or_else(String::new, |name| held.name(name).to_owned());
    let edges = held.periods().iter().flat_map(|period| &period.edges);
    edges
        .map(|(key, edge)| ((name(key.from), name(key.to)), edge.verdicts.clone()))
        .collect()
}

fn only(
    from: &str,
    to: &str,
    verdict: Verdict,
) -> BTreeMap<(String, String), BTreeMap<Verdict, u64>> {
    let ends = (from.to_owned(), to.to_owned());
    BTreeMap::from([(ends, BTreeMap::from([(verdict, 1)]))])
}

#[test]
fn ends_are_matched_in_any_order() {
    let sent = span("producer", TRACE, 1, 0, 4, &message("7"));
    let joined = span("consumer", TRACE, 2, 1, 5, &message("7"));
    let apart = span("consumer", OTHER, 2, 0, 5, &message("7"));
    for (received, verdict) in [(&joined, Verdict::Connected), (&apart, Verdict::NewTrace)] {
        for spans in [[&sent, received], [received, &sent]] {
            let live = Live::new(10);
            for span in spans {
                live.add_spans(span.as_bytes());
            }
            assert_eq!(edges(&live), only("producer", "consumer", verdict));
        }
    }
}

#[test]
fn a_call_between_services_that_an_id_joins_elsewhere_is_audited() {
    let live = Live::new(10);
    for span in [
        span("web", TRACE, 1, 0, 4, &message("7")),
        span("booking", TRACE, 2, 1, 5, &message("7")),
        span("web", TRACE, 3, 0, 3, &[]),
        span("booking", TRACE, 4, 3, 2, &[]),
    ] {
        live.add_spans(span.as_bytes());
    }
    assert_eq!(edges(&live), only("web", "booking", Verdict::Connected));
    assert!(live.audit(), "the call has no id");
    let held = live.held();
    let audited = held.periods()[0].audited.as_ref().expect("an audit");
    let kinds: Vec<_> = audited
        .edges
        .iter()
        .map(|found| found.edge.channel.kind)
        .collect();
    assert_eq!(
        kinds,
        [baton_traces::audit::ChannelKind::Http],
        "{audited:?}"
    );
}

#[test]
fn calls_between_other_services_are_found_by_an_audit_in_any_order() {
    let call = span("web", TRACE, 1, 0, 3, &[]);
    let served = span("booking", TRACE, 2, 1, 2, &[]);
    for spans in [[&call, &served], [&served, &call]] {
        let live = Live::new(10);
        for span in spans {
            live.add_spans(span.as_bytes());
        }
        assert!(live.audit(), "spans that only an audit can judge");
        assert!(!live.audit(), "nothing new");
        let held = live.held();
        let audited = held.periods()[0].audited.as_ref().expect("an audit");
        let [found] = audited.edges.as_slice() else {
            panic!("{audited:?}")
        };
        let ends = (found.edge.from.as_str(), found.edge.to.as_str());
        assert_eq!(ends, ("web", "booking"));
        assert_eq!(found.edge.verdicts[&Verdict::Connected], 1);
        drop(held);
        let (listed, _) = live.list(&Search::default(), 10);
        let hand_off = (
            "web".to_owned(),
            "booking".to_owned(),
            Some(Verdict::Connected),
        );
        assert_eq!(listed[0].hand_offs, [hand_off]);
    }
}

#[test]
fn the_labs_own_hand_offs_need_no_audit() {
    let live = Live::new(10);
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("7")).as_bytes());
    live.add_spans(span("consumer", TRACE, 2, 1, 5, &message("7")).as_bytes());
    assert!(!live.audit());
}

#[test]
fn a_request_without_a_clients_span_is_counted_and_not_judged() {
    let live = Live::new(10);
    let served = span("producer", TRACE, 2, 1, 2, &[("aws.request_id", "r-1")]);
    live.add_spans(served.as_bytes());
    let unjudged = BTreeMap::from([((String::new(), "producer".to_owned()), BTreeMap::new())]);
    assert_eq!(edges(&live), unjudged);
    // the client's span may come later, and takes the request's place
    let asked = span("client", OTHER, 1, 0, 3, &[("aws.request_id", "r-1")]);
    live.add_spans(asked.as_bytes());
    assert_eq!(
        edges(&live),
        only("client", "producer", Verdict::WrongTrace)
    );
}

#[test]
fn both_halves_of_a_broken_trace_are_read_together() {
    let live = Live::new(10);
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("7")).as_bytes());
    live.add_spans(span("consumer", OTHER, 2, 0, 5, &message("7")).as_bytes());
    let id = TraceId::from_hex(OTHER).expect("an id");
    let traces = live.read(id, 6, &mut |_| {});
    let ids: Vec<String> = traces
        .iter()
        .map(|trace| trace.trace_id.to_string())
        .collect();
    assert_eq!(ids, [TRACE, OTHER]);
}

#[test]
fn the_oldest_traces_leave_and_the_counts_stay() {
    let live = Live::new(2);
    for number in 1..=5u64 {
        let trace = format!("{number:032x}");
        live.add_spans(span("producer", &trace, 1, 0, 4, &message(&number.to_string())).as_bytes());
        live.add_spans(span("consumer", &trace, 2, 1, 5, &message(&number.to_string())).as_bytes());
    }
    let (listed, count) = live.list(&Search::default(), 10);
    assert_eq!((listed.len(), count), (2, 2));
    let held = live.held();
    assert_eq!(held.forgotten().traces, 3);
    let edge = held.periods()[0].edges.values().next().expect("an edge");
    assert_eq!(edge.verdicts[&Verdict::Connected], 5);
    assert_eq!(held.hand_offs.len(), 2);
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
    live.add_log_line(Function::Consumer, &received);
    let expected = only("producer", "consumer-lambda", Verdict::Unsampled);
    assert_eq!(edges(&live), expected);
    let held = live.held();
    let edge = held.periods()[0].edges.values().next().expect("an edge");
    assert_eq!(edge.unsampled, 1);
    let example = TraceId::from_hex(TRACE).expect("an id");
    assert_eq!(edge.examples[&Verdict::Unsampled], example);
    drop(held);
    let mut ends = 0;
    live.unsampled_ends(&[example], &mut |_| ends += 1);
    assert_eq!(ends, 1, "the trace's page gets the receiver");
}

#[test]
fn ends_that_only_logs_tell_are_judged_and_leave_memory() {
    let live = Live::new(2);
    for _ in 0..2 {
        live.add_log_line(Function::Producer, &line("record.sent", TRACE, 1, false));
    }
    let received = line("record.received", TRACE, 2, false);
    let received = received.replace(
        "\"parent_is_remote\"",
        "\"parent_span_id\":\"0000000000000001\",\"parent_is_remote\"",
    );
    live.add_log_line(Function::Consumer, &received);
    let expected = only("producer-lambda", "consumer-lambda", Verdict::Connected);
    assert_eq!(edges(&live), expected);
    for number in 8..20 {
        let other = line("record.sent", TRACE, 1, false);
        let other = other.replace("\"7\"", &format!("\"{number}\""));
        live.add_log_line(Function::Producer, &other);
    }
    assert_eq!(live.held().hand_offs.len(), 2);
}

#[test]
fn a_log_is_followed_and_only_lines_of_unsampled_spans_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("consumer.log");
    let live = Live::new(10);
    let mut growing = GrowingLog::new(Function::Consumer, path.clone());
    live.follow(&mut growing);
    let lines = [
        line("record.received", TRACE, 2, true),
        "no JSON, \"sampled\":false".to_owned(),
        line("record.received", TRACE, 3, false),
    ];
    std::fs::write(&path, lines.join("\n")).expect("room");
    live.follow(&mut growing);
    assert!(live.held().hand_offs.is_empty(), "the line has not ended");
    std::fs::write(&path, lines.join("\n") + "\n").expect("room");
    live.follow(&mut growing);
    assert_eq!(live.held().hand_offs.len(), 1);
}
