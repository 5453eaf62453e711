//! The answer as JSON.

use std::borrow::Cow;

use baton_pastes::explain::libraries::{self, Answered};
use baton_pastes::explain::{Judged, Judgement, arrives, distinct};
use baton_pastes::{Carrier, Paste};
use baton_propagators::libraries::Library;
use baton_propagators::{
    Candidate, Conflict, Extracted, HeaderList, Outcome, Reject, SpanId, TraceId,
};
use baton_traces::shown::visible;
use baton_traces::version::Version;
use serde::Serialize;

/// What `baton explain --format json` prints: the first carrier's members, and where there are
/// several, all of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    #[serde(flatten)]
    first: Option<CarrierAnswer<'a>>,
    found: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    carriers: Vec<CarrierAnswer<'a>>,
    /// How many more carriers there are than are answered.
    beyond: usize,
    /// Which of several carriers the members at the top level belong to.
    choice: Option<String>,
}

/// What is made of one carrier.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CarrierAnswer<'a> {
    #[serde(rename = "where")]
    place: Option<&'a str>,
    #[cfg_attr(test, schemars(with = "baton_schemas::HeaderList"))]
    headers: HeaderList,
    other_headers: Vec<&'a str>,
    candidates: Vec<Found<'a>>,
    modes: Vec<ModeAnswer<'a>>,
    libraries: Vec<LibraryAnswer>,
    summary: String,
    notes: Vec<Cow<'a, str>>,
}

/// Where a header was, or what belongs to tracing and is not read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Place<'a> {
    #[serde(rename = "where")]
    place: &'a str,
    header: &'a str,
    value: String,
    /// Why no format reads it; `null` where one does.
    unread: Option<&'a str>,
}

/// What a format found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Found<'a> {
    format: &'a str,
    status: &'static str,
    header: &'a str,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    trace_id: Option<TraceId>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    span_id: Option<SpanId>,
    sampled: Option<bool>,
    debug: bool,
    /// W3C's random flag.
    random: bool,
    tracestate: Option<&'a str>,
    /// Entries as they are decoded.
    baggage: Option<Vec<Entry<'a>>>,
    reason: Option<String>,
    spec: Option<&'static str>,
    position: Option<usize>,
    objection: Option<Objection>,
}

/// An entry of baggage.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Entry<'a> {
    key: &'a str,
    value: &'a str,
    metadata: &'a str,
}

/// What is wrong although a format holds something valid.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Objection {
    header: &'static str,
    reason: String,
    spec: &'static str,
    position: Option<usize>,
}

/// What a mode continues.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ModeAnswer<'a> {
    extract: Vec<&'static str>,
    select: &'static str,
    engine: &'static str,
    chosen: Option<Chosen<'a>>,
    #[cfg_attr(test, schemars(with = "Option<ConflictSchema>"))]
    conflict: Option<&'a Conflict>,
}

/// The members of a [`Conflict`].
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Conflict")]
#[expect(dead_code, reason = "only its schema is used")]
struct ConflictSchema {
    /// `trace_id`, `span_id`, `sampled`: what the contexts disagree about.
    kinds: Vec<String>,
    /// The selected format and those that disagree with it.
    formats: Vec<String>,
}

/// The context that is continued.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Chosen<'a> {
    format: &'a str,
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    #[cfg_attr(test, schemars(with = "String"))]
    span_id: SpanId,
    sampled: Option<bool>,
    debug: bool,
    tracestate: Option<&'a str>,
}

/// What a library does under a mode.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LibraryAnswer {
    library: &'static str,
    version: &'static str,
    mode: String,
    continues: Option<Continued>,
    notes: Vec<String>,
    /// The headers for the next hop. Its own span is written `<its span>`.
    #[cfg_attr(test, schemars(with = "baton_schemas::HeaderList"))]
    sends_on: HeaderList,
}

/// The context that a library continues.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Continued {
    format: &'static str,
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    /// `null` if the library keeps only the trace id: its span is a root of that trace.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    span_id: Option<SpanId>,
    sampled: Option<bool>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        paste: &'a Paste,
        judged: &'a [Judged<'a>],
        wanted: &[&'static Library],
    ) -> Self {
        let several = judged.len() > 1;
        let all = |judged: &'a Judged<'a>| carrier(judged, paste, wanted);
        Answer {
            version: Version::default(),
            first: judged.first().map(all),
            found: paste.carriers.iter().flat_map(places).collect(),
            carriers: if several {
                judged.iter().map(all).collect()
            } else {
                Vec::new()
            },
            beyond: paste.beyond,
            choice: several.then(|| {
                let place = judged[0].carrier.place.as_deref().unwrap_or("the first");
                format!(
                    "{} carriers arrive; the members at the top level are those of {place}",
                    judged.len() + paste.beyond
                )
            }),
        }
    }
}

fn carrier<'a>(
    judged: &'a Judged<'a>,
    paste: &'a Paste,
    wanted: &[&'static Library],
) -> CarrierAnswer<'a> {
    // a library selects by its own rule, so `/first` and `/last` are one mode to it
    let judgements = judged.judgements.iter();
    let modes = distinct(judgements.map(|judgement| judgement.propagation.extract.clone()));
    let answers = libraries::answers(&judged.headers, &modes, wanted);
    let unanswered = libraries::unanswered(wanted, answers.iter(), &modes);
    let counted = judged.carrier.counted();
    CarrierAnswer {
        place: judged.carrier.place.as_deref(),
        headers: counted
            .map(|header| (header.name.as_str(), String::from_utf8_lossy(&header.value)))
            .collect(),
        other_headers: judged.carrier.others.iter().map(String::as_str).collect(),
        candidates: judged
            .all
            .candidates
            .iter()
            .map(|candidate| found(judged, candidate))
            .collect(),
        modes: judged.judgements.iter().map(mode).collect(),
        libraries: answers.iter().map(library).collect(),
        summary: summary(judged),
        notes: judged
            .explanation
            .notes
            .iter()
            .chain(&paste.notes)
            .map(Cow::from)
            .chain(unanswered.into_iter().map(Cow::from))
            .collect(),
    }
}

/// One sentence about what arrives.
fn summary(judged: &Judged<'_>) -> String {
    // a name or id that no format reads is worth a sentence too
    if !judged.carrier.unread.is_empty() && judged.contexts().is_empty() {
        return visible(&arrives(judged));
    }
    judged.explanation.summary.clone()
}

fn places(carrier: &Carrier) -> impl Iterator<Item = Place<'_>> {
    let headers = carrier.headers.iter().map(|header| Place {
        place: &header.place,
        header: &header.name,
        value: String::from_utf8_lossy(&header.value).into_owned(),
        unread: None,
    });
    headers.chain(carrier.unread.iter().map(|unread| Place {
        place: &unread.place,
        header: &unread.name,
        value: unread.value.clone(),
        unread: Some(&unread.why),
    }))
}

fn found<'a>(judged: &Judged<'_>, candidate: &'a Candidate) -> Found<'a> {
    let context = candidate.context();
    let reject = candidate.reject();
    let baggage = match &candidate.outcome {
        Outcome::Valid(Extracted::Baggage(baggage)) => Some(baggage),
        _ => candidate.baggage.as_ref(),
    };
    let entry = |entry: &'a baton_propagators::context::baggage::Entry| Entry {
        key: &entry.key,
        value: &entry.value,
        metadata: &entry.metadata,
    };
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
        random: context.is_some_and(|context| context.random),
        tracestate: tracestate(candidate),
        baggage: baggage.map(|baggage| baggage.entries().iter().map(entry).collect()),
        reason: reject.map(|reject| judged.reason(reject)),
        spec: reject.map(|reject| reject.spec),
        position: reject.and_then(|reject| reject.position),
        objection: candidate
            .objection
            .as_deref()
            .map(|reject| objection(judged, reject)),
    }
}

fn objection(judged: &Judged<'_>, reject: &Reject) -> Objection {
    Objection {
        header: reject.header,
        reason: judged.reason(reject),
        spec: reject.spec,
        position: reject.position,
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

fn library(answered: &Answered) -> LibraryAnswer {
    let continues = answered.answer.continues.as_ref();
    LibraryAnswer {
        library: answered.library.name,
        version: answered.library.version,
        mode: answered.mode.to_string(),
        continues: continues.map(|own| Continued {
            format: own.format,
            trace_id: own.trace_id,
            span_id: own.span_id,
            sampled: own.sampled,
        }),
        notes: [&answered.answer.refused[..], &answered.answer.notes].concat(),
        sends_on: libraries::sent(answered).into_iter().collect(),
    }
}

fn tracestate(candidate: &Candidate) -> Option<&str> {
    let tracestate = candidate.context()?.tracestate.as_str();
    (!tracestate.is_empty()).then_some(tracestate)
}
