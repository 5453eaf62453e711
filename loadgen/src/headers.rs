//! What identifies a request: a trace of its own, the client's span in it, and the headers that carry both.

use baton_propagators::baggage::{Baggage, Entry};
use baton_propagators::context::{Outgoing, TraceContext};
use baton_propagators::id::{SpanId, TraceId};
use baton_propagators::mode::{Engine, Mode};
use baton_propagators::propagation::Propagation;
use baton_propagators::sampling::Sampling;
use fastrand::Rng;
use http::HeaderMap;

/// Writes the client's headers, in the formats of one mode.
#[derive(Debug)]
pub(crate) struct Headers {
    propagation: Propagation,
    baggage: Option<Baggage>,
}

/// The client's span of one request, and the headers that name it.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The trace, which begins with this request.
    pub trace_id: TraceId,
    /// The client's span.
    pub span_id: SpanId,
    /// What the request carries of it: nothing in mode `none`.
    pub headers: HeaderMap,
    /// How many entries the request's baggage has, if it carries baggage.
    pub baggage_entries: Option<usize>,
}

impl Headers {
    /// Headers in the formats of `client`, written by `engine`. Where baggage is one of them, one entry is sent, as
    /// nothing could be seen to be lost otherwise.
    pub(crate) fn new(client: &Mode, engine: Engine) -> Self {
        let baggage = client.contains("baggage").then(|| {
            let mut baggage = Baggage::new();
            baggage.push(Entry::new("client", "baton"));
            baggage
        });
        Self {
            propagation: Propagation {
                engine,
                ..Propagation::from(client.clone())
            },
            baggage,
        }
    }

    /// A new trace, drawn from `rng`, and its headers. The client samples every request, and its trace flags are
    /// those of W3C Trace Context level 1, as clients send them today: without level 2's random flag.
    pub(crate) fn next(&self, rng: &mut Rng) -> Sent {
        let trace_id = draw(|| TraceId::from_bytes(rng.u128(..).to_be_bytes()));
        let span_id = draw(|| SpanId::from_bytes(rng.u64(..).to_be_bytes()));
        let outgoing = Outgoing {
            context: Some(TraceContext::new(trace_id, span_id, Sampling::Keep)),
            baggage: self.baggage.clone(),
        };
        let mut headers = HeaderMap::new();
        self.propagation.inject(&outgoing, &mut headers);
        Sent {
            trace_id,
            span_id,
            headers,
            baggage_entries: self.baggage.as_ref().map(Baggage::len),
        }
    }
}

/// The first id that is one: all zeros is not.
fn draw<Id>(mut candidate: impl FnMut() -> Option<Id>) -> Id {
    loop {
        if let Some(id) = candidate() {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn headers(mode: &str, engine: Engine) -> Headers {
        Headers::new(&mode.parse().unwrap(), engine)
    }

    fn text(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn each_mode_sends_its_own_headers() {
        let cases: &[(&str, &[&str])] = &[
            ("tracecontext", &["traceparent: 00-TRACE-SPAN-01"]),
            ("b3", &["b3: TRACE-SPAN-1"]),
            (
                "b3multi",
                &[
                    "x-b3-sampled: 1",
                    "x-b3-spanid: SPAN",
                    "x-b3-traceid: TRACE",
                ],
            ),
            (
                "tracecontext,b3",
                &["b3: TRACE-SPAN-1", "traceparent: 00-TRACE-SPAN-01"],
            ),
            (
                "tracecontext,baggage",
                &["baggage: client=baton", "traceparent: 00-TRACE-SPAN-01"],
            ),
            ("none", &[]),
        ];
        for (mode, expected) in cases {
            let sent = headers(mode, Engine::Native).next(&mut Rng::with_seed(7));
            let expected: Vec<String> = expected
                .iter()
                .map(|line| {
                    line.replace("TRACE", &sent.trace_id.to_string())
                        .replace("SPAN", &sent.span_id.to_string())
                })
                .collect();
            assert_eq!(text(&sent.headers), expected, "{mode}");
        }
    }

    #[test]
    fn baggage_is_counted_where_it_is_sent() {
        let entries = |mode| {
            headers(mode, Engine::Native)
                .next(&mut Rng::with_seed(7))
                .baggage_entries
        };
        assert_eq!((entries("b3,baggage"), entries("b3")), (Some(1), None));
    }

    #[test]
    fn the_engine_is_the_plans() {
        let sent = headers("tracecontext", Engine::Otel).next(&mut Rng::with_seed(7));
        let upstream_always_writes = sent.headers.get("tracestate");
        assert!(upstream_always_writes.is_some(), "{:?}", sent.headers);
    }

    #[test]
    fn every_request_is_a_trace_of_its_own() {
        let (headers, mut rng) = (headers("none", Engine::Native), Rng::with_seed(7));
        let sent: Vec<Sent> = (0..10_000).map(|_| headers.next(&mut rng)).collect();
        let traces: HashSet<TraceId> = sent.iter().map(|sent| sent.trace_id).collect();
        let spans: HashSet<SpanId> = sent.iter().map(|sent| sent.span_id).collect();
        assert_eq!((traces.len(), spans.len()), (sent.len(), sent.len()));
    }

    #[test]
    fn zeros_are_not_drawn() {
        let mut candidates = [None, None, Some(3)].into_iter();
        assert_eq!(draw(|| candidates.next().flatten()), 3);
    }
}
