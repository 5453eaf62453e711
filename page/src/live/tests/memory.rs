//! What is held is bounded, and what leaves memory stays counted once.

use std::collections::BTreeMap;

use baton_traces::span::Want;
use baton_traces::trace::index::Wanted;

use super::super::EdgeKey;
use super::*;
use crate::map::{MapView, Seen};

#[test]
fn the_oldest_traces_leave_and_the_counts_stay() {
    let live = Live::new(2);
    (1..=5).for_each(|number| exchange(&live, number));
    let (listed, count) = live.list(&Search::default(), 10);
    assert_eq!((listed.len(), count), (2, Some(2)));
    assert_eq!(sums(&live), (5, 5, 0));
    let held = live.held();
    assert_eq!(held.forgotten().traces, 3);
    assert_eq!(held.hand_offs.len(), 2);
}

#[test]
fn a_hand_off_that_left_memory_unjudged_counts_once_and_is_never_judged() {
    let sent = span("producer", TRACE, 1, 0, 4, &message("0"));
    let received = span("consumer", TRACE, 2, 1, 5, &message("0"));
    for (first, second) in [(&sent, &received), (&received, &sent)] {
        let live = Live::new(2);
        live.add_spans(first.as_bytes());
        assert_eq!(sums(&live), (1, 0, 0), "the other end may come");
        (1..=5).for_each(|number| exchange(&live, number));
        assert_eq!(sums(&live), (6, 5, 1));
        live.add_spans(second.as_bytes());
        live.add_spans(second.as_bytes());
        assert_eq!(sums(&live), (6, 5, 1), "the late end is of the same one");
        (6..=9).for_each(|number| exchange(&live, number));
        assert_eq!(sums(&live), (10, 9, 1));
        // traces 0 to 7: the rest of the first one is no further trace
        assert_eq!(live.held().forgotten().traces, 8);
    }
}

#[test]
fn a_judged_hand_off_that_left_memory_is_not_counted_again() {
    let live = Live::new(1);
    (1..=5).for_each(|number| exchange(&live, number));
    // the first record is delivered again
    let again = span("consumer", OTHER, 9, 1, 5, &message("1"));
    live.add_spans(again.as_bytes());
    assert_eq!(sums(&live), (5, 5, 0));
}

#[test]
fn a_request_of_a_client_alone_counts_when_it_leaves_memory() {
    let live = Live::new(1);
    let asked = span("client", TRACE, 1, 0, 3, &[("aws.request_id", "r-1")]);
    live.add_spans(asked.as_bytes());
    assert_eq!(
        sums(&live),
        (0, 0, 0),
        "the function's span comes in a moment"
    );
    exchange(&live, 1);
    assert_eq!(sums(&live), (2, 1, 1));
    let served = span("producer", TRACE, 2, 1, 2, &[("aws.request_id", "r-1")]);
    live.add_spans(served.as_bytes());
    assert_eq!(sums(&live), (2, 1, 1));
}

#[test]
fn a_hand_off_between_two_traces_stays_until_both_have_left() {
    let live = Live::new(2);
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("0")).as_bytes());
    live.add_spans(span("consumer", OTHER, 2, 0, 5, &message("0")).as_bytes());
    exchange(&live, 1);
    let search = Search {
        verdict: Some(Verdict::NewTrace),
        ..Search::default()
    };
    assert_eq!(
        live.list(&search, 10).1,
        Some(1),
        "the receiver's half is held"
    );
    assert_eq!(live.held().hand_offs.len(), 2);
}

#[test]
fn a_trace_that_comes_back_holds_no_hand_off_of_before() {
    let live = Live::new(2);
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("0")).as_bytes());
    live.add_spans(span("consumer", OTHER, 2, 0, 5, &message("0")).as_bytes());
    exchange(&live, 1);
    live.add_spans(span("web", TRACE, 3, 0, 1, &[]).as_bytes());
    assert_eq!(live.held().hand_offs.len(), 1, "both halves have left");
    assert_eq!(sums(&live), (2, 2, 0));
}

#[test]
fn a_trace_with_very_many_hand_offs_is_whole_until_it_leaves() {
    let live = Live::new(2);
    let exchange = |number: u64| {
        let id = number.to_string();
        live.add_spans(span("producer", TRACE, 2 * number, 0, 4, &message(&id)).as_bytes());
        live.add_spans(
            span(
                "consumer",
                TRACE,
                2 * number + 1,
                2 * number,
                5,
                &message(&id),
            )
            .as_bytes(),
        );
    };
    (1..=1500).for_each(exchange);
    assert_eq!(sums(&live), (1500, 1500, 0));
    assert_eq!(live.held().hand_offs.len(), 1500);
    (2002..=2003).for_each(|number| super::exchange(&live, number));
    assert_eq!(live.held().hand_offs.len(), 2, "they left with their trace");
    // more hand-offs than fit: the trace leaves with them, and comes back with the next
    (5_000..10_000).for_each(exchange);
    let held = live.held();
    assert!(
        held.hand_offs.len() <= 4096 + 200,
        "{}",
        held.hand_offs.len()
    );
    assert!(held.forgotten().traces >= 3);
    drop(held);
    // it may leave between the two ends of one
    let (all, judged, never) = sums(&live);
    assert_eq!((all, judged + never), (6502, 6502));
    assert!(never <= 1, "{never}");
}

#[test]
fn a_trace_in_very_many_segments_is_read_whole() {
    let live = Live::new(10);
    let padding = "x".repeat(300 << 10);
    for number in 1..=80 {
        let span = span("web", TRACE, number, 0, 1, &[("padding", &padding)]);
        live.add_spans(span.as_bytes());
    }
    let id = TraceId::from_hex(TRACE).expect("an id");
    let traces = live.read(id, 1, &mut |_| {});
    assert_eq!(traces[0].spans.len(), 80);
}

#[test]
fn the_bytes_of_spans_are_bounded_and_the_rest_of_a_trace_says_so() {
    let limits = Limits {
        bytes: 2 << 20,
        ..Limits::of(1000)
    };
    let live = Live::with_limits(limits);
    let padding = "x".repeat(100 << 10);
    for number in 1..=100 {
        let span = span("web", TRACE, number, 0, 1, &[("padding", &padding)]);
        live.add_spans(span.as_bytes());
    }
    let held = live.held();
    assert!(held.segments.bytes() <= limits.bytes);
    assert_eq!(held.forgotten().traces, 1, "it left several times");
    let id = TraceId::from_hex(TRACE).expect("an id");
    assert!(held.is_rest(id));
    drop(held);
    let mut spans = 0;
    live.each_span(Want::Judging, &mut |_| spans += 1);
    assert!((1..30).contains(&spans), "{spans}");
}

#[test]
fn hand_offs_over_further_edges_are_counted_together() {
    let live = Live::new(1000);
    for number in 1..=600_u64 {
        let (trace, id) = (trace(number), number.to_string());
        let service = format!("service-{number}");
        live.add_spans(span(&service, &trace, 1, 0, 4, &message(&id)).as_bytes());
    }
    for number in 1..=600_u64 {
        let (trace, id) = (trace(number), number.to_string());
        live.add_spans(span("consumer", &trace, 2, 1, 5, &message(&id)).as_bytes());
    }
    assert_eq!(sums(&live), (600, 600, 0));
    let held = live.held();
    let period = held.periods().get(0).expect("a period");
    let further = period
        .edges
        .iter()
        .find(|(key, _)| **key == EdgeKey::FURTHER);
    let (_, further) = further.expect("further edges");
    assert!(further.count >= 100, "{further:?}");
    assert!(period.edges.iter().count() <= 501);
    let view = MapView::of(Seen::of(&held, period), "stream");
    assert_eq!((view.state, view.edges.len()), ("whole", 200));
    let said = "The map shows 60 of more than 499 edges. 300 more edges with ";
    assert!(view.left_out.starts_with(said), "{}", view.left_out);
    let said = " not listed, 0 broken. ";
    assert!(view.left_out.ends_with(said), "{}", view.left_out);
}

/// The variable that chooses a function's mode.
const MODE: &str = "OTEL_PROPAGATORS";

#[test]
fn the_same_settings_in_other_words_begin_no_period() {
    let live = Live::new(10);
    // the spans of the tests are of 2023
    let since = jiff::Timestamp::from_second(1_600_000_000).expect("a time");
    let begin = |mode: &str| {
        let settings = BTreeMap::from([(MODE.to_owned(), mode.to_owned())]);
        let mut held = live.held();
        held.periods
            .begin(since, |period| period.producer = settings);
        drop(held);
        exchange(&live, 1);
        live.held().periods().last()
    };
    exchange(&live, 1);
    assert_eq!(begin("tracecontext,baggage"), 0, "the default");
    assert_eq!(begin("b3"), 1);
    assert_eq!(begin(" B3"), 1);
    assert_eq!(begin("b3multi"), 2);
    live.set_client(Mode::NONE);
    assert_eq!(live.held().periods().last(), 2);
    live.set_client("b3".parse().expect("a mode"));
    let last = live.held().periods().last();
    assert_eq!(last, 3, "the client's mode is one of the settings");
}

#[test]
fn a_receiver_whose_sender_may_be_on_its_way_is_not_drawn() {
    let live = Live::new(10);
    let received = span("consumer", TRACE, 2, 1, 5, &message("7"));
    live.add_spans(received.as_bytes());
    let edges = |live: &Live| {
        let held = live.held();
        let seen = Seen::of(&held, held.periods().get(0).expect("a period"));
        let view = MapView::of(seen, "stream");
        assert!(!view.answer.contains("No request yet"), "{}", view.answer);
        view.edges.len()
    };
    assert_eq!(edges(&live), 0);
    assert_eq!(sums(&live), (1, 0, 0), "it is counted");
    live.add_spans(span("producer", TRACE, 1, 0, 4, &message("7")).as_bytes());
    assert_eq!(edges(&live), 1);
}

#[test]
fn the_oldest_period_leaves_with_its_counts_and_the_others_keep_their_numbers() {
    let live = Live::new(10);
    let settings = |number: u64| BTreeMap::from([(MODE.to_owned(), number.to_string())]);
    for number in 0..205_u64 {
        let mut held = live.held();
        let producer = settings(number);
        // the spans of the tests are of 2023
        let since = jiff::Timestamp::from_second(1_600_000_000).expect("a time");
        held.periods.begin(since, |period| {
            period.producer.clone_from(&producer);
        });
        drop(held);
        exchange(&live, number + 1);
    }
    let held = live.held();
    let periods = held.periods();
    assert_eq!(periods.forgotten(), 5);
    assert_eq!(periods.last(), 204);
    assert!(periods.get(4).is_none());
    for (number, period) in periods.iter() {
        assert_eq!(period.producer, settings(number as u64));
        let counts: Vec<u64> = period.edges.iter().map(|(_, edge)| edge.count).collect();
        assert_eq!(counts, [1], "period {number}");
    }
}

#[test]
fn a_search_looks_at_all_traces_in_parts() {
    let live = Live::new(5000);
    (1..=2500).for_each(|number| exchange(&live, number));
    let search = |search: Search| {
        let (listed, count) = live.list(&search, 10);
        (listed.len(), count)
    };
    let of_edge = Search {
        edge: Some(("producer".to_owned(), "consumer".to_owned())),
        verdict: Some(Verdict::Connected),
        ..Search::default()
    };
    assert_eq!(search(of_edge), (10, None), "more are not counted");
    assert_eq!(search(Search::default()), (10, Some(2500)));
    let of_nobody = Search {
        service: Some("nobody".to_owned()),
        ..Search::default()
    };
    assert_eq!(search(of_nobody), (0, Some(0)));
    let of_id = Search {
        id: Wanted::parse(&trace(3)),
        ..Search::default()
    };
    assert_eq!(search(of_id), (1, Some(1)));
    let (all, none) = live.traces_between(None, None);
    assert_eq!((all.len(), none.len()), (2500, 0));
}
