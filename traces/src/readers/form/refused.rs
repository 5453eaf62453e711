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
    } else if has("tracerPayloads") || has("languageName") && has("spans") {
        "a payload of the Datadog Agent: export OTLP from the Agent's otlp_config or the SDK to a Collector, and \
         save it with its file exporter"
    } else if has("traceGroup") || has("traceGroupFields") {
        "documents of OpenSearch's Data Prepper: export OTLP with the Collector's file exporter instead"
    } else if has("trace.trace_id") || has("trace.span_id") {
        return Some(sent_too("rows of Honeycomb"));
    } else if has("trace.id") && (has("parent.id") || has("parentId") || has("duration.ms")) {
        "spans of New Relic: send them to a Collector too, and save them with its file exporter"
    } else if has("projectId") && (has("traceId") || has("spans")) {
        return Some(sent_too("traces of Google Cloud Trace"));
    } else if has("operation_Id") || has("operation_ParentId") {
        return Some(sent_too("rows of Application Insights"));
    } else if has("traceId") && has("spanId") && has("operationName") {
        "spans with Jaeger's names in a form that Jaeger's HTTP API does not have: fetch /api/traces/ID, or export \
         OTLP with the Collector's file exporter"
    } else if has("trace_id") && has("span_id") && has("@timestamp") {
        "documents of Elastic's data streams: export OTLP with the Collector's file exporter instead"
    } else if has("contexts") && has("spans") {
        return Some(sent_too("an event of Sentry"));
    } else if has("startTimestampMillis") && has("columns") || has("ts_bucket_start") {
        return Some(sent_too("rows of SigNoz"));
    } else if ["t", "s", "n", "k", "ts"].into_iter().all(has) {
        "spans of Instana: send them to a Collector too, and save them with its file exporter"
    } else if has("partialSuccess") || has("partial_success") {
        "the answer of a receiver of OTLP, which has no spans"
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// The error for a document of Elasticsearch or OpenSearch with these members, if it is not
/// Jaeger's.
pub(super) fn document(names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|known| known == name);
    json(names).or_else(|| {
        let found = if has("traceId") && has("id") {
            "Zipkin's documents in Elasticsearch: fetch /api/v2/traces from Zipkin instead"
        } else if has("traceId") || has("trace_id") {
            "documents of Elasticsearch or OpenSearch that are not Jaeger's: export OTLP with the Collector's file \
             exporter instead"
        } else {
            return None;
        };
        Some(found.to_owned())
    })
}

/// The error for a list under `data` whose first element has these members, if it is not Jaeger's.
pub(super) fn data(names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|known| known == name);
    if !has("type") || !has("attributes") || has("traceID") {
        return None;
    }
    Some(sent_too(match has("relationships") {
        true => "an answer of the API of Lightstep (ServiceNow Cloud Observability)",
        false => "an answer of Datadog's Spans API",
    }))
}

/// The error for text or bytes, if they are a known form that cannot be read.
pub(super) fn text(text: &[u8]) -> Option<String> {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let found = if text.starts_with(b"PAR1") {
        return None;
    } else if holds(b"LoggingSpanExporter") && holds(b"[tracer: ") {
        "the log of Java's LoggingSpanExporter, which prints neither parents nor times: set \
         OTEL_TRACES_EXPORTER=logging-otlp, or otlp"
    } else if holds(b"  parent_span_id: ") && holds(b"  instr-lib     : ") {
        "the output of C++'s OStreamSpanExporter: use its OTLP exporter and a Collector, or its OTLP file exporter"
    } else if is_in_first_line(text, b"trace.trace_id") {
        return Some(sent_too("rows of Honeycomb"));
    } else if is_in_first_line(text, b"operation_Id") {
        return Some(sent_too("rows of Application Insights"));
    } else if holds(b"\xa8trace_id") || holds(b"\xa7span_id") {
        "a Datadog payload in MessagePack: send it as JSON (PUT /v0.3/traces with Content-Type: application/json), \
         or export OTLP"
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// The error for spans as a backend returns them.
fn sent_too(what: &str) -> String {
    format!("{what}: send the spans to a Collector too, and save them with its file exporter")
}

fn is_in_first_line(text: &[u8], part: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    line.windows(part.len()).any(|window| window == part)
}

/// The error for the first bytes of a binary form, if it is a known one that cannot be read.
pub(super) fn bytes(beginning: &[u8]) -> Option<String> {
    is_of_datadog_agent(beginning).then(|| {
        "a Datadog payload in the binary form of tracers (v0.5) or of the Agent: send it as JSON (PUT /v0.3/traces \
         with Content-Type: application/json), or export OTLP"
            .to_owned()
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
