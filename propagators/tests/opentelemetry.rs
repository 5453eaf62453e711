//! Tests of the formats as an OpenTelemetry propagator, with the SDK's spans in between.

use std::collections::HashMap;

use baton_propagators::{
    Engine, HeaderList, Mode, OnConflict, Outgoing, Propagation, Propagator, Sampling, SpanId,
    TraceContext, TraceId, otel,
};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

const T1: &str = "0af7651916cd43dd8448eb211c80319c";
const S1: &str = "b7ad6b7169203331";

fn propagation(list: &str) -> Propagation {
    list.parse::<Mode>().expect("a list of formats").into()
}

fn carrier(headers: &[(&str, &str)]) -> HashMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The headers that are sent below a span of the SDK when `headers` arrived.
fn below_a_span(
    list: &str,
    engine: Engine,
    sampler: Sampler,
    headers: &[(&str, &str)],
) -> HashMap<String, String> {
    let propagator = Propagator::new(Propagation {
        engine,
        ..propagation(list)
    });
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    let parent = propagator.extract_with_context(&Context::new(), &carrier(headers));
    let span = provider.tracer("test").start_with_context("span", &parent);
    let cx = parent.with_span(span);
    let mut written = HashMap::new();
    propagator.inject_context(&cx, &mut written);
    written
}

fn parent_based() -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::AlwaysOn))
}

#[test]
fn the_continued_context_becomes_the_remote_span() {
    let propagator = Propagator::new(propagation("tracecontext,b3"));
    let cx = propagator.extract_with_context(
        &Context::new(),
        &carrier(&[
            ("traceparent", &format!("00-{T1}-{S1}-03")),
            ("tracestate", "a=1,b=2"),
        ]),
    );
    let span = cx.span();
    let span_context = span.span_context();
    assert!(span_context.is_remote());
    assert_eq!(span_context.trace_id().to_string(), T1);
    assert_eq!(span_context.span_id().to_string(), S1);
    assert_eq!(span_context.trace_flags(), TraceFlags::new(0x03));
    assert_eq!(span_context.trace_state().header(), "a=1,b=2");
}

#[test]
fn without_a_valid_header_the_given_context_stays() {
    let span_context = SpanContext::new(
        opentelemetry::trace::TraceId::from(1),
        opentelemetry::trace::SpanId::from(2),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    );
    let before = Context::new().with_remote_span_context(span_context.clone());
    let propagator = Propagator::new(propagation("tracecontext,b3,baggage"));
    for headers in [&[][..], &[("b3", "0")], &[("traceparent", "garbage")]] {
        let after = propagator.extract_with_context(&before, &carrier(headers));
        assert_eq!(after.span().span_context(), &span_context, "{headers:?}");
    }
}

#[test]
fn a_debug_state_goes_on_below_our_span_and_counts_as_sampled() {
    for (list, headers) in [
        ("b3", [("b3", &*format!("{T1}-{S1}-d"))].as_slice()),
        (
            "b3multi",
            &[
                ("x-b3-traceid", T1),
                ("x-b3-spanid", S1),
                ("x-b3-flags", "1"),
            ],
        ),
    ] {
        let written = below_a_span(list, Engine::Native, parent_based(), headers);
        match list {
            "b3" => assert!(written["b3"].ends_with("-d"), "{written:?}"),
            _ => {
                assert_eq!(written["x-b3-flags"], "1");
                assert!(!written.contains_key("x-b3-sampled"));
            }
        }
        let written = below_a_span(
            "tracecontext,b3,b3multi",
            Engine::Native,
            parent_based(),
            headers,
        );
        assert!(written["traceparent"].ends_with("-01"), "{written:?}");
    }
}

#[test]
fn a_debug_state_does_not_leak_onto_another_trace() {
    let propagator = Propagator::new(propagation("b3"));
    let provider = SdkTracerProvider::builder().build();
    let parent = propagator.extract_with_context(
        &Context::new(),
        &carrier(&[("b3", &format!("{T1}-{S1}-d"))]),
    );
    let tracer = provider.tracer("test");
    let root = tracer.start_with_context("a new root", &Context::new());
    let mut written = HashMap::new();
    propagator.inject_context(&parent.with_span(root), &mut written);
    assert!(written["b3"].ends_with("-1"), "{written:?}");
}

#[test]
fn a_deferred_decision_is_made_by_our_span_and_passed_on_without_one() {
    let headers = [("b3", &*format!("{T1}-{S1}"))];
    for (sampler, state) in [(parent_based(), "-1"), (Sampler::AlwaysOff, "-0")] {
        let written = below_a_span("b3", Engine::Native, sampler, &headers);
        assert!(written["b3"].ends_with(state), "{written:?}");
    }
    let propagator = Propagator::new(propagation("b3"));
    let cx = propagator.extract_with_context(&Context::new(), &carrier(&headers));
    assert_eq!(otel::sampling(&cx), Some(Sampling::Deferred));
    let mut written = HashMap::new();
    propagator.inject_context(&cx, &mut written);
    assert_eq!(written["b3"], headers[0].1);
}

#[test]
fn the_random_flag_goes_on_even_where_the_sdk_drops_the_span() {
    for (sampler, flags) in [(parent_based(), "-03"), (Sampler::AlwaysOff, "-02")] {
        let headers = [("traceparent", &*format!("00-{T1}-{S1}-03"))];
        let written = below_a_span("tracecontext", Engine::Native, sampler, &headers);
        assert!(written["traceparent"].ends_with(flags), "{written:?}");
    }
}

#[test]
fn a_tracestate_goes_on_whole_although_the_sdk_cannot_hold_all_of_it() {
    // Valid in level 2, but the part after the at sign is too long for the crates.
    let tracestate = "tenant@a-very-long-system-name=1,b=2";
    let headers = [
        ("traceparent", &*format!("00-{T1}-{S1}-01")),
        ("tracestate", tracestate),
    ];
    let written = below_a_span("tracecontext", Engine::Native, parent_based(), &headers);
    assert_eq!(written["tracestate"], tracestate);
}

#[test]
fn otel_loses_what_the_upstream_crates_lose() {
    let headers = [("b3", &*format!("{T1}-{S1}-d"))];
    let written = below_a_span("b3", Engine::Otel, parent_based(), &headers);
    assert!(written["b3"].ends_with("-0"), "{written:?}");
    assert_eq!(
        written["x-b3-sampled"], "0",
        "a single header is never single upstream"
    );

    let headers = [("traceparent", &*format!("00-{T1}-{S1}-03"))];
    let written = below_a_span("tracecontext", Engine::Otel, parent_based(), &headers);
    assert!(written["traceparent"].ends_with("-01"), "{written:?}");
    assert_eq!(written["tracestate"], "");
}

#[test]
fn otel_takes_a_random_flag_for_a_deferred_decision_and_writes_a_refusal_without_a_context() {
    let mut context = TraceContext::new(
        TraceId::from_hex(T1).expect("a trace id"),
        SpanId::from_hex(S1).expect("a span id"),
        Sampling::Keep,
    );
    context.random = true;
    let propagation = Propagation {
        engine: Engine::Otel,
        ..propagation("b3")
    };
    let mut headers = HeaderList::new();
    propagation.inject(&context.into(), &mut headers);
    let expected = [
        ("b3", &*format!("{T1}-{S1}")),
        ("x-b3-traceid", T1),
        ("x-b3-spanid", S1),
    ];
    assert_eq!(headers, HeaderList::from(expected));

    let mut headers = HeaderList::new();
    propagation.inject(&Outgoing::default(), &mut headers);
    assert_eq!(
        headers,
        HeaderList::from([("b3", "0"), ("x-b3-sampled", "0")])
    );
}

#[test]
fn baggage_travels_only_where_it_is_listed() {
    let headers = [
        ("traceparent", &*format!("00-{T1}-{S1}-01")),
        ("baggage", "user=am%C3%A9lie;p=1,b=2"),
    ];
    for engine in [Engine::Native, Engine::Otel] {
        let propagator = Propagator::new(Propagation {
            engine,
            ..propagation("tracecontext,baggage")
        });
        let cx = propagator.extract_with_context(&Context::new(), &carrier(&headers));
        assert_eq!(
            cx.baggage().get("user").map(|value| value.as_str()),
            Some("amélie"),
            "{engine}"
        );
        let written = below_a_span("tracecontext,baggage", engine, parent_based(), &headers);
        let mut members: Vec<_> = written["baggage"].split(',').collect();
        members.sort_unstable();
        assert_eq!(members, ["b=2", "user=am%C3%A9lie;p=1"], "{engine}");
        let written = below_a_span("tracecontext", engine, parent_based(), &headers);
        assert!(!written.contains_key("baggage"), "{engine}");
    }
}

#[test]
fn contexts_that_do_not_win_become_links() {
    let headers = HeaderList::from([
        ("traceparent", format!("00-{T1}-{S1}-01")),
        (
            "b3",
            "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1".to_owned(),
        ),
    ]);
    let extraction = propagation("tracecontext,b3").extract(&headers);
    let spans = |on_conflict| -> Vec<String> {
        let links = otel::links(&extraction, on_conflict);
        assert!(links.iter().all(|link| link.is_remote() && link.is_valid()));
        links
            .iter()
            .map(|link| link.span_id().to_string())
            .collect()
    };
    assert_eq!(spans(OnConflict::Keep), [""; 0]);
    assert_eq!(spans(OnConflict::Link), [S1]);
    assert_eq!(spans(OnConflict::Restart), [S1, "a2fb4a1d1a96d312"]);
}

#[test]
fn outgoing_is_empty_outside_any_span() {
    assert_eq!(otel::outgoing(&Context::new()), Outgoing::default());
    assert_eq!(otel::sampling(&Context::new()), None);
}

#[test]
fn the_fields_are_those_of_the_formats_that_are_written() {
    let propagator = Propagator::new(Propagation {
        inject: "b3,b3multi,tracecontext".parse().expect("a mode"),
        ..propagation("baggage")
    });
    let fields: Vec<_> = propagator.fields().collect();
    let expected = [
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "traceparent",
        "tracestate",
    ];
    assert_eq!(fields, expected);
}

/// An extractor with a header whose value cannot be read, like the extractor for HTTP headers.
struct Unreadable(HashMap<String, String>, &'static str);

impl Extractor for Unreadable {
    fn get(&self, key: &str) -> Option<&str> {
        Extractor::get(&self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        Extractor::keys(&self.0)
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        if key == self.1 {
            return Some(Vec::new());
        }
        Extractor::get_all(&self.0, key)
    }
}

#[test]
fn a_header_the_extractor_cannot_read_is_not_absent() {
    let headers = carrier(&[("traceparent", &format!("00-{T1}-{S1}-01"))]);
    let propagator = Propagator::new(propagation("tracecontext"));
    for (header, continued) in [("tracestate", true), ("traceparent", false)] {
        let extractor = Unreadable(headers.clone(), header);
        let cx = propagator.extract_with_context(&Context::new(), &extractor);
        assert_eq!(cx.span().span_context().is_valid(), continued, "{header}");
        assert_eq!(cx.span().span_context().trace_state(), &TraceState::NONE);
    }
}

#[test]
fn baggage_that_the_extractor_cannot_read_is_left_out() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("ot-tracer-traceid", S1),
        ("ot-tracer-spanid", S1),
        ("ot-baggage-k", "o0\u{a0}"),
        ("ot-baggage-l", "read"),
        ("uberctx-k", "o0\u{a0}"),
        ("uberctx-l", "read"),
    ] {
        let value = http::HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        headers.insert(name, value);
    }
    for list in ["ottrace", "jaeger"] {
        let propagator = Propagator::new(propagation(list));
        let extractor = opentelemetry_http::HeaderExtractor(&headers);
        let cx = propagator.extract_with_context(&Context::new(), &extractor);
        let baggage: Vec<_> = cx.baggage().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(baggage, ["l"], "{list}");
    }
}
