//! Pairs that a later audit takes back.

use super::*;

fn span(trace: u128, id: u64, kind: u8, message: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace:032x}","spanId":"{id:016x}","kind":{kind},"name":"work","startTimeUnixNano":"1700000000000000000","attributes":[{{"key":"messaging.message.id","value":{{"stringValue":"{message}"}}}},{{"key":"messaging.destination.name","value":{{"stringValue":"stream"}}}},{{"key":"messaging.destination.partition.id","value":{{"stringValue":"0"}}}}]}}]}}]}}]}}"#
    )
}

fn reference(trace: u128, id: u64) -> Option<SpanReference> {
    Some(SpanReference {
        trace_id: TraceId::from_bytes(trace.to_be_bytes())?,
        span_id: baton_propagators::SpanId::from_bytes(id.to_be_bytes())?,
    })
}

#[test]
fn a_pair_that_is_taken_back_leaves_other_pairs_of_its_trace_alone() {
    let live = Live::new(10);
    // two senders, and two receivers of one trace, whose ids match no sender's
    for request in [
        span(1, 1, 4, "1"),
        span(2, 2, 4, "2"),
        span(3, 3, 5, "3"),
        span(3, 4, 5, "4"),
    ] {
        live.add_spans(request.as_bytes());
    }
    let mut held = live.held();
    let key = |held: &Held, message: &str| {
        let id = Id::Record(format!("stream/0/{message}").into());
        Some(held.keys.of(&id))
    };
    let edge = EdgeKey {
        from: Some(held.names.number("")),
        queue: None,
        to: Some(held.names.number("")),
    };
    let found = [((1, 1), (3, 3), "1", "3"), ((2, 2), (3, 4), "2", "4")];
    let found = found.map(|(sender, receiver, sent, received)| Found {
        by_audit: ByAudit {
            period: 0,
            edge,
            verdict: baton_traces::hand_off::Verdict::NewTrace,
            sender: reference(sender.0, sender.1),
            receiver: reference(receiver.0, receiver.1),
        },
        sender: key(&held, sent),
        receiver: key(&held, received),
    });
    let count = |held: &Held| -> u64 {
        let periods = held.periods.iter();
        let edges = periods.flat_map(|(_, period)| period.edges.iter());
        edges.map(|(_, edge)| edge.count).sum()
    };
    assert_eq!(
        count(&held),
        4,
        "each end is a hand-off without its other end"
    );
    let keys = found.each_ref().map(|found| held.take_found(found));
    assert_eq!(count(&held), 2, "two whole ones");
    let second = &found[1].by_audit;
    let pairs = HashSet::from([(second.sender, second.receiver)]);
    held.withdraw(keys[0].expect("a key"), 1, &pairs);
    assert_eq!(count(&held), 2, "another period's audit cannot know");
    held.withdraw(keys[0].expect("a key"), 0, &pairs);
    assert_eq!(count(&held), 3, "two ends and a whole one");
}
