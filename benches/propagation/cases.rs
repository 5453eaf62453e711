//! The cases: lists of formats, headers and engines.

use std::collections::HashMap;

use baton_propagators::context::baggage::Entry;
use baton_propagators::{
    HeaderList, Mode, Outgoing, Propagation, Propagator, Sampling, SpanId, TraceContext, TraceId,
};
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::{self, SpanContext, TraceFlags, TraceState};
use opentelemetry_propagator_b3::{B3Encoding, Propagator as B3};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

pub(super) const T: &str = "0af7651916cd43dd8448eb211c80319c";
pub(super) const S: &str = "b7ad6b7169203331";
pub(super) const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
pub(super) const OTHER_B3: &str = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1";
pub(super) const BODY: &str = "{\"name\":\"Peter\",\"superpower\":\"spider-sense\"}";

/// The lists of formats to measure.
pub(super) const MODES: &[&str] = &[
    "tracecontext",
    "baggage",
    "b3",
    "b3multi",
    "jaeger",
    "xray",
    "datadog",
    "ottrace",
    "tracecontext,b3",
    "tracecontext,baggage,b3,b3multi",
];

/// The headers that show whether a context arrived.
pub(super) const DECISIVE: &[(&str, &[&str])] = &[
    ("tracecontext", &["traceparent"]),
    ("b3", &["b3", "x-b3-traceid"]),
    ("b3multi", &["b3", "x-b3-traceid"]),
];

/// The headers that a reader must look up if they are valid.
pub(super) const LOOKED_AT: &[(&str, &[&str])] = &[
    ("tracecontext", &["traceparent", "tracestate"]),
    ("b3", &["b3"]),
    (
        "b3multi",
        &[
            "b3",
            "x-b3-traceid",
            "x-b3-spanid",
            "x-b3-sampled",
            "x-b3-flags",
            "x-b3-parentspanid",
        ],
    ),
];

pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];

/// Headers that differ from what a list itself writes.
pub(super) const OTHERS: &[(&str, &str, Headers<'static>)] = &[
    (
        "tracecontext",
        "!malformed",
        &[(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01",
        )],
    ),
    (
        "b3",
        "!malformed",
        &[("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-1")],
    ),
    (
        "b3multi",
        "!malformed",
        &[("x-b3-traceid", T), ("x-b3-spanid", "b7ad6b716920333x")],
    ),
    (
        "tracecontext,b3",
        "!conflicting",
        &[("traceparent", TRACEPARENT), ("b3", OTHER_B3)],
    ),
    (
        "tracecontext,baggage,b3,b3multi",
        "!conflicting",
        &[
            ("traceparent", TRACEPARENT),
            ("b3", OTHER_B3),
            ("x-b3-traceid", T),
            ("x-b3-spanid", S),
        ],
    ),
    (
        "tracecontext",
        "+tracestate",
        &[
            ("traceparent", TRACEPARENT),
            ("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
        ],
    ),
];

pub(super) type Upstream = Box<dyn TextMapPropagator + Send + Sync>;

/// Upstream's propagator for a list, or `None` if upstream has none.
pub(super) fn upstream(mode: &str) -> Option<Upstream> {
    let mut all: Vec<Upstream> = Vec::new();
    for name in mode.split(',') {
        all.push(match name {
            "tracecontext" => Box::new(TraceContextPropagator::new()),
            "baggage" => Box::new(BaggagePropagator::new()),
            "b3" => Box::new(B3::with_encoding(B3Encoding::SingleHeader)),
            "b3multi" => Box::new(B3::with_encoding(B3Encoding::MultipleHeader)),
            _ => return None,
        });
    }
    if all.len() == 1 {
        return all.pop();
    }
    Some(Box::new(TextMapCompositePropagator::new(all)))
}

pub(super) fn propagation(mode: &str) -> Propagation {
    mode.parse::<Mode>().expect("a list of formats").into()
}

/// The engines that support all formats of a list.
pub(super) fn engines(mode: &str) -> Vec<(&'static str, Upstream)> {
    let native: Upstream = Box::new(Propagator::new(propagation(mode)));
    let otel = upstream(mode).map(|otel| ("otel", otel));
    [("native-trait", native)].into_iter().chain(otel).collect()
}

pub(super) fn context() -> TraceContext {
    TraceContext::new(
        TraceId::from_hex(T).expect("a trace id"),
        SpanId::from_hex(S).expect("a span id"),
        Sampling::Keep,
    )
}

pub(super) fn span_context() -> SpanContext {
    SpanContext::new(
        trace::TraceId::from_hex(T).expect("a trace id"),
        trace::SpanId::from_hex(S).expect("a span id"),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    )
}

/// A request's headers, including those that every request has.
pub(super) fn request(headers: Headers<'_>) -> HashMap<String, String> {
    let others = [
        ("host", "example.org"),
        ("user-agent", "bench/1"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
    ];
    let all = others.iter().chain(headers);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The headers that a list of formats writes.
pub(super) fn valid(mode: &str) -> HashMap<String, String> {
    let mut headers = request(&[]);
    let outgoing = Outgoing {
        context: Some(context()),
        baggage: Some([Entry::new("user", "alice")].into_iter().collect()),
    };
    propagation(mode).inject(&outgoing, &mut headers);
    headers
}

/// A list of headers as a carrier for OpenTelemetry's trait.
pub(super) struct Listed<L>(pub(super) L);

impl Extractor for Listed<&HeaderList> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name).collect()
    }
}

impl Injector for Listed<&mut HeaderList> {
    fn set(&mut self, key: &str, value: String) {
        self.0.push(key, value);
    }
}
