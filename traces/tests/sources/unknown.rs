//! If a source cannot show a figure, the figure is unknown and not 0.

use baton_traces::compare::Metric;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::measure::Measured;
use baton_traces::merge::Merge;
use baton_traces::readers::Form;
use baton_traces::run::RunDirectory;
use baton_traces::source::Source;
use serde_json::{Value, json};

use super::forms::every_form;
use super::measured;

fn figure(name: &str, source: &Measured) -> Option<f64> {
    Metric::from_name(name).expect(name).number(source)
}

#[test]
fn figures_that_a_form_cannot_hold_are_null_and_not_0() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, form, content) in every_form() {
        let source = measured(directory.path(), &content);
        let has_flags = !matches!(form, Form::Zipkin | Form::Jaeger | Form::XRay);
        // nothing in this run has baggage, and an export does not show whether baggage would be
        // recorded
        for (flag, told) in [
            ("sampled_changed", has_flags),
            ("tracestate_lost", has_flags),
            ("baggage_lost", false),
        ] {
            let metric = format!("record.{flag}");
            assert_eq!(figure(&metric, &source).is_some(), told, "{name}: {metric}");
            let json = serde_json::to_value(&source.summary).expect("JSON");
            let expected = if told { json!(0) } else { Value::Null };
            assert_eq!(json["flags"]["record"][flag], expected, "{name}: {metric}");
        }
        assert_eq!(
            figure("record.linked", &source).is_some(),
            form != Form::Zipkin,
            "{name}"
        );
        assert_eq!(figure("record.unsampled", &source), None, "{name}");
        assert!(figure("record.connected", &source).is_some(), "{name}");
        for metric in &source.summary.unknown {
            assert_eq!(figure(metric, &source), None, "{name}: {metric}");
        }
    }
}

#[test]
fn unknown_figures_of_an_export_stay_unknown_in_a_merged_run() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let client = RunDirectory::create(directory.path().join("client")).expect("room");
    let manifest = json!({"engine": "native", "settings": {"client": "none"}, "start": "2026-11-23T05:00:00Z"});
    let manifest = serde_json::from_value(manifest).expect("a manifest");
    client.write_manifest(&manifest).expect("room");
    for (name, form, content) in every_form() {
        if matches!(
            form,
            Form::OtlpJson | Form::OtlpProtobuf | Form::OtlpFrames | Form::OtlpDelimited
        ) {
            continue;
        }
        let alone = measured(directory.path(), &content);
        let sources = [
            Source::from(client.path()),
            Source::from(&*directory.path().join("export")),
        ];
        let merge = Merge::of(&sources).expect("a run and an export");
        let run = merge
            .write(&directory.path().join("merged"), &[])
            .expect("room");
        let merged = Measured::of_run(&run).expect("a run");
        for metric in ["linked", "sampled_changed", "tracestate_lost"] {
            let metric = format!("record.{metric}");
            assert_eq!(
                figure(&metric, &merged),
                figure(&metric, &alone),
                "{name}: {metric}"
            );
            assert_eq!(
                merged.summary.unknown.contains(&metric),
                alone.summary.unknown.contains(&metric),
                "{name}: {metric}"
            );
        }
        // the ids of an export do not tell them; a run's hand-offs do
        for metric in ["record.baggage_lost", "record.debug_lost"] {
            assert_eq!(figure(metric, &alone), None, "{name}: {metric}");
        }
    }
}

#[test]
fn the_senders_alone_lose_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |kind: u8, attributes: Value| {
        json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": format!("00f067aa0ba902b{kind}"), "kind": kind,
            "name": "step", "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000500000",
            "attributes": attributes,
        })
    };
    let status = json!({"key": "http.response.status_code", "value": {"intValue": "200"}});
    let client = span(3, json!([attribute("aws.request_id", "r1"), status]));
    let send = span(
        4,
        json!([
            attribute("messaging.message.id", "m1"),
            attribute("messaging.destination.name", "stream"),
        ]),
    );
    for (spans, hop, sentence) in [
        (
            [client],
            Hop::Ingress,
            "ingress cannot be judged: the source has only the clients' half, and nothing from the functions that they called",
        ),
        (
            [send],
            Hop::Record,
            "record cannot be judged: the source has only the producers' half, and nothing from the consumers",
        ),
    ] {
        let export = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
        let source = measured(directory.path(), format!("{export}\n").as_bytes());
        assert_eq!(source.summary.judged(hop), 0, "{:?}", source.summary.hops);
        assert_eq!(figure(&format!("{hop}.{}", Verdict::Lost), &source), None);
        let said = source
            .unknown
            .iter()
            .any(|unknown| unknown.sentence == sentence);
        assert!(said, "{:#?}", source.unknown);
        // what the clients' spans show is known
        let requests = source.summary.requests.map(|requests| requests.ok);
        assert_eq!(requests, (hop == Hop::Ingress).then_some(1));
    }
}

#[test]
fn the_sizes_of_headers_are_unknown_if_no_span_says_them() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let message = [
        text("messaging.message.id", "m1"),
        text("messaging.destination.name", "q"),
    ];
    let size = json!({"key": "baton.carrier_bytes", "value": {"intValue": "70"}});
    for (own, expected) in [(vec![], None), (vec![size], Some(70.0))] {
        let span = |service: &str, kind: u8, own: &[Value]| {
            let attributes = [&message[..], own].concat();
            json!({
                "resource": {"attributes": [text("service.name", service)]},
                "scopeSpans": [{"spans": [{
                    "traceId": format!("0af7651916cd43dd8448eb211c80319{kind}"), "spanId": format!("00f067aa0ba902b{kind}"),
                    "kind": kind, "name": "step", "attributes": attributes,
                }]}],
            })
        };
        let export = json!({"resourceSpans": [span("a", 4, &own), span("b", 5, &[])]});
        let source = measured(directory.path(), format!("{export}\n").as_bytes());
        assert_eq!(figure("record.new_trace", &source), Some(1.0));
        assert_eq!(figure("carrier_bytes", &source), expected);
        let is_unknown = source.summary.unknown.contains("carrier_bytes");
        assert_eq!(is_unknown, expected.is_none());
    }
}
