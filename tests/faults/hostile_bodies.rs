//! Bodies that are short and would take gigabytes when they are decoded.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::lab::{Lab, Setup, answer};

fn gzipped(pattern: &[u8], times: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let piece = pattern.repeat(1024);
    for _ in 0..times / 1024 {
        packed.write_all(&piece).expect("memory");
    }
    packed.finish().expect("memory")
}

/// The most memory that the lab has had, in MiB.
fn peak(lab: &Lab) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", lab.pid)).expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
    kib.expect("a number") / 1024
}

#[tokio::test]
async fn a_bomb_is_answered_with_413_and_takes_little_memory() {
    let mut lab = Setup::new().start().await;
    let before = peak(&lab);
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
    let grown = peak(&lab) - before;
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
