//! What reading and writing a context costs: ours and the upstream crates side by side, in one run.
//!
//! `cargo bench -p baton-propagators --bench propagation` runs all; ids are `<operation>/<case>/<engine>`:
//!
//! - `extract/tracecontext/native`: from a map to a `Context`, by our own call (`otel::extract`, `otel::inject`), and
//!   `native-trait` by OpenTelemetry's propagator trait, where the carrier alone takes most of the time. `otel` is upstream,
//!   `floor` what making the `Context` alone costs, `look-up` what asking the carrier for the format's fields costs.
//! - `extract/tracecontext@http/…` from HTTP headers, `@envelope` from a record, its JSON included.
//! - `extract/tracecontext!absent/…`, `!malformed`, `!conflicting`: other headers than valid ones.
//! - `call/tracecontext/…`: `Propagation`'s calls, which keep what every format found; `buffer/tracecontext/…`: parsing and formatting alone.

use std::collections::HashMap;
use std::hint::black_box;

use baton_propagators::formats::tracecontext;
use baton_propagators::otel::{self, Propagator};
use baton_propagators::{
    Getter, HeaderList, Mode, Outgoing, Propagation, Sampling, SpanId, TraceContext, TraceId,
    envelope,
};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::{self, SpanContext, TraceContextExt, TraceFlags, TraceState};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_propagator_b3::{B3Encoding, Propagator as B3};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

const T: &str = "0af7651916cd43dd8448eb211c80319c";
const S: &str = "b7ad6b7169203331";

/// The lists of formats that are measured.
const MODES: &[&str] = &[
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

type Upstream = Box<dyn TextMapPropagator + Send + Sync>;

/// Upstream's propagator for a list; `None` where it has none.
fn upstream(mode: &str) -> Option<Upstream> {
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

fn native(mode: &str) -> Propagator {
    Propagator::new(propagation(mode))
}

fn propagation(mode: &str) -> Propagation {
    mode.parse::<Mode>().expect("a list of formats").into()
}

fn context() -> TraceContext {
    TraceContext::new(
        TraceId::from_hex(T).expect("a trace id"),
        SpanId::from_hex(S).expect("a span id"),
        Sampling::Keep,
    )
}

fn span_context() -> SpanContext {
    SpanContext::new(
        trace::TraceId::from_hex(T).expect("a trace id"),
        trace::SpanId::from_hex(S).expect("a span id"),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    )
}

/// A request's headers, with those that every request has.
fn request(headers: &[(&str, &str)]) -> HashMap<String, String> {
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

/// The headers that a list writes.
fn valid(mode: &str) -> HashMap<String, String> {
    let mut headers = request(&[]);
    let outgoing = Outgoing {
        context: Some(context()),
        baggage: Some(
            [baton_propagators::baggage::Entry::new("user", "alice")]
                .into_iter()
                .collect(),
        ),
    };
    propagation(mode).inject(&outgoing, &mut headers);
    headers
}

fn http(headers: &HashMap<String, String>) -> HeaderMap {
    headers.try_into().expect("headers")
}

/// A list of headers as upstream's extractor.
struct Headers<'a>(&'a HeaderList);

impl Extractor for Headers<'_> {
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

/// Whether a context was found is asserted inside, for every engine alike.
fn extract_from<E: Extractor>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    mode: &str,
    own: &dyn Getter,
    carrier: &E,
    found: Option<bool>,
) {
    let root = Context::new();
    let mut line = |engine: &str, propagator: &dyn TextMapPropagator| {
        group.bench_function(engine, |bencher| {
            bencher.iter(|| {
                let cx = propagator.extract_with_context(&root, black_box(carrier));
                if let Some(found) = found {
                    assert_eq!(cx.has_active_span(), found);
                }
                cx
            });
        });
    };
    line("native-trait", &native(mode));
    if let Some(upstream) = upstream(mode) {
        line("otel", &*upstream);
    }
    let propagation = propagation(mode);
    group.bench_function("native", |bencher| {
        bencher.iter(|| {
            let cx = otel::extract(&propagation, black_box(own), &root);
            if let Some(found) = found {
                assert_eq!(cx.has_active_span(), found);
            }
            cx
        });
    });
}

fn extract(criterion: &mut Criterion) {
    for mode in MODES {
        let carrier = valid(mode);
        let found = Some(*mode != "baggage");
        let mut group = criterion.benchmark_group(format!("extract/{mode}"));
        extract_from(&mut group, mode, &carrier, &carrier, found);
        let (root, span_context) = (Context::new(), span_context());
        group.bench_function("floor", |bencher| {
            bencher.iter(|| root.with_remote_span_context(black_box(&span_context).clone()));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("extract/{mode}@http"));
        let headers = http(&carrier);
        extract_from(
            &mut group,
            mode,
            &headers,
            &HeaderExtractor(&headers),
            found,
        );
        group.finish();

        let mut group = criterion.benchmark_group(format!("extract/{mode}!absent"));
        let absent = request(&[]);
        extract_from(&mut group, mode, &absent, &absent, None);
        let propagation = propagation(mode);
        let formats = propagation.extract.formats().iter();
        let fields: Vec<&str> = formats
            .flat_map(|format| format.fields())
            .copied()
            .collect();
        group.bench_function("look-up", |bencher| {
            bencher.iter(|| {
                let there = |name: &&&str| Getter::get(black_box(&absent), name).is_some();
                fields.iter().filter(there).count()
            });
        });
        group.bench_function("look-up-trait", |bencher| {
            bencher.iter(|| {
                let there = |name: &&&str| Extractor::get(black_box(&absent), name).is_some();
                fields.iter().filter(there).count()
            });
        });
        group.finish();
    }
    for mode in ["tracecontext", "b3", "tracecontext,b3"] {
        let list: HeaderList = valid(mode).into_iter().collect();
        let record = envelope::encode(
            "{\"name\":\"Peter\",\"superpower\":\"spider-sense\"}",
            &list,
        );
        let (native, upstream) = (native(mode), upstream(mode).expect("it has these"));
        let mut group = criterion.benchmark_group(format!("extract/{mode}@envelope"));
        for (engine, propagator) in [
            ("native", &native as &dyn TextMapPropagator),
            ("otel", &*upstream),
        ] {
            let root = Context::new();
            group.bench_function(engine, |bencher| {
                bencher.iter(|| {
                    let record = envelope::decode(black_box(record.as_bytes()));
                    let headers = Headers(record.headers().expect("an envelope"));
                    propagator.extract_with_context(&root, &headers)
                });
            });
        }
        group.finish();
    }
    let other = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1";
    for (case, mode, headers) in [
        (
            "tracecontext!malformed",
            "tracecontext",
            vec![(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01",
            )],
        ),
        (
            "b3!malformed",
            "b3",
            vec![("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-1")],
        ),
        (
            "b3multi!malformed",
            "b3multi",
            vec![("x-b3-traceid", T), ("x-b3-spanid", "b7ad6b716920333x")],
        ),
        (
            "tracecontext,b3!conflicting",
            "tracecontext,b3",
            vec![
                (
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ),
                ("b3", other),
            ],
        ),
        (
            "tracecontext,baggage,b3,b3multi!conflicting",
            "tracecontext,baggage,b3,b3multi",
            vec![
                (
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ),
                ("b3", other),
                ("x-b3-traceid", T),
                ("x-b3-spanid", S),
            ],
        ),
        (
            "tracecontext+tracestate",
            "tracecontext",
            vec![
                (
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ),
                ("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
            ],
        ),
    ] {
        let found = Some(!case.ends_with("malformed"));
        let mut group = criterion.benchmark_group(format!("extract/{case}"));
        let headers = request(&headers);
        extract_from(&mut group, mode, &headers, &headers, found);
        group.finish();
    }
}

fn inject(criterion: &mut Criterion) {
    let cx = Context::new().with_remote_span_context(span_context());
    for mode in MODES.iter().filter(|mode| **mode != "baggage") {
        let native = native(mode);
        let upstream = upstream(mode);
        let mut lines: Vec<(&str, &dyn TextMapPropagator)> = vec![("native-trait", &native)];
        if let Some(upstream) = &upstream {
            lines.push(("otel", &**upstream));
        }
        let propagation = propagation(mode);
        let mut group = criterion.benchmark_group(format!("inject/{mode}"));
        group.bench_function("native", |bencher| {
            let mut carrier: HashMap<String, String> = HashMap::with_capacity(16);
            bencher.iter(|| otel::inject(&propagation, black_box(&cx), &mut carrier));
            assert!(!carrier.is_empty());
        });
        for (engine, propagator) in &lines {
            group.bench_function(*engine, |bencher| {
                let mut carrier = HashMap::with_capacity(16);
                bencher.iter(|| propagator.inject_context(black_box(&cx), &mut carrier));
                assert!(!carrier.is_empty());
            });
        }
        group.finish();
        let mut group = criterion.benchmark_group(format!("inject/{mode}@http"));
        group.bench_function("native", |bencher| {
            let mut carrier = HeaderMap::with_capacity(16);
            bencher.iter(|| otel::inject(&propagation, black_box(&cx), &mut carrier));
            assert!(!carrier.is_empty());
        });
        for (engine, propagator) in &lines {
            group.bench_function(*engine, |bencher| {
                let mut carrier = HeaderMap::with_capacity(16);
                bencher.iter(|| {
                    propagator.inject_context(black_box(&cx), &mut HeaderInjector(&mut carrier));
                });
                assert!(!carrier.is_empty());
            });
        }
        group.finish();
    }
}

fn call(criterion: &mut Criterion) {
    for mode in MODES {
        let propagation = propagation(mode);
        let carrier = valid(mode);
        let headers = http(&carrier);
        let mut group = criterion.benchmark_group(format!("call/{mode}"));
        group.bench_function("extract", |bencher| {
            bencher.iter(|| propagation.extract(black_box(&carrier)));
        });
        group.bench_function("extract@http", |bencher| {
            bencher.iter(|| propagation.extract(black_box(&headers)));
        });
        let outgoing = Outgoing::from(context());
        group.bench_function("inject@http", |bencher| {
            let mut headers = HeaderMap::with_capacity(16);
            bencher.iter(|| propagation.inject(black_box(&outgoing), &mut headers));
        });
        group.finish();
    }
}

fn buffer(criterion: &mut Criterion) {
    let context = context();
    let mut buffer = [0; tracecontext::TRACEPARENT_BYTES];
    let header = tracecontext::format_traceparent(&context, &mut buffer).to_owned();
    let mut group = criterion.benchmark_group("buffer/tracecontext");
    group.bench_function("parse", |bencher| {
        bencher
            .iter(|| tracecontext::parse_traceparent(black_box(header.as_bytes())).expect("valid"));
    });
    group.bench_function("format", |bencher| {
        bencher.iter(|| {
            let mut buffer = [0; tracecontext::TRACEPARENT_BYTES];
            black_box(tracecontext::format_traceparent(
                black_box(&context),
                &mut buffer,
            ));
        });
    });
    group.finish();
}

criterion_group!(benches, extract, inject, call, buffer);
criterion_main!(benches);
