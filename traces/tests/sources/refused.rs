//! Output of the programs in common use that baton refuses by name: one short file each, in
//! `tests/data/refused`.

use baton_traces::span::Want;

use super::{data, source};

#[test]
fn a_form_that_is_not_read_is_refused_by_its_name() {
    for (file, said) in [
        ("azure-monitor.json", "an answer of Azure Monitor"),
        ("langfuse-rows.jsonl", "traces of Langfuse"),
        ("langfuse-trace.json", "traces of Langfuse"),
        ("langfuse-observations.json", "traces of Langfuse"),
        (
            "langfuse-ingestion.json",
            "events that Langfuse's SDKs send",
        ),
        (
            "elastic-intake.jsonl",
            "events that Elastic APM's agents send",
        ),
        ("elastic-doc8.json", "documents of Elastic APM"),
        (
            "swift-stdout.txt",
            "the output of Swift's StdoutSpanExporter",
        ),
        (
            "swift-stdout-json.txt",
            "the output of Swift's StdoutSpanExporter",
        ),
        (
            "cpp-log.txt",
            "printed logs or metrics, which have no spans",
        ),
        (
            "dotnet-log.txt",
            "printed logs or metrics, which have no spans",
        ),
        (
            "collector-debug-logs.txt",
            "printed logs or metrics, which have no spans",
        ),
        ("otlp-logrecord.json", "log records, which have no spans"),
        ("logs.jsonl", "log records, which have no spans"),
        (
            "otlp-logs-snake.json",
            "has logs, metrics or profiles in OTLP/JSON, but no spans",
        ),
        ("uptrace.json", "spans of Uptrace"),
        ("axiom.json", "rows of Axiom"),
        ("axiom-row.json", "rows of Axiom"),
        (
            "tempo-search-partial.json",
            "fetch each trace with /api/v2/traces/ID",
        ),
        (
            "oci-apm.json",
            "spans of Oracle's Application Performance Monitoring",
        ),
        ("coralogix.json", "spans of Coralogix"),
        ("langsmith.json", "runs of LangSmith"),
        ("gcp-v2-batch.json", "traces of Google Cloud Trace"),
        ("mlflow.json", "a trace of MLflow"),
        ("splunk-hec.json", "events of Splunk"),
        ("logfire-rows.json", "rows of Logfire"),
        ("opencensus.json", "spans of OpenCensus"),
        ("sentry-spans.json", "spans of Sentry"),
        ("newrelic-traceapi.json", "spans of New Relic"),
        (
            "appinsights-envelope.json",
            "telemetry of Application Insights",
        ),
        (
            "signoz-v5.json",
            "JSON whose part `.data.data` is rows of SigNoz",
        ),
        ("datadog.msgpack", "a Datadog payload in MessagePack"),
        ("datadog-spans-api.json", "an answer of Datadog's Spans API"),
        ("cpp-ostream.txt", "the output of C++'s OStreamSpanExporter"),
        ("lightstep.json", "an answer of the API of Lightstep"),
        (
            "otlp-in-data.json",
            "OTLP/JSON inside: save that part alone, as `jq '.data'` prints it",
        ),
        (
            "otlp-in-text.json",
            "OTLP/JSON inside: save that part alone, as `jq -r '.body'` prints it",
        ),
        ("otlp-spans-alone.json", "as `jq '.spans'` prints it"),
        ("zipkin-in-log.txt", "text with Zipkin JSON in its lines"),
        ("zipkin.pb", "spans of Zipkin in protobuf"),
        ("page.html", "an HTML page"),
        ("table.parquet", "a table in Parquet"),
        ("packed-twice.gz", "a file that gzip packed twice"),
        ("clickhouse.csv", "select them with FORMAT JSONEachRow"),
        ("grafana-frames.json", "data frames of Grafana"),
        (
            "skywalking.json",
            "JSON whose part `.data.trace.spans` is spans of SkyWalking",
        ),
        ("splunk.json", "spans of Splunk Observability Cloud"),
        (
            "erlang-stdout.txt",
            "the output of Erlang's otel_exporter_stdout",
        ),
        ("python-dict.txt", "print it with json.dumps"),
        ("headers.txt", "`baton explain < FILE` reads them"),
        ("xray.yaml", "call it with --output json"),
        ("xray-service-graph.json", "X-Ray's service graph"),
        (
            "xray-retrieved-otel.json",
            "give `aws xray list-retrieved-traces` the option `--trace-format XRAY`",
        ),
        ("openobserve.json", "rows of OpenObserve"),
        ("new-relic-rows.json", "spans of New Relic"),
        ("wavefront.json", "spans of Wavefront"),
        ("appdynamics.json", "snapshots of AppDynamics"),
        (
            "signoz-query.json",
            "the answer to a query of Prometheus, Loki or SigNoz",
        ),
        ("grafana-traces.csv", "a table of Grafana"),
        ("jaeger-services.json", "names of services or operations"),
        ("zipkin-services.json", "names of services or operations"),
        ("error-answer.json", "an error that a server answered"),
        (
            "datadog-v05.msgpack",
            "a Datadog payload in the binary form",
        ),
        ("datadog-agent.pb", "a Datadog payload in the binary form"),
        ("datadog-agent.json", "a payload of the Datadog Agent"),
        ("elastic-apm.json", "documents of Elastic APM"),
        ("elastic-apm-document.json", "documents of Elastic APM"),
        (
            "elastic-data-stream.json",
            "documents of Elastic's data streams",
        ),
        ("google-cloud-trace.json", "traces of Google Cloud Trace"),
        ("honeycomb.csv", "rows of Honeycomb"),
        ("honeycomb.json", "rows of Honeycomb"),
        (
            "jaeger-dependencies.json",
            "links between services, which have no spans",
        ),
        ("jaeger-protobuf.jsonl", "spans with Jaeger's names"),
        ("instana.json", "spans of Instana"),
        ("java-logging.log", "set OTEL_TRACES_EXPORTER=logging-otlp"),
        ("new-relic.json", "spans of New Relic"),
        ("otlp-answer.json", "the answer of a receiver of OTLP"),
        (
            "otlp-logs.json",
            "has logs, metrics or profiles in OTLP/JSON, but no spans",
        ),
        (
            "otlp-wrong-case.json",
            "this looks like OTLP/JSON, but no span was read; skipped: 1 member `ScopeSpans` of a ResourceSpans on line 1 \
             (the name is `scopeSpans`)",
        ),
        (
            "otlp-wrong-case-pretty.json",
            "2 members `ScopeSpans` of a ResourceSpans, the first on line 14 (the name is `scopeSpans`)",
        ),
        ("signoz-columns.json", "rows of SigNoz"),
        ("signoz-rows.json", "rows of SigNoz"),
        (
            "tempo-search.json",
            "fetch each trace with /api/v2/traces/ID",
        ),
        (
            "xray-lower-case.json",
            "this looks like X-Ray segments, but no span was read; skipped: 1 member `segments` of an X-Ray trace",
        ),
        (
            "xray-summaries.json",
            "`aws xray batch-get-traces --trace-ids ID …` has them",
        ),
        (
            "zipkin-elasticsearch.json",
            "Zipkin's documents in Elasticsearch",
        ),
    ] {
        let error = source(&data(&format!("refused/{file}"))).read(Want::Judging, &mut |_| {});
        let error = error.expect_err(file).to_string();
        assert!(error.contains(said), "{error}");
    }
}
