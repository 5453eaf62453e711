//! Exports one run in every form. The verdicts are the same in every form that holds the necessary
//! fields.

use std::collections::BTreeMap;
use std::io::Write as _;

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::readers::Form;
use baton_traces::span::{AnyValue, Key, Kind, Span, Value as Judged, Want};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};

use super::{measured, read};

/// Spans as `(service, kind, trace, span, parent, id, link)`. An id is a digit that is repeated to
/// its length. `r…` is a request id, `m…` a message id.
type Row = (
    &'static str,
    u8,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const RUN: [Row; 18] = [
    // Everything is connected.
    ("client", 3, "1", "1", "", "r1", ""),
    ("producer", 2, "1", "2", "1", "r1", ""),
    ("producer", 4, "1", "3", "2", "m1", ""),
    ("consumer", 5, "1", "4", "3", "m1", ""),
    // Both receivers start new traces.
    ("client", 3, "2", "5", "", "r2", ""),
    ("producer", 2, "3", "6", "", "r2", ""),
    ("producer", 4, "3", "7", "6", "m2", ""),
    ("consumer", 5, "4", "8", "", "m2", ""),
    // The consumer's parent is the server's span. The record is delivered twice.
    ("client", 3, "5", "9", "", "r3", ""),
    ("producer", 2, "5", "a", "9", "r3", ""),
    ("producer", 4, "5", "b", "a", "m3", ""),
    ("consumer", 5, "5", "c", "a", "m3", ""),
    ("consumer", 5, "5", "d", "a", "m3", ""),
    // A link instead of a parent.
    ("producer", 4, "6", "e", "", "m4", ""),
    ("consumer", 5, "7", "f", "", "m4", "6e"),
    // Never delivered.
    ("producer", 4, "8", "12", "", "m5", ""),
    // Another client's context won.
    ("producer", 4, "9", "13", "", "m6", ""),
    ("consumer", 5, "a", "14", "99", "m6", ""),
];

fn id(digits: &str, length: usize) -> String {
    digits
        .chars()
        .cycle()
        .take(if digits.is_empty() { 0 } else { length })
        .collect()
}

fn run() -> Value {
    let spans = RUN.iter().enumerate().map(|(place, row)| {
        let (service, kind, trace, span, parent, key, link) = row;
        let start = 1_767_225_600_000_000_000 + place as u64 * 1_000_000;
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let mut attributes = vec![text("note", "<b>\u{1b}[31m")];
        if key.starts_with('r') {
            attributes.push(text("aws.request_id", key));
            let status = json!({"key": "http.response.status_code", "value": {"intValue": "200"}});
            attributes.push(status);
        } else {
            attributes.push(text("messaging.message.id", key));
            attributes.push(text("messaging.destination.name", "orders"));
            let operation = if *kind == 4 { "send" } else { "process" };
            attributes.push(text("messaging.operation.type", operation));
        }
        let links: Vec<_> = match link.split_at_checked(1) {
            Some((trace, span)) => vec![json!({"traceId": id(trace, 32), "spanId": id(span, 16)})],
            None => Vec::new(),
        };
        json!({"resource": {"attributes": [text("service.name", service)]}, "scopeSpans": [{"spans": [{
            "traceId": id(trace, 32), "spanId": id(span, 16), "parentSpanId": id(parent, 16), "kind": kind,
            "name": format!("{service} {key}"), "attributes": attributes, "links": links,
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 500_000).to_string(),
        }]}]})
    });
    json!({"resourceSpans": spans.collect::<Vec<_>>()})
}

/// Every span in the form of another backend.
fn translated(translate: impl Fn(&Span<'_>) -> Value + Sync) -> Vec<Value> {
    let mut spans = Vec::new();
    let otlp = run().to_string();
    read(otlp.as_bytes(), &mut |span| spans.push(translate(span))).expect("a run");
    spans
}

fn tags(span: &Span<'_>) -> Vec<(String, Value)> {
    let judged = span.attributes.iter().map(|(key, value)| {
        let value = match value {
            Judged::Text(text) => json!(text),
            Judged::Integer(number) => json!(number),
            Judged::Boolean(value) => json!(value),
        };
        (key.name().to_owned(), value)
    });
    let others = span
        .other_attributes
        .iter()
        .map(|(name, value)| match value {
            AnyValue::Text(text) => (name.to_string(), json!(text)),
            other => panic!("{other:?}"),
        });
    judged.chain(others).collect()
}

fn microseconds(span: &Span<'_>) -> u64 {
    span.start.map_or(0, |start| start.as_nanoseconds() / 1000)
}

fn kind(span: &Span<'_>) -> String {
    format!("{:?}", span.kind).to_lowercase()
}

fn zipkin(span: &Span<'_>) -> Value {
    let text = |value: Value| match value {
        Value::String(text) => json!(text),
        other => json!(other.to_string()),
    };
    let tags = tags(span)
        .into_iter()
        .map(|(name, value)| (name, text(value)));
    let mut zipkin = json!({
        "traceId": span.reference.trace_id, "id": span.reference.span_id, "name": span.name,
        "kind": kind(span).to_uppercase(), "timestamp": microseconds(span), "duration": 500,
        "localEndpoint": {"serviceName": span.service},
        "tags": tags.collect::<serde_json::Map<_, _>>(),
    });
    if let Some(parent) = span.parent_span_id {
        zipkin["parentId"] = json!(parent);
    }
    zipkin
}

fn jaeger(span: &Span<'_>) -> Value {
    let short = |id: String| id.trim_start_matches('0').to_owned();
    let trace = short(span.reference.trace_id.to_string());
    let reference = |kind: &str, trace: String, span: String| json!({"refType": kind, "traceID": trace, "spanID": span});
    let parent = span
        .parent_span_id
        .map(|id| reference("CHILD_OF", trace.clone(), short(id.to_string())));
    let links = span.links.iter().map(|link| {
        let to = link.to;
        reference(
            "FOLLOWS_FROM",
            short(to.trace_id.to_string()),
            short(to.span_id.to_string()),
        )
    });
    let references: Vec<_> = parent.into_iter().chain(links).collect();
    let mut tags: Vec<_> = tags(span)
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => json!({"key": key, "type": "string", "value": text}),
            number => json!({"key": key, "type": "int64", "value": number}),
        })
        .collect();
    tags.push(json!({"key": "span.kind", "type": "string", "value": kind(span)}));
    json!({
        "traceID": trace, "spanID": short(span.reference.span_id.to_string()), "operationName": span.name,
        "references": references, "startTime": microseconds(span), "duration": 500, "tags": tags, "logs": [],
        "processID": span.service,
    })
}

fn jaeger_answer() -> Value {
    let traces = translated(jaeger).into_iter().map(|span| {
        let processes = ["client", "producer", "consumer"]
            .map(|name| (name.to_owned(), json!({"serviceName": name})));
        json!({"traceID": span["traceID"], "spans": [span],
            "processes": serde_json::Map::from_iter(processes)})
    });
    json!({"data": traces.collect::<Vec<_>>(), "total": 0, "limit": 0, "offset": 0, "errors": null})
}

fn xray(span: &Span<'_>) -> Value {
    let (time, rest) = (
        &span.reference.trace_id.to_string()[..8],
        &span.reference.trace_id.to_string()[8..],
    );
    let start = microseconds(span) as f64 / 1e6;
    // The exporter writes indexed attributes as annotations and others as metadata.
    let (annotations, metadata): (Vec<_>, Vec<_>) = tags(span)
        .into_iter()
        .partition(|(name, _)| Key::from_name(name).is_some());
    let annotations = annotations
        .into_iter()
        .map(|(name, value)| (name.replace('.', "_"), value));
    let mut document = json!({
        "id": span.reference.span_id, "trace_id": format!("1-{time}-{rest}"), "name": span.service,
        "start_time": start, "end_time": start + 0.0005,
        "annotations": annotations.collect::<serde_json::Map<_, _>>(),
        "metadata": {"default": metadata.into_iter().collect::<serde_json::Map<_, _>>()},
    });
    match span.kind {
        Kind::Client => document["namespace"] = json!("remote"),
        Kind::Server => document["http"] = json!({"response": {"status": 200}}),
        _ => {}
    }
    if let Some(parent) = span.parent_span_id {
        document["parent_id"] = json!(parent);
    }
    json!({"Id": format!("1-{time}-{rest}"), "Segments": [{"Id": span.reference.span_id, "Document": document.to_string()}]})
}

fn protobuf() -> Vec<u8> {
    let request: ExportTraceServiceRequest = serde_json::from_value(run()).expect("a request");
    request.encode_to_vec()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    [&length.to_be_bytes(), message].concat()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 3).expect("memory")
}

/// The run in every form, by name.
pub(crate) fn every_form() -> Vec<(&'static str, Form, Vec<u8>)> {
    let otlp = run();
    let line = otlp.to_string();
    let lines = otlp["resourceSpans"].as_array().expect("a list").iter();
    let lines: String = lines
        .map(|spans| json!({"resourceSpans": [spans]}).to_string() + "\n")
        .collect();
    let pretty = serde_json::to_string_pretty(&otlp).expect("JSON");
    let list = format!("[{line},\n{{}}]");
    let spans_first: String = pretty.replace("\"resource\":", "\"later\":");
    let mut reordered: Value = serde_json::from_str(&spans_first).expect("JSON");
    for spans in reordered["resourceSpans"].as_array_mut().expect("a list") {
        // serde_json sorts maps, so `scopeSpans` comes before `zz`, which is renamed to `resource`
        // afterwards.
        spans["zz"] = spans["later"].take();
    }
    let reordered = serde_json::to_string_pretty(&reordered)
        .expect("JSON")
        .replace("\"zz\"", "\"resource\"");
    let message = protobuf();
    let delimited: ExportTraceServiceRequest = serde_json::from_value(run()).expect("a request");
    let zipkin_spans = translated(zipkin);
    let zipkin_traces: Vec<_> = zipkin_spans.iter().map(|span| json!([span])).collect();
    let x_ray = json!({"Traces": translated(xray), "UnprocessedTraceIds": []})
        .to_string()
        .into_bytes();
    vec![
        (
            "OTLP/JSON lines",
            Form::OtlpJson,
            lines.clone().into_bytes(),
        ),
        (
            "OTLP/JSON lines, zstd",
            Form::OtlpJson,
            zstd(lines.as_bytes()),
        ),
        (
            "OTLP/JSON lines, gzip",
            Form::OtlpJson,
            gzip(lines.as_bytes()),
        ),
        ("OTLP/JSON document", Form::OtlpJson, pretty.into_bytes()),
        (
            "OTLP/JSON document, resources last",
            Form::OtlpJson,
            reordered.into_bytes(),
        ),
        ("OTLP/JSON list", Form::OtlpJson, list.into_bytes()),
        (
            "Jaeger API v3",
            Form::OtlpJson,
            json!({"result": otlp}).to_string().into_bytes(),
        ),
        ("OTLP protobuf", Form::OtlpProtobuf, message.clone()),
        ("OTLP protobuf, gzip", Form::OtlpProtobuf, gzip(&message)),
        ("file exporter, proto", Form::OtlpFrames, framed(&message)),
        (
            "file exporter, proto, zstd",
            Form::OtlpFrames,
            framed(&zstd(&message)),
        ),
        (
            "file exporter, JSON, zstd",
            Form::OtlpFrames,
            framed(&zstd(line.as_bytes())),
        ),
        (
            "OTLP protobuf, delimited",
            Form::OtlpDelimited,
            delimited.encode_length_delimited_to_vec(),
        ),
        (
            "Zipkin spans",
            Form::Zipkin,
            json!(zipkin_spans).to_string().into_bytes(),
        ),
        (
            "Zipkin traces, zstd",
            Form::Zipkin,
            zstd(json!(zipkin_traces).to_string().as_bytes()),
        ),
        (
            "Jaeger answer",
            Form::Jaeger,
            jaeger_answer().to_string().into_bytes(),
        ),
        (
            "Jaeger answer, pretty",
            Form::Jaeger,
            serde_json::to_vec_pretty(&jaeger_answer()).expect("JSON"),
        ),
        ("X-Ray", Form::XRay, x_ray),
    ]
}

#[test]
fn the_verdicts_are_the_same_in_every_form() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ingress = BTreeMap::from([(Verdict::Connected, 2), (Verdict::NewTrace, 1)]);
    for (name, form, content) in every_form() {
        let reading = read(&content, &mut |_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (reading.form, reading.spans),
            (form, RUN.len() as u64),
            "{name}"
        );
        let measured = measured(directory.path(), &content);
        let summary = &measured.summary;
        assert_eq!(summary.hops[&Hop::Ingress], ingress, "{name}");
        // Zipkin and this X-Ray export have no links.
        let has_links = !matches!(form, Form::Zipkin | Form::XRay);
        let (linked, new_trace) = if has_links { (1, 1) } else { (0, 2) };
        let record = [
            // one record's parent is the span that was active when it was sent
            (Verdict::Connected, 2),
            (Verdict::Linked, linked),
            (Verdict::NewTrace, new_trace),
            (Verdict::WrongTrace, 1),
        ];
        let record: BTreeMap<_, _> = record.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(summary.hops[&Hop::Record], record, "{name}");
        // one record has no receiver here; an export does not show whether it was delivered
        let records = summary.records.expect(name);
        assert_eq!((records.delivered, records.lost), (None, None), "{name}");
        let requests = summary.requests.expect(name);
        assert_eq!((requests.sent, requests.ok), (3, 3), "{name}");
        assert_eq!(measured.request.count(), 3, "{name}");
        let latency = summary.latency_ms.request.expect(name);
        assert!((latency.max - 0.5).abs() < 0.002, "{name}: {}", latency.max);
        let said = |part: &str| {
            measured
                .unknown
                .iter()
                .any(|unknown| unknown.sentence.contains(part))
        };
        assert!(
            said("unsampled and lost are unknown"),
            "{name}: {:?}",
            measured.unknown
        );
        assert_eq!(
            said("linked is unknown"),
            form == Form::Zipkin,
            "{name}: {:?}",
            measured.unknown
        );
    }
}

#[test]
fn text_is_unchanged_to_the_last_byte() {
    for (name, _, content) in every_form() {
        let mut notes = 0;
        let each = &mut |span: &Span<'_>| {
            let note = ("note".into(), AnyValue::Text("<b>\u{1b}[31m".into()));
            notes += usize::from(span.other_attributes.contains(&note));
        };
        read(&content, each).expect(name);
        assert_eq!(notes, RUN.len(), "{name}");
    }
}

#[test]
fn links_and_tracestate_that_the_collector_wrote_as_zipkin_tags_are_found() {
    let (trace, span) = (id("6", 32), id("e", 16));
    let content = json!([{"traceId": id("7", 32), "id": "f", "tags": {
        "otlp.link.0": format!("{trace}|{span}|a=1|{{}}|0"), "w3c.tracestate": "b=2", "otel.status_code": "Error",
        "error": "no stock"}}]);
    let each = &mut |read: &Span<'_>| {
        assert_eq!(read.links[0].to.trace_id.to_string(), trace);
        assert_eq!(read.links[0].trace_state, "a=1");
        assert_eq!(read.trace_state, "b=2");
        assert_eq!(read.status.message, "no stock");
        assert_eq!(read.reference.span_id.to_string(), "000000000000000f");
    };
    let reading =
        baton_traces::readers::read(content.to_string().as_bytes(), "input", Want::Judging, each);
    assert_eq!(reading.expect("Zipkin").spans, 1);
}
