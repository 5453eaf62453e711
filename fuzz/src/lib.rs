//! The checks that the fuzz targets share.

use baton_propagators::{HeaderList, Outgoing, Usual, formats};
use baton_traces::span::{Span, Want};

/// Reads `bytes` as the headers of a format: one line per field (`~` means absent), then more lines
/// for the same fields again. Checks what holds for all headers: the position of a fault is within
/// the value, `usual` agrees with `extract`, and what was read and then written can be read again.
///
/// # Panics
///
/// If one of these does not hold.
pub fn headers(name: &str, bytes: &[u8]) {
    let format = formats::find(name).expect("a format");
    let text = String::from_utf8_lossy(bytes);
    let fields: Vec<String> = format
        .fields()
        .iter()
        .map(|field| (*field).to_owned())
        .chain(format.prefixes().iter().map(|prefix| format!("{prefix}key")))
        .collect();
    let headers: HeaderList = text
        .split('\n')
        .zip(fields.iter().cycle())
        .filter(|(value, _)| *value != "~")
        .map(|(value, field)| (field.as_str(), value))
        .collect();

    let found = format.extract(&headers);
    for reject in found.reject().into_iter().chain(found.objection.as_deref()) {
        let values: Vec<_> =
            headers.iter().filter(|(name, _)| *name == reject.header).map(|(_, value)| value).collect();
        assert!(reject.position.is_none_or(|at| at <= values.join(",").len()), "{reject}");
    }
    match format.usual(&headers) {
        Usual::Other => {}
        Usual::Absent => assert_eq!(found.context(), None),
        Usual::Context(context) => assert_eq!(found.context(), Some(&context)),
    }
    let outgoing = Outgoing {
        context: found.context().cloned(),
        baggage: None,
    };
    let mut written = HeaderList::new();
    format.inject(&outgoing, &mut written);
    let again = format.extract(&written);
    assert!(again.reject().is_none(), "{written:?}");
    if let (Some(sent), Some(read)) = (found.context(), again.context()) {
        assert_eq!(sent.span_id, read.span_id);
        assert_eq!(sent.trace_id.low_64(), read.trace_id.low_64());
    }
}

/// How an export of this form begins. The reader recognises the form by it, so the fuzzer does not
/// have to find it.
pub const OTLP_JSON: &[u8] = b"{\"resourceSpans\":[";
/// See [`OTLP_JSON`].
pub const OTLP_PROTOBUF: &[u8] = b"\x0a";
/// See [`OTLP_JSON`].
pub const ZIPKIN: &[u8] = b"[{\"traceId\":\"1\",\"id\":\"2\",";
/// See [`OTLP_JSON`].
pub const JAEGER: &[u8] = b"{\"data\":[";
/// See [`OTLP_JSON`].
pub const XRAY: &[u8] = b"{\"Traces\":[";
/// See [`OTLP_JSON`]. One span that is whole: more may follow, of Python, Go or Node.js.
pub const CONSOLE: &[u8] = b"{\"context\":{\"trace_id\":\"0x1\",\"span_id\":\"0x2\"}}\n";
/// See [`OTLP_JSON`].
pub const DEBUG_LOG: &[u8] = b"Span #0\n    Trace ID       : 1\n    ID             : 2\n";
/// See [`OTLP_JSON`]. One span that is whole, as in CloudWatch's log group.
pub const LOG_LINES: &[u8] = b"{\"traceId\":\"00000000000000000000000000000001\",\"spanId\":\"0000000000000002\",\"startTimeUnixNano\":3}\n";
/// See [`OTLP_JSON`]. One row that is whole, with more to follow.
pub const CLICKHOUSE: &[u8] = b"{\"TraceId\":\"1\",\"SpanId\":\"2\",\"SpanName\":\"\"}\n";
/// See [`OTLP_JSON`].
pub const DOTNET: &[u8] = b"Activity.TraceId: 1\nActivity.SpanId: 2\n";
/// See [`OTLP_JSON`].
pub const RUBY: &[u8] = b"#<struct OpenTelemetry::SDK::Trace::SpanData\n span_id=\"12345678\",\n trace_id=\"1234567812345678\",\n ";
/// See [`OTLP_JSON`].
pub const DATADOG: &[u8] = b"[[{\"trace_id\":1,\"span_id\":2,\"start\":3,";

/// Reads `beginning` and `bytes` as an export of spans. Checks that the reader reports as many
/// spans as it passes on, and that a reading for verdicts gets the same spans as a reading of
/// everything.
///
/// # Panics
///
/// If one of these does not hold.
pub fn spans(beginning: &[u8], bytes: &[u8]) {
    let export = [beginning, bytes].concat();
    let read = |want| {
        let mut spans = Vec::new();
        let each = &mut |span: &Span<'_>| spans.push((span.reference, span.parent_span_id, span.kind));
        let reading = baton_traces::readers::read(export.as_slice(), "input", want, each);
        if let Ok(reading) = &reading {
            assert_eq!(reading.spans, spans.len() as u64);
        }
        (reading.is_ok(), spans)
    };
    let (everything_is_read, everything) = read(Want::Everything);
    let (judging_is_read, judging) = read(Want::Judging);
    // a reading does not check the parts that it does not need
    if everything_is_read {
        assert!(judging_is_read);
        assert_eq!(everything, judging);
    }
}
