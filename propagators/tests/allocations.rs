//! Counts heap allocations. Reading allocates only for a `Context` and a present `tracestate`;
//! writing allocates only what the carrier does. OpenTelemetry's carriers also allocate when they
//! are asked for a value.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;

use baton_propagators::formats::tracecontext::{
    TRACEPARENT_BYTES, format_traceparent, parse_traceparent,
};
use baton_propagators::{
    HeaderList, Mode, Outgoing, Propagation, Propagator, Sampling, Setter, SpanId, TraceContext,
    TraceId, otel,
};
use http::HeaderMap;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with a count per thread, because tests run in parallel.
struct Counting;

// SAFETY: every call is passed to the system's allocator unchanged; the count is a thread-local
// without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller follows the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller follows the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller follows the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The number of allocations during `work`, and its result.
fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.with(Cell::get);
    let result = work();
    (ALLOCATIONS.with(Cell::get) - before, result)
}

const WITHOUT_BAGGAGE: &[&str] = &[
    "tracecontext",
    "b3",
    "b3multi",
    "xray",
    "datadog",
    "tracecontext,b3",
    "tracecontext,b3,b3multi,xray,datadog",
];

fn propagation(list: &str) -> Propagation {
    list.parse::<Mode>().expect("a list of formats").into()
}

fn context() -> TraceContext {
    TraceContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").expect("a trace id"),
        SpanId::from_hex("b7ad6b7169203331").expect("a span id"),
        Sampling::Keep,
    )
}

fn headers(list: &str) -> HeaderList {
    let mut headers = HeaderList::new();
    propagation(list).inject(&Outgoing::from(context()), &mut headers);
    headers
}

#[test]
fn the_counter_counts() {
    let (count, _) = allocations(|| vec![1_u8, 2, 3]);
    assert_eq!(count, 1);
}

#[test]
fn reading_allocates_nothing() {
    for list in WITHOUT_BAGGAGE {
        let propagation = propagation(list);
        let list_of_headers = headers(list);
        let map: HashMap<String, String> = list_of_headers.clone().into_iter().collect();
        let http: HeaderMap = (&map).try_into().expect("headers");
        let malformed: HeaderList = list_of_headers
            .iter()
            .map(|(name, value)| (name, format!("{value}x")))
            .collect();
        for (case, carrier) in [
            ("list", &list_of_headers as &dyn baton_propagators::Getter),
            ("map", &map),
            ("http", &http),
            ("absent", &HeaderList::new()),
            ("malformed", &malformed),
        ] {
            let (count, extraction) = allocations(|| propagation.extract(carrier));
            assert_eq!(count, 0, "{list}, {case}: {extraction:?}");
        }
    }
}

#[test]
fn reading_into_a_context_allocates_no_more_than_making_the_context() {
    let root = Context::new();
    let span_context = SpanContext::new(
        opentelemetry::trace::TraceId::from(1),
        opentelemetry::trace::SpanId::from(2),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let (floor, _) = allocations(|| root.with_remote_span_context(span_context));
    for list in WITHOUT_BAGGAGE {
        let (propagation, headers) = (propagation(list), headers(list));
        let (count, cx) = allocations(|| otel::extract(&propagation, &headers, &root));
        assert!(cx.span().span_context().is_valid(), "{list}");
        assert_eq!(count, floor, "{list}");
    }
}

#[test]
fn through_the_trait_reading_allocates_only_the_context_and_what_the_carrier_allocates() {
    let root = Context::new();
    let span_context = otel::span_context(&context());
    let (floor, _) = allocations(|| root.with_remote_span_context(span_context));
    const B3MULTI: &[&str] = &[
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-b3-parentspanid",
    ];
    for (list, valid, absent) in [
        (
            "tracecontext",
            &["traceparent", "tracestate"][..],
            &["traceparent"][..],
        ),
        ("b3", &["b3"], &["b3", "x-b3-traceid"]),
        ("b3multi", B3MULTI, &["b3", "x-b3-traceid"]),
        (
            "tracecontext,b3",
            &["b3"],
            &["b3", "x-b3-traceid", "traceparent"],
        ),
    ] {
        let propagator = Propagator::new(propagation(list));
        let map: HashMap<String, String> = headers(list).into_iter().collect();
        let http: HeaderMap = (&map).try_into().expect("headers");
        let (no_map, no_http) = (HashMap::new(), HeaderMap::new());
        for (case, carrier, asked, made) in [
            ("map", &map as &dyn Extractor, valid, floor),
            ("http", &HeaderExtractor(&http), valid, floor),
            ("no map", &no_map, absent, 0),
            ("no http", &HeaderExtractor(&no_http), absent, 0),
        ] {
            let look_ups: usize = asked
                .iter()
                .map(|name| allocations(|| carrier.get_all(name)).0)
                .sum();
            let (count, cx) = allocations(|| propagator.extract_with_context(&root, carrier));
            assert_eq!(cx.has_active_span(), made > 0, "{list}, {case}");
            assert_eq!(count, look_ups + made, "{list}, {case}");
        }
    }
}

#[test]
fn through_the_trait_writing_allocates_one_per_value_and_what_the_carrier_allocates() {
    let cx = Context::new().with_remote_span_context(otel::span_context(&context()));
    for list in WITHOUT_BAGGAGE {
        let propagator = Propagator::new(propagation(list));
        // Large enough not to grow.
        let (mut map, mut http) = (HashMap::with_capacity(32), HeaderMap::with_capacity(32));
        propagator.inject_context(&cx, &mut map);
        propagator.inject_context(&cx, &mut HeaderInjector(&mut http));
        for (case, carrier) in [
            ("map", &mut map as &mut dyn Injector),
            ("http", &mut HeaderInjector(&mut http)),
        ] {
            let mut set = 0;
            for (name, value) in headers(list) {
                set += 1 + allocations(|| carrier.set(&name, value)).0;
            }
            let (count, ()) = allocations(|| propagator.inject_context(&cx, carrier));
            assert_eq!(count, set, "{list}, {case}");
        }
    }
}

#[test]
fn baggage_is_not_made_where_it_is_not_written() {
    let cx = Context::new()
        .with_remote_span_context(otel::span_context(&context()))
        .with_baggage([KeyValue::new("user", "alice")]);
    let mut map: HashMap<String, String> = HashMap::new();
    let propagation = propagation("tracecontext");
    otel::inject(&propagation, &cx, &mut map);
    let (count, ()) = allocations(|| otel::inject(&propagation, &cx, &mut map));
    assert_eq!(count, 0);
}

#[test]
fn a_tracestate_takes_one_allocation() {
    let mut headers = headers("tracecontext");
    headers.push("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
    let propagation = propagation("tracecontext");
    let (count, extraction) = allocations(|| propagation.extract(&headers));
    assert!(
        extraction
            .context()
            .is_some_and(|context| !context.tracestate.is_empty())
    );
    assert_eq!(count, 1);
}

#[test]
fn writing_itself_allocates_nothing() {
    /// A carrier that does not allocate.
    #[derive(Default)]
    struct Bytes(usize);

    impl Setter for Bytes {
        fn set(&mut self, name: &str, value: &str) {
            self.0 += name.len() + value.len();
        }
    }

    let outgoing = Outgoing::from(context());
    for list in WITHOUT_BAGGAGE.iter().chain(&["jaeger", "ottrace"]) {
        let propagation = propagation(list);
        let mut carrier = Bytes::default();
        let (count, ()) = allocations(|| propagation.inject(&outgoing, &mut carrier));
        assert!(carrier.0 > 0, "{list}");
        assert_eq!(count, 0, "{list}");

        let cx = Context::new().with_remote_span_context(otel::span_context(&context()));
        let (count, ()) = allocations(|| otel::inject(&propagation, &cx, &mut carrier));
        assert_eq!(count, 0, "{list}");
    }
}

#[test]
fn writing_over_a_map_allocates_nothing() {
    let propagation = propagation("tracecontext,b3,b3multi");
    let mut map: HashMap<String, String> = HashMap::new();
    propagation.inject(&Outgoing::from(context()), &mut map);
    let (count, ()) = allocations(|| propagation.inject(&Outgoing::from(context()), &mut map));
    assert_eq!(count, 0);
}

#[test]
fn parsing_and_formatting_allocate_nothing() {
    let mut buffer = [0; TRACEPARENT_BYTES];
    let (count, parsed) = allocations(|| {
        let header = format_traceparent(&context(), &mut buffer);
        parse_traceparent(header.as_bytes())
    });
    assert_eq!(parsed, Ok(context()));
    assert_eq!(count, 0);
}
