//! Zipkin v2 JSON: the lab accepts it from any program, and the functions can send it.

use serde_json::{Value, json};

use crate::support::command::Sandbox;
use crate::support::gzip;
use crate::support::lab::{Answer, Lab, Setup, answer};
use crate::support::run::{self, kind};
use crate::support::server::Server;

const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

async fn export(lab: &Lab, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let request = lab.client.post(&lab.addresses.zipkin).body(body);
    let with = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    answer(headers.iter().fold(request, with)).await
}

fn list(trace_id: &str, service: &str) -> Vec<u8> {
    json!([{
        "traceId": trace_id, "id": "00f067aa0ba902b7", "parentId": "a2fb4a1d1a96d312", "kind": "CONSUMER",
        "name": "get record", "timestamp": 1_700_000_000_000_000_u64, "duration": 1500,
        "localEndpoint": {"serviceName": service, "ipv4": "192.0.2.1", "port": 8080},
        "remoteEndpoint": {"serviceName": "stream", "ipv6": "2001:db8::1"},
        "tags": {"messaging.message.id": "7", "custom.tag.name": "Kate", "error": "no such key"},
        "annotations": [{"timestamp": 1_700_000_000_000_100_u64, "value": "retried"}],
    }])
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn spans_of_other_programs_join_the_run() {
    let mut lab = Setup::new().start().await;
    for (headers, body) in [
        (&[JSON][..], list(&"1a".repeat(16), "elsewhere")),
        (&[JSON, GZIP], gzip(&list(&"2b".repeat(16), "elsewhere"))),
        (
            &[("content-type", "application/json; charset=utf-8")],
            list("3c3c3c3c3c3c3c3c", "elsewhere"),
        ),
        (&[], list(&"4d".repeat(16), "somewhere")),
        (&[JSON], b"[]".to_vec()),
    ] {
        let answer = export(&lab, headers, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (202, ""),
            "{headers:?}"
        );
    }
    assert_eq!(lab.status().await["spans"], 4);
    lab.stop_well().await;
    let spans = run::spans(&lab.saved);
    let ids: Vec<_> = spans
        .iter()
        .map(|span| (span.trace_id.as_str(), span.service.as_str()))
        .collect();
    assert_eq!(
        ids,
        [
            (&*"1a".repeat(16), "elsewhere"),
            (&*"2b".repeat(16), "elsewhere"),
            (
                &*format!("{}{}", "0".repeat(16), "3c".repeat(8)),
                "elsewhere"
            ),
            (&*"4d".repeat(16), "somewhere"),
        ]
    );
    let span = &spans[0];
    assert_eq!(
        (span.kind, span.name.as_str()),
        (kind::CONSUMER, "get record")
    );
    assert_eq!(
        (span.span_id.as_str(), span.parent_span_id.as_str()),
        ("00f067aa0ba902b7", "a2fb4a1d1a96d312")
    );
    for (attribute, value) in [
        ("messaging.message.id", json!("7")),
        ("custom.tag.name", json!("Kate")),
        ("error", json!("no such key")),
        ("network.local.address", json!("192.0.2.1")),
        ("network.local.port", json!(8080)),
        ("network.peer.address", json!("2001:db8::1")),
        ("peer.service", json!("stream")),
        ("baton.span.format", json!("zipkin")),
    ] {
        assert_eq!(span.attributes.get(attribute), Some(&value), "{attribute}");
    }
    let shown = lab
        .sandbox
        .run(["traces", &"1a".repeat(16), "saved", "--format", "json"])
        .await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for words in ["retried", "2023-11-14T22:13:20.0015Z", "no such key"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
}

#[tokio::test]
async fn a_body_that_is_not_a_list_of_spans_is_refused_with_a_reason() {
    let mut lab = Setup::new().start().await;
    let good = list(&"1a".repeat(16), "never");
    let text = String::from_utf8(good.clone()).expect("text");
    let second_is_broken = format!(
        "{},{}",
        text.trim_end_matches(']'),
        r#"{"traceId":"zz","id":"1"}]"#
    );
    let protobuf = [("content-type", "application/x-protobuf")];
    // packs 70 MiB into a few kilobytes
    let bomb = gzip(&vec![b' '; 70 * 1024 * 1024]);
    for (name, headers, body, status, reason) in [
        (
            "protobuf",
            &protobuf[..],
            good.clone(),
            415,
            "only Zipkin's JSON",
        ),
        (
            "garbage",
            &[JSON],
            b"spans".to_vec(),
            400,
            "not a list of Zipkin v2 spans",
        ),
        (
            "half",
            &[JSON],
            good[..50].to_vec(),
            400,
            "not a list of Zipkin v2 spans",
        ),
        (
            "a broken span after a good one",
            &[JSON],
            second_is_broken.into_bytes(),
            400,
            "a trace id of up to 32 hex digits",
        ),
        (
            "OTLP",
            &[JSON],
            br#"{"resourceSpans":[]}"#.to_vec(),
            400,
            "not a list of Zipkin v2 spans",
        ),
        (
            "garbage gzip",
            &[JSON, GZIP],
            good.clone(),
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
    }
    assert_eq!(lab.status().await["spans"], 0);
    assert_eq!(export(&lab, &[JSON], good).await.status, 202, "it goes on");
    lab.stop_well().await;
    assert_eq!(run::spans(&lab.saved).len(), 1);
}

/// The result of `baton compare` for one run per list of exporters, under a pairing that breaks and
/// one that holds.
async fn compared(exporters: &[&str], variables: &[(&str, &str)]) -> Value {
    let sandbox = Sandbox::new();
    let pairings = ["tracecontext", "tracecontext:b3"];
    for exporter in exporters {
        let load = ["--requests", "20", "--users", "2"];
        let arguments = [&["run"], &pairings[..], &load, &["--out", exporter]].concat();
        let mut command = sandbox.baton(arguments);
        command
            .env("OTEL_TRACES_EXPORTER", exporter)
            .env("BATON_FLUSH_TIMEOUT", "30000")
            .envs(variables.iter().copied());
        let finished = crate::support::command::ended(command.spawn().expect("it starts")).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    let sources = exporters.iter().flat_map(|exporter| {
        [
            format!("{exporter}/tracecontext"),
            format!("{exporter}/tracecontext_to_b3"),
        ]
    });
    let arguments: Vec<_> = sources.collect();
    let arguments = ["compare"]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .chain(["--format", "json"]);
    sandbox.run(arguments).await.json()
}

/// The sentences about unknown figures that contain these words.
fn unknown<'a>(compared: &'a Value, words: &str) -> Vec<&'a str> {
    let sentences = compared["unknown"].as_array().expect("a list");
    let sentences = sentences.iter().filter_map(Value::as_str);
    sentences
        .filter(|sentence| sentence.contains(words))
        .collect()
}

#[tokio::test]
async fn functions_that_export_zipkin_get_the_verdicts_of_otlp() {
    let compared = compared(&["otlp", "zipkin", "otlp,zipkin"], &[]).await;
    let runs = compared["runs"].as_array().expect("runs");
    for (pairing, verdict) in [(0, "connected"), (1, "new_trace")] {
        let otlp = &runs[pairing];
        assert_eq!(otlp["hops"]["record"], json!({ verdict: 20 }), "{otlp}");
        for other in [&runs[2 + pairing], &runs[4 + pairing]] {
            for figure in ["requests", "records", "hops", "carrier_bytes"] {
                assert_eq!(other[figure], otlp[figure], "{figure}: {other}");
            }
        }
        assert_eq!(runs[4 + pairing]["flags"], otlp["flags"], "OTLP tells all");
        let zipkin = &runs[2 + pairing]["flags"]["record"];
        assert_eq!(zipkin["tracestate_lost"], Value::Null, "{zipkin}");
        assert_eq!(zipkin["sampled_changed"], 0, "the logs tell: {zipkin}");
    }
    let linked = unknown(&compared, "linked is unknown for record: 20");
    assert_eq!(linked.len(), 1, "of the one that broke: {compared}");
    let trace_state = unknown(&compared, "tracestate_lost is unknown for record: 20");
    assert_eq!(trace_state.len(), 2, "{compared}");
}

#[tokio::test]
async fn a_link_that_zipkin_has_no_place_for_is_not_said_to_be_missing() {
    let variables = [("BATON_CONSUMER_RELATION", "link")];
    let compared = compared(&["otlp", "zipkin"], &variables).await;
    let record = |run: usize| compared["runs"][run]["hops"]["record"].clone();
    assert_eq!(record(0), json!({"linked": 20}));
    assert_eq!(record(2), json!({"new_trace": 20}));
    let said = unknown(&compared, "what was linked counts as new_trace");
    assert_eq!(said.len(), 2, "for both pairings: {compared}");
}

#[tokio::test]
async fn a_tracestate_that_zipkin_has_no_place_for_is_not_said_to_be_lost() {
    for (exporters, lost) in [
        ("otlp", json!(1)),
        ("otlp,zipkin", json!(1)),
        ("zipkin,otlp", json!(1)),
        ("zipkin", Value::Null),
    ] {
        let mut lab = Setup::new()
            .variable("OTEL_TRACES_EXPORTER", exporters)
            .variable("BATON_FLUSH_TIMEOUT", "30000")
            .flags(["--producer", "tracecontext,b3", "--consumer", "b3"])
            .start()
            .await;
        let traceparent = format!("00-{}-{}-01", "1a".repeat(16), "2b".repeat(8));
        lab.post_with(&[("traceparent", &traceparent), ("tracestate", "vendor=1")])
            .await;
        lab.wait_for_delivered(1).await;
        let summary = lab.stop_and_sum_up().await;
        let hops = &summary["hops"]["record"];
        assert_eq!(*hops, json!({"connected": 1}), "{summary}");
        let flags = &summary["flags"]["record"];
        assert_eq!(flags["tracestate_lost"], lost, "{exporters}: {summary}");
    }
}

#[tokio::test]
async fn a_password_in_the_endpoint_becomes_a_header_and_is_shown_nowhere() {
    let server = Server::well().await;
    let (_nobody, refusing) = crate::support::server::nobody();
    for (endpoint, dropped) in [(server.endpoint(), 0), (refusing, 1)] {
        let endpoint = endpoint.replace("http://", "http://kate:hush@");
        let variables = [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint.as_str()),
        ];
        let mut lab = Setup::new().function("producer", &variables).start().await;
        lab.accepted("{}").await;
        lab.wait_for_delivered(1).await;
        lab.stop_well().await;
        let log = std::fs::read_to_string(lab.saved.join("logs/producer.log")).expect("a log");
        assert!(!log.contains("hush") && !log.contains("kate"), "{log}");
        let lines = run::log(&lab.saved, "producer", "spans.dropped");
        assert_eq!(lines.len(), dropped, "{lines:?}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), "Basic a2F0ZTpodXNo");
    let spans: Value = serde_json::from_slice(&seen[0].body).expect("JSON");
    for span in spans.as_array().expect("a list") {
        assert_eq!(span["localEndpoint"]["serviceName"], "producer-lambda");
    }
}
