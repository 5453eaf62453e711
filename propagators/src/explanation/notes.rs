//! The notes: one function to each trap, which says nothing where the trap is not there.

use super::arrived::{Arrived, list};
use crate::carrier::Getter;
use crate::context::Extracted;
use crate::environment::X_AMZN_TRACE_ID;
use crate::extraction::{Candidate, ConflictKind};
use crate::format::{Format, Outcome};
use crate::formats::b3multi::{self, B3Multi};
use crate::formats::{b3, datadog, tracecontext, xray};
use crate::reject::Fault;
use crate::sampling::Sampling;
use crate::tracestate;

type Note = fn(&Arrived<'_>) -> Option<String>;

/// In the order they are told: what breaks a trace, what turns it off, what is lost with it.
const NOTES: &[Note] = &[
    where_from,
    low_half,
    hidden_multi,
    unsampled,
    no_parent,
    decision_alone,
    zeros,
    upper_case,
    several,
    deferred,
    debug,
    tracestate_lost,
    tracestate_alone,
    baggage,
];

/// All that apply.
pub(super) fn all(arrived: &Arrived<'_>) -> Vec<String> {
    NOTES.iter().filter_map(|note| note(arrived)).collect()
}

/// Contexts of different spans have different writers; X-Ray's is AWS.
fn where_from(arrived: &Arrived<'_>) -> Option<String> {
    let (first, others) = arrived.sources.split_first()?;
    let differs = |other: &&super::Source<'_>| {
        let kind = first.conflict(other);
        // One that was cut to its low half may be the same span's.
        let is_cut = first.context.trace_id.low_64() == other.context.trace_id.low_64()
            && first.context.trace_id != other.context.trace_id;
        !is_cut && matches!(kind, Some(ConflictKind::TraceId | ConflictKind::SpanId))
    };
    let differing: Vec<_> = others.iter().filter(differs).collect();
    let of_xray = |source: &super::Source<'_>| source.format == xray::NAME;
    if differing.is_empty() {
        return None;
    }
    if differing.iter().all(|source| of_xray(source)) {
        return Some(
            "AWS's services write X-Ray's header by themselves and pass the others on as they came, so it names a span of \
             theirs. List xray first, or leave it out where no service of yours writes it."
                .to_owned(),
        );
    }
    Some(
        "The headers were written by different spans: most often a proxy or a gateway on the way writes one format and \
         passes the other on as it came. Let the last sender write every format itself, or let this service read only the \
         one that its callers write."
            .to_owned(),
    )
}

/// A 64-bit id that is the low half of another's.
fn low_half(arrived: &Arrived<'_>) -> Option<String> {
    let halves = |id: crate::TraceId| (id.is_64_bit(), id.low_64());
    let pair = arrived.sources.iter().find_map(|short| {
        let is_whole = |long: &&super::Source<'_>| {
            halves(long.context.trace_id) == (false, short.context.trace_id.low_64())
        };
        let long = arrived.sources.iter().find(is_whole)?;
        short.context.trace_id.is_64_bit().then_some((short, long))
    });
    let (short, long) = pair?;
    let remedy = if short.format == datadog::NAME {
        "Let the sender write the upper half, as _dd.p.tid in x-datadog-tags,"
    } else {
        "Let that sender write ids of 128 bits,"
    };
    Some(format!(
        "{}'s trace id is the low half of {}'s: one trace, written by a sender with ids of 64 bits. To OpenTelemetry and to \
         Datadog's libraries these are two traces, so a service that continues {}'s cuts the trace in two. {remedy} or list \
         {} last.",
        short.header, long.header, short.header, long.format,
    ))
}

/// Headers without one of them.
struct Without<'a>(&'a dyn Getter, &'static str);

impl Getter for Without<'_> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        if !name.eq_ignore_ascii_case(self.1) {
            self.0.get_all(name, each);
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.0.keys(each);
    }
}

/// The `x-b3-*` headers behind a `b3` header that says something else.
fn hidden_multi(arrived: &Arrived<'_>) -> Option<String> {
    let single = arrived.source(b3::NAME)?;
    let multi = B3Multi.extract(&Without(arrived.carrier, b3::HEADER));
    let hidden = multi.context()?;
    let what = if hidden.trace_id != single.context.trace_id {
        format!("another trace, {}", hidden.trace_id)
    } else if hidden.span_id != single.context.span_id {
        format!("another span, {}", hidden.span_id)
    } else if hidden.sampling != single.context.sampling {
        format!(
            "something else about sampling, {}",
            super::arrived::sampling(hidden.sampling)
        )
    } else {
        return None;
    };
    Some(format!(
        "The x-b3-* headers name {what}, and no reader of OpenTelemetry's looks at them where b3 is there; Datadog's b3multi \
         reads them alone."
    ))
}

/// A context that turns sampling off while another is sampled; X-Ray's has a reason of its own to be there.
fn unsampled(arrived: &Arrived<'_>) -> Option<String> {
    let decision = |wanted| {
        move |source: &&super::Source<'_>| source.context.sampling.decision() == Some(wanted)
    };
    let off: Vec<_> = arrived.sources.iter().filter(decision(false)).collect();
    let on: Vec<_> = arrived.sources.iter().filter(decision(true)).collect();
    let of_xray = off.iter().find(|source| source.format == xray::NAME);
    if let Some(source) = of_xray
        && (!on.is_empty() || source.header == X_AMZN_TRACE_ID)
    {
        let although = match on.first() {
            Some(other) => format!(", although {} says sampled", other.header),
            None => String::new(),
        };
        return Some(format!(
            "{} says Sampled=0, as Lambda sets it where X-Ray tracing is off: with xray last in its list a service continues \
             that and records nothing{although}. List xray before the other formats, or leave it out.",
            source.header
        ));
    }
    let (off, on) = (off.first()?, on.first()?);
    Some(format!(
        "A service that continues {}'s records nothing, although {} says sampled.",
        off.header, on.header
    ))
}

fn sampling_alone<'a>(arrived: &Arrived<'a>, formats: &[&str]) -> Option<&'a Candidate> {
    arrived.candidates.iter().find(|candidate| {
        formats.contains(&candidate.format)
            && matches!(
                candidate.outcome,
                Outcome::Valid(Extracted::SamplingOnly(_))
            )
    })
}

/// X-Ray's header of a load balancer.
fn no_parent(arrived: &Arrived<'_>) -> Option<String> {
    let candidate = sampling_alone(arrived, &[xray::NAME])?;
    Some(format!(
        "{} has a Root and no Parent, as load balancers write it: it names no span, so there is nothing to continue. \
         OpenTelemetry's Rust reader (opentelemetry-aws 0.21), listed last, starts a new and unsampled trace all the same.",
        candidate.header
    ))
}

/// `b3: 0`.
fn decision_alone(arrived: &Arrived<'_>) -> Option<String> {
    let candidate = sampling_alone(arrived, &[b3::NAME, b3multi::NAME])?;
    let mut note = format!(
        "{} is a sampling decision without ids: valid, and nothing to continue.",
        candidate.header
    );
    if candidate.sampled() == Some(false) {
        note.push_str(
            " OpenTelemetry's Rust crate writes b3: 0 wherever no span is active, and who honours it records nothing.",
        );
        if candidate.header == b3::HEADER && arrived.source(tracecontext::NAME).is_some() {
            note.push_str(" Datadog's libraries with b3,tracecontext lose traceparent to it.");
        }
    }
    Some(note)
}

/// The first refusal that a condition holds for.
fn refused(arrived: &Arrived<'_>, wanted: impl Fn(&Fault) -> bool) -> Option<&'static str> {
    let rejects = arrived.candidates.iter().filter_map(Candidate::reject);
    rejects
        .filter(|reject| wanted(&reject.fault))
        .map(|reject| reject.header)
        .next()
}

/// Ids of zeros.
fn zeros(arrived: &Arrived<'_>) -> Option<String> {
    let header = refused(arrived, |fault| matches!(fault, Fault::AllZeros { .. }))?;
    let mut note = format!("An id of zeros stands for none: who wrote {header} had no span.");
    let of_b3 = header == b3::HEADER || header.starts_with("x-b3-");
    if let (true, Some(source)) = (of_b3, arrived.source(tracecontext::NAME)) {
        note.push_str(&format!(
            " opentelemetry-python, with a B3 format after tracecontext, loses {} to it; a reader should not.",
            source.header
        ));
    }
    Some(note)
}

/// Upper-case ids.
fn upper_case(arrived: &Arrived<'_>) -> Option<String> {
    let rejects = arrived.candidates.iter().filter_map(Candidate::reject);
    let upper = |place: &(&'static str, usize)| {
        let value = arrived.carrier.get(place.0).unwrap_or_default();
        value
            .as_bytes()
            .get(place.1)
            .is_some_and(|byte| matches!(byte, b'A'..=b'F'))
    };
    let places = rejects.filter(|reject| matches!(reject.fault, Fault::NotLowerHex { .. }));
    let (header, _) = places
        .filter_map(|reject| Some((reject.header, reject.position?)))
        .find(upper)?;
    let lenient = if header == b3::HEADER || header.starts_with("x-b3-") {
        " opentelemetry-python and Datadog's libraries read them nevertheless, so whether the trace goes on depends on who \
         receives it."
    } else {
        ""
    };
    Some(format!(
        "{header} has digits in upper case, which the specification does not allow.{lenient} Let the sender write \
         lower case."
    ))
}

/// A header that arrived several times.
fn several(arrived: &Arrived<'_>) -> Option<String> {
    let overlooked = arrived
        .candidates
        .iter()
        .filter_map(|candidate| candidate.objection.as_deref());
    let header = refused(arrived, |fault| *fault == Fault::Several).or_else(|| {
        let mut overlooked =
            overlooked.filter(|reject| matches!(reject.fault, Fault::Several | Fault::FirstTaken));
        overlooked.next().map(|reject| reject.header)
    })?;
    let measured = if header == tracecontext::TRACEPARENT {
        " opentelemetry-rust and opentelemetry-python read the first of two all the same, opentelemetry-js and Datadog's \
         libraries none."
    } else {
        ""
    };
    Some(format!(
        "{header} arrived several times: somebody on the way adds it where it should replace it.{measured}"
    ))
}

/// A decision left open.
fn deferred(arrived: &Arrived<'_>) -> Option<String> {
    let deferred = arrived
        .sources
        .iter()
        .find(|source| source.context.sampling == Sampling::Deferred)?;
    let measured = match deferred.format {
        b3::NAME => {
            " opentelemetry-python takes that for sampled, opentelemetry-js and -rust for not sampled."
        }
        b3multi::NAME => " OpenTelemetry's libraries take that for not sampled.",
        xray::NAME => {
            " opentelemetry-js refuses the header, opentelemetry-rust takes that for not sampled."
        }
        _ => "",
    };
    Some(format!(
        "{} leaves the sampling decision to the receiver.{measured} traceparent cannot pass that on: a service that writes it \
         has decided.",
        deferred.header
    ))
}

/// The debug state.
fn debug(arrived: &Arrived<'_>) -> Option<String> {
    let source = arrived
        .sources
        .iter()
        .find(|source| source.context.sampling.is_debug())?;
    let header = match source.header {
        b3multi::TRACE_ID => b3multi::FLAGS,
        header => header,
    };
    let mut measured = String::new();
    if header == b3::HEADER {
        measured.push_str(" opentelemetry-rust goes on from the b3 header's d unsampled.");
    }
    let of_b3 = [b3::NAME, b3multi::NAME].contains(&source.format);
    if let (true, Some(other)) = (of_b3, arrived.source(tracecontext::NAME)) {
        measured.push_str(&format!(
            " opentelemetry-js with {},tracecontext puts the flag on {}'s trace.",
            source.format, other.header
        ));
    }
    Some(format!(
        "{header} asks for debugging, which B3 and Jaeger alone can say: in every other format it goes on as sampled.{measured}"
    ))
}

/// `tracestate` that is lost with its `traceparent`.
fn tracestate_lost(arrived: &Arrived<'_>) -> Option<String> {
    let source = arrived.source(tracecontext::NAME)?;
    let others = arrived
        .sources
        .iter()
        .filter(|other| other.header != source.header);
    let others = list(others.map(|other| other.header));
    (!others.is_empty() && !source.context.tracestate.is_empty()).then(|| {
        format!(
            "tracestate belongs to {}: a service that continues {others}'s loses it ({} bytes).",
            source.header,
            source.context.tracestate.as_str().len(),
        )
    })
}

/// `tracestate` that nobody reads.
fn tracestate_alone(arrived: &Arrived<'_>) -> Option<String> {
    let arrives = arrived.carrier.get(tracestate::HEADER).is_some();
    let read = arrived.source(tracecontext::NAME).is_some();
    let asked = arrived
        .candidates
        .iter()
        .any(|candidate| candidate.format == tracecontext::NAME);
    (arrives && asked && !read)
        .then(|| "tracestate is read only beside a valid traceparent, so it is lost.".to_owned())
}

/// Baggage.
fn baggage(arrived: &Arrived<'_>) -> Option<String> {
    let carrying = arrived
        .candidates
        .iter()
        .filter(|candidate| candidate.baggage().is_some());
    let formats: Vec<_> = carrying.map(|candidate| candidate.format).collect();
    (!formats.is_empty()).then(|| {
        let formats = list(formats.iter().copied());
        format!("Baggage arrives too: it goes on only in services whose list has {formats}.")
    })
}
