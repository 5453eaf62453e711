//! The lab's OTLP/HTTP collector, for spans from any program.

use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, Setup, answer};
use crate::support::{gzip, run};

async fn export(lab: &Lab, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let request = lab.client.post(&lab.addresses.otlp).body(body);
    answer(headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    }))
    .await
}

/// A protobuf field of the type LEN: <https://protobuf.dev/programming-guides/encoding/>.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("a short message");
    assert!(length < 128, "one byte has to do");
    [&[number << 3 | 2, length], content].concat()
}

/// An `ExportTraceServiceRequest` with one span.
fn protobuf(trace_id: u8, name: &str) -> Vec<u8> {
    let ids = [field(1, &[trace_id; 16]), field(2, &[trace_id; 8])].concat();
    // kind, a varint: CLIENT
    let span = [ids, field(5, name.as_bytes()), vec![6 << 3, 3]].concat();
    field(1, &field(2, &field(2, &span)))
}

fn json_request(trace_id: u8, name: &str) -> Vec<u8> {
    let digits = format!("{trace_id:02x}");
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "elsewhere"}}]},
        "scopeSpans": [{"spans": [{"traceId": digits.repeat(16), "spanId": digits.repeat(8), "name": name, "kind": 3,
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001"}]}],
    }]})
    .to_string()
    .into_bytes()
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

#[tokio::test]
async fn every_encoding_arrives() {
    let mut lab = Setup::new().start().await;
    for (headers, body, answered) in [
        (&[PROTOBUF][..], protobuf(0x1a, "plain protobuf"), ""),
        (
            &[PROTOBUF, GZIP],
            gzip(&protobuf(0x2b, "packed protobuf")),
            "",
        ),
        (&[JSON], json_request(0x3c, "plain JSON"), "{}"),
        (
            &[JSON, GZIP],
            gzip(&json_request(0x4d, "packed JSON")),
            "{}",
        ),
        (
            &[("content-type", "application/json; charset=utf-8")],
            json_request(0x5e, "JSON with a charset"),
            "{}",
        ),
    ] {
        let answer = export(&lab, headers, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, answered),
            "{headers:?}: {answer:?}"
        );
        let content_type = headers[0].1.split(';').next().expect("a type");
        assert_eq!(
            answer.content_type, content_type,
            "an answer is encoded as its request"
        );
    }
    assert_eq!(lab.status().await["spans"], 5);
    lab.stop_well().await;
    let found: Vec<_> = run::spans(&lab.saved)
        .into_iter()
        .map(|span| (span.name, span.trace_id, span.span_id, span.kind))
        .collect();
    let expected = [
        ("plain protobuf", "1a"),
        ("packed protobuf", "2b"),
        ("plain JSON", "3c"),
        ("packed JSON", "4d"),
        ("JSON with a charset", "5e"),
    ]
    .map(|(name, digits)| (name.to_owned(), digits.repeat(16), digits.repeat(8), 3));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_body_that_is_not_an_export_is_refused_with_a_reason() {
    let mut lab = Setup::new().start().await;
    let good = json_request(0x1a, "never");
    // packs 70 MiB into a few kilobytes
    let bomb = gzip(&vec![b' '; 70 * 1024 * 1024]);
    for (name, headers, body, status, reason) in [
        (
            "no type",
            &[][..],
            good.clone(),
            415,
            "content-type is \"\"",
        ),
        (
            "another type",
            &[("content-type", "text/plain")],
            good.clone(),
            415,
            "application/x-protobuf or application/json",
        ),
        (
            "garbage protobuf",
            &[PROTOBUF],
            b"\xff\xff\xff".to_vec(),
            400,
            "is not an ExportTraceServiceRequest",
        ),
        (
            "JSON as protobuf",
            &[PROTOBUF],
            good.clone(),
            400,
            "is not an ExportTraceServiceRequest",
        ),
        (
            "garbage JSON",
            &[JSON],
            b"{\"resourceSpans\":7}".to_vec(),
            400,
            "expected a sequence at line 1 column 18",
        ),
        (
            "half JSON",
            &[JSON],
            good[..50].to_vec(),
            400,
            "EOF while parsing",
        ),
        (
            "protobuf as JSON",
            &[JSON],
            protobuf(0x1a, "never"),
            400,
            "in JSON",
        ),
        (
            "garbage gzip",
            &[JSON, GZIP],
            good.clone(),
            400,
            "not valid gzip",
        ),
        (
            "half gzip",
            &[JSON, GZIP],
            gzip(&good)[..40].to_vec(),
            400,
            "not valid gzip",
        ),
        (
            "a bomb",
            &[JSON, GZIP],
            bomb,
            413,
            "unpacks to more than 67108864 bytes",
        ),
        (
            "another encoding",
            &[JSON, ("content-encoding", "br")],
            good.clone(),
            400,
            "only gzip is understood",
        ),
    ] {
        let answer = export(&lab, headers, body).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(answer.body.contains(reason), "{name}: {answer:?}");
        assert_eq!(
            export(&lab, &[JSON], "{}").await.status,
            200,
            "{name}: the collector goes on"
        );
    }
    assert_eq!(lab.status().await["spans"], 0);
    lab.accepted("{}").await;
    lab.stop_well().await;
    assert_eq!(run::spans(&lab.saved).len(), 4, "only the functions' own");
}

#[tokio::test]
async fn spans_with_invalid_ids_are_refused_and_the_others_kept() {
    let mut lab = Setup::new().start().await;
    let good = ("1a".repeat(16), "1a".repeat(8));
    for (name, trace_id, span_id) in [
        ("a short trace id", "1a1b".to_owned(), good.1.clone()),
        ("a long trace id", "1a".repeat(17), good.1.clone()),
        ("a trace id of zeros", "0".repeat(32), good.1.clone()),
        ("no trace id", String::new(), good.1.clone()),
        ("a short span id", good.0.clone(), "1a".to_owned()),
        ("a span id of zeros", good.0.clone(), "0".repeat(16)),
        ("no span id", good.0.clone(), String::new()),
    ] {
        let span = |trace_id: &str, span_id: &str| {
            json!({"traceId": trace_id, "spanId": span_id, "name": name, "kind": 3,
                "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000001"})
        };
        let spans = [span(&trace_id, &span_id), span(&good.0, &good.1)];
        let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
        let answer = export(&lab, &[JSON], body.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let success: Value = serde_json::from_str(&answer.body).expect("JSON");
        let success = &success["partialSuccess"];
        assert_eq!(success["rejectedSpans"], "1", "{name}: {answer:?}");
        assert!(
            success["errorMessage"]
                .as_str()
                .is_some_and(|text| text.contains("trace id")),
            "{name}: {answer:?}"
        );
    }
    // rejected_spans, a varint, is the first field of partial_success, which is the first of the
    // answer
    let ids = [field(1, &[0x1a; 16]), field(2, &[0; 8])].concat();
    let body = field(1, &field(2, &field(2, &ids)));
    let answer = export(&lab, &[PROTOBUF], body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.body.starts_with('\n') && answer.body[2..].starts_with("\u{8}\u{1}"),
        "{answer:?}"
    );

    lab.accepted("{}").await;
    let summary = lab.stop_and_sum_up().await;
    let (kept, own): (Vec<_>, Vec<_>) = run::spans(&lab.saved)
        .into_iter()
        .partition(|span| span.service.is_empty());
    assert_eq!([kept.len(), own.len()], [7, 4], "{kept:?}");
    assert!(kept.iter().all(|span| span.ids() == good), "{kept:?}");
    assert_eq!(summary["records"]["delivered"], 1, "{summary}");
    assert_eq!(summary["problems"], json!([]), "{summary}");
}
