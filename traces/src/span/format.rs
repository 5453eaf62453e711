//! The formats other than OTLP that spans come in.

use std::fmt;

/// The value of [`super::Key::SpanFormat`] for Zipkin.
pub const FORMAT_ZIPKIN: &str = "zipkin";

/// What a span was exported as, where that is not OTLP: the values of [`super::Key::SpanFormat`]. None of them has a place for
/// `tracestate` and sampling flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanFormat {
    /// Zipkin v2 JSON, which has no place for links either.
    Zipkin,
    /// Jaeger's JSON.
    Jaeger,
    /// Segments of AWS X-Ray.
    XRay,
    /// What Datadog's tracers send to the agent.
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

    /// Its name, as in the attribute.
    pub fn name(self) -> &'static str {
        match self {
            SpanFormat::Zipkin => FORMAT_ZIPKIN,
            SpanFormat::Jaeger => "jaeger",
            SpanFormat::XRay => "xray",
            SpanFormat::Datadog => "datadog",
        }
    }

    /// The format of that name; `None` for one that is not known.
    pub fn from_name(name: &str) -> Option<SpanFormat> {
        SpanFormat::ALL
            .into_iter()
            .find(|format| format.name() == name)
    }
}

impl fmt::Display for SpanFormat {
    /// As in a sentence.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            SpanFormat::Zipkin => "Zipkin",
            SpanFormat::Jaeger => "Jaeger",
            SpanFormat::XRay => "X-Ray",
            SpanFormat::Datadog => "Datadog",
        })
    }
}
