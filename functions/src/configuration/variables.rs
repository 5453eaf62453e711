//! Every environment variable that a function reads, as a table for documents.
//!
//! A test compares the table with the variables that [`Configuration::from_environment`] reads, so
//! the two always agree.
//!
//! [`Configuration::from_environment`]: super::Configuration::from_environment

/// What a variable is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Which headers are read and written, and how.
    Propagation,
    /// Which spans are recorded, and what they say.
    Spans,
    /// Where the spans go.
    Export,
    /// The stream, and what Lambda itself sets.
    Aws,
}

/// An environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What it sets, as a phrase.
    pub sets: &'static str,
    /// Every accepted value, or none if the value is free text.
    pub choices: &'static [&'static str],
    /// The form of the value, if it is free text.
    pub form: &'static str,
    /// The value that applies if the variable is unset, if there is one.
    pub default: Option<&'static str>,
}

/// A variable with a fixed set of values.
const fn choice(
    topic: Topic,
    name: &'static str,
    sets: &'static str,
    choices: &'static [&'static str],
    default: Option<&'static str>,
) -> Variable {
    Variable {
        name,
        topic,
        sets,
        choices,
        form: "",
        default,
    }
}

/// A variable with free text.
const fn text(
    topic: Topic,
    name: &'static str,
    sets: &'static str,
    form: &'static str,
    default: Option<&'static str>,
) -> Variable {
    Variable {
        name,
        topic,
        sets,
        choices: &[],
        form,
        default,
    }
}

/// OpenTelemetry's SDK reads this one itself.
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// All of them, by topic.
pub const VARIABLES: &[Variable] = &[
    text(
        Topic::Propagation,
        "OTEL_PROPAGATORS",
        "the formats that the function reads and writes",
        "comma list of formats, or `none`",
        Some("tracecontext,baggage"),
    ),
    text(
        Topic::Propagation,
        "BATON_INJECT",
        "the formats that it writes, instead of `OTEL_PROPAGATORS`",
        "comma list of formats, or `none`",
        None,
    ),
    text(
        Topic::Propagation,
        "BATON_EXTRACT",
        "the formats that it reads, instead of `OTEL_PROPAGATORS`",
        "comma list of formats, or `none`",
        None,
    ),
    choice(
        Topic::Propagation,
        "BATON_EXTRACT_SELECT",
        "which valid context of the list it continues: `last` as OpenTelemetry does, `first` as \
         Datadog does",
        &["last", "first"],
        Some("last"),
    ),
    choice(
        Topic::Propagation,
        "BATON_ON_CONFLICT",
        "what it does when valid contexts disagree: `keep` the chosen one, `link` the others \
         too, or `restart` with a new trace that links them all",
        &["keep", "link", "restart"],
        Some("keep"),
    ),
    choice(
        Topic::Propagation,
        "BATON_ENGINE",
        "whose code reads and writes the headers: baton's own, which is strict, or the upstream \
         crates",
        &["native", "otel"],
        Some("native"),
    ),
    choice(
        Topic::Propagation,
        "BATON_XRAY_SOURCE",
        "where `xray` is read: `header` is the request only, `environment` also Lambda's \
         `_X_AMZN_TRACE_ID` (producer)",
        &["header", "environment"],
        Some("header"),
    ),
    choice(
        Topic::Propagation,
        "BATON_CONSUMER_RELATION",
        "how a record's span relates to the context in the record",
        &["parent", "link"],
        Some("parent"),
    ),
    text(
        Topic::Spans,
        "OTEL_SERVICE_NAME",
        "the service's name instead of `producer-lambda` or `consumer-lambda`",
        "text",
        None,
    ),
    text(
        Topic::Spans,
        RESOURCE_ATTRIBUTES,
        "more attributes of the service",
        "`name=value,name=value`",
        None,
    ),
    choice(
        Topic::Spans,
        "OTEL_TRACES_SAMPLER",
        "which traces are recorded",
        &[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ],
        Some("parentbased_always_on"),
    ),
    text(
        Topic::Spans,
        "OTEL_TRACES_SAMPLER_ARG",
        "the share of traces for the samplers with `traceidratio`",
        "number from 0 to 1",
        Some("1"),
    ),
    text(
        Topic::Spans,
        "OTEL_CONFIG_FILE",
        "nothing: a function does not start with a configuration file, because it reads only variables",
        "unset",
        None,
    ),
    text(
        Topic::Spans,
        "OTEL_EXPERIMENTAL_CONFIG_FILE",
        "nothing, like `OTEL_CONFIG_FILE`",
        "unset",
        None,
    ),
    choice(
        Topic::Spans,
        "OTEL_SDK_DISABLED",
        "whether the function records no spans at all",
        &["true", "false"],
        Some("false"),
    ),
    text(
        Topic::Export,
        "OTEL_TRACES_EXPORTER",
        "the exporters",
        "`otlp`, `zipkin`, `console`, or a comma list of them, or `none`",
        Some("otlp"),
    ),
    text(
        Topic::Export,
        "BATON_FLUSH_TIMEOUT",
        "how long an answer waits for the export",
        "milliseconds, from 1 to 900000",
        Some("1000"),
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "the collector's base address; the exporter appends `/v1/traces`",
        "http or https URL, without user and password",
        Some("http://localhost:4318"),
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "the collector's whole address, instead of `OTEL_EXPORTER_OTLP_ENDPOINT`",
        "http or https URL, without user and password",
        None,
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_HEADERS",
        "headers for the collector, such as a token",
        "`name=value,name=value`, percent-encoded",
        None,
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "the same, for traces only",
        "`name=value,name=value`, percent-encoded",
        None,
    ),
    choice(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "the compression of exported spans",
        &["gzip", "none"],
        Some("none"),
    ),
    choice(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "the same, for traces only",
        &["gzip", "none"],
        None,
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "how long one export may take",
        "milliseconds",
        Some("10000"),
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "the same, for traces only",
        "milliseconds",
        None,
    ),
    choice(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "the protocol; there is only one",
        &["http/protobuf"],
        Some("http/protobuf"),
    ),
    choice(
        Topic::Export,
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "the same, for traces only",
        &["http/protobuf"],
        None,
    ),
    text(
        Topic::Export,
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "the address of the exporter `zipkin`; a user and password in it are sent as basic \
         authentication",
        "http or https URL",
        Some("http://127.0.0.1:9411/api/v2/spans"),
    ),
    text(
        Topic::Export,
        "SPLUNK_REALM",
        "sends OTLP to Splunk Observability Cloud instead; needs `SPLUNK_ACCESS_TOKEN`",
        "name of the realm, such as `us0`",
        None,
    ),
    text(
        Topic::Export,
        "SPLUNK_ACCESS_TOKEN",
        "the token for Splunk; needs `SPLUNK_REALM`",
        "access token with permission to ingest",
        None,
    ),
    text(
        Topic::Aws,
        "KINESIS_STREAM",
        "the stream that the producer puts records on; the producer needs it",
        "name of a stream",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_ENDPOINT_URL_KINESIS",
        "the address of a Kinesis API, instead of that of AWS",
        "URL",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_ENDPOINT_URL",
        "the same, for all services of AWS",
        "URL",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_REGION",
        "the region of the stream, and `cloud.region` of the spans",
        "name of a region",
        Some("us-east-1"),
    ),
    text(
        Topic::Aws,
        "AWS_ACCESS_KEY_ID",
        "the producer's credentials; Lambda sets them",
        "text",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_SECRET_ACCESS_KEY",
        "the producer's credentials; Lambda sets them",
        "text",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_SESSION_TOKEN",
        "the producer's credentials; Lambda sets them",
        "text",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_LAMBDA_FUNCTION_NAME",
        "`faas.name` of the spans; Lambda sets it",
        "text",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_LAMBDA_FUNCTION_VERSION",
        "`faas.version` of the spans; Lambda sets it",
        "text",
        None,
    ),
    text(
        Topic::Aws,
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "`faas.instance` of the spans; Lambda sets it",
        "text",
        None,
    ),
];

#[cfg(test)]
mod tests;
