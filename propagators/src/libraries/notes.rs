//! What a library loses, changes, refuses or accepts beyond the specification, in sentences.

use crate::carrier::HeaderList;
use crate::context::TraceContext;
use crate::format::{self, Candidate};
use crate::sampling::Sampling;

use super::read::{Chosen, Read, Readings};
use super::{Continuation, Library};

/// The notes on an answer, those on what is continued last.
pub(super) fn notes(
    library: &Library,
    headers: &HeaderList,
    readings: &Readings,
    chosen: &Chosen,
    continues: Option<&Continuation>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (format, read) in readings {
        let Some(ours) = format::find(format).map(|format| format.extract(headers)) else {
            continue;
        };
        notes.extend(on_reading(format, read, &ours));
    }
    if let (Some((format, reason)), None) = (chosen.blocked, continues) {
        notes.push(format!(
            "{format} keeps every other format from being continued: {reason}."
        ));
    }
    for (format, found) in &chosen.links {
        notes.push(format!(
            "The context in {format} becomes a span link, trace {:032x}.",
            found.trace
        ));
    }
    if let Some(continued) = continues {
        notes.extend(on_continued(library, headers, chosen, continued));
    }
    notes
}

/// Where the reader and the specification disagree about one format.
fn on_reading(format: &str, read: &Read, ours: &Candidate) -> Option<String> {
    match (read, ours.context(), ours.reject()) {
        (Read::Refused(reason), Some(_), _) => Some(format!(
            "It refuses {format}, which the specification allows: {reason}."
        )),
        (Read::Void(reason) | Read::Corrupt(reason), Some(_), _) => Some(format!(
            "It cannot use {format}, which the specification allows: {reason}."
        )),
        (Read::Absent, Some(_), _) => Some(format!(
            "It finds nothing in {format}, which holds a context."
        )),
        (Read::Context(found), _, Some(reject)) if found.trace != 0 && found.span != 0 => Some(
            format!("It accepts {format}, which the specification refuses: {reject}."),
        ),
        _ => None,
    }
}

/// What of the continued context arrives otherwise than it was sent.
fn on_continued(
    library: &Library,
    headers: &HeaderList,
    chosen: &Chosen,
    continued: &Continuation,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(format) = chosen.leaked_debug {
        notes.push(format!(
            "The debug state of {format} goes on with the trace of {}.",
            continued.format
        ));
    }
    let ours = format::find(continued.format).map(|format| format.extract(headers));
    let Some(sent) = ours.as_ref().and_then(Candidate::context) else {
        return notes;
    };
    if sent.trace_id != continued.trace_id || sent.span_id != continued.span_id {
        notes.push(other_ids(sent, continued));
        return notes;
    }
    notes.extend(on_sampling(library, sent, continued));
    if sent.random && !continued.random && continued.format == "tracecontext" {
        notes.push("The random flag is dropped.".to_owned());
    }
    notes.extend(on_tracestate(sent, continued));
    notes
}

fn other_ids(sent: &TraceContext, continued: &Continuation) -> String {
    if sent.trace_id == continued.trace_id {
        return "The span id is taken from traceparent, which is of the same trace.".to_owned();
    }
    format!(
        "It reads another id than the specification does: {}.",
        sent.trace_id
    )
}

fn on_sampling(library: &Library, sent: &TraceContext, continued: &Continuation) -> Option<String> {
    let note = match (sent.sampling, continued.sampled) {
        (Sampling::Deferred, None) => match library.undecided {
            super::Undecided::Sampled => {
                "No decision was sent: its own sampler decides, and by default samples."
            }
            super::Undecided::NotSampled => "No decision was sent: it counts as not sampled.",
        },
        (Sampling::Deferred, Some(true)) => "No decision was sent: it counts as sampled.",
        (Sampling::Deferred, Some(false)) => "No decision was sent: it counts as not sampled.",
        (Sampling::Debug, Some(false)) => "Debug comes out as not sampled.",
        (Sampling::Debug, _) if !continued.debug => {
            "Debug goes on as an ordinary decision to sample."
        }
        (Sampling::Keep, Some(false)) => "It turns the decision to sample into one not to.",
        (Sampling::Drop, Some(true)) => "It turns the decision not to sample into one to sample.",
        (Sampling::Keep | Sampling::Drop, None) => "The decision is lost: its own sampler decides.",
        _ => return None,
    };
    Some(note.to_owned())
}

fn on_tracestate(sent: &TraceContext, continued: &Continuation) -> Option<String> {
    let count = |list: &str| {
        list.split(',')
            .filter(|member| !member.trim().is_empty())
            .count()
    };
    let (before, after) = (
        count(sent.tracestate.as_str()),
        count(&continued.tracestate),
    );
    match (before, after) {
        (0, _) => None,
        (_, 0) => Some("tracestate is dropped.".to_owned()),
        (before, after) if after < before => Some(format!(
            "{} of {before} members of tracestate are dropped.",
            before - after
        )),
        _ => None,
    }
}
