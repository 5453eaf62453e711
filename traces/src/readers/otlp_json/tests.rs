use std::io::{BufReader, Read};

use super::*;
use crate::span::{Attributes, Key, Kind, UnixTime, Value};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A line that holds one span with these fields besides its ids.
fn line(fields: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{TRACE}","spanId":"{SPAN}"{fields}}}]}}]}}]}}"#
    )
}

/// Reads a line of one span with these fields, and returns what `check` returns for the span.
fn with_span<T>(fields: &str, check: impl Fn(&Span<'_>) -> T) -> T {
    let mut result = None;
    read_request(line(fields).as_bytes(), Want::Judging, &mut |span| {
        result = Some(check(span))
    })
    .unwrap_or_else(|error| panic!("{fields}: {error}"));
    result.expect("one span")
}

fn read_all(input: &[u8]) -> Result<Reading, ReadError> {
    let input = crate::readers::input::decompress(input).expect("a beginning");
    read_lines(input, "input", Want::Judging, &mut |_| {})
}

fn frame(lines: &str) -> Vec<u8> {
    zstd::bulk::compress(lines.as_bytes(), 3).expect("memory")
}

/// The example is that of open-telemetry/opentelemetry-proto, `examples/trace.json` (Apache-2.0).
#[test]
fn the_specification_s_example_is_read() {
    let example = include_bytes!("../../../tests/data/otlp/opentelemetry-proto-example.json");
    let mut seen = Vec::new();
    let spans = read_request(example, Want::Judging, &mut |span| {
        seen.push((
            span.name.to_string(),
            span.service.to_owned(),
            span.kind,
            span.duration(),
        ));
        // The example's ids are upper case.
        assert_eq!(
            span.reference.trace_id.to_string(),
            "5b8efff798038103d269b633813fc60c"
        );
        assert_eq!(
            span.parent_span_id.map(|id| id.to_string()).as_deref(),
            Some("eee19b7ec3c1b173")
        );
        assert_eq!(span.parent_is_remote, None);
    })
    .expect("the specification's example");
    assert_eq!(spans, 1);
    let second = Some(std::time::Duration::from_secs(1));
    let expected = (
        "I'm a server span".to_owned(),
        "my.service".to_owned(),
        Kind::Server,
        second,
    );
    assert_eq!(seen, [expected]);
}

#[test]
fn numbers_are_read_as_strings_and_as_numbers() {
    for time in ["1544712660000000001", "\"1544712660000000001\""] {
        let start = with_span(&format!(r#","startTimeUnixNano":{time}"#), |span| {
            span.start
        });
        assert_eq!(
            start,
            UnixTime::from_nanoseconds(1_544_712_660_000_000_001),
            "{time}"
        );
    }
    for number in ["70", "\"70\"", "70.0", "70.9"] {
        let fields = format!(
            r#","attributes":[{{"key":"baton.carrier_bytes","value":{{"intValue":{number}}}}}]"#
        );
        let bytes = with_span(&fields, |span| span.attributes.integer(Key::CarrierBytes));
        assert_eq!(bytes, Some(70), "{number}");
    }
    for kind in [
        "4",
        "4.0",
        "\"4\"",
        "\"SPAN_KIND_PRODUCER\"",
        "\"SpanKind.PRODUCER\"",
        "\"producer\"",
    ] {
        let kind = with_span(&format!(r#","kind":{kind}"#), |span| span.kind);
        assert_eq!(kind, Kind::Producer);
    }
    assert_eq!(
        with_span(r#","kind":99"#, |span| span.kind),
        Kind::Unspecified
    );
}

#[test]
fn flags_say_whether_the_parent_is_remote_and_the_span_sampled() {
    for (flags, remote, sampled) in [
        ("", None, None),
        (r#","flags":1"#, None, None),
        (r#","flags":257"#, Some(false), Some(true)),
        (r#","flags":768"#, Some(true), Some(false)),
        (r#","flags":"769""#, Some(true), Some(true)),
    ] {
        let said = with_span(flags, |span| (span.parent_is_remote, span.sampled));
        assert_eq!(said, (remote, sampled), "{flags}");
    }
}

#[test]
fn a_root_has_no_parent_however_that_is_written() {
    for parent in [
        "",
        r#","parentSpanId":"""#,
        r#","parentSpanId":null"#,
        r#","parentSpanId":"0000000000000000""#,
        r#","parentSpanId":"0x0000000000000000""#,
    ] {
        assert_eq!(
            with_span(parent, |span| span.parent_span_id),
            None,
            "{parent}"
        );
    }
}

#[test]
fn attributes_of_other_types_and_names_are_skipped() {
    let fields = r#","attributes":[
        {"key":"messaging.message.id","value":{"stringValue":"a\"bcd"}},
        {"key":"baton.context.debug","value":{"boolValue":true}},
        {"key":"aws.request_id","value":{"arrayValue":{"values":[{"doubleValue":"NaN"}]}}},
        {"key":"http.response.status_code","value":null},
        {"key":"error.type"},
        {"value":{"stringValue":"no key"}},
        {"key":"url.full","value":{"bytesValue":"AA=="}}]"#;
    let expected = {
        let mut attributes = Attributes::default();
        attributes.set(Key::MessageId, Value::Text("a\"bcd".into()));
        attributes.set(Key::ContextDebug, Value::Boolean(true));
        attributes
    };
    assert!(with_span(fields, |span| span.attributes == expected));
}

#[test]
fn links_carry_their_tracestate_and_invalid_ones_are_left_out() {
    let fields = format!(
        r#","links":[{{"traceId":"","spanId":""}},{{"traceId":"{TRACE}","spanId":"{SPAN}","traceState":"a=1"}}]"#
    );
    with_span(&fields, |span| {
        assert_eq!(span.links.len(), 1);
        assert_eq!(span.links[0].to, span.reference);
        assert_eq!(span.links[0].trace_state, "a=1");
    });
}

#[test]
fn null_and_unknown_fields_are_like_absent_ones() {
    for text in [
        "{}",
        r#"{"resourceSpans":null}"#,
        r#"{"resourceSpans":[{"resource":null,"scopeSpans":[{"spans":null,"scope":{"name":7}}],"new":{}}]}"#,
        r#"{"resourceLogs":[{}]}"#,
    ] {
        assert_eq!(
            read_request(text.as_bytes(), Want::Judging, &mut |_| {}).ok(),
            Some(0),
            "{text}"
        );
    }
    let name = with_span(
        r#","name":null,"attributes":null,"links":null,"status":{"code":2}"#,
        |span| span.name.to_string(),
    );
    assert_eq!(name, "");
}

#[test]
fn a_broken_line_is_reported_with_the_expected_and_the_found_content() {
    let cases = [
        (
            "{not JSON".to_owned(),
            "at column 2 found: key must be a string",
        ),
        (
            r#"{"resourceSpans":{}}"#.to_owned(),
            "at column 18 found: {}}, expected a list of ResourceSpans",
        ),
        (
            line(r#","startTimeUnixNano":"soon""#),
            "expected a whole number of 64 bits",
        ),
        (
            line(r#","startTimeUnixNano":true"#),
            "expected a whole number of 64 bits",
        ),
        (
            line(r#","parentSpanId":"b7ad""#),
            "expected a parent span id of 16 hex digits",
        ),
        (
            line(r#","parentSpanId":"ß7ad6b716920333""#),
            "expected a parent span id of 16 hex digits",
        ),
        (line(r#","kind":{}"#), "expected a span kind, 0 to 5"),
        (
            line("").replace(TRACE, &"0".repeat(32)),
            "expected a trace id of 32 hex digits, not all zero",
        ),
        (
            line("").replace(SPAN, "xyz"),
            "expected a span id of 16 hex digits, not all zero",
        ),
        (
            line("").replace("spanId", "id"),
            "expected a span with `traceId` and `spanId`",
        ),
    ];
    for (broken, found) in cases {
        let input = format!("{}\n\n{broken}\n", line(""));
        for input in [input.clone().into_bytes(), frame(&input)] {
            let error = read_all(&input).expect_err(&broken).to_string();
            let expected =
                "input, line 3: expected OTLP/JSON ExportTraceServiceRequest objects, but ";
            assert!(error.starts_with(expected), "{error}");
            assert!(error.contains(found), "{error}");
        }
    }
}

#[test]
fn an_error_does_not_repeat_a_huge_value() {
    let error = read_all(line("").replace(SPAN, &"x".repeat(1 << 20)).as_bytes());
    let error = error.expect_err("no span id").to_string();
    assert!(error.len() < 1000, "{} bytes", error.len());
}

#[test]
fn frames_one_after_the_other_read_as_one_even_within_a_line() {
    let text = format!("{}\n{}\n{}\n", line(""), line(""), line(""));
    let (first, second) = text.split_at(text.len() / 2);
    let input = [frame(first), frame(second), frame("")].concat();
    let reading = read_all(&input).expect("three frames");
    assert_eq!(
        reading,
        Reading {
            spans: 3,
            whole_lines: Some(true),
            ..Reading::default()
        }
    );
    assert_eq!(read_all(text.as_bytes()).expect("plain text"), reading);
}

#[test]
fn nothing_is_no_spans() {
    let nothing = Reading {
        whole_lines: Some(true),
        ..Reading::default()
    };
    for input in [Vec::new(), frame("")] {
        assert_eq!(read_all(&input).expect("nothing"), nothing);
    }
}

#[test]
fn an_input_cut_short_gives_its_complete_spans_and_says_so() {
    let text = format!("{}\n{}\n", line(""), line(""));
    let cut_in_second_frame = {
        let mut input = [frame(&text), frame(&text)].concat();
        input.truncate(input.len() - 5);
        input
    };
    let cut_in_line = format!("{text}{}", &line("")[..40]).into_bytes();
    for input in [cut_in_second_frame, cut_in_line] {
        let reading = read_all(&input).expect("what is whole");
        assert!(reading.spans >= 2, "{reading:?}");
        let truncated = reading.truncated.expect("a cut").to_string();
        let expected = format!("input is cut short after {} spans", reading.spans);
        assert!(truncated.starts_with(&expected), "{truncated}");
    }
}

#[test]
fn a_last_line_without_its_end_is_read() {
    let reading = read_all(line("").as_bytes()).expect("a line");
    assert_eq!(
        reading,
        Reading {
            spans: 1,
            whole_lines: Some(false),
            ..Reading::default()
        }
    );
}

#[test]
fn damaged_compression_is_an_error_and_no_cut() {
    let mut input = frame(&format!("{}\n", line("")));
    let middle = input.len() / 2;
    for byte in &mut input[middle..] {
        *byte ^= 0x55;
    }
    let error = read_all(&input).expect_err("damage").to_string();
    assert!(error.starts_with("cannot read input: "), "{error}");
}

#[test]
fn a_line_beyond_the_limit_is_an_error_and_not_read_into_memory() {
    let endless = BufReader::new(std::io::repeat(b' ').take(100 << 20));
    let error = read_lines(endless, "input", Want::Judging, &mut |_| {})
        .expect_err("100 MiB")
        .to_string();
    assert!(
        error.starts_with("input, line 1: expected OTLP/JSON"),
        "{error}"
    );
    assert!(
        error.ends_with("it is longer than 67108864 bytes"),
        "{error}"
    );
}

#[test]
fn deep_nesting_is_skipped_or_refused_but_does_no_harm() {
    let depth = 1_000_000;
    let skipped = format!(
        r#"{{"unknown":{}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let reading = read_all(skipped.as_bytes()).expect("an unknown field");
    assert_eq!(reading.spans, 0);
    let value = r#"{"arrayValue":{"values":["#.repeat(depth);
    let open = line(&format!(r#","attributes":[{{"key":"a","value":{value}"#)) + "\n";
    let error = read_all(open.as_bytes()).expect_err("too deep").to_string();
    assert!(error.contains("input, line 1"), "{error}");
}

/// The lab's collector writes the output of this crate; the reader shares no code with it.
#[test]
fn what_the_opentelemetry_crates_write_is_read() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::span::Link as ProtoLink;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan};

    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let text = |key, value: &str| attribute(key, ProtoValue::StringValue(value.to_owned()));
    let span = ProtoSpan {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        parent_span_id: vec![0xef; 8],
        trace_state: "a=1".to_owned(),
        flags: 0x301,
        name: "send stream".to_owned(),
        kind: 4,
        start_time_unix_nano: 1_700_000_000_000_000_001,
        end_time_unix_nano: 1_700_000_000_000_000_008,
        attributes: vec![
            text("messaging.message.id", "4959"),
            attribute("baton.carrier_bytes", ProtoValue::IntValue(70)),
            attribute("baton.context.debug", ProtoValue::BoolValue(true)),
            attribute("ratio", ProtoValue::DoubleValue(f64::NAN)),
            attribute("list", ProtoValue::ArrayValue(ArrayValue::default())),
            attribute("bytes", ProtoValue::BytesValue(vec![1])),
        ],
        links: vec![ProtoLink {
            trace_id: vec![0x12; 16],
            span_id: vec![0x34; 8],
            trace_state: "b=2".to_owned(),
            ..ProtoLink::default()
        }],
        ..ProtoSpan::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "producer-lambda")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let json = serde_json::to_vec(&request).expect("JSON");
    let spans = read_request(&json, Want::Judging, &mut |span| {
        assert_eq!(span.reference.trace_id.to_string(), "ab".repeat(16));
        assert_eq!(span.reference.span_id.to_string(), "cd".repeat(8));
        assert_eq!(
            span.parent_span_id.map(|id| id.to_string()),
            Some("ef".repeat(8))
        );
        assert_eq!(
            (span.parent_is_remote, span.sampled),
            (Some(true), Some(true))
        );
        assert_eq!(
            (&*span.trace_state, &*span.name, span.service),
            ("a=1", "send stream", "producer-lambda")
        );
        assert_eq!(span.kind, Kind::Producer);
        assert_eq!(span.duration(), Some(std::time::Duration::from_nanos(7)));
        assert_eq!(span.attributes.text(Key::MessageId), Some("4959"));
        assert_eq!(span.attributes.integer(Key::CarrierBytes), Some(70));
        assert_eq!(span.attributes.boolean(Key::ContextDebug), Some(true));
        assert_eq!(span.links[0].to.trace_id.to_string(), "12".repeat(16));
        assert_eq!(span.links[0].trace_state, "b=2");
    });
    assert_eq!(spans.expect("what the collector writes"), 1);
}
