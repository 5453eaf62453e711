//! Known text and bytes that hold no spans, or only parts of them, and what to export instead.

use baton_propagators::FORMATS;

/// The output of Swift's console exporter, as text or as JSON.
pub(super) const SWIFT: &str = "the output of Swift's StdoutSpanExporter, which names no services: use its OTLP exporter and a \
     Collector, and save the spans with its file exporter";

/// The error for text or bytes, if they are a known form that cannot be read.
pub(super) fn text(text: &[u8]) -> Option<String> {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let found = if is_html(text) {
        "an HTML page, such as a page to sign in: check the address and the credentials"
    } else if text.starts_with(b"{'") || text.starts_with(b"[{'") {
        "an object as Python prints it: print it with json.dumps"
    } else if text.starts_with(b"Traces:") || text.starts_with(b"TRACES\t") {
        "an answer of the AWS CLI that is not JSON: call it with --output json"
    } else if holds(b"*SPANS FOR DEBUG*") {
        "the output of Erlang's otel_exporter_stdout, which names no services: export OTLP to a Collector, and save it \
         with its file exporter"
    } else if text.starts_with(b"# HELP ") || text.starts_with(b"# TYPE ") {
        "metrics of Prometheus, which have no spans"
    } else if is_in_first_line(text, b"SpanId") && is_in_first_line(text, b"SpanName") {
        "rows of ClickHouse's otel_traces that are not JSON: select them with FORMAT JSONEachRow"
    } else if is_in_first_line(text, b"traceID")
        && (is_in_first_line(text, b"operationName") || is_in_first_line(text, b"traceName"))
    {
        return Some(sent_too("a table of Grafana"));
    } else if is_in_first_line(text, b"@message") {
        "rows of CloudWatch Logs Insights as CSV: `aws logs get-query-results` has them as JSON"
    } else if holds(b"LoggingSpanExporter") && holds(b"[tracer: ") {
        "the log of Java's LoggingSpanExporter, which prints neither parents nor times: set \
         OTEL_TRACES_EXPORTER=logging-otlp, or otlp"
    } else if holds(b"  parent_span_id: ") && holds(b"  instr-lib     : ") {
        "the output of C++'s OStreamSpanExporter: use its OTLP exporter and a Collector, or its OTLP file exporter"
    } else if holds(b"\nSpan kind: ") && holds(b"\nTraceFlags: ") {
        SWIFT
    } else if is_in_first_line(text, b"trace.trace_id") {
        return Some(sent_too("rows of Honeycomb"));
    } else if is_in_first_line(text, b"operation_Id") || is_in_first_line(text, b"\"OperationId\"")
    {
        return Some(sent_too("rows of Application Insights"));
    } else if holds(b"\xa8trace_id") || holds(b"\xa7span_id") {
        "a Datadog payload in MessagePack: send it as JSON (PUT /v0.3/traces with Content-Type: application/json), \
         or export OTLP"
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// The error for text in which a console exporter or the Collector printed logs or metrics, if it
/// has no spans.
pub(super) fn other_signal(text: &[u8]) -> Option<String> {
    const MARKS: &[&str] = &[
        "LogRecord #0",
        "LogRecord.TraceId:",
        "LogRecord.CategoryName:",
        "  severity_num ",
        "  severityNumber: ",
        "Metric #0",
        "ResourceMetrics #0",
        "  dataPointType: ",
        "Metric Name: ",
    ];
    let text = String::from_utf8_lossy(text);
    let is_there = MARKS.iter().any(|mark| text.contains(mark));
    is_there
        .then(|| "printed logs or metrics, which have no spans: export the traces too".to_owned())
}

/// The error for text with headers and without spans; `None` if it has no headers.
pub(super) fn headers(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let fields = FORMATS.iter().flat_map(|format| format.fields());
    // spans have a traceState
    let mut fields = fields.filter(|field| field.len() > MIN_FIELD && **field != "tracestate");
    let is_there = fields.any(|field| text.contains(field));
    is_there.then(|| "headers, not spans: `baton explain < FILE` reads them".to_owned())
}

/// Shorter names of headers are words of other texts too.
const MIN_FIELD: usize = 8;

fn is_html(text: &[u8]) -> bool {
    let start = text[..text.len().min(15)].to_ascii_lowercase();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

/// The error for spans as a backend returns them.
pub(super) fn sent_too(what: &str) -> String {
    format!("{what}: send the spans to a Collector too, and save them with its file exporter")
}

/// Whether the heading of a table has this name. JSON has none.
fn is_in_first_line(text: &[u8], part: &[u8]) -> bool {
    if text.starts_with(b"{") || text.starts_with(b"[") {
        return false;
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    line.windows(part.len()).any(|window| window == part)
}

/// The error for the first bytes of a binary form, if it is a known one that cannot be read.
pub(super) fn bytes(beginning: &[u8]) -> Option<String> {
    if is_of_zipkin(beginning) {
        return Some(
            "spans of Zipkin in protobuf: send them as JSON, or fetch /api/v2/traces".to_owned(),
        );
    }
    is_of_datadog_agent(beginning).then(|| {
        "a Datadog payload in the binary form of tracers (v0.5) or of the Agent: send it as JSON (PUT /v0.3/traces \
         with Content-Type: application/json), or export OTLP"
            .to_owned()
    })
}

/// Whether the bytes begin Zipkin's list of spans: field 1 with a span, whose first fields are the
/// trace's id of 16 or 8 bytes, and the parent's or its own id of 8.
fn is_of_zipkin(bytes: &[u8]) -> bool {
    let Some(span) = bytes.strip_prefix(&[0x0a]).and_then(|rest| rest.get(1..)) else {
        return false;
    };
    // a span of 128 bytes or more has its length in two bytes
    [span, span.get(1..).unwrap_or_default()]
        .into_iter()
        .any(|span| {
            [16, 8].into_iter().any(|length: u8| {
                let id = span.strip_prefix(&[0x0a, length]);
                let next = id.and_then(|id| id.get(usize::from(length)..));
                let parent = |next: &[u8]| {
                    next.starts_with(&[0x12, 8]) && next.get(10..12) == Some(&[0x1a, 8])
                };
                next.is_some_and(|next| parent(next) || next.starts_with(&[0x1a, 8]))
            })
        })
}

/// Whether the bytes begin a list of traces of version 0.5, whose table of texts starts with an
/// empty one, or the protobuf that the Agent sends on: its host, its environment, and tracers'
/// payloads in field 5.
fn is_of_datadog_agent(bytes: &[u8]) -> bool {
    let table = bytes
        .strip_prefix(&[0x92])
        .and_then(|rest| match *rest.first()? {
            0x91..=0x9f => rest.get(1),
            0xdc => rest.get(3),
            0xdd => rest.get(5),
            _ => None,
        });
    if table == Some(&0xa0) {
        return true;
    }
    let text = |bytes: &[u8], tag: u8| -> Option<usize> {
        let [first, length, rest @ ..] = bytes else {
            return None;
        };
        let text = rest.get(..usize::from(*length))?;
        let is_name = |byte: &u8| byte.is_ascii_graphic() && *byte != b'"';
        let is_text = *first == tag && *length < 0x80 && text.iter().all(is_name);
        is_text.then_some(2 + text.len())
    };
    let host = text(bytes, 0x0a).filter(|length| *length > 2);
    let environment = host.and_then(|end| Some(end + text(&bytes[end..], 0x12)?));
    environment.is_some_and(|end| bytes.get(end) == Some(&0x2a))
}
