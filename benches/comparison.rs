//! The cost of reading and judging a generated run of 20,000 messages: spans per second, and bytes
//! of uncompressed OTLP/JSON per second. docs/performance.md has the figures for 1,000,000
//! messages.
//!
//! `cargo bench --bench comparison`

#[path = "../traces/examples/generate_run/generate.rs"]
mod generate;
#[path = "../traces/examples/generate_run/lines.rs"]
mod lines;

use std::io::Read as _;

use baton_traces::measure::Measured;
use baton_traces::run::RunDirectory;
use baton_traces::source::Source;
use baton_traces::span::Want;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MESSAGES: u64 = 20_000;

fn comparison(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let plan = generate::Plan {
        messages: MESSAGES,
        out: directory.path().join("run"),
        pairing: "tracecontext".parse().expect("a pairing"),
        broken_percent: 1.0,
        seed: 1,
    };
    generate::run(&plan).expect("a run");
    let run = RunDirectory::open(&plan.out).expect("a run");
    let spans = run.spans_path();
    let mut text = Vec::new();
    let compressed = std::fs::File::open(&spans).expect("spans");
    zstd::Decoder::new(compressed)
        .and_then(|mut decoder| decoder.read_to_end(&mut text))
        .expect("zstd");

    let cases = [
        ("run", Source::from(plan.out.as_path())),
        ("spans", Source::from(spans.as_path())),
    ];
    for throughput in [
        Throughput::Elements(5 * MESSAGES),
        Throughput::Bytes(text.len() as u64),
    ] {
        let unit = match throughput {
            Throughput::Elements(_) => "spans",
            _ => "bytes",
        };
        let mut group = criterion.benchmark_group(format!("compare/{unit}"));
        group.sample_size(10).throughput(throughput);
        for (case, source) in &cases {
            group.bench_function(format!("measure_{case}"), |bencher| {
                bencher.iter(|| Measured::of(source).expect("a source"));
            });
        }
        group.bench_function("read_everything", |bencher| {
            bencher.iter(|| {
                cases[1]
                    .1
                    .read(Want::Everything, &mut |_| {})
                    .expect("a source")
            });
        });
        group.finish();
    }
}

criterion_group!(benches, comparison);
criterion_main!(benches);
