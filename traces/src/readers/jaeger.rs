//! Jaeger's JSON, from its query API or a download in its UI: one trace, or a list of traces or
//! spans.
//!
//! Ids may lack leading zeros, times are in microseconds, the parent is a reference, and the
//! service is in the trace's `processes`
//! (<https://www.jaegertracing.io/docs/latest/architecture/apis/#internal-http-json>). API v3
//! answers in OTLP/JSON, which another reader reads. Documents from Elasticsearch or OpenSearch are
//! spans, each with its own `process`. They are read alone, in the answer to a search (`hits`), or
//! as `elasticdump` writes them (`_source`). A whole trace is held in memory, because its processes
//! may come after its spans.

mod fields;

use std::io::BufRead;

use serde::Deserialize;

use self::fields::{TraceFields, TraceMarker};
use super::json::{Fault, JsonReader, json_problem, parse_json};
use super::skipped::{Place, Skipped};
use crate::span::{Span, Want};

/// An answer, a trace, a span, or Elasticsearch's wrapper around a span.
static ANSWER: Place = Place {
    name: "an answer of Jaeger or Elasticsearch",
    members: &[
        "data",
        "errors",
        "hits",
        "_source",
        "spans",
        "processes",
        "spanID",
    ],
    others: &[],
};

/// Passes every span of `input` to `each`.
pub(super) fn read(
    input: impl BufRead,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
    skipped: &mut Skipped,
) -> Result<(), Fault> {
    let mut json = JsonReader::new(input);
    let mut walk = Walk {
        want,
        each,
        skipped,
    };
    json.documents(|json| walk.object(json, 0).map(|_| ()))
}

/// How many objects may be around a span. Elasticsearch's answer has three: its outer `hits`, a
/// hit, and the hit's `_source`.
const MAX_DEPTH: usize = 4;

struct Walk<'a> {
    want: Want,
    each: &'a mut dyn FnMut(&Span<'_>),
    skipped: &'a mut Skipped,
}

impl Walk<'_> {
    /// Reads `{"data": [TRACE, …]}`, a trace, a span, or Elasticsearch's wrapper around a span.
    /// Returns whether it was a trace or a span. `depth` counts the wrappers around it.
    fn object<R: BufRead>(
        &mut self,
        json: &mut JsonReader<R>,
        depth: usize,
    ) -> Result<bool, Fault> {
        let line = json.line();
        if depth > MAX_DEPTH {
            let problem = format!("found: more than {MAX_DEPTH} objects around a span");
            return Err(Fault::Problem { line, problem });
        }
        let mut own = Vec::new();
        let mut errors = None;
        let mut is_empty = true;
        json.object(|json, name| match name {
            "data" => json.array(|json| {
                is_empty = false;
                let line = json.line();
                match in_memory(json.value()?, line, self.want, self.each)? {
                    true => Ok(()),
                    false => Err(Fault::Problem {
                        line,
                        problem: "found: an object that is neither a trace nor a span".to_owned(),
                    }),
                }
            }),
            // The outer `hits` holds the number of hits; the inner one is the list.
            "hits" if json.peek()? == Some(b'[') => {
                json.array(|json| self.object(json, depth + 1).map(|_| ()))
            }
            "hits" => self.object(json, depth + 1).map(|_| ()),
            "_source" => match self.object(json, depth + 1)? {
                true => Ok(()),
                false => Err(Fault::Problem {
                    line,
                    problem: "found: a document of Elasticsearch that is not a Jaeger span; \
                              save OTLP with the Collector's file exporter instead"
                        .to_owned(),
                }),
            },
            "errors" => {
                errors = Some(json.value()?.to_vec());
                Ok(())
            }
            _ if is_of_trace_or_span(name) => {
                own.push(if own.is_empty() { b'{' } else { b',' });
                own.extend_from_slice(format!("\"{name}\":").as_bytes());
                own.extend_from_slice(json.value()?);
                Ok(())
            }
            _ => {
                self.skipped.line = json.line();
                let beginning = json.skip_showing()?;
                if ANSWER.misses(name, &beginning) {
                    self.skipped.add(&ANSWER, name);
                }
                Ok(())
            }
        })?;
        if !own.is_empty() {
            own.push(b'}');
            return in_memory(&own, line, self.want, self.each);
        }
        let said = errors.filter(|_| is_empty).and_then(|errors| said(&errors));
        said.map_or(Ok(false), |said| {
            let problem = format!("Jaeger answers with an error: {said}");
            Err(Fault::Problem { line, problem })
        })
    }
}

/// Whether `name` is a member of [`TraceFields`] or of [`SpanFields`].
fn is_of_trace_or_span(name: &str) -> bool {
    matches!(
        name,
        "spans"
            | "processes"
            | "traceID"
            | "spanID"
            | "parentSpanID"
            | "flags"
            | "operationName"
            | "references"
            | "startTime"
            | "duration"
            | "tags"
            | "tag"
            | "logs"
            | "processID"
            | "process"
    )
}

/// The first error in an answer.
fn said(errors: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        msg: String,
    }
    let errors: Option<Vec<Error>> = serde_json::from_slice(errors).ok()?;
    errors?.into_iter().next().map(|error| error.msg)
}

/// Passes on the spans of a trace or of a span. Returns whether it was one, or an entry of Jaeger's
/// index of services, which has no span.
fn in_memory(
    json: &[u8],
    line: u64,
    want: Want,
    each: &mut dyn FnMut(&Span<'_>),
) -> Result<bool, Fault> {
    let problem = |problem| Fault::Problem { line, problem };
    let decoded = |error: serde_json::Error| problem(json_problem(&error));
    let marker: TraceMarker = parse_json(json).map_err(decoded)?;
    let trace = match (marker.spans, marker.span_id) {
        (None, None) if marker.trace_id.is_none() => return Ok(marker.operation.is_some()),
        (Some(_), _) => parse_json(json).map_err(decoded)?,
        (None, _) => TraceFields {
            spans: Some(vec![parse_json(json).map_err(decoded)?]),
            processes: None,
        },
    };
    trace.hand_over(want, each).map_err(problem)?;
    Ok(true)
}
