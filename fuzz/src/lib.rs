//! What every format's target does with its bytes.

use baton_propagators::{HeaderList, Outgoing, Usual, format};
use baton_traces::span::{Span, Want};

/// Reads `bytes` as the headers of a format, a line for each of its fields (`~` where it is absent) and the lines beyond
/// for the fields again, and checks what holds for all headers: refusals lie within the value, the usual way agrees with
/// the thorough one, and what was read goes out as something that is read again.
///
/// # Panics
///
/// When any of that does not hold.
pub fn headers(name: &str, bytes: &[u8]) {
    let format = format::find(name).expect("a format");
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

/// What an export of each form begins with, so that the fuzzer need not find it: the form is told by that.
pub const OTLP_JSON: &[u8] = b"{\"resourceSpans\":[";
/// See [`OTLP_JSON`].
pub const OTLP_PROTOBUF: &[u8] = b"\x0a";
/// See [`OTLP_JSON`].
pub const ZIPKIN: &[u8] = b"[{\"traceId\":\"1\",\"id\":\"2\",";
/// See [`OTLP_JSON`].
pub const JAEGER: &[u8] = b"{\"data\":[";
/// See [`OTLP_JSON`].
pub const XRAY: &[u8] = b"{\"Traces\":[";

/// Reads `beginning` and `bytes` as an export of spans, and checks that as many are told of as were handed over, and that
/// judging sees the spans that everything sees.
///
/// # Panics
///
/// When any of that does not hold.
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
    // What is not wanted is not checked either.
    if everything_is_read {
        assert!(judging_is_read);
        assert_eq!(everything, judging);
    }
}
