//! The answer as JSON.

use serde::Serialize;

use baton_propagators::{
    Candidate, Conflict, Explanation, Extraction, HeaderList, Outcome, Reject, SpanId, TraceId,
};

use super::{Judgement, Request};

/// What `baton explain --format json` prints.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    headers: HeaderList,
    other_headers: Vec<&'a str>,
    candidates: Vec<Found<'a>>,
    modes: Vec<ModeAnswer<'a>>,
    summary: &'a str,
    notes: &'a [String],
    choice: Option<&'a str>,
}

/// What a format found.
#[derive(Serialize)]
struct Found<'a> {
    format: &'a str,
    status: &'static str,
    header: &'a str,
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
    sampled: Option<bool>,
    debug: bool,
    tracestate: Option<&'a str>,
    reason: Option<String>,
    spec: Option<&'static str>,
    position: Option<usize>,
    objection: Option<Objection>,
}

/// What is wrong although a format holds something valid.
#[derive(Serialize)]
struct Objection {
    header: &'static str,
    reason: String,
    spec: &'static str,
    position: Option<usize>,
}

/// What a mode continues.
#[derive(Serialize)]
struct ModeAnswer<'a> {
    extract: Vec<&'static str>,
    select: &'static str,
    engine: &'static str,
    chosen: Option<Chosen<'a>>,
    conflict: Option<&'a Conflict>,
}

/// The context that is continued.
#[derive(Serialize)]
struct Chosen<'a> {
    format: &'a str,
    trace_id: TraceId,
    span_id: SpanId,
    sampled: Option<bool>,
    debug: bool,
    tracestate: Option<&'a str>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        request: &'a Request,
        all: &'a Extraction,
        judgements: &'a [Judgement],
        explanation: &'a Explanation,
    ) -> Self {
        Answer {
            headers: request.headers.known(),
            other_headers: request.headers.other_names(),
            candidates: all.candidates.iter().map(found).collect(),
            modes: judgements.iter().map(mode).collect(),
            summary: &explanation.summary,
            notes: &explanation.notes,
            choice: request.choice.as_deref(),
        }
    }
}

fn found(candidate: &Candidate) -> Found<'_> {
    let context = candidate.context();
    let reject = candidate.reject();
    Found {
        format: candidate.format,
        status: match candidate.outcome {
            Outcome::Absent => "absent",
            Outcome::Malformed(_) => "malformed",
            Outcome::Valid(_) => "valid",
        },
        header: candidate.header,
        trace_id: context.map(|context| context.trace_id),
        span_id: context.map(|context| context.span_id),
        sampled: candidate.sampled(),
        debug: candidate.debug(),
        tracestate: tracestate(candidate),
        reason: reject.map(Reject::to_string),
        spec: reject.map(|reject| reject.spec),
        position: reject.and_then(|reject| reject.position),
        objection: candidate.objection.as_deref().map(|reject| Objection {
            header: reject.header,
            reason: reject.to_string(),
            spec: reject.spec,
            position: reject.position,
        }),
    }
}

fn mode(judgement: &Judgement) -> ModeAnswer<'_> {
    let propagation = &judgement.propagation;
    let chosen = judgement.extraction.continued().and_then(|candidate| {
        let context = candidate.context()?;
        Some(Chosen {
            format: candidate.format,
            trace_id: context.trace_id,
            span_id: context.span_id,
            sampled: candidate.sampled(),
            debug: candidate.debug(),
            tracestate: tracestate(candidate),
        })
    });
    ModeAnswer {
        extract: propagation.extract.names().collect(),
        select: propagation.select.as_str(),
        engine: propagation.engine.as_str(),
        chosen,
        conflict: judgement.extraction.conflict.as_ref(),
    }
}

fn tracestate(candidate: &Candidate) -> Option<&str> {
    let tracestate = candidate.context()?.tracestate.as_str();
    (!tracestate.is_empty()).then_some(tracestate)
}
