//! Sentences about what a library loses, changes, refuses, or accepts beyond the specification.

use crate::carrier::HeaderList;
use crate::context::{Sampling, TraceContext};
use crate::format::Candidate;
use crate::formats;

use super::read::{Chosen, Read, Readings};
use super::{Continuation, Library};

/// The notes on an answer. Notes on the continued context come last.
pub(super) fn notes(
    library: &Library,
    headers: &HeaderList,
    readings: &Readings,
    chosen: &Chosen,
    continues: Option<&Continuation>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (format, read) in readings {
        let Some(ours) = formats::find(format).map(|format| format.extract(headers)) else {
            continue;
        };
        notes.extend(on_reading(format, read, &ours));
    }
    if let (Some((format, reason)), None, true) = (chosen.blocked, continues, readings.len() > 1) {
        notes.push(format!("{format} hides every other format: {reason}."));
    }
    for (format, found) in &chosen.links {
        notes.push(format!(
            "{format}'s context, trace {:032x}, becomes a span link.",
            found.trace
        ));
    }
    if let Some(continued) = continues {
        notes.extend(on_continued(library, headers, chosen, continued));
    }
    notes
}

/// What a library refuses although the specification allows it.
pub(super) fn refused(headers: &HeaderList, readings: &Readings) -> Vec<String> {
    let refused = readings.iter().filter_map(|(format, read)| {
        let (verb, reason) = match read {
            Read::Refused(reason) => ("Refuses", reason),
            Read::Void(reason) | Read::Corrupt(reason) => ("Cannot use", reason),
            _ => return None,
        };
        formats::find(format)?.extract(headers).context()?;
        Some(format!(
            "{verb} {format} although the specification allows it: {reason}."
        ))
    });
    refused.collect()
}

/// Notes on differences between the reader and the specification in one format.
fn on_reading(format: &str, read: &Read, ours: &Candidate) -> Option<String> {
    match (read, ours.context(), ours.reject()) {
        (Read::Absent, Some(_), _) => Some(format!(
            "Does not read {} when set to {format}.",
            ours.header
        )),
        (Read::Context(found), _, Some(_)) if found.trace != 0 && found.span != 0 => Some(format!(
            "Accepts {format} although the specification refuses it."
        )),
        _ => None,
    }
}

/// Notes on parts of the continued context that change on the way.
fn on_continued(
    library: &Library,
    headers: &HeaderList,
    chosen: &Chosen,
    continued: &Continuation,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(format) = chosen.leaked_debug {
        notes.push(format!(
            "The debug state of {format} is passed on with the trace of {}.",
            continued.format
        ));
    }
    let ours = formats::find(continued.format).map(|format| format.extract(headers));
    let Some(sent) = ours.as_ref().and_then(Candidate::context) else {
        return notes;
    };
    if (sent.trace_id, Some(sent.span_id)) != (continued.trace_id, continued.span_id) {
        notes.push(other_ids(sent, continued));
        return notes;
    }
    notes.extend(on_sampling(library, sent, continued));
    if sent.random && !continued.random && continued.format == formats::tracecontext::NAME {
        notes.push("The random flag is dropped.".to_owned());
    }
    notes.extend(on_tracestate(sent, continued));
    notes
}

fn other_ids(sent: &TraceContext, continued: &Continuation) -> String {
    if sent.trace_id == continued.trace_id {
        return "The span id comes from traceparent, which names the same trace.".to_owned();
    }
    format!(
        "Reads another id than the specification: {}.",
        sent.trace_id
    )
}

fn on_sampling(library: &Library, sent: &TraceContext, continued: &Continuation) -> Option<String> {
    let note = match (sent.sampling, continued.sampled) {
        (Sampling::Deferred, None) => match library.undecided {
            super::Undecided::Sampled => {
                "No decision was sent: its own sampler decides, which samples by default."
            }
            super::Undecided::NotSampled => "No decision was sent: it counts as not sampled.",
        },
        (Sampling::Deferred, Some(true)) => "No decision was sent: it counts as sampled.",
        (Sampling::Deferred, Some(false)) => "No decision was sent: it counts as not sampled.",
        (Sampling::Debug, Some(false)) => "Debug becomes a decision not to sample.",
        (Sampling::Debug, _) if !continued.debug => "Debug becomes an ordinary decision to sample.",
        (Sampling::Keep, Some(false)) => "The decision to sample becomes one not to sample.",
        (Sampling::Drop, Some(true)) => "The decision not to sample becomes one to sample.",
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
            "tracestate loses {} of {before} members.",
            before - after
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::carrier::HeaderList;
    use crate::libraries::find;

    #[test]
    fn what_is_lost_changed_or_refused_is_noted() {
        let w3c = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        let b3 = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312";
        for (library, mode, headers, notes) in [
            (
                "spring-boot-brave",
                "tracecontext",
                vec![("traceparent", format!("{w3c}-03"))],
                &[
                    "Refuses tracecontext although the specification allows it: its flags are neither 00 nor 01, in version \
                   00.",
                ][..],
            ),
            (
                "otel-rust",
                "b3",
                vec![("b3", format!("{b3}-d"))],
                &["Debug becomes a decision not to sample."],
            ),
            (
                "datadog-java",
                "b3",
                vec![("b3", format!("{b3}-1-05e3ac9a4f6e3b90"))],
                &["The decision to sample becomes one not to sample."],
            ),
            (
                "datadog-go",
                "tracecontext",
                vec![
                    ("traceparent", format!("{w3c}-01")),
                    ("tracestate", "foo=1,bar=2".to_owned()),
                    ("tracestate", "baz=3".to_owned()),
                ],
                &["tracestate loses 2 of 3 members."],
            ),
            (
                "datadog-go",
                "b3",
                vec![
                    ("x-b3-traceid", b3[..32].to_owned()),
                    ("x-b3-spanid", b3[33..].to_owned()),
                ],
                &["Does not read x-b3-traceid when set to b3."],
            ),
            (
                "otel-java",
                "tracecontext",
                vec![("traceparent", format!("{w3c}-01"))],
                &[],
            ),
        ] {
            let headers: HeaderList = headers.into_iter().collect();
            let library = find(library).expect("a library");
            let answer = library.continues(&headers, &mode.parse().expect("a mode"));
            assert_eq!(
                [answer.refused, answer.notes].concat(),
                notes,
                "{}",
                library.name
            );
        }
    }
}
