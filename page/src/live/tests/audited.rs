//! Hand-offs that only an audit finds.

use super::*;

/// A call of `web` that `booking` answers, in a trace each if it breaks.
fn call(live: &Live, number: u64, breaks: bool) {
    let caller = trace(number);
    let (called, parent) = match breaks {
        true => (trace(number + 1_000_000), 0),
        false => (caller.clone(), 1),
    };
    // far apart, so that address and time fit one pair alone
    let at = |span: String, start: u64, end: u64| {
        let begin = 1_700_000_000_000_000_000 + number * 1_000_000_000;
        span.replace("1700000000000000000", &(begin + start).to_string())
            .replace("1700000000001000000", &(begin + end).to_string())
    };
    let address = [
        ("server.address", "booking"),
        ("http.request.method", "GET"),
    ];
    let asked = span("web", &caller, 1, 0, 3, &address);
    let served = span("booking", &called, 2, parent, 2, &address);
    live.add_spans(at(asked, 0, 40_000_000).as_bytes());
    live.add_spans(at(served, 10_000_000, 30_000_000).as_bytes());
}

fn verdicts(live: &Live, from: &str, to: &str) -> BTreeMap<Verdict, u64> {
    let ends = (from.to_owned(), to.to_owned());
    edges(live).remove(&ends).unwrap_or_default()
}

#[test]
fn calls_between_other_services_are_found_in_any_order() {
    let call = span("web", TRACE, 1, 0, 3, &[]);
    let served = span("booking", TRACE, 2, 1, 2, &[]);
    for spans in [[&call, &served], [&served, &call]] {
        let live = Live::new(10);
        for span in spans {
            live.add_spans(span.as_bytes());
        }
        assert!(live.audit(), "spans that only an audit can judge");
        assert!(!live.audit(), "nothing new");
        assert_eq!(edges(&live), only("web", "booking", Verdict::Connected));
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
fn a_call_between_services_that_an_id_joins_elsewhere_is_found() {
    let live = Live::new(10);
    for span in [
        span("web", TRACE, 1, 0, 4, &message("7")),
        span("booking", TRACE, 2, 1, 5, &message("7")),
        span("web", TRACE, 3, 0, 3, &[]),
        span("booking", TRACE, 4, 3, 2, &[]),
    ] {
        live.add_spans(span.as_bytes());
    }
    assert_eq!(sums(&live), (1, 1, 0));
    assert!(live.audit(), "the call has no id");
    assert_eq!(sums(&live), (2, 2, 0));
    let held = live.held();
    let period = held.periods().get(0).expect("a period");
    let queues: Vec<bool> = period
        .edges
        .iter()
        .map(|(key, _)| key.queue.is_some())
        .collect();
    assert_eq!(queues, [false, true], "a call and a message");
}

#[test]
fn a_request_that_another_service_sent_counts_once() {
    let live = Live::new(10);
    live.add_spans(span("web", TRACE, 1, 0, 3, &[]).as_bytes());
    let served = span("producer", TRACE, 2, 1, 2, &[("aws.request_id", "r-1")]);
    live.add_spans(served.as_bytes());
    assert_eq!(sums(&live), (1, 0, 0), "no id tells the sender");
    assert!(live.audit());
    assert_eq!(sums(&live), (1, 1, 0));
    assert_eq!(edges(&live), only("web", "producer", Verdict::Connected));
}

#[test]
fn the_counts_stay_when_the_traces_leave_as_with_ids() {
    for breaks in [false, true] {
        let live = Live::new(6);
        for number in 1..=20 {
            call(&live, number, breaks);
            assert!(live.audit());
        }
        let verdict = match breaks {
            true => Verdict::NewTrace,
            false => Verdict::Connected,
        };
        assert_eq!(sums(&live), (20, 20, 0), "breaks: {breaks}");
        assert_eq!(verdicts(&live, "web", "booking")[&verdict], 20);
        let held = live.held();
        assert!(held.forgotten().traces > 0);
        assert!(held.hand_offs.len() <= 6);
        let period = held.periods().get(0).expect("a period");
        assert_eq!(period.audit.left_unseen, 0);
        assert!(period.audit.notes.unjudged.is_empty());
    }
}

#[test]
fn traces_that_leave_before_an_audit_are_said_to_be_unknown() {
    let live = Live::new(5);
    (1..=20).for_each(|number| call(&live, number, false));
    assert!(live.audit());
    assert_eq!(sums(&live), (5, 5, 0));
    let held = live.held();
    let period = held.periods().get(0).expect("a period");
    assert_eq!(period.audit.left_unseen, 15);
}

#[test]
fn a_pairing_that_later_spans_disprove_is_taken_back() {
    let live = Live::new(100);
    call(&live, 1, true);
    assert!(live.audit());
    assert_eq!(verdicts(&live, "web", "booking")[&Verdict::NewTrace], 1);
    // the request turns out to be another caller's, which is its parent
    let called = trace(1_000_001);
    let asked = span("shop", &called, 7, 0, 3, &[]);
    let served = span("booking", &called, 2, 7, 2, &[]);
    let live = Live::new(100);
    call(&live, 1, true);
    assert!(live.audit());
    live.add_spans(asked.as_bytes());
    live.add_spans(served.as_bytes());
    assert!(live.audit());
    let (all, judged, _) = sums(&live);
    assert_eq!(all, judged);
    assert!(all <= 2, "each request counts once: {:?}", edges(&live));
}

#[test]
fn a_message_that_is_paired_otherwise_later_counts_once() {
    let live = Live::new(100);
    // the sender has an id, and its receiver has none but a link-like parent
    live.add_spans(span("web", TRACE, 1, 0, 4, &message("7")).as_bytes());
    let place = [("messaging.destination.name", "stream")];
    let received = span("worker", TRACE, 2, 1, 5, &place);
    live.add_spans(received.as_bytes());
    assert!(live.audit());
    assert_eq!(sums(&live), (1, 1, 0), "{:?}", edges(&live));
    // a receiver with the id comes
    live.add_spans(span("consumer", TRACE, 3, 1, 5, &message("7")).as_bytes());
    live.add_spans(span("worker", OTHER, 9, 0, 2, &[]).as_bytes());
    assert!(live.audit());
    let all = edges(&live);
    for to in ["worker", "consumer"] {
        let ends = ("web".to_owned(), to.to_owned());
        let verdicts = BTreeMap::from([(Verdict::Connected, 1)]);
        assert_eq!(all.get(&ends), Some(&verdicts), "{all:?}");
    }
    assert_eq!(sums(&live), (2, 2, 0));
}

#[test]
fn calls_that_nobody_answered_are_listed_also_of_services_with_ids() {
    let live = Live::new(10);
    exchange(&live, 1);
    let address = [
        ("server.address", "booking"),
        ("http.request.method", "GET"),
    ];
    live.add_spans(span("producer", &trace(3), 5, 0, 3, &address).as_bytes());
    // an end with an id is listed with its edge, not here
    live.add_spans(span("producer", &trace(2), 1, 0, 4, &message("2")).as_bytes());
    assert!(live.audit());
    let held = live.held();
    let period = held.periods().get(0).expect("a period");
    let unjudged: Vec<(&str, u64)> = period
        .audit
        .notes
        .unjudged
        .iter()
        .map(|unjudged| (unjudged.service.as_str(), unjudged.count))
        .collect();
    assert_eq!(unjudged, [("producer", 1)]);
}
