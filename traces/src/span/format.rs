//! The forms of spans other than OTLP.

use std::fmt;

/// The value of [`super::Key::SpanFormat`] for Zipkin.
pub const FORMAT_ZIPKIN: &str = "zipkin";

/// The original form of a span, if it was not OTLP: the values of [`super::Key::SpanFormat`]. None
/// of them has fields for `tracestate` and sampling flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanFormat {
    /// Zipkin's JSON, which has no field for links either.
    Zipkin,
    /// Jaeger's JSON.
    Jaeger,
    /// Segments of AWS X-Ray.
    XRay,
    /// The JSON that Datadog's tracers send to the agent.
    Datadog,
}

impl SpanFormat {
    /// Every format.
    pub const ALL: [SpanFormat; 4] = [
        SpanFormat::Zipkin,
        SpanFormat::Jaeger,
        SpanFormat::XRay,
        SpanFormat::Datadog,
    ];

    /// Its name in the attribute.
    pub fn name(self) -> &'static str {
        match self {
            SpanFormat::Zipkin => FORMAT_ZIPKIN,
            SpanFormat::Jaeger => "jaeger",
            SpanFormat::XRay => "xray",
            SpanFormat::Datadog => "datadog",
        }
    }

    /// The format called `name`; `None` for an unknown one.
    pub fn from_name(name: &str) -> Option<SpanFormat> {
        SpanFormat::ALL
            .into_iter()
            .find(|format| format.name() == name)
    }
}

impl fmt::Display for SpanFormat {
    /// Its name in a sentence.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            SpanFormat::Zipkin => "Zipkin",
            SpanFormat::Jaeger => "Jaeger",
            SpanFormat::XRay => "X-Ray",
            SpanFormat::Datadog => "Datadog",
        })
    }
}
