//! Exports that were made to do harm, or that are very unusual.

use std::io::{BufReader, Read};

use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::readers;
use baton_traces::span::Want;
use serde_json::json;

use super::{measured, read};

/// A document of `count` spans between `start` and `end`, generated while it is read.
fn endless(
    start: &'static str,
    end: &'static str,
    count: u64,
    span: impl Fn(u64) -> String + Send,
) -> impl Read + Send {
    struct Document<F> {
        waiting: Vec<u8>,
        next: u64,
        count: u64,
        span: F,
        end: &'static str,
    }
    impl<F: Fn(u64) -> String> Read for Document<F> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.waiting.is_empty() && self.next <= self.count {
                let text = match self.next {
                    0 => (self.span)(0),
                    next if next < self.count => format!(",{}", (self.span)(next)),
                    _ => self.end.to_owned(),
                };
                self.next += 1;
                self.waiting.extend_from_slice(text.as_bytes());
            }
            let length = self.waiting.len().min(buffer.len());
            buffer[..length].copy_from_slice(&self.waiting[..length]);
            self.waiting.drain(..length);
            Ok(length)
        }
    }
    Document {
        waiting: start.as_bytes().to_vec(),
        next: 0,
        count,
        span,
        end,
    }
}

#[test]
fn a_line_of_100_megabytes_is_read_span_by_span() {
    let padding = "x".repeat(1000);
    let span = move |number: u64| {
        let span_id = number + 1;
        format!(
            r#"{{"traceId":"{:032x}","spanId":"{span_id:016x}","name":"{padding}"}}"#,
            1
        )
    };
    let start = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":["#;
    let document = endless(start, "]}]}]}", 100_000, span);
    let mut spans = 0u64;
    let each = &mut |_: &baton_traces::span::Span<'_>| spans += 1;
    let reading = readers::read(BufReader::new(document), "input", Want::Judging, each);
    assert_eq!(reading.expect("a document").spans, 100_000);
    assert_eq!(spans, 100_000);
}

#[test]
fn a_trace_of_100_000_spans_is_read_from_every_backend() {
    let zipkin = |number: u64| {
        format!(
            r#"{{"traceId":"1","id":"{:x}","parentId":"{number:x}"}}"#,
            number + 1
        )
    };
    let jaeger = |number: u64| {
        format!(
            r#"{{"traceID":"1","spanID":"{:x}","references":[{{"refType":"CHILD_OF","traceID":"1","spanID":"{number:x}"}}]}}"#,
            number + 1
        )
    };
    for document in [
        Box::new(endless("[", "]", 100_000, zipkin)) as Box<dyn Read + Send>,
        Box::new(endless(
            r#"{"data":[{"traceID":"1","spans":["#,
            r#"],"processes":{}}]}"#,
            100_000,
            jaeger,
        )),
    ] {
        let reading = readers::read(
            BufReader::new(document),
            "input",
            Want::Everything,
            &mut |_| {},
        );
        assert_eq!(reading.expect("a trace").spans, 100_000);
    }
}

#[test]
fn one_value_beyond_all_bounds_is_refused() {
    let start = std::io::Cursor::new(r#"[{"traceId":"1","id":"2","name":""#);
    let endless = start.chain(std::io::repeat(b'x').take(300 << 20));
    let error = readers::read(BufReader::new(endless), "input", Want::Judging, &mut |_| {});
    let error = error.expect_err("300 MiB").to_string();
    assert!(
        error.ends_with("one value is longer than 268435456 bytes"),
        "{error}"
    );
}

#[test]
fn a_protobuf_message_that_would_decode_to_gigabytes_is_refused() {
    // two bytes each: a span without content, which takes more than a hundred bytes of memory
    let spans = [0x12, 0].repeat(6 << 20);
    let field = |number: u8, content: &[u8]| {
        let mut bytes = vec![number << 3 | 2];
        let mut length = content.len();
        while length > 0x7f {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(content);
        bytes
    };
    let scope_spans = field(2, &spans);
    let export = field(1, &scope_spans);
    let refused = read(&export, &mut |_| panic!("no span is whole"));
    let said = refused.expect_err("too much").to_string();
    let words = "but a part of it would take more than 1073741824 bytes of memory";
    assert!(said.starts_with("input, message 1:"), "{said}");
    assert!(said.ends_with(words), "{said}");
}

#[test]
fn nesting_beyond_all_bounds_is_refused_or_passed_over() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let nested = |levels: usize| {
        let start = r#"{"arrayValue":{"values":["#.repeat(levels);
        let end = "]}}".repeat(levels);
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","spanId":"{:016x}","attributes":[{{"key":"a","value":{start}{end}}}]}}]}}]}}]}}"#,
            1, 1
        )
    };
    let document =
        |document: String| json!({"Traces": [{"Segments": [{"Document": document}]}]}).to_string();
    let too_deep = r#"{"subsegments":["#.repeat(100_000);
    for (content, refused) in [
        (deep.clone(), true),
        (format!(r#"{{"resourceSpans":[],"other":{deep}}}"#), false),
        (
            format!(r#"[{{"traceId":"1","id":"2","tags":{{"a":{deep}}}}}]"#),
            true,
        ),
        (format!(r#"{{"data":[],"other":{deep}}}"#), false),
        (nested(30), false),
        (nested(100_000), true),
        (document(too_deep), true),
    ] {
        let start = &content[..content.len().min(60)];
        assert_eq!(
            read(content.as_bytes(), &mut |_| {}).is_err(),
            refused,
            "{start}"
        );
    }
}

#[test]
fn parents_in_a_circle_and_clocks_that_disagree_are_judged_like_any_others() {
    let span = |id: &str,
                parent: &str,
                kind: &str,
                service: &str,
                start: u64,
                tags: serde_json::Value| {
        json!({"traceId": "1", "id": id, "parentId": parent, "kind": kind, "timestamp": start, "duration": 5,
            "localEndpoint": {"serviceName": service}, "tags": tags})
    };
    let message = |operation: &str| json!({"messaging.message.id": "m1", "messaging.operation.type": operation});
    let export = json!([
        span(
            "1",
            "3",
            "CLIENT",
            "a",
            1_000_000,
            json!({"aws.request_id": "r1", "http.response.status_code": "200"})
        ),
        span(
            "2",
            "1",
            "SERVER",
            "b",
            900_000,
            json!({"aws.request_id": "r1"})
        ),
        span("3", "2", "PRODUCER", "b", 950_000, message("send")),
        span("4", "3", "CONSUMER", "c", 10, message("process")),
        span("5", "5", "SERVER", "c", 0, json!({})),
    ]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let measured = measured(directory.path(), export.to_string().as_bytes());
    for hop in [Hop::Ingress, Hop::Record] {
        assert_eq!(measured.summary.count(hop, Verdict::Connected), 1, "{hop}");
        assert_eq!(measured.summary.judged(hop), 1, "{hop}");
    }
    // The consumer's clock is behind the client's, so there is no such time.
    assert_eq!(measured.summary.latency_ms.end_to_end, None);
    assert!(measured.summary.latency_ms.request.is_some());
}

#[test]
fn input_that_is_not_an_export_is_refused_without_harm() {
    for (content, found) in [
        (
            &b"<!doctype svg>\x1b]0;owned\x07"[..],
            r"something that starts with `<!doctype sv`",
        ),
        (
            b"{\"level\":\"info\"}\n{\"level\":\"warn\"}",
            "JSON with the members `level`",
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            r"something that starts with `\x89PNG\r\n\x1a\n`",
        ),
    ] {
        let error = read(content, &mut |_| {}).expect_err(found).to_string();
        let accepted = "input: expected spans as OTLP (JSON or protobuf), Zipkin JSON, Jaeger JSON, X-Ray segments, rows of \
                        ClickHouse's otel_traces as JSON, or what an OpenTelemetry console exporter prints (plain, zstd or \
                        gzip), but found ";
        assert_eq!(error, format!("{accepted}{found}"));
    }
}

#[test]
fn a_search_for_documents_in_deep_nesting_ends() {
    for text in [
        format!("{{\"hits\":{}", "[".repeat(100_000)),
        "{\"hits\":".repeat(100_000),
        "[{\"hits\":".repeat(100_000),
    ] {
        // it is refused, or is cut short
        let mut spans = 0;
        let _ = read(text.as_bytes(), &mut |_| spans += 1);
        assert_eq!(spans, 0);
    }
}
