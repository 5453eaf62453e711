//! Tests of the choice among contexts, of the sentences about refused headers, and of baggage.

use baton_propagators::{
    Extraction, FORMATS, Fault, HeaderList, Mode, OnConflict, Outcome, Propagation, Sampling,
    Select, XraySource, formats,
};
use serde::Deserialize;

const T1: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn lines<'de, T: Deserialize<'de>>(file: &'de str) -> impl Iterator<Item = T> {
    file.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
}

fn extract(list: &str, headers: &HeaderList) -> Extraction {
    let mode: Mode = list.parse().expect("a list of formats");
    Propagation::from(mode).extract(headers)
}

#[test]
fn a_refusal_is_a_sentence_that_says_what_and_where() {
    #[derive(Deserialize)]
    struct Refusal {
        format: String,
        headers: HeaderList,
        sentence: String,
    }
    for case in lines::<Refusal>(include_str!("data/refusals.jsonl")) {
        let extraction = extract(&case.format, &case.headers);
        let reject = extraction.candidates[0].reject().map(ToString::to_string);
        assert_eq!(reject, Some(case.sentence));
    }
}

#[test]
fn baggage_is_read_as_its_specification_says() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        headers: HeaderList,
        #[serde(default)]
        entries: Vec<(String, String, String)>,
        objection: Option<String>,
        malformed: Option<String>,
    }
    for case in lines::<Case>(include_str!("data/baggage.jsonl")) {
        let extraction = extract("baggage", &case.headers);
        let entries: Vec<_> = extraction
            .baggage
            .iter()
            .flat_map(|baggage| baggage.entries())
            .map(|entry| {
                (
                    entry.key.clone(),
                    entry.value.clone(),
                    entry.metadata.clone(),
                )
            })
            .collect();
        assert_eq!(entries, case.entries, "{}", case.id);
        let candidate = &extraction.candidates[0];
        let objection = candidate.objection.as_ref().map(ToString::to_string);
        assert_eq!(objection, case.objection, "{}", case.id);
        assert_eq!(
            candidate.reject().map(ToString::to_string),
            case.malformed,
            "{}",
            case.id
        );
        assert_eq!(
            extraction.chosen, None,
            "{}: baggage is not a context",
            case.id
        );
    }
}

#[test]
fn baggage_beyond_its_limits_is_cut_and_not_refused() {
    let many: Vec<_> = (0..65).map(|number| format!("k{number}=v")).collect();
    let extraction = extract("baggage", &HeaderList::from([("baggage", many.join(","))]));
    assert_eq!(extraction.baggage.map(|baggage| baggage.len()), Some(64));
    let objection = extraction.candidates[0]
        .objection
        .as_ref()
        .map(ToString::to_string);
    let expected = "baggage has more than 64 list members, at byte 374";
    assert_eq!(objection.as_deref(), Some(expected));

    let large = format!("a=1,b={},c=3", "x".repeat(8192));
    let extraction = extract("baggage", &HeaderList::from([("baggage", large)]));
    assert_eq!(extraction.baggage.map(|baggage| baggage.len()), Some(1));
    let objection = extraction.candidates[0]
        .objection
        .as_ref()
        .map(ToString::to_string);
    assert_eq!(
        objection.as_deref(),
        Some("baggage has more than 8192 bytes, at byte 4")
    );
}

#[test]
fn the_selection_takes_the_first_or_the_last_valid_format() {
    let headers = HeaderList::from([
        ("traceparent", T1),
        ("b3", "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1"),
    ]);
    for (list, select, format) in [
        ("tracecontext,b3", Select::Last, "b3"),
        ("tracecontext,b3", Select::First, "tracecontext"),
        ("b3,tracecontext", Select::Last, "tracecontext"),
        ("b3,tracecontext", Select::First, "b3"),
        ("b3,baggage,tracecontext", Select::Last, "tracecontext"),
    ] {
        let mode: Mode = list.parse().expect("a list of formats");
        let propagation = Propagation {
            select,
            ..Propagation::from(mode)
        };
        let extraction = propagation.extract(&headers);
        let continued = extraction.continued().map(|candidate| candidate.format);
        assert_eq!(continued, Some(format), "{list}, {select}");
    }
}

#[test]
fn a_malformed_format_never_wins_and_a_decision_alone_is_never_continued() {
    for b3 in ["garbage", "0", "1", "d"] {
        let headers = HeaderList::from([("traceparent", T1), ("b3", b3)]);
        let extraction = extract("tracecontext,b3", &headers);
        assert_eq!(extraction.chosen, Some(0), "b3: {b3}");
        assert_eq!(extraction.conflict, None, "b3: {b3}");
    }
    let extraction = extract("b3", &HeaderList::from([("b3", "0")]));
    assert!(matches!(
        extraction.candidates[0].outcome,
        Outcome::Valid(_)
    ));
    assert_eq!(extraction.candidates[0].sampled(), Some(false));
    assert_eq!(extraction.context(), None);
}

#[test]
fn a_conflict_is_kept_linked_or_restarted_on() {
    let other_trace = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0";
    let other_decision = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0";
    let agreeing = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
    // The setting, the value of b3, the continued trace, and the number of links.
    for (on_conflict, b3, continued, links) in [
        (
            OnConflict::Keep,
            other_trace,
            Some("463ac35c9f6413ad48485a3953bb6124"),
            0,
        ),
        (
            OnConflict::Link,
            other_trace,
            Some("463ac35c9f6413ad48485a3953bb6124"),
            1,
        ),
        (OnConflict::Restart, other_trace, None, 2),
        (
            OnConflict::Link,
            other_decision,
            Some("0af7651916cd43dd8448eb211c80319c"),
            0,
        ),
        (OnConflict::Restart, other_decision, None, 1),
        (
            OnConflict::Link,
            agreeing,
            Some("0af7651916cd43dd8448eb211c80319c"),
            0,
        ),
        (
            OnConflict::Restart,
            agreeing,
            Some("0af7651916cd43dd8448eb211c80319c"),
            0,
        ),
    ] {
        let mode: Mode = "tracecontext,b3".parse().expect("a list of formats");
        let propagation = Propagation {
            on_conflict,
            ..Propagation::from(mode)
        };
        let extraction = propagation.extract(&HeaderList::from([("traceparent", T1), ("b3", b3)]));
        let place = format!("{on_conflict}, {b3}");
        let trace_id = extraction
            .context()
            .map(|context| context.trace_id.to_string());
        assert_eq!(trace_id.as_deref(), continued, "{place}");
        assert_eq!(extraction.links(on_conflict).len(), links, "{place}");
        assert_eq!(extraction.chosen, Some(1), "{place}");
        assert_eq!(extraction.losers().count(), 1, "{place}");
    }
}

#[test]
fn a_deferred_decision_contradicts_nothing() {
    let headers = HeaderList::from([
        ("traceparent", T1),
        ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"),
    ]);
    let extraction = extract("tracecontext,b3", &headers);
    assert_eq!(extraction.conflict, None);
    let sampling = extraction.context().map(|context| context.sampling);
    assert_eq!(sampling, Some(Sampling::Deferred));
}

#[test]
fn later_formats_replace_earlier_baggage_by_name() {
    let headers = HeaderList::from([
        ("baggage", "user=alice,plan=free"),
        (
            "uber-trace-id",
            "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0:1",
        ),
        ("uberctx-user", "bob+the%20builder"),
    ]);
    for (list, user) in [
        ("baggage,jaeger", "bob the builder"),
        ("jaeger,baggage", "alice"),
        ("baggage", "alice"),
        ("jaeger", "bob the builder"),
    ] {
        let baggage = extract(list, &headers).baggage.expect("there is some");
        assert_eq!(baggage.get("user"), Some(user), "{list}");
        let plan = list.contains("baggage").then_some("free");
        assert_eq!(baggage.get("plan"), plan, "{list}");
    }
}

#[test]
fn lambdas_environment_is_a_source_only_when_asked_for_and_only_without_the_header() {
    const ROOT: &str = "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312";
    let off = format!("{ROOT};Sampled=0");
    let on = format!("{ROOT};Sampled=1");
    let none = HeaderList::new();
    let other = HeaderList::from([("traceparent", T1)]);
    let own = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
    let header = HeaderList::from([("X-Amzn-Trace-Id", own)]);
    // The setting, the list, the request, the environment, the continued header, and whether the
    // setting matters.
    for (source, list, request, environment, continued, bites) in [
        (XraySource::Header, "xray", &none, Some(&on), None, false),
        (XraySource::Environment, "xray", &none, None, None, false),
        (
            XraySource::Environment,
            "xray",
            &none,
            Some(&on),
            Some("_X_AMZN_TRACE_ID"),
            false,
        ),
        (
            XraySource::Environment,
            "xray",
            &none,
            Some(&off),
            Some("_X_AMZN_TRACE_ID"),
            true,
        ),
        (
            XraySource::Environment,
            "xray",
            &header,
            Some(&off),
            Some("x-amzn-trace-id"),
            false,
        ),
        (
            XraySource::Environment,
            "tracecontext",
            &other,
            Some(&off),
            Some("traceparent"),
            false,
        ),
        (
            XraySource::Environment,
            "xray,tracecontext",
            &other,
            Some(&off),
            Some("traceparent"),
            false,
        ),
        (
            XraySource::Environment,
            "tracecontext,xray",
            &other,
            Some(&off),
            Some("_X_AMZN_TRACE_ID"),
            true,
        ),
    ] {
        let propagation = Propagation {
            xray_source: source,
            ..Propagation::from(list.parse::<Mode>().expect("a list of formats"))
        };
        let extraction =
            propagation.extract_with_environment(request, environment.map(String::as_str));
        let place = format!("{source}, {list}, {request:?}, {environment:?}");
        let found = extraction.continued().map(|candidate| candidate.header);
        assert_eq!(found, continued, "{place}");
        let objections: Vec<_> = extraction
            .candidates
            .iter()
            .filter_map(|candidate| {
                candidate
                    .objection
                    .as_ref()
                    .map(|objection| objection.fault)
            })
            .collect();
        let expected = if bites {
            vec![Fault::EnvironmentUnsampled]
        } else {
            Vec::new()
        };
        assert_eq!(objections, expected, "{place}");
    }
}

#[test]
fn none_reads_and_writes_nothing() {
    let propagation = Propagation::from(Mode::NONE);
    let extraction = propagation.extract(&HeaderList::from([("traceparent", T1)]));
    assert!(extraction.candidates.is_empty());
    assert_eq!(extraction.context(), None);

    let outgoing = extract("tracecontext", &HeaderList::from([("traceparent", T1)]));
    let outgoing = outgoing.context().cloned().expect("a context").into();
    let mut headers = HeaderList::new();
    propagation.inject(&outgoing, &mut headers);
    assert!(headers.is_empty());
}

#[test]
fn cost_grows_with_the_size_of_the_headers_and_not_with_its_square() {
    let all = formats().collect::<Vec<_>>().join(",");
    // A count would need a clock. If each member were compared with each other, this long list
    // would not end in time, and the test would hang.
    for (name, member) in [
        ("tracestate", "a=1,"),
        ("tracestate", ","),
        ("baggage", "k=v,"),
        ("baggage", ","),
        ("b3", "-"),
        ("traceparent", "-"),
        ("uber-trace-id", ":"),
        ("uber-trace-id", "%3A"),
        ("x-amzn-trace-id", "Root=;"),
        ("x-datadog-trace-id", "1"),
        ("ot-tracer-traceid", "a"),
    ] {
        let headers = HeaderList::from([("traceparent", T1), (name, &member.repeat(2_000_000))]);
        let extraction = extract(&all, &headers);
        assert_eq!(extraction.candidates.len(), FORMATS.len());
    }
    // Many headers with one baggage entry each. Each kept entry costs at most one look at each
    // header.
    let many: HeaderList = (0..20_000)
        .map(|number| (format!("uberctx-k{number}"), "value"))
        .collect();
    let extraction = extract(&all, &many);
    assert_eq!(extraction.baggage.map(|baggage| baggage.len()), Some(64));
}
