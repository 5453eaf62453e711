//! Known JSON that holds no spans, or only parts of them, recognised by the members of an object.

use super::refused::{SWIFT, sent_too};

const ELASTIC_APM: &str =
    "documents of Elastic APM: export OTLP with the Collector's file exporter instead";
const ELASTIC_INTAKE: &str = "events that Elastic APM's agents send: export OTLP to a Collector instead, and save it with its \
     file exporter";
const AZURE: &str = "an answer of Azure Monitor, such as rows of Application Insights: send the spans to a Collector \
     too, and save them with its file exporter";
const MLFLOW: &str =
    "a trace of MLflow: export OTLP to a Collector too, and save it with its file exporter";
const DATADOG_AGENT: &str = "a payload of the Datadog Agent: export OTLP from the Agent's otlp_config or the SDK to a \
     Collector, and save it with its file exporter";
const LOGS: &str = "log records, which have no spans: export the traces signal";
const METRICS: &str = "metrics, which have no spans: export the traces signal";
const TEMPO_SEARCH: &str =
    "Tempo's answer to a search, which has no spans: fetch each trace with /api/v2/traces/ID";
const DATA_PREPPER: &str = "documents of OpenSearch's Data Prepper: export OTLP with the Collector's file exporter instead";
const NEW_RELIC: &str =
    "spans of New Relic: send them to a Collector too, and save them with its file exporter";
const QUERY: &str = "the answer to a query of Prometheus, Loki or SigNoz: fetch the traces themselves, or send the spans to a \
     Collector too, and save them with its file exporter";
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
    (&["traceID", "spanSet"], TEMPO_SEARCH),
    (&["traceID", "spanSets"], TEMPO_SEARCH),
    (&["tagNames"], TEMPO_SEARCH),
    (&["scopes", "metrics"], TEMPO_SEARCH),
    (&["processor", "transaction"], ELASTIC_APM),
    (&["@timestamp", "trace", "transaction"], ELASTIC_APM),
    (&["@timestamp", "trace", "span"], ELASTIC_APM),
    (&["@timestamp", "trace", "parent"], ELASTIC_APM),
    (&["@timestamp", "parent", "span"], ELASTIC_APM),
    (&["processor", "@timestamp"], ELASTIC_APM),
    (&["tracerPayloads"], DATADOG_AGENT),
    (&["languageName", "spans"], DATADOG_AGENT),
    (&["traceGroup"], DATA_PREPPER),
    (&["traceGroupFields"], DATA_PREPPER),
    (&["destination", "hashId"], DATA_PREPPER),
    (&["trace.id", "parent.id"], NEW_RELIC),
    (&["trace.id", "parentId"], NEW_RELIC),
    (&["trace.id", "duration.ms"], NEW_RELIC),
    (&["common", "spans"], NEW_RELIC),
    (&["duration.ms", "entity.name"], NEW_RELIC),
    (&["duration.ms", "traceId"], NEW_RELIC),
    (&["entity.guid", "traceId"], NEW_RELIC),
    (&["span", "spanKind", "traceFlags"], SWIFT),
    (&["severityNumber", "body"], LOGS),
    (&["severity_number", "body"], LOGS),
    (&["SeverityText", "Body"], LOGS),
    (&["Severity", "Body"], LOGS),
    (&["trace_id", "span_id", "level"], LOGS),
    (&["traceId", "spanId", "level"], LOGS),
    (&["trace_id", "span_id", "severity"], LOGS),
    (&["traceId", "spanId", "severity"], LOGS),
    (&["Resource", "ScopeMetrics"], METRICS),
    (&["descriptor", "dataPoints"], METRICS),
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
    (&["observations", "scores"], "traces of Langfuse"),
    (&["projectId", "observations"], "traces of Langfuse"),
    (&["traceId", "parentObservationId"], "traces of Langfuse"),
    (&["trace_id", "parent_observation_id"], "traces of Langfuse"),
    (&["id", "traceId", "projectId"], "traces of Langfuse"),
    (&["trace_id", "dotted_order"], "runs of LangSmith"),
    (&["trace_id", "run_type"], "runs of LangSmith"),
    (&["projectId", "traceId"], "traces of Google Cloud Trace"),
    (&["spanId", "displayName"], "traces of Google Cloud Trace"),
    (&["spanId", "labels"], "traces of Google Cloud Trace"),
    (&["projectId", "spans"], "traces of Google Cloud Trace"),
    (&["operation_Id"], "rows of Application Insights"),
    (&["operation_ParentId"], "rows of Application Insights"),
    (&["OperationId", "ParentId"], "rows of Application Insights"),
    (&["iKey", "data"], "telemetry of Application Insights"),
    (
        &["internal", "context"],
        "telemetry of Application Insights",
    ),
    (&["contexts", "spans"], "an event of Sentry"),
    (&["trace_id", "op", "start_timestamp"], "spans of Sentry"),
    (&["transactions", "orphan_errors"], "a trace of Sentry"),
    (&["traceId", "attrs"], "spans of Uptrace"),
    (
        &["traceKey"],
        "spans of Oracle's Application Performance Monitoring",
    ),
    (
        &["rootSpanOperationName"],
        "spans of Oracle's Application Performance Monitoring",
    ),
    (&["sourcetype", "event"], "events of Splunk"),
    (&["preview", "result"], "results of a search in Splunk"),
    (&["applicationName", "subsystemName"], "spans of Coralogix"),
    (&["metadata", "userData"], "rows of Coralogix"),
    (&["_time", "_rowId"], "rows of Axiom"),
    (
        &["_time", "trace_id"],
        "rows of Axiom, VictoriaLogs or VictoriaTraces",
    ),
    (&["format", "status", "tables"], "rows of Axiom"),
    (&["span_name", "start_timestamp"], "rows of Logfire"),
    (&["datatype", "values"], "rows of Logfire"),
    (&["node", "spans"], "spans of OpenCensus"),
    (&["transactionId", "callStack"], "traces of Pinpoint"),
    (&["_dd", "view"], "events of Datadog's browser SDK"),
    (&["queryName", "rows"], "rows of SigNoz"),
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
    (
        &["traceId", "startMs"],
        "spans of Wavefront (VMware Aria Operations)",
    ),
    (&["requestGUID"], "snapshots of AppDynamics"),
];

/// A member, names in the object that it holds, and what JSON with both is.
const NESTED: &[(&str, &[&str], &str)] = &[
    ("info", &["experiment_id"], MLFLOW),
    ("tables", &["columns", "rows"], AZURE),
    ("data", &["actor"], NEW_RELIC),
    ("data", &["resultType", "result"], QUERY),
];

/// The only member of a line of Elastic APM's intake, and names in the object that it holds.
const INTAKE: &[(&str, &[&str])] = &[
    ("metadata", &["service"]),
    ("transaction", &["id", "trace_id"]),
    ("span", &["id", "trace_id"]),
    ("error", &["id", "trace_id"]),
];

/// The error for a list of names under `data`, or alone.
pub(super) const NAMES: &str = "names of services or operations, or ids of traces, which have no spans: fetch /api/traces from Jaeger, or \
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

/// The error for a member of a JSON object, if it holds an object with these names of a known form
/// that cannot be read.
pub(super) fn member(name: &str, inner: &[String]) -> Option<String> {
    let has = |name: &&str| inner.iter().any(|known| known == name);
    let mut nested = NESTED.iter();
    let found = nested.find(|(member, names, _)| *member == name && names.iter().all(has));
    match found {
        Some((_, _, what)) => Some((*what).to_owned()),
        None if name == "batch" && has(&"type") && has(&"body") => {
            Some(sent_too("events that Langfuse's SDKs send"))
        }
        None if name == "traces" => object(inner),
        None => None,
    }
}

/// The error for a line of Elastic APM's intake: an object with the member `name` alone, which holds
/// an object with the names `inner`. `names_agent` says whether the service in it has an agent.
pub(super) fn intake(
    name: &str,
    inner: &[String],
    names_agent: impl FnOnce() -> bool,
) -> Option<String> {
    let has = |name: &&str| inner.iter().any(|known| known == name);
    let mut lines = INTAKE.iter();
    let is_line = lines.any(|(member, names)| *member == name && names.iter().all(has));
    // in a segment of X-Ray, the user chooses what metadata has
    let is_intake = is_line && (name != "metadata" || names_agent());
    is_intake.then(|| ELASTIC_INTAKE.to_owned())
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
    if has("traceID") {
        return None;
    }
    if !has("type") || !has("attributes") {
        return object(names);
    }
    Some(sent_too(match has("relationships") {
        true => "an answer of the API of Lightstep (ServiceNow Cloud Observability)",
        false => "an answer of Datadog's Spans API",
    }))
}
