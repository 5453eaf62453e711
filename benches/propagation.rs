//! What reading and writing a context costs: ours and the upstream crates side by side, in one run.
//!
//! `cargo bench --bench propagation` runs all; ids are `<operation>/<case>/<line>`. A case is a list of formats, what
//! arrives where that is not valid headers (`!absent`, `!malformed`, `!conflicting`, `+tracestate`), and the carrier where
//! that is not a map (`@http` headers, the JSON `@envelope` of a record, made or read along with the headers). Lines:
//!
//! - `native` and `otel`: from the same carrier to the same `Context`, or from it, each by its own call: `otel::extract` and
//!   `otel::inject` of ours, upstream's by OpenTelemetry's propagator trait, for it has no other.
//! - `native-trait`: ours by the trait too.
//! - `floor`: what no engine can do without. For extraction making a `Context` with a remote span context; for injection
//!   handing ready values to the carrier.
//! - `look-up`: asking the carrier, by the same trait, for the headers that say whether there is a context: one, and for
//!   B3 one of each encoding. Of valid headers, `look-ups`: for all that the format has to look at.
//! - `explained`: `Propagation::extract`, which keeps what every format found, and why.
//!
//! `buffer/tracecontext/parse` and `/format` are the header alone, in a buffer of the caller's.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use baton_propagators::baggage::Entry;
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
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::{self, SpanContext, TraceContextExt, TraceFlags, TraceState};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_propagator_b3::{B3Encoding, Propagator as B3};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

const T: &str = "0af7651916cd43dd8448eb211c80319c";
const S: &str = "b7ad6b7169203331";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_B3: &str = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1";
const BODY: &str = "{\"name\":\"Peter\",\"superpower\":\"spider-sense\"}";

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

/// The headers that say whether there is a context.
const DECISIVE: &[(&str, &[&str])] = &[
    ("tracecontext", &["traceparent"]),
    ("b3", &["b3", "x-b3-traceid"]),
    ("b3multi", &["b3", "x-b3-traceid"]),
];

/// The headers that have to be looked at where they are valid.
const LOOKED_AT: &[(&str, &[&str])] = &[
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

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Headers that are not what a list itself writes.
const OTHERS: &[(&str, &str, Headers<'static>)] = &[
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

fn propagation(mode: &str) -> Propagation {
    mode.parse::<Mode>().expect("a list of formats").into()
}

/// The engines that have a list's formats.
fn engines(mode: &str) -> Vec<(&'static str, Upstream)> {
    let native: Upstream = Box::new(Propagator::new(propagation(mode)));
    let otel = upstream(mode).map(|otel| ("otel", otel));
    [("native-trait", native)].into_iter().chain(otel).collect()
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
fn request(headers: Headers<'_>) -> HashMap<String, String> {
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
        baggage: Some([Entry::new("user", "alice")].into_iter().collect()),
    };
    propagation(mode).inject(&outgoing, &mut headers);
    headers
}

/// A list of headers as a carrier of the trait.
struct Listed<L>(L);

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

/// Measures one way to extract; that it finds a context, or none, is asserted inside, for every engine alike.
fn extract_line(
    group: &mut BenchmarkGroup<'_, WallTime>,
    line: &str,
    found: bool,
    extract: impl Fn(&Context) -> Context,
) {
    let root = Context::new();
    group.bench_function(line, |bencher| {
        bencher.iter(|| {
            let cx = extract(&root);
            assert_eq!(cx.has_active_span(), found);
            cx
        });
    });
}

/// One case with all carriers, and on the map with all lines.
fn extract_case(
    criterion: &mut Criterion,
    mode: &str,
    suffix: &str,
    map: &HashMap<String, String>,
    found: bool,
) {
    let engines = engines(mode);
    let propagation = propagation(mode);
    let mut group = criterion.benchmark_group(format!("extract/{mode}{suffix}"));
    for (engine, propagator) in &engines {
        extract_line(&mut group, engine, found, |root| {
            propagator.extract_with_context(root, black_box(map))
        });
    }
    extract_line(&mut group, "native", found, |root| {
        otel::extract(&propagation, black_box(map) as &dyn Getter, root)
    });
    group.bench_function("explained", |bencher| {
        bencher.iter(|| propagation.extract(black_box(map)));
    });
    if found {
        let (root, span_context) = (Context::new(), span_context());
        group.bench_function("floor", |bencher| {
            bencher.iter(|| root.with_remote_span_context(black_box(&span_context).clone()));
        });
    }
    let (line, names) = match suffix {
        "!absent" => ("look-up", DECISIVE),
        _ => ("look-ups", LOOKED_AT),
    };
    let names = names.iter().find(|(name, _)| *name == mode);
    if let Some((_, names)) = names.filter(|_| ["", "!absent"].contains(&suffix)) {
        group.bench_function(line, |bencher| {
            bencher.iter(|| {
                let carrier: &dyn Extractor = black_box(map);
                names.iter().filter_map(|name| carrier.get(name)).count()
            });
        });
    }
    group.finish();

    let http: HeaderMap = map.try_into().expect("headers");
    let mut group = criterion.benchmark_group(format!("extract/{mode}{suffix}@http"));
    for (engine, propagator) in &engines {
        extract_line(&mut group, engine, found, |root| {
            propagator.extract_with_context(root, &HeaderExtractor(black_box(&http)))
        });
    }
    extract_line(&mut group, "native", found, |root| {
        otel::extract(&propagation, black_box(&http), root)
    });
    group.finish();

    let list: HeaderList = map.clone().into_iter().collect();
    let record = envelope::encode(BODY, &list);
    let mut group = criterion.benchmark_group(format!("extract/{mode}{suffix}@envelope"));
    for (engine, propagator) in &engines {
        extract_line(&mut group, engine, found, |root| {
            let record = envelope::decode(black_box(record.as_bytes()));
            let headers = record.headers().expect("an envelope");
            propagator.extract_with_context(root, &Listed(headers))
        });
    }
    extract_line(&mut group, "native", found, |root| {
        let record = envelope::decode(black_box(record.as_bytes()));
        let headers = record.headers().expect("an envelope");
        otel::extract(&propagation, headers, root)
    });
    group.finish();
}

fn extract(criterion: &mut Criterion) {
    for mode in MODES {
        extract_case(criterion, mode, "", &valid(mode), *mode != "baggage");
        extract_case(criterion, mode, "!absent", &request(&[]), false);
    }
    for (mode, suffix, headers) in OTHERS {
        let found = *suffix != "!malformed";
        extract_case(criterion, mode, suffix, &request(headers), found);
    }
}

fn inject(criterion: &mut Criterion) {
    let cx = Context::new().with_remote_span_context(span_context());
    for mode in MODES.iter().filter(|mode| **mode != "baggage") {
        let engines = engines(mode);
        let propagation = propagation(mode);
        let mut group = criterion.benchmark_group(format!("inject/{mode}"));
        for (engine, propagator) in &engines {
            group.bench_function(*engine, |bencher| {
                let mut carrier: HashMap<String, String> = HashMap::with_capacity(16);
                bencher.iter(|| propagator.inject_context(black_box(&cx), &mut carrier));
                assert!(!carrier.is_empty());
            });
        }
        group.bench_function("native", |bencher| {
            let mut carrier: HashMap<String, String> = HashMap::with_capacity(16);
            bencher.iter(|| otel::inject(&propagation, black_box(&cx), &mut carrier));
            assert!(!carrier.is_empty());
        });
        group.bench_function("floor", |bencher| {
            let mut written = HeaderList::new();
            propagation.inject(&Outgoing::from(context()), &mut written);
            let mut map: HashMap<String, String> = HashMap::with_capacity(16);
            let carrier: &mut dyn Injector = &mut map;
            bencher.iter(|| {
                for (name, value) in black_box(&written).iter() {
                    carrier.set(name, value.to_owned());
                }
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("inject/{mode}@http"));
        for (engine, propagator) in &engines {
            group.bench_function(*engine, |bencher| {
                let mut headers = HeaderMap::with_capacity(16);
                bencher.iter(|| {
                    propagator.inject_context(black_box(&cx), &mut HeaderInjector(&mut headers));
                });
                assert!(!headers.is_empty());
            });
        }
        group.bench_function("native", |bencher| {
            let mut headers = HeaderMap::with_capacity(16);
            bencher.iter(|| otel::inject(&propagation, black_box(&cx), &mut headers));
            assert!(!headers.is_empty());
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("inject/{mode}@envelope"));
        for (engine, propagator) in &engines {
            group.bench_function(*engine, |bencher| {
                bencher.iter(|| {
                    let mut headers = HeaderList::new();
                    propagator.inject_context(black_box(&cx), &mut Listed(&mut headers));
                    envelope::encode(BODY, &headers)
                });
            });
        }
        group.bench_function("native", |bencher| {
            bencher.iter(|| {
                let mut headers = HeaderList::new();
                otel::inject(&propagation, black_box(&cx), &mut headers);
                envelope::encode(BODY, &headers)
            });
        });
        group.finish();
    }
}

fn buffer(criterion: &mut Criterion) {
    let context = context();
    let mut group = criterion.benchmark_group("buffer/tracecontext");
    group.bench_function("parse", |bencher| {
        let header = black_box(TRACEPARENT).as_bytes();
        bencher.iter(|| tracecontext::parse_traceparent(black_box(header)).expect("valid"));
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

/// Short measurements, since there are many lines, and those of a case should see the same machine.
fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
}

criterion_group! {
    name = benches;
    config = settings();
    targets = extract, inject, buffer
}
criterion_main!(benches);
