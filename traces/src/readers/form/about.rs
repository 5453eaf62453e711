//! What writes each form, for the reference.

use super::Form;

impl Form {
    /// Every form.
    pub const ALL: [Form; 15] = [
        Form::OtlpJson,
        Form::OtlpProtobuf,
        Form::OtlpFrames,
        Form::OtlpDelimited,
        Form::OtlpLogLines,
        Form::CloudWatch,
        Form::ClickHouse,
        Form::Zipkin,
        Form::Jaeger,
        Form::XRay,
        Form::Datadog,
        Form::DebugLog,
        Form::Console,
        Form::DotnetConsole,
        Form::RubyConsole,
    ];

    /// What writes it, as a phrase for a table.
    pub fn written_by(self) -> &'static str {
        match self {
            Form::OtlpJson => {
                "the Collector's file exporter, Tempo (`/api/traces`, `/api/v2/traces`), Jaeger's API v3; \
                 also versions before 0.20, names in snake_case, ids in base64"
            }
            Form::OtlpProtobuf => {
                "an OTLP request, Tempo with `Accept: application/protobuf`; also versions before 0.20"
            }
            Form::OtlpFrames => {
                "the Collector's file exporter with `format: proto`, or with compression"
            }
            Form::OtlpDelimited => "programs that write each message after its length as a varint",
            Form::OtlpLogLines => {
                "CloudWatch's log group `aws/spans`, exported to S3 or as a list; Java's `logging-otlp` exporter; OTLP/JSON between other lines of a log"
            }
            Form::CloudWatch => {
                "`aws logs filter-log-events` and `get-query-results` on `aws/spans`"
            }
            Form::ClickHouse => {
                "`SELECT * FROM otel_traces FORMAT JSONEachRow` (or `JSON`), the table of the Collector's \
                 ClickHouse exporter"
            }
            Form::Zipkin => "Zipkin's API, version 2 or 1, and exporters of Zipkin JSON",
            Form::Jaeger => {
                "Jaeger's query API, a download in its UI, its documents in Elasticsearch"
            }
            Form::XRay => {
                "`aws xray batch-get-traces`, `list-retrieved-traces`, the console's raw data, the daemon, `PutTraceSegments`"
            }
            Form::Datadog => {
                "Datadog's tracers, to the Agent's `/v0.3/traces` or `/v0.4/traces` as JSON"
            }
            Form::DebugLog => {
                "the Collector's `debug` exporter with `verbosity: detailed`, Rust's `opentelemetry-stdout`"
            }
            Form::Console => "OpenTelemetry's console exporters for Python, PHP, Go and JavaScript",
            Form::DotnetConsole => "OpenTelemetry's console exporter for .NET",
            Form::RubyConsole => "OpenTelemetry's console exporter for Ruby",
        }
    }
}
