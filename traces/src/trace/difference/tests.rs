use std::collections::BTreeMap;

use baton_propagators::{SpanId, TraceId};
use serde_json::json;

use super::*;
use crate::span::{Kind, SpanReference, StatusCode, UnixTime};
use crate::trace::TraceSpan;

fn trace_id(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).expect("not 0")
}

fn span_id(number: u8) -> SpanId {
    SpanId::from_bytes([number; 8]).expect("not 0")
}

/// A span of a service. It starts together with the previous number's span and takes 2 ms.
fn span(number: u8, parent: u8, service: &str, kind: Kind, name: &str) -> TraceSpan {
    let at = |nanoseconds| UnixTime::from_nanoseconds(nanoseconds);
    let start = u64::from(number) * 1_000_000;
    TraceSpan {
        reference: SpanReference {
            trace_id: trace_id(1),
            span_id: span_id(number),
        },
        parent_span_id: (parent > 0).then(|| span_id(parent)),
        service: service.to_owned(),
        name: name.to_owned(),
        kind,
        start: at(start),
        end: at(start + 2_000_000),
        trace_state: String::new(),
        status: StatusCode::Unset,
        status_message: String::new(),
        attributes: BTreeMap::new(),
        resource: BTreeMap::new(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// A client, a producer that sends twice, and the consumers of both.
fn shop() -> Vec<TraceSpan> {
    vec![
        span(1, 0, "client", Kind::Client, "POST"),
        span(2, 1, "producer", Kind::Server, "POST /"),
        span(3, 2, "producer", Kind::Producer, "send"),
        span(4, 2, "producer", Kind::Producer, "send"),
        span(5, 3, "consumer", Kind::Consumer, "record"),
        span(6, 4, "consumer", Kind::Consumer, "record"),
    ]
}

/// The same spans with other ids and at another time.
fn renumbered(mut spans: Vec<TraceSpan>) -> Vec<TraceSpan> {
    let later = |time: Option<UnixTime>| {
        let nanoseconds = time?.as_nanoseconds() + 1_000_000_000;
        UnixTime::from_nanoseconds(nanoseconds)
    };
    let other = |id: SpanId| span_id(id.to_bytes()[0] + 100);
    for span in &mut spans {
        span.reference.trace_id = trace_id(2);
        span.reference.span_id = other(span.reference.span_id);
        span.parent_span_id = span.parent_span_id.map(other);
        span.start = later(span.start);
        span.end = later(span.end);
    }
    spans
}

/// The rows: each with its mark, the names of both spans, and the differences.
fn rows(left: Vec<TraceSpan>, right: Vec<TraceSpan>) -> Vec<String> {
    let (left, right) = (
        Trace::new(trace_id(1), left),
        Trace::new(trace_id(2), right),
    );
    let difference = TraceDifference::between(&left, &right);
    let name = |trace: &Trace, node: Option<Node>| {
        node.map_or("-".to_owned(), |node| trace.spans[node.span].name.clone())
    };
    let rows = difference.rows.iter().map(|row| {
        let changes: Vec<_> = row
            .changes
            .iter()
            .map(|change| {
                let text = |side: &Option<String>| side.clone().unwrap_or("-".to_owned());
                format!(
                    " {}: {} -> {}",
                    change.what,
                    text(&change.left),
                    text(&change.right)
                )
            })
            .collect();
        let depth = row.left.or(row.right).expect("one of them").depth;
        format!(
            "{}{:?} {} {}{}",
            " ".repeat(depth),
            row.mark(),
            name(&left, row.left),
            name(&right, row.right),
            changes.join(",")
        )
    });
    rows.collect()
}

#[test]
fn the_same_under_other_ids_is_the_same() {
    assert_eq!(
        rows(shop(), renumbered(shop())),
        [
            "Same POST POST",
            " Same POST / POST /",
            "  Same send send",
            "   Same record record",
            "  Same send send",
            "   Same record record",
        ]
    );
}

#[test]
fn every_kind_of_change_is_named() {
    let mut changed = renumbered(shop());
    changed[0].name = "PUT".to_owned();
    changed[1].status = StatusCode::Error;
    changed[1].status_message = "boom".to_owned();
    changed[2].end = UnixTime::from_nanoseconds(1_053_000_000);
    changed[3].kind = Kind::Client;
    changed[4].trace_state = "a=1".to_owned();
    changed[4].attributes.insert("size".to_owned(), json!(7));
    changed[4]
        .attributes
        .insert("messaging.message.id".to_owned(), json!("49"));
    changed[5].links = vec![changed[0].reference];
    let mut left = shop();
    left[4]
        .attributes
        .insert("messaging.message.id".to_owned(), json!("48"));
    left[0].resource.insert("host".to_owned(), json!("a"));
    assert_eq!(
        rows(left, changed),
        [
            "Changed POST PUT name: POST -> PUT, resource.host: a -> -",
            " Changed POST / POST / status: unset -> error boom",
            "  Changed send send duration: 2.00 ms -> 50.0 ms",
            "   Changed record record tracestate: - -> a=1, attributes.size: - -> 7",
            "  Changed send send kind: Producer -> Client",
            "   Changed record record links: - -> client PUT",
        ]
    );
}

#[test]
fn a_missing_span_is_shown_where_it_would_be() {
    let mut more = renumbered(shop());
    let mut log = span(7, 2, "producer", Kind::Internal, "log");
    log.reference.span_id = span_id(107);
    log.parent_span_id = Some(span_id(102));
    log.start = more[2].start;
    more.push(log);
    more.remove(5);
    assert_eq!(
        rows(shop(), more),
        [
            "Same POST POST",
            " Same POST / POST /",
            "  Same send send",
            "   Same record record",
            "  OnlyRight - log",
            "  Same send send",
            "   OnlyLeft record -",
        ]
    );
}

#[test]
fn a_record_that_lost_its_parent_is_still_the_same_record() {
    let mut broken = renumbered(shop());
    broken[4].parent_span_id = Some(span_id(200));
    broken[5].parent_span_id = None;
    assert_eq!(
        rows(shop(), broken),
        [
            "Same POST POST",
            " Same POST / POST /",
            "  Same send send",
            "   Changed record record parent: producer send -> a span that was not seen",
            "  Same send send",
            "   Changed record record parent: producer send -> none",
        ]
    );
}

#[test]
fn the_same_message_is_paired_whatever_the_order() {
    let id = |spans: &mut Vec<TraceSpan>, place: usize, id: &str| {
        let attributes = &mut spans[place].attributes;
        attributes.insert("messaging.message.id".to_owned(), json!(id));
    };
    let (mut left, mut right) = (shop(), renumbered(shop()));
    id(&mut left, 2, "first");
    id(&mut left, 3, "second");
    id(&mut right, 2, "second");
    id(&mut right, 3, "first");
    left[2].name = "send first".to_owned();
    right[3].name = "send first".to_owned();
    assert_eq!(
        rows(left, right)[2..],
        [
            "  Same send first send first",
            "   Same record record",
            "  Same send send",
            "   Same record record",
        ]
    );
}

#[test]
fn a_deep_trace_and_a_cycle_are_compared() {
    let deep = |length: u32| {
        let id = |number: u32| SpanId::from_bytes((u64::from(number) + 1).to_be_bytes());
        let spans = (0..length).map(|number| {
            let mut span = span(1, 0, "a", Kind::Internal, "step");
            span.reference.span_id = id(number).expect("not 0");
            span.parent_span_id = number.checked_sub(1).and_then(id);
            span
        });
        Trace::new(trace_id(1), spans.collect())
    };
    let difference = TraceDifference::between(&deep(20_000), &deep(19_999));
    assert_eq!(difference.count(Mark::Same), 19_999);
    assert_eq!(difference.count(Mark::OnlyLeft), 1);

    let circle = vec![
        span(1, 2, "a", Kind::Internal, "one"),
        span(2, 1, "a", Kind::Internal, "two"),
    ];
    assert_eq!(rows(circle, Vec::new()).len(), 2);
}
