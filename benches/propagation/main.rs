//! The cost of reading and writing a context: baton and the upstream crates side by side, in one
//! run.
//!
//! `cargo bench --bench propagation` runs all cases. Their ids are `<operation>/<case>/<line>`. A
//! case is a list of formats, then the headers unless they are valid (`!absent`, `!malformed`,
//! `!conflicting`, `+tracestate`), then the carrier unless it is a map (`@http` headers, the JSON
//! `@envelope` of a record, which is made or parsed as well). The lines are:
//!
//! - `native` and `otel`: between the same carrier and the same `Context`. `native` uses baton's
//!   own calls, `otel::extract` and `otel::inject`. `otel` uses OpenTelemetry's propagator trait,
//!   because upstream has no other call.
//! - `native-trait`: baton through that trait.
//! - `floor`: the least possible. For extraction, making a `Context` with a remote span context.
//!   For injection, giving finished values to the carrier.
//! - `look-up`: asking the carrier, through the same trait, for the headers that show whether a
//!   context arrived: one, or for B3 one of each encoding. `look-ups`, for valid headers: asking
//!   for all headers that the format needs.
//! - `explained`: `Propagation::extract`, which keeps what every format found, and why.
//!
//! `buffer/tracecontext/parse` and `/format` convert the header alone, in a buffer of the caller.

mod cases;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use baton_propagators::formats::tracecontext;
use baton_propagators::lambda::envelope;
use baton_propagators::{Getter, HeaderList, Outgoing, otel};
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};

use cases::{
    BODY, DECISIVE, LOOKED_AT, Listed, MODES, OTHERS, TRACEPARENT, context, engines, propagation,
    request, span_context, valid,
};

/// Measures one way to extract. It asserts, for every engine in the same way, that extraction finds
/// a context or finds none.
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

/// One case with all carriers; for the map, with all lines.
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

/// Measurements are short, because there are many lines, and all lines of a case should run while
/// the machine is in the same state.
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
