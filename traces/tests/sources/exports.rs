//! Exports written by other software (`tests/data/README.md`).

use std::collections::BTreeMap;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::measure::Measured;
use baton_traces::readers::Form;
use baton_traces::span::{AnyValue, Kind, Span, StatusCode, Want};

use super::{data, source};

/// The expected content of an export: spans, traces, whole hand-offs, and words about what it
/// cannot show.
struct Export {
    file: &'static str,
    form: Form,
    spans: u64,
    traces: u64,
    ingress: u64,
    record: u64,
    unknown: &'static [&'static str],
}

const EXPORTS: [Export; 12] = [
    Export {
        file: "zipkin/envoy.json",
        form: Form::Zipkin,
        spans: 1,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["1 hand-off of ingress not judged"],
    },
    Export {
        file: "zipkin/messaging.json",
        form: Form::Zipkin,
        spans: 4,
        traces: 1,
        ingress: 0,
        record: 1,
        unknown: &["matched by message ids", "linked is unknown"],
    },
    Export {
        file: "zipkin/messaging-kafka.json",
        form: Form::Zipkin,
        spans: 28,
        traces: 1,
        ingress: 0,
        record: 6,
        unknown: &[
            "ingress cannot be judged",
            "7 hand-offs of record not judged",
        ],
    },
    Export {
        file: "zipkin/simple-db-p6.json",
        form: Form::Zipkin,
        spans: 5,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["record cannot be judged"],
    },
    Export {
        // The client and the server share a span's id, and the server's clock is behind.
        file: "zipkin/skew.json",
        form: Form::Zipkin,
        spans: 4,
        traces: 1,
        ingress: 1,
        record: 0,
        unknown: &["record cannot be judged"],
    },
    Export {
        file: "zipkin/yelp.json",
        form: Form::Zipkin,
        spans: 16,
        traces: 1,
        // one trace has no server span, so its receiver is the first span of a service
        ingress: 4,
        record: 0,
        unknown: &["11 hand-offs of ingress not judged"],
    },
    Export {
        file: "jaeger/ui-trace.json",
        form: Form::Jaeger,
        spans: 2,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["3 hand-offs of ingress not judged"],
    },
    Export {
        // Its two spans have the same ids, so they count once.
        file: "jaeger/jaeger-query-out.json",
        form: Form::Jaeger,
        spans: 1,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &[
            "1 hand-off of ingress not judged",
            "Jaeger JSON keeps no tracestate",
        ],
    },
    Export {
        file: "otlp/jaeger-query-in.json",
        form: Form::OtlpJson,
        spans: 1,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["1 hand-off of ingress not judged"],
    },
    Export {
        file: "jaeger/hierarchy.json",
        form: Form::Jaeger,
        spans: 4,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["ingress cannot be judged: there are no server spans"],
    },
    Export {
        file: "jaeger/follows-from-orphan.json",
        form: Form::Jaeger,
        spans: 2,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["record cannot be judged: there are no consumer spans"],
    },
    Export {
        file: "otlp/opentelemetry-proto-example.json",
        form: Form::OtlpJson,
        spans: 1,
        traces: 1,
        ingress: 0,
        record: 0,
        unknown: &["1 hand-off of ingress not judged"],
    },
];

#[test]
fn every_export_is_read_and_judged() {
    for export in EXPORTS {
        let file = export.file;
        let source = source(&data(file));
        let reading = source.read(Want::Everything, &mut |_| {});
        let reading = reading.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (reading.form, reading.spans),
            (export.form, export.spans),
            "{file}"
        );
        assert!(
            reading.problems.is_empty(),
            "{file}: {:?}",
            reading.problems
        );

        let measured = Measured::of(&source).unwrap_or_else(|error| panic!("{error}"));
        let summary = &measured.summary;
        assert_eq!(summary.spans, Some(export.spans), "{file}");
        assert!(file.contains(&format!("/{}.", summary.name)), "{file}");
        assert_eq!(summary.traces, Some(export.traces), "{file}");
        for (hop, count) in [(Hop::Ingress, export.ingress), (Hop::Record, export.record)] {
            let connected = BTreeMap::from([(Verdict::Connected, count)]);
            let expected = if count == 0 {
                BTreeMap::new()
            } else {
                connected
            };
            assert_eq!(summary.hops[&hop], expected, "{file}, {hop}");
        }
        // There are no ids, so there are no figures that need them.
        assert_eq!((summary.requests, summary.records), (None, None), "{file}");
        assert_eq!(summary.latency_ms, Default::default(), "{file}");
        assert_eq!(
            (measured.request.count(), measured.end_to_end.count()),
            (0, 0)
        );
        for part in export.unknown {
            let said = measured
                .unknown
                .iter()
                .any(|unknown| unknown.sentence.contains(part));
            assert!(said, "{file}: {part} is not in {:#?}", measured.unknown);
        }
    }
}

/// The one span of that name.
fn with_span(file: &str, name: &str, check: impl Fn(&Span<'_>) + Sync) {
    let mut found = 0;
    let each = &mut |span: &Span<'_>| {
        if span.name == name {
            found += 1;
            check(span);
        }
    };
    source(&data(file))
        .read(Want::Everything, each)
        .expect(file);
    assert!(found > 0, "{file}: {name}");
}

#[test]
fn every_field_of_a_span_is_read() {
    with_span("zipkin/messaging.json", "next-message", |span| {
        assert_eq!(span.kind, Kind::Consumer);
        assert_eq!(span.service, "backend");
        assert_eq!(span.reference.span_id.to_string(), "e457b5a2e4d86bd1");
        let parent = span.parent_span_id.map(|id| id.to_string());
        assert_eq!(parent.as_deref(), Some("05e3ac9a4f6e3b90"));
        let start = span.start.map(|start| start.as_nanoseconds());
        assert_eq!(start, Some(1_521_186_011_929_043_000));
        assert_eq!(span.duration(), Some(std::time::Duration::from_micros(14)));
        let queue = ("rabbit.queue".into(), AnyValue::Text("backend".into()));
        assert!(span.other_attributes.contains(&queue));
    });
    with_span("zipkin/envoy.json", "localhost:10000", |span| {
        let trace = span.reference.trace_id.to_string();
        assert_eq!(trace, "0000000000000000978883983d506fa5");
        // The server's half of a shared span. The client's half, which has the same id, is not in
        // the export.
        assert_eq!(span.reference.span_id.to_string(), "978883983d506fa5");
        assert_eq!(
            (span.parent_span_id, span.parent_is_remote),
            (None, Some(true))
        );
    });
    with_span("jaeger/ui-trace.json", "471418097747d04a", |span| {
        assert_eq!(
            (span.kind, span.service),
            (Kind::Client, "3c220036602f839e")
        );
        assert_eq!(span.status.code, StatusCode::Error);
        let parent = span.parent_span_id.map(|id| id.to_string());
        assert_eq!(parent.as_deref(), Some("7606ddfe69932d34"));
    });
    with_span("jaeger/jaeger-query-out.json", "okey-dokey-0", |span| {
        assert_eq!((span.kind, span.service), (Kind::Server, "telemetrygen"));
        let peer = ("net.peer.ip".into(), AnyValue::Text("1.2.3.4".into()));
        assert!(span.other_attributes.contains(&peer));
    });
}
