//! Carriers of other systems that no format of baton reads: what they are, and which trace they
//! name.

use baton_propagators::{SpanId, TraceId};

use crate::decode;
use crate::json::Tree;

/// A header or attribute of another system.
#[derive(Debug)]
pub(crate) struct System {
    /// Its names, in lower case with dashes.
    pub(crate) names: &'static [&'static str],
    /// What it is, and then who reads it: sentences without the last full stop.
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

const REQUEST_ID: &str = "request-id";
pub(crate) const SERVER_TIMING: &str = "server-timing";
/// Names that other programs use for other things: they count only with ids in the value.
const ONLY_WITH_IDS: &[&str] = &[REQUEST_ID, SERVER_TIMING];

/// Every carrier that is recognised by its name alone.
pub(crate) static SYSTEMS: &[System] = &[
    System {
        names: &["sentry-trace"],
        what: "is Sentry's own header. Only Sentry's SDKs read it",
        ids: dashes,
    },
    System {
        names: &["x-cloud-trace-context"],
        what: "is Google Cloud's older header. Google's front ends write it; OpenTelemetry reads it only with Google's own propagator",
        ids: cloud,
    },
    System {
        names: &[REQUEST_ID],
        what: "is the older header of Application Insights. Only its SDKs and .NET read it",
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
        what: "is an attribute of CloudEvents: the context in which the event was made. A CloudEvents SDK reads it; propagators do not",
        ids: traceparent,
    },
    System {
        names: &["elastic-apm-traceparent"],
        what: "is Elastic APM's older name for traceparent. Only Elastic's agents read it",
        ids: traceparent,
    },
    System {
        names: &["googclient-traceparent", "googclient-tracestate"],
        what: "is an attribute that Google's Pub/Sub client libraries write and read",
        ids: traceparent,
    },
    System {
        names: &["diagnostic-id"],
        what: "is a property of messages in Azure Service Bus and Event Hubs. Its value is a traceparent; only Azure's SDKs read it under this name",
        ids: traceparent,
    },
    System {
        names: &["newrelic"],
        what: "is New Relic's own header (JSON in Base64). Only New Relic's agents read it",
        ids: new_relic,
    },
    System {
        names: &["grpc-trace-bin"],
        what: "is the binary header of OpenCensus for gRPC (in Base64). OpenTelemetry reads it only with the opencensus propagator",
        ids: grpc_trace_bin,
    },
    System {
        names: &["traceresponse"],
        what: "is a header of the response (W3C Trace Context). It names the span that answered; no library continues it",
        ids: traceparent,
    },
    System {
        names: &["x-instana-t", "x-instana-s", "x-instana-l"],
        what: "is Instana's own header. Only Instana's tracers read it",
        ids: none,
    },
    System {
        names: &["eagleeye-traceid", "traceid-bin"],
        what: "is a header of one vendor. Only that vendor's agents read it",
        ids: none,
    },
    System {
        names: &["sw8", "sw8-correlation", "sw8-x"],
        what: "is SkyWalking's own header. Only SkyWalking's agents read it",
        ids: sky_walking,
    },
    System {
        names: &["x-dynatrace"],
        what: "is Dynatrace's own header. Only OneAgent reads it",
        ids: none,
    },
    System {
        names: &["singularityheader"],
        what: "is AppDynamics' own header. Only its agents read it",
        ids: none,
    },
    System {
        names: &["x-honeycomb-trace"],
        what: "is the header of Honeycomb's Beelines. Only they read it",
        ids: none,
    },
    System {
        names: &["x-ot-span-context"],
        what: "is an older header of Envoy and LightStep. OpenTelemetry does not read it",
        ids: none,
    },
    System {
        names: &[SERVER_TIMING],
        what: "is a header of the response. Scripts in a browser read the server's span in it; no library continues it",
        ids: server_timing,
    },
    System {
        names: &["correlation-context"],
        what: "is the name that baggage had before it became a standard. OpenTelemetry does not read it",
        ids: none,
    },
    System {
        names: &["x-trace-id", "x-correlation-id", "x-client-trace-id"],
        what: "is an id for logs. It names no span, so no propagator reads it",
        ids: none,
    },
];

impl System {
    /// The carrier with this name in lower case.
    pub(crate) fn named(name: &str) -> Option<&'static System> {
        SYSTEMS.iter().find(|system| system.names.contains(&name))
    }

    /// Whether a header with this value is the system's. For example, many programs number requests
    /// in a header `Request-Id` of their own.
    pub(crate) fn fits(&self, value: &str) -> bool {
        let is_sure = !self.names.iter().any(|name| ONLY_WITH_IDS.contains(name));
        is_sure || (self.ids)(value.trim()).is_some()
    }

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
    if !value.starts_with('|') {
        return traceparent(value);
    }
    let (id, rest) = value[1..].split_once('.')?;
    Some((trace(id)?, rest.split(['.', '_']).next().and_then(span)))
}

/// The server's span: `traceparent;desc="00-…"`.
fn server_timing(value: &str) -> Option<Ids> {
    let metrics = value.split(',');
    let mut spans = metrics.filter_map(|metric| metric.trim().strip_prefix("traceparent;"));
    let description = spans.next()?.trim().strip_prefix("desc=")?;
    traceparent(description.trim_matches(['"', '\\', ' ']))
}

/// The trace's id, which is text of SkyWalking's own kind in Base64.
fn sky_walking(value: &str) -> Option<Ids> {
    let id = value.strip_prefix("1-")?.split('-').next()?;
    let id = decode::base64(id.as_bytes()).and_then(decode::text)?;
    Some((id, None))
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
                "Server-Timing",
                "db;dur=53, traceparent;desc=\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"",
                "trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7",
            ),
            (
                "sw8",
                "1-N2I3YWViMjFjYjU1ZTRmYjY4NGQxZTk0-MWU3-0-c2VydmljZQ==",
                "trace 7b7aeb21cb55e4fb684d1e94",
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
