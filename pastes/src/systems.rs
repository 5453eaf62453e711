//! Carriers of other systems that no format of baton reads: what they are, and which trace they
//! name.

use baton_propagators::{SpanId, TraceId};

use crate::decode;
use crate::tree::Tree;

/// A header or attribute of another system.
#[derive(Debug)]
pub(crate) struct System {
    /// Its names, in lower case with dashes.
    pub(crate) names: &'static [&'static str],
    /// What it is and who reads it: a sentence without its full stop.
    pub(crate) what: &'static str,
    /// The ids in a value.
    ids: fn(&str) -> Option<Ids>,
}

impl PartialEq for System {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

/// The trace id and the span id in a value, as far as it has them.
type Ids = (String, Option<String>);

/// Every carrier that is recognised by its name alone.
pub(crate) static SYSTEMS: &[System] = &[
    System {
        names: &["sentry-trace"],
        what: "is Sentry's own header, which Sentry's SDKs alone read",
        ids: dashes,
    },
    System {
        names: &["x-cloud-trace-context"],
        what: "is Google Cloud's older header: Google's front ends write it, and OpenTelemetry reads it with Google's own propagator alone",
        ids: cloud,
    },
    System {
        names: &["request-id"],
        what: "is Application Insights' older header where it begins with '|', and else the number of a request",
        ids: request_id,
    },
    System {
        names: &[
            "ce-traceparent",
            "ce-tracestate",
            "cloudevents:traceparent",
            "cloudevents-traceparent",
            "cloudevents:tracestate",
            "cloudevents-tracestate",
        ],
        what: "is an attribute of CloudEvents: the context in which the event was made. Propagators do not read it; a CloudEvents SDK does",
        ids: traceparent,
    },
    System {
        names: &["elastic-apm-traceparent"],
        what: "is Elastic APM's older name of traceparent, which Elastic's agents alone read",
        ids: traceparent,
    },
    System {
        names: &["googclient-traceparent", "googclient-tracestate"],
        what: "is an attribute of Google's Pub/Sub client libraries, which they read themselves",
        ids: traceparent,
    },
    System {
        names: &["diagnostic-id"],
        what: "is a property of messages in Azure Service Bus and Event Hubs, which Azure's SDKs read. Its value is one of traceparent",
        ids: traceparent,
    },
    System {
        names: &["newrelic"],
        what: "is New Relic's own header (Base64 of JSON), which New Relic's agents alone read",
        ids: new_relic,
    },
    System {
        names: &["grpc-trace-bin"],
        what: "is OpenCensus' binary header for gRPC (Base64), which OpenTelemetry reads with the propagator opencensus alone",
        ids: grpc_trace_bin,
    },
    System {
        names: &["traceresponse"],
        what: "is the header of an answer (W3C Trace Context Level 2): it names the span that answered, and nobody continues it",
        ids: traceparent,
    },
    System {
        names: &["x-instana-t", "x-instana-s", "x-instana-l"],
        what: "is Instana's own header, which Instana's tracers alone read",
        ids: none,
    },
    System {
        names: &[
            "x-dynatrace",
            "singularityheader",
            "sw8",
            "eagleeye-traceid",
            "x-honeycomb-trace",
            "traceid-bin",
            "x-ot-span-context",
        ],
        what: "is a header of one vendor, which that vendor's agents alone read",
        ids: none,
    },
    System {
        names: &["correlation-context"],
        what: "is the name that baggage had before it was standardised. OpenTelemetry does not read it",
        ids: none,
    },
    System {
        names: &["x-trace-id", "x-correlation-id", "x-client-trace-id"],
        what: "is an id for logs. It names no span, so no propagator reads it",
        ids: none,
    },
];

impl System {
    /// A description of the carrier with this name and value.
    pub(crate) fn describe(&self, name: &str, value: &str) -> String {
        let ids = (self.ids)(value.trim()).map(|(trace, span)| match span {
            Some(span) => format!(" It names trace {trace}, span {span}."),
            None => format!(" It names trace {trace}."),
        });
        format!("{name} {}.{}", self.what, ids.unwrap_or_default())
    }
}

fn none(_: &str) -> Option<Ids> {
    None
}

fn trace(digits: &str) -> Option<String> {
    TraceId::from_hex(digits).map(|id| id.to_string())
}

fn span(digits: &str) -> Option<String> {
    SpanId::from_hex(digits).map(|id| id.to_string())
}

fn traceparent(value: &str) -> Option<Ids> {
    dashes(value.split_once('-')?.1)
}

fn dashes(value: &str) -> Option<Ids> {
    let mut fields = value.split('-');
    Some((trace(fields.next()?)?, fields.next().and_then(span)))
}

fn cloud(value: &str) -> Option<Ids> {
    let (id, rest) = value.split_once('/').unwrap_or((value, ""));
    let number = rest.split(';').next().unwrap_or_default();
    let span = number.parse::<u64>().ok().filter(|number| *number > 0);
    Some((trace(id)?, span.map(|number| format!("{number:016x}"))))
}

fn request_id(value: &str) -> Option<Ids> {
    let (id, rest) = value.strip_prefix('|')?.split_once('.')?;
    Some((trace(id)?, rest.split(['.', '_']).next().and_then(span)))
}

fn new_relic(value: &str) -> Option<Ids> {
    let json = decode::base64(value.as_bytes()).and_then(decode::text)?;
    let (tree, _) = Tree::first(&json)?;
    let data = tree.get("d")?;
    let id = data.get("tr")?.text()?;
    Some((
        trace(id)?,
        data.get("id").and_then(Tree::text).and_then(span),
    ))
}

fn grpc_trace_bin(value: &str) -> Option<Ids> {
    let bytes = decode::base64(value.as_bytes())?;
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    match bytes.as_slice() {
        [0, 0, rest @ ..] if rest.len() >= 16 => {
            let own = rest.get(17..25).filter(|_| rest[16..].first() == Some(&1));
            Some((
                trace(&hex(&rest[..16]))?,
                own.and_then(|own| span(&hex(own))),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::names::{Name, header};

    #[test]
    fn other_systems_are_named_with_the_trace_they_carry() {
        for (name, value, says) in [
            (
                "sentry-trace",
                "80e1afed08e019fc1110464cfa66635c-7a085853722dc6d2-1",
                "span 7a085853722dc6d2",
            ),
            (
                "X-Cloud-Trace-Context",
                "ababaaaaaaaaaaaaaaaaaaaaaaaaaaaa/12084647744699216188;o=1",
                "trace ababaaaaaaaaaaaaaaaaaaaaaaaaaaaa, span a7b54b18ba85b13c",
            ),
            (
                "Request-Id",
                "|4bf92f3577b34da6a3ce929d0e0e4736.00f067aa0ba902b7.",
                "trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7",
            ),
            (
                "ce-traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "trace 4bf92f3577b34da6a3ce929d0e0e4736",
            ),
            (
                "newrelic",
                "eyJ2IjpbMCwxXSwiZCI6eyJ0eSI6IkFwcCIsImFjIjoiMSIsImFwIjoiMiIsImlkIjoiN2EwODU4NTM3MjJkYzZkMiIsInRyIjoiODBlMWFmZWQwOGUwMTlmYzExMTA0NjRjZmE2NjYzNWMiLCJ0aSI6MX19",
                "trace 80e1afed08e019fc1110464cfa66635c, span 7a085853722dc6d2",
            ),
            (
                "grpc-trace-bin",
                "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=",
                "trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7",
            ),
        ] {
            let Name::System(system) = header(name) else {
                panic!("{name} is not known");
            };
            let sentence = system.describe(name, value);
            assert!(sentence.contains(says), "{sentence}");
        }
    }
}
