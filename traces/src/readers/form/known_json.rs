//! Known JSON that holds no spans, or only parts of them, recognised by the members of an object.

use super::refused::sent_too;

const ELASTIC_APM: &str =
    "documents of Elastic APM: export OTLP with the Collector's file exporter instead";
const DATADOG_AGENT: &str = "a payload of the Datadog Agent: export OTLP from the Agent's otlp_config or the SDK to a \
     Collector, and save it with its file exporter";
const TEMPO_SEARCH: &str =
    "Tempo's answer to a search, which has no spans: fetch each trace with /api/v2/traces/ID";
const DATA_PREPPER: &str = "documents of OpenSearch's Data Prepper: export OTLP with the Collector's file exporter instead";
const NEW_RELIC: &str =
    "spans of New Relic: send them to a Collector too, and save them with its file exporter";
const OTLP_ANSWER: &str = "the answer of a receiver of OTLP, which has no spans";

/// Members of one object, and what JSON with all of them is: a phrase that also says what to do.
const OTHERS: &[(&[&str], &str)] = &[
    (
        &["TraceSummaries"],
        "X-Ray trace summaries, which have no spans: `aws xray batch-get-traces --trace-ids ID …` has them",
    ),
    (
        &["Services", "StartTime"],
        "X-Ray's service graph, which has no spans: `aws xray batch-get-traces --trace-ids ID …` has them",
    ),
    (&["rootServiceName"], TEMPO_SEARCH),
    (&["rootTraceName"], TEMPO_SEARCH),
    (&["processor", "transaction"], ELASTIC_APM),
    (&["processor", "@timestamp"], ELASTIC_APM),
    (&["tracerPayloads"], DATADOG_AGENT),
    (&["languageName", "spans"], DATADOG_AGENT),
    (&["traceGroup"], DATA_PREPPER),
    (&["traceGroupFields"], DATA_PREPPER),
    (&["trace.id", "parent.id"], NEW_RELIC),
    (&["trace.id", "parentId"], NEW_RELIC),
    (&["trace.id", "duration.ms"], NEW_RELIC),
    (
        &["traceId", "spanId", "operationName"],
        "spans with Jaeger's names in a form that Jaeger's HTTP API does not have: fetch /api/traces/ID, or export \
         OTLP with the Collector's file exporter",
    ),
    (
        &["trace_id", "span_id", "@timestamp"],
        "documents of Elastic's data streams: export OTLP with the Collector's file exporter instead",
    ),
    (
        &["t", "s", "n", "k", "ts"],
        "spans of Instana: send them to a Collector too, and save them with its file exporter",
    ),
    (&["partialSuccess"], OTLP_ANSWER),
    (&["partial_success"], OTLP_ANSWER),
    (
        &["parent", "child", "callCount"],
        "links between services, which have no spans: fetch /api/v2/traces from Zipkin, or /api/traces from Jaeger",
    ),
    (
        &["traceEvents"],
        "events of Chrome's tracing, which name no trace",
    ),
    (
        &["message", "statusCode"],
        "an error that a server answered, and no spans",
    ),
];

/// Members of one object, and the backend whose spans have all of them.
const BACKENDS: &[(&[&str], &str)] = &[
    (
        &["traceId", "spanId", "durationMicros"],
        "spans of Splunk Observability Cloud",
    ),
    (&["trace.trace_id"], "rows of Honeycomb"),
    (&["trace.span_id"], "rows of Honeycomb"),
    (&["projectId", "traceId"], "traces of Google Cloud Trace"),
    (&["projectId", "spans"], "traces of Google Cloud Trace"),
    (&["operation_Id"], "rows of Application Insights"),
    (&["operation_ParentId"], "rows of Application Insights"),
    (&["OperationId", "ParentId"], "rows of Application Insights"),
    (&["contexts", "spans"], "an event of Sentry"),
    (&["startTimestampMillis", "columns"], "rows of SigNoz"),
    (&["ts_bucket_start"], "rows of SigNoz"),
    (&["schema", "data"], "data frames of Grafana"),
    (&["segmentId", "spanId"], "spans of SkyWalking"),
    (&["traceSegmentId", "spans"], "segments of SkyWalking"),
    (&["trace.id", "span.id"], "records of Dynatrace or Elastic"),
    (&["root_id", "spans"], "a trace of Datadog's site"),
    (
        &["trace_id", "span_id", "reference_parent_span_id"],
        "rows of OpenObserve",
    ),
    (&["flat", "tree"], "a trace of Tracetest"),
];

/// The error for a list of names under `data`, or alone.
pub(super) const NAMES: &str = "names of services or operations, which have no spans: fetch /api/traces from Jaeger, or \
     /api/v2/traces from Zipkin";

/// The error for a JSON object with these members, if it is a known form that cannot be read.
pub(super) fn object(names: &[String]) -> Option<String> {
    let has = |name: &&str| names.iter().any(|known| known == name);
    let fits = |(members, _): &&(&[&str], &str)| members.iter().all(has);
    let backend = BACKENDS.iter().find(fits);
    backend
        .map(|(_, what)| sent_too(what))
        .or_else(|| OTHERS.iter().find(fits).map(|(_, what)| (*what).to_owned()))
}

/// The error for a document of Elasticsearch or OpenSearch with these members, if it is not
/// Jaeger's.
pub(super) fn document(names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|known| known == name);
    object(names).or_else(|| {
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
