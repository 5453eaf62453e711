//! Tests of the headers that each scenario sends.

use std::collections::HashSet;

use crate::plan::scenario::Side;

use super::*;

fn scenario(mode: &str) -> Scenario {
    Scenario::from(mode.parse::<Mode>().unwrap())
}

fn headers(scenario: &Scenario) -> Headers {
    assert_eq!(scenario.faults(Engine::Native), []);
    Headers::new(scenario, Engine::Native)
}

/// The headers, with `TRACE`, `LOW` and `SPAN` in place of the client's trace id, its low half and
/// its span id.
fn text(sent: &Sent, headers: &HeaderMap) -> Vec<String> {
    let words = |value: &str| {
        value
            .replace(&sent.trace_id.to_string(), "TRACE")
            .replace(&sent.trace_id.to_string()[16..], "LOW")
            .replace(&sent.span_id.to_string(), "SPAN")
    };
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", words(value.to_str().unwrap())))
        .collect();
    lines.sort();
    lines
}

fn first(scenario: &Scenario) -> Vec<String> {
    let (sent, headers) = headers(scenario).next(0, &mut Rng::with_seed(7));
    text(&sent, &headers)
}

#[test]
fn each_mode_sends_its_own_headers() {
    let cases: &[(&str, &[&str])] = &[
        ("tracecontext", &["traceparent: 00-TRACE-SPAN-01"]),
        ("b3", &["b3: TRACE-SPAN-1"]),
        (
            "b3multi",
            &[
                "x-b3-sampled: 1",
                "x-b3-spanid: SPAN",
                "x-b3-traceid: TRACE",
            ],
        ),
        (
            "tracecontext,b3",
            &["b3: TRACE-SPAN-1", "traceparent: 00-TRACE-SPAN-01"],
        ),
        (
            "tracecontext,baggage",
            &["baggage: client=baton", "traceparent: 00-TRACE-SPAN-01"],
        ),
        ("none", &[]),
    ];
    for (mode, expected) in cases {
        assert_eq!(first(&scenario(mode)), *expected, "{mode}");
    }
}

#[test]
fn the_first_format_is_the_clients_own_and_the_others_differ_in_one_thing() {
    type Differs = fn(trace: bool, span: bool, state: &str) -> bool;
    let cases: [(Conflict, Differs); 4] = [
        (Conflict::Agree, |trace, span, state| {
            trace && span && state == "1"
        }),
        (Conflict::Trace, |trace, span, state| {
            !trace && span && state == "1"
        }),
        (Conflict::Span, |trace, span, state| {
            trace && !span && state == "1"
        }),
        (Conflict::Sampled, |trace, span, state| {
            trace && span && state == "0"
        }),
    ];
    for (conflict, differs) in cases {
        let headers = headers(&Scenario {
            conflict: Some(conflict),
            ..scenario("tracecontext,baggage,b3,b3multi")
        });
        let (sent, headers) = headers.next(0, &mut Rng::with_seed(7));
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let (trace_id, span_id) = (sent.trace_id.to_string(), sent.span_id.to_string());
        assert_eq!(header("traceparent"), format!("00-{trace_id}-{span_id}-01"));
        let b3 = header("b3");
        let [trace, span, state] = b3.split('-').collect::<Vec<_>>()[..] else {
            panic!("{b3}")
        };
        assert!(
            differs(trace == trace_id, span == span_id, state),
            "{conflict:?}: {headers:?}"
        );
        let multi = ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"].map(header);
        assert_eq!(
            multi,
            [trace, span, state],
            "the others agree among themselves"
        );
    }
}

#[test]
fn decisions_are_sent_as_the_formats_can() {
    for (sampling, traceparent, b3) in [
        (
            Sampling::Keep,
            "traceparent: 00-TRACE-SPAN-01",
            "b3: TRACE-SPAN-1",
        ),
        (
            Sampling::Drop,
            "traceparent: 00-TRACE-SPAN-00",
            "b3: TRACE-SPAN-0",
        ),
        (
            Sampling::Debug,
            "traceparent: 00-TRACE-SPAN-01",
            "b3: TRACE-SPAN-d",
        ),
        (
            Sampling::Deferred,
            "traceparent: 00-TRACE-SPAN-00",
            "b3: TRACE-SPAN",
        ),
    ] {
        let scenario = Scenario {
            sampling,
            ..scenario("tracecontext,b3")
        };
        assert_eq!(first(&scenario), [b3, traceparent]);
    }
}

#[test]
fn b3_with_64_bits_is_the_clients_own_or_the_low_half_of_it() {
    let short = |mode| Scenario {
        b3_64_bit_ids: true,
        ..scenario(mode)
    };
    let (sent, map) = headers(&short("b3,tracecontext")).next(0, &mut Rng::with_seed(7));
    assert!(sent.trace_id.is_64_bit());
    let own = ["b3: LOW-SPAN-1", "traceparent: 00-TRACE-SPAN-01"];
    assert_eq!(text(&sent, &map), own);
    let (sent, map) = headers(&short("tracecontext,b3")).next(0, &mut Rng::with_seed(7));
    assert!(!sent.trace_id.is_64_bit());
    assert_eq!(text(&sent, &map), own, "the low half of a whole id");
    assert!(first(&short("b3multi")).contains(&"x-b3-traceid: LOW".to_owned()));
}

#[test]
fn the_random_flag_and_an_empty_parent_are_sent_where_they_are_asked_for() {
    let random = Scenario {
        random_flag: true,
        ..scenario("tracecontext")
    };
    assert_eq!(first(&random), ["traceparent: 00-TRACE-SPAN-03"]);
    let empty = Scenario {
        b3_empty_parent: true,
        ..scenario("b3multi")
    };
    assert!(first(&empty).contains(&"x-b3-parentspanid: ".to_owned()));
}

#[test]
fn one_side_is_broken_and_the_other_is_whole() {
    for (side, whole, broken) in [
        (Side::First, "b3", "traceparent"),
        (Side::Last, "traceparent", "b3"),
    ] {
        let headers = headers(&Scenario {
            malformed: Some(Malformed {
                percent: 50.0,
                side,
                defect: None,
            }),
            ..scenario("tracecontext,b3")
        });
        let mut rng = Rng::with_seed(7);
        let mut defects = HashSet::new();
        let name = if broken == "b3" { "b3" } else { "tracecontext" };
        let of_format = baton_propagators::formats::find(name).unwrap().defects();
        for number in 0..400 {
            let (sent, map) = headers.next(number, &mut rng);
            let lines = text(&sent, &map);
            let is_whole = |name: &str| {
                let whole = match name {
                    "b3" => "b3: TRACE-SPAN-1",
                    _ => "traceparent: 00-TRACE-SPAN-01",
                };
                lines.iter().filter(|line| *line == whole).count() == 1
            };
            assert!(is_whole(whole), "{lines:?}");
            assert_eq!(is_whole(broken), sent.defect.is_none(), "{lines:?}");
            assert_eq!(sent.defect.is_some(), number % 2 == 1);
            defects.extend(sent.defect.map(HeaderDefect::name));
        }
        assert_eq!(defects.len(), of_format.len(), "{defects:?}");
    }
}

#[test]
fn a_named_defect_is_the_one_sent() {
    let scenario = Scenario {
        malformed: Some(Malformed {
            percent: 100.0,
            side: Side::First,
            defect: Some(HeaderDefect::Undefined),
        }),
        ..scenario("tracecontext,b3")
    };
    assert_eq!(
        first(&scenario),
        ["b3: TRACE-SPAN-1", "traceparent: undefined"]
    );
}

#[test]
fn a_duplicate_is_sent_twice_with_one_value() {
    let scenario = Scenario {
        malformed: Some(Malformed {
            percent: 100.0,
            side: Side::First,
            defect: Some(HeaderDefect::Duplicate),
        }),
        ..scenario("tracecontext,b3")
    };
    let (sent, map) = headers(&scenario).next(0, &mut Rng::with_seed(7));
    let values: Vec<_> = map.get_all("traceparent").iter().collect();
    assert_eq!(values.len(), 2, "{values:?}");
    assert_eq!(values[0], values[1]);
    assert_eq!(map.get_all("b3").iter().count(), 1);
    assert_eq!(sent.defect, Some(HeaderDefect::Duplicate));
}

#[test]
fn the_span_has_what_was_sent_with_it() {
    let with = |mode| Scenario {
        name: Some("all of it".into()),
        baggage: Some("a=1,b=2".into()),
        tracestate: Some("vendor=1".into()),
        sampling: Sampling::Debug,
        ..scenario(mode)
    };
    let (sent, map) = headers(&with("tracecontext,baggage")).next(0, &mut Rng::with_seed(7));
    assert_eq!(
        (sent.baggage_entries, sent.scenario.as_deref()),
        (Some(2), Some("all of it"))
    );
    assert_eq!(
        (sent.trace_state.as_str(), sent.sampling),
        ("vendor=1", Sampling::Debug)
    );
    assert_eq!(
        (&map["tracestate"], &map["baggage"]),
        (&"vendor=1".parse().unwrap(), &"a=1,b=2".parse().unwrap())
    );

    let elsewhere = Scenario {
        conflict: Some(Conflict::Trace),
        ..with("b3,tracecontext,baggage")
    };
    let (sent, map) = headers(&elsewhere).next(0, &mut Rng::with_seed(7));
    assert_eq!(
        sent.trace_state.as_str(),
        "",
        "it is not in the client's own context"
    );
    assert_eq!(map["tracestate"], "vendor=1");
}

#[test]
fn headers_are_written_by_the_engine_of_the_plan() {
    let headers = Headers::new(&scenario("tracecontext"), Engine::Otel);
    let (_, headers) = headers.next(0, &mut Rng::with_seed(7));
    let upstream_always_writes = headers.get("tracestate");
    assert!(upstream_always_writes.is_some(), "{headers:?}");
}

#[test]
fn every_request_is_a_trace_of_its_own() {
    let (headers, mut rng) = (headers(&scenario("none")), Rng::with_seed(7));
    let sent: Vec<Sent> = (0..10_000)
        .map(|number| headers.next(number, &mut rng).0)
        .collect();
    let traces: HashSet<TraceId> = sent.iter().map(|sent| sent.trace_id).collect();
    let spans: HashSet<SpanId> = sent.iter().map(|sent| sent.span_id).collect();
    assert_eq!((traces.len(), spans.len()), (sent.len(), sent.len()));
}

#[test]
fn zeros_are_not_drawn() {
    let mut candidates = [None, None, Some(3)].into_iter();
    assert_eq!(draw(|| candidates.next().flatten()), 3);
}

#[test]
fn upper_case_of_an_id_without_letters_is_another_defect() {
    let mut headers = HeaderMap::new();
    let digits = "00-12345678901234567890123456789012-1234567890123456-01";
    headers.insert("traceparent", digits.parse().unwrap());
    let format = baton_propagators::formats::find("tracecontext").unwrap();
    let done = break_headers(format, HeaderDefect::UpperCase, &mut headers);
    assert_eq!(done, Some(HeaderDefect::NotADigit));
}
