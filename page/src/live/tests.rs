mod agreement;
mod audited;
mod logs;
mod memory;
mod speed;

use std::collections::BTreeMap;

use baton_traces::hand_off::Verdict;

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
    let edges = held.periods().iter();
    let edges = edges.flat_map(|(_, period)| period.edges.iter());
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

/// The sums over all edges: hand-offs, those with a verdict, and those that can never have one.
fn sums(live: &Live) -> (u64, u64, u64) {
    let held = live.held();
    let edges = held.periods().iter();
    let edges = edges.flat_map(|(_, period)| period.edges.iter());
    edges.fold((0, 0, 0), |(all, judged, never), (_, edge)| {
        let verdicts: u64 = edge.verdicts.values().sum();
        (
            all + edge.count,
            judged + verdicts,
            never + edge.left_unjudged,
        )
    })
}

/// The trace with this number.
fn trace(number: u64) -> String {
    format!("{number:032x}")
}

/// Sends and receives one message in a trace of its own.
fn exchange(live: &Live, number: u64) {
    let (trace, id) = (trace(number), number.to_string());
    live.add_spans(span("producer", &trace, 1, 0, 4, &message(&id)).as_bytes());
    live.add_spans(span("consumer", &trace, 2, 1, 5, &message(&id)).as_bytes());
}
