//! Bodies that are short and would take gigabytes when they are decoded.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::lab::{Setup, answer};
use crate::support::processes::peak;

fn gzipped(pattern: &[u8], times: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let piece = pattern.repeat(1024);
    for _ in 0..times / 1024 {
        packed.write_all(&piece).expect("memory");
    }
    packed.finish().expect("memory")
}

#[tokio::test]
async fn a_bomb_is_answered_with_413_and_takes_little_memory() {
    let mut lab = Setup::new().start().await;
    let before = peak(lab.pid);
    let zeros = gzipped(&[0], 65 << 20);
    // each pair of bytes is a message that takes a hundred bytes when it is decoded
    let empty_messages = gzipped(&[0x0a, 0x00], 4 << 20);
    let empty_objects = gzipped(b"{},", 300 << 10);
    let (otlp, zipkin) = (lab.addresses.otlp.clone(), lab.addresses.zipkin.clone());
    let protobuf = "application/x-protobuf";
    let json = "application/json";
    for (address, content_type, body) in [
        (&otlp, protobuf, &zeros),
        (&otlp, protobuf, &empty_messages),
        (&otlp, json, &empty_objects),
        (&zipkin, json, &empty_objects),
    ] {
        let requests = (0..2).map(|_| {
            let request = lab
                .client
                .post(address)
                .header("content-type", content_type)
                .header("content-encoding", "gzip")
                .body(body.clone());
            tokio::spawn(answer(request))
        });
        let requests: Vec<_> = requests.collect();
        for request in requests {
            let answer = request.await.expect("no panic");
            assert_eq!(
                answer.status, 413,
                "{content_type} at {address}: {answer:?}"
            );
        }
    }
    let grown = peak(lab.pid) - before;
    assert!(grown < 400, "{grown} MiB");
    lab.accepted("{}").await;
    lab.stop_well().await;
}

#[tokio::test]
async fn a_length_beyond_all_bounds_is_too_long() {
    let mut lab = Setup::new().start().await;
    let request = lab
        .request("{}")
        .header("content-length", "9223372036854775807");
    // the client may not want to send such a request
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status(), 413);
    }
    lab.stop_well().await;
}

#[tokio::test]
async fn a_span_keeps_ten_thousand_attributes_and_says_how_many_it_lost() {
    let mut lab = Setup::new().start().await;
    let tags: serde_json::Map<_, _> = (0..10_050)
        .map(|number| (format!("t{number}"), "v".into()))
        .collect();
    let spans = serde_json::json!([{ "traceId": "1", "id": "2", "tags": tags }]);
    let request = lab.client.post(&lab.addresses.zipkin);
    let request = request
        .header("content-type", "application/json")
        .body(spans.to_string());
    let taken = answer(request).await;
    assert_eq!(taken.status, 202, "{taken:?}");
    lab.stop_well().await;
    let file = std::fs::File::open(lab.saved.join("spans.jsonl.zst")).expect("spans");
    let text = zstd::stream::decode_all(file).expect("zstd");
    let request: serde_json::Value = serde_json::from_slice(&text).expect("one line of JSON");
    let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["attributes"].as_array().map(Vec::len), Some(10_000));
    // the form of the span is an attribute too
    assert_eq!(span["droppedAttributesCount"], 51);
}
