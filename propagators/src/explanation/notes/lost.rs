//! Notes about what is lost with a context, or in addition to it.

use std::collections::HashSet;

use crate::carrier::Getter;
use crate::explanation::arrived::{Arrived, list, who};
use crate::format::Outcome;
use crate::formats::tracecontext::tracestate;
use crate::formats::{baggage, ottrace, tracecontext};
use crate::libraries::kept_members;

/// `tracestate` that is lost with its `traceparent`.
pub(super) fn tracestate_lost(arrived: &Arrived<'_>) -> Option<String> {
    let source = arrived.source(tracecontext::NAME)?;
    let others = arrived
        .sources
        .iter()
        .filter(|other| other.header != source.header);
    let others = list(others.map(|other| other.header));
    (!others.is_empty() && !source.context.tracestate.is_empty()).then(|| {
        format!(
            "tracestate belongs to {}: a service that continues {others} loses it ({} bytes).",
            source.header,
            source.context.tracestate.as_str().len(),
        )
    })
}

/// `tracestate` without a valid `traceparent`.
pub(super) fn tracestate_alone(arrived: &Arrived<'_>) -> Option<String> {
    let arrives = arrived.headers.get(tracestate::HEADER).is_some();
    let read = arrived.source(tracecontext::NAME).is_some();
    let asked = arrived
        .candidates
        .iter()
        .any(|candidate| candidate.format == tracecontext::NAME);
    (arrives && asked && !read)
        .then(|| "tracestate is read only beside a valid traceparent, so it is lost.".to_owned())
}

/// `tracestate` with more members than the specification allows, beside a valid `traceparent`.
pub(super) fn too_many_members(arrived: &Arrived<'_>) -> Option<String> {
    arrived.source(tracecontext::NAME)?;
    let mut sent = 0;
    arrived.headers.get_all(tracestate::HEADER, &mut |value| {
        let members = value.split(',');
        sent += members.filter(|member| !member.trim().is_empty()).count();
    });
    let max = tracestate::MAX_MEMBERS;
    if sent <= max {
        return None;
    }
    let kept = kept_members(arrived.headers);
    let kept = kept.iter().map(|(kept, libraries)| {
        let what = match *kept {
            0 => "none".to_owned(),
            all if all == sent => "all".to_owned(),
            some => some.to_string(),
        };
        format!("{} {what}", who(libraries, "keep"))
    });
    Some(format!(
        "tracestate has {sent} members, but W3C allows {max}: {}.",
        kept.collect::<Vec<_>>().join("; ")
    ))
}

/// A key that `tracestate` has twice. Section 3.5 of W3C Trace Context forbids writers to do so.
pub(super) fn repeated_key(arrived: &Arrived<'_>) -> Option<String> {
    arrived.source(tracecontext::NAME)?;
    let mut keys = Vec::new();
    arrived.headers.get_all(tracestate::HEADER, &mut |value| {
        let members = value.split(',').filter_map(|member| member.split_once('='));
        keys.extend(members.map(|(key, _)| key.trim()));
    });
    let mut seen = HashSet::new();
    let repeated = keys.into_iter().find(|key| !seen.insert(*key))?;
    Some(format!(
        "tracestate has the key {repeated} twice, but each key may be there only once. Some libraries drop all members."
    ))
}

/// Baggage.
pub(super) fn baggage(arrived: &Arrived<'_>) -> Option<String> {
    let carrying = arrived
        .candidates
        .iter()
        .filter(|candidate| candidate.baggage().is_some());
    let formats: Vec<_> = carrying.map(|candidate| candidate.format).collect();
    (!formats.is_empty()).then(|| {
        let formats = list(formats.iter().copied());
        format!("Baggage arrives too. Only services whose list has {formats} pass it on.")
    })
}

/// A plus sign in baggage, which some readers take for a blank.
pub(super) fn plus(arrived: &Arrived<'_>) -> Option<String> {
    let mut has_plus = false;
    arrived
        .headers
        .get_all(baggage::NAME, &mut |value| has_plus |= value.contains('+'));
    has_plus.then(|| {
        "A '+' in baggage stays a '+' by the specification, but OpenTelemetry for Python reads it as a space. Let the sender \
         write %2B for a plus and %20 for a space."
            .to_owned()
    })
}

/// Baggage of OT Trace, which is read only beside ids.
pub(super) fn baggage_alone(arrived: &Arrived<'_>) -> Option<String> {
    let mut candidates = arrived.candidates.iter();
    let candidate = candidates.find(|candidate| candidate.format == ottrace::NAME)?;
    let is_read = matches!(candidate.outcome, Outcome::Valid(_));
    (!is_read && arrived.has_prefix(ottrace::PREFIX)).then(|| {
        format!(
            "{}* is read only beside a valid {}, so that baggage is lost.",
            ottrace::PREFIX,
            ottrace::TRACE_ID
        )
    })
}
