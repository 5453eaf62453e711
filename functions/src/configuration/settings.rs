//! The parts of a function's configuration.

use std::fmt;
use std::time::Duration;

use crate::splunk::SplunkIngest;

/// How the record span relates to the record's context (`BATON_CONSUMER_RELATION`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// The context is the span's parent: producer and consumer share one trace.
    #[default]
    Parent,
    /// The span stays in the invocation's trace and links to the context.
    Link,
}

/// Where spans go (`OTEL_TRACES_EXPORTER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// OTLP over HTTP, protobuf encoded (`OTEL_EXPORTER_OTLP_*`).
    Otlp,
    /// Zipkin v2 JSON (`OTEL_EXPORTER_ZIPKIN_ENDPOINT`).
    Zipkin,
    /// Standard output, to look at spans without a backend.
    Console,
}

impl fmt::Display for Exporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Exporter::Otlp => "otlp",
            Exporter::Zipkin => "zipkin",
            Exporter::Console => "console",
        })
    }
}

/// Which traces are recorded (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// The share of new traces that are recorded, 0 to 1.
    pub ratio: f64,
    /// Whether the decision of a remote parent is followed.
    pub parent_based: bool,
}

impl Sampler {
    pub(crate) fn to_opentelemetry(self) -> opentelemetry_sdk::trace::Sampler {
        use opentelemetry_sdk::trace::Sampler as Upstream;
        let root = match self.ratio {
            ratio if ratio >= 1.0 => Upstream::AlwaysOn,
            ratio if ratio <= 0.0 => Upstream::AlwaysOff,
            ratio => Upstream::TraceIdRatioBased(ratio),
        };
        if self.parent_based {
            Upstream::ParentBased(Box::new(root))
        } else {
            root
        }
    }
}

/// The telemetry part of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct TelemetrySettings {
    pub(crate) service_name: String,
    pub(crate) lambda_attributes: Vec<(&'static str, String)>,
    pub(crate) sampler: Sampler,
    pub(crate) exporters: Vec<Exporter>,
    /// Where OTLP goes in place of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) splunk: Option<SplunkIngest>,
    pub(crate) flush_timeout: Duration,
    pub(crate) disabled: bool,
}

/// Region, endpoint and credentials, which Lambda gives to a function.
#[derive(Clone)]
pub(crate) struct AwsSettings {
    pub(crate) region: String,
    pub(crate) kinesis_endpoint: Option<String>,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
}

impl fmt::Debug for AwsSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AwsSettings")
            .field("region", &self.region)
            .field("kinesis_endpoint", &self.kinesis_endpoint)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct StreamSettings {
    pub(crate) name: String,
    pub(crate) aws: AwsSettings,
}
