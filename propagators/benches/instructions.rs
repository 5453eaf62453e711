//! Counts the instructions for reading and writing a context, with valgrind. The counts are the
//! same on a busy machine and on a quiet one. `examples/instruction_counts.rs` compares them with
//! `instructions.json`.
//!
//! Counts that depend on a hash seed would differ between runs, so no carrier here has a seed.

// The macros of gungraun generate items without documentation.
#![allow(missing_docs)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;

use baton_propagators::formats::tracecontext;
use baton_propagators::{
    Extraction, HeaderList, Mode, Outgoing, Propagation, Propagator, Sampling, SpanId,
    TraceContext, TraceId, otel,
};
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};

/// A map without a seed, so that its order and cost are always the same.
type Map = HashMap<String, String, BuildHasherDefault<DefaultHasher>>;

const MIXED: &str = "tracecontext,b3";
const ALL: &str = "tracecontext,baggage,b3,b3multi,jaeger,xray,datadog,ottrace";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHERS: [(&str, &str); 4] = [
    ("host", "example.org"),
    ("user-agent", "bench/1"),
    ("accept", "*/*"),
    ("content-type", "application/json"),
];

fn reading(mode: &str) -> Propagation {
    mode.parse::<Mode>().expect("a list of formats").into()
}

fn context() -> TraceContext {
    TraceContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").expect("a trace id"),
        SpanId::from_hex("b7ad6b7169203331").expect("a span id"),
        Sampling::Keep,
    )
}

/// A mode, and a request with the headers of that mode.
fn valid(mode: &str) -> (Propagation, HeaderList) {
    let propagation = reading(mode);
    let mut headers = HeaderList::from(OTHERS);
    propagation.inject(&Outgoing::from(context()), &mut headers);
    (propagation, headers)
}

/// A mode, and a request without headers of that mode.
fn absent(mode: &str) -> (Propagation, HeaderList) {
    (reading(mode), HeaderList::from(OTHERS))
}

/// A mode, and a request whose headers are one character too long.
fn malformed(mode: &str) -> (Propagation, HeaderList) {
    let (propagation, headers) = valid(mode);
    let longer = |(name, value)| (name, format!("{value}0"));
    let headers = headers.iter().map(longer).collect();
    (propagation, headers)
}

/// A mode, and a request with its headers and a `tracestate`.
fn with_tracestate(mode: &str) -> (Propagation, HeaderList) {
    let (propagation, mut headers) = valid(mode);
    headers.push("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
    (propagation, headers)
}

fn over_http((propagation, headers): (Propagation, HeaderList)) -> (Propagator, HeaderMap) {
    let map: HashMap<String, String> = headers.into_iter().collect();
    let mut names: Vec<&String> = map.keys().collect();
    // The position of a header among the others should not differ between runs.
    names.sort_unstable();
    let mut http = HeaderMap::new();
    for name in names {
        let header: http::HeaderName = name.parse().expect("a name");
        http.insert(header, map[name].parse().expect("a value"));
    }
    (propagation.into(), http)
}

fn in_a_map((propagation, headers): (Propagation, HeaderList)) -> (Propagator, Map) {
    (propagation.into(), headers.into_iter().collect())
}

// With OpenTelemetry's trait, from HTTP headers.
#[library_benchmark(setup = over_http)]
#[bench::tracecontext(valid("tracecontext"))]
#[bench::tracestate(with_tracestate("tracecontext"))]
#[bench::b3(valid("b3"))]
#[bench::b3multi(valid("b3multi"))]
#[bench::mixed(valid(MIXED))]
#[bench::absent(absent(ALL))]
#[bench::malformed(malformed(MIXED))]
fn extract_http(
    (propagator, headers): (Propagator, HeaderMap),
) -> (Context, Propagator, HeaderMap) {
    let cx =
        propagator.extract_with_context(&Context::new(), &HeaderExtractor(black_box(&headers)));
    (cx, propagator, headers)
}

// With OpenTelemetry's trait, from a map.
#[library_benchmark(setup = in_a_map)]
#[bench::tracecontext(valid("tracecontext"))]
#[bench::b3(valid("b3"))]
#[bench::b3multi(valid("b3multi"))]
#[bench::absent(absent(MIXED))]
fn extract_map((propagator, headers): (Propagator, Map)) -> (Context, Propagator, Map) {
    let cx = propagator.extract_with_context(&Context::new(), black_box(&headers));
    (cx, propagator, headers)
}

// With our own function.
#[library_benchmark]
#[bench::tracecontext(valid("tracecontext"))]
#[bench::b3(valid("b3"))]
#[bench::b3multi(valid("b3multi"))]
#[bench::jaeger(valid("jaeger"))]
#[bench::xray(valid("xray"))]
#[bench::datadog(valid("datadog"))]
#[bench::ottrace(valid("ottrace"))]
#[bench::all(valid(ALL))]
fn extract_call((propagation, headers): (Propagation, HeaderList)) -> (Context, HeaderList) {
    let cx = otel::extract(&propagation, black_box(&headers), &Context::new());
    (cx, headers)
}

// All contexts that were found, with the reasons.
#[library_benchmark]
#[bench::all(valid(ALL))]
#[bench::malformed(malformed(ALL))]
fn explain((propagation, headers): (Propagation, HeaderList)) -> (Extraction, HeaderList) {
    let extraction = propagation.extract(black_box(&headers));
    (extraction, headers)
}

/// A propagator, and the context of a span.
fn sending(mode: &str) -> (Propagator, Context) {
    let cx = Context::new().with_remote_span_context(otel::span_context(&context()));
    (reading(mode).into(), cx)
}

// With OpenTelemetry's trait, into HTTP headers.
#[library_benchmark]
#[bench::tracecontext(sending("tracecontext"))]
#[bench::b3(sending("b3"))]
#[bench::b3multi(sending("b3multi"))]
fn inject_http((propagator, cx): (Propagator, Context)) -> (HeaderMap, Propagator, Context) {
    let mut headers = HeaderMap::new();
    propagator.inject_context(black_box(&cx), &mut HeaderInjector(&mut headers));
    (headers, propagator, cx)
}

// With our own function.
#[library_benchmark]
#[bench::tracecontext(sending("tracecontext"))]
#[bench::b3(sending("b3"))]
#[bench::b3multi(sending("b3multi"))]
#[bench::all(sending(ALL))]
fn inject_call((propagator, cx): (Propagator, Context)) -> (HeaderList, Propagator, Context) {
    let mut headers = HeaderList::new();
    otel::inject(propagator.propagation(), black_box(&cx), &mut headers);
    (headers, propagator, cx)
}

#[library_benchmark]
fn parse() -> Option<TraceContext> {
    tracecontext::parse_traceparent(black_box(TRACEPARENT.as_bytes())).ok()
}

#[library_benchmark]
#[bench::sampled(context())]
fn format(context: TraceContext) -> [u8; tracecontext::TRACEPARENT_BYTES] {
    let mut buffer = [0; tracecontext::TRACEPARENT_BYTES];
    tracecontext::format_traceparent(black_box(&context), &mut buffer);
    buffer
}

library_benchmark_group!(
    name = propagation,
    benchmarks = [
        extract_http,
        extract_map,
        extract_call,
        explain,
        inject_http,
        inject_call,
        parse,
        format
    ]
);

main!(
    // Only instructions are counted, because a cache would be simulated by a model.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = propagation
);
