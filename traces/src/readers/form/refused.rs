//! Known forms that hold no spans, or only parts of them, and what to export instead.

/// The error for a JSON object with these members, if it is a known form that cannot be read.
pub(super) fn json(names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let found = if has("TraceSummaries") {
        "X-Ray trace summaries, which have no spans: `aws xray batch-get-traces --trace-ids ID …` has them"
    } else if has("rootServiceName") || has("rootTraceName") {
        "Tempo's answer to a search, which has no spans: fetch each trace with /api/v2/traces/ID"
    } else if has("processor") && has("transaction") || has("@timestamp") && has("processor") {
        "documents of Elastic APM: export OTLP with the Collector's file exporter instead"
    } else if has("traceGroup") || has("traceGroupFields") {
        "documents of OpenSearch's Data Prepper: export OTLP with the Collector's file exporter instead"
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// The error for a list under `data` whose first element has these members, if it is not Jaeger's.
pub(super) fn data(names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|known| known == name);
    (has("type") && has("attributes") && !has("traceID")).then(|| {
        "an answer of Datadog's Spans API: send the spans to a Collector too, and save them with its file exporter"
            .to_owned()
    })
}

/// The error for text or bytes, if they are a known form that cannot be read.
pub(super) fn text(text: &[u8]) -> Option<String> {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let found = if text.starts_with(b"PAR1") {
        return None;
    } else if holds(b"LoggingSpanExporter") && holds(b"[tracer: ") {
        "the log of Java's LoggingSpanExporter, which prints neither parents nor times: set \
         OTEL_TRACES_EXPORTER=logging-otlp, or otlp"
    } else if holds(b"Activity.TraceId:") {
        "the output of .NET's console exporter: export OTLP (AddOtlpExporter) and save it with the Collector's \
         file exporter"
    } else if holds(b"\xa8trace_id") || holds(b"\xa7span_id") {
        "a Datadog payload in MessagePack: send it as JSON (PUT /v0.3/traces with Content-Type: application/json), \
         or export OTLP"
    } else {
        return None;
    };
    Some(found.to_owned())
}
