//! Notes about sampling: what turns it off, and how libraries read decisions.

use crate::carrier::Getter;
use crate::context::Extracted;
use crate::explanation::arrived::Arrived;
use crate::extraction::Candidate;
use crate::format::Outcome;
use crate::formats::xray::{self, X_AMZN_TRACE_ID};
use crate::formats::{b3, b3multi, tracecontext};
use crate::sampling::Sampling;

/// A context that turns sampling off while another is sampled. Lambda's does so if X-Ray is off.
pub(super) fn unsampled(arrived: &Arrived<'_>) -> Option<String> {
    let find = |wanted| {
        let mut sources = arrived.sources.iter();
        sources.find(|source| source.context.sampling.decision() == Some(wanted))
    };
    let on = find(true);
    let of_environment = arrived.sources.iter().find(|source| {
        source.header == X_AMZN_TRACE_ID && source.context.sampling == Sampling::Drop
    });
    if let Some(source) = of_environment {
        let although = on.map(|other| format!(", although {} says sampled", other.header));
        return Some(format!(
            "{} says Sampled=0, as Lambda sets it where X-Ray tracing is off: baton with BATON_XRAY_SOURCE=environment and \
             xray last in its list continues that and records nothing{}. List xray before the other formats, or leave the \
             source at header.",
            source.header,
            although.unwrap_or_default()
        ));
    }
    Some(format!(
        "A service that continues {}'s records nothing, although {} says sampled.",
        find(false)?.header,
        on?.header
    ))
}

/// The candidate of one of these formats that has a decision without ids.
pub(super) fn sampling_alone<'a>(arrived: &Arrived<'a>, formats: &[&str]) -> Option<&'a Candidate> {
    arrived.candidates.iter().find(|candidate| {
        formats.contains(&candidate.format)
            && matches!(
                candidate.outcome,
                Outcome::Valid(Extracted::SamplingOnly(_))
            )
    })
}

/// X-Ray's header without `Parent`, as load balancers write it.
pub(super) fn no_parent(arrived: &Arrived<'_>) -> Option<String> {
    let header = sampling_alone(arrived, &[xray::NAME])?.header;
    let mut note = format!(
        "{header} has a Root and no Parent: it names no span, so there is nothing to continue."
    );
    if header != X_AMZN_TRACE_ID {
        note.push_str(
            " Load balancers write it so. OpenTelemetry's Rust reader (opentelemetry-aws 0.21), listed last, starts a new \
             trace even beside a valid traceparent.",
        );
    }
    Some(note)
}

/// `b3: 0`.
pub(super) fn decision_alone(arrived: &Arrived<'_>) -> Option<String> {
    let candidate = sampling_alone(arrived, &[b3::NAME, b3multi::NAME])?;
    let mut note = format!(
        "{} is a sampling decision without ids: valid, and nothing to continue.",
        candidate.header
    );
    if candidate.sampled() == Some(false) {
        note.push_str(
            " OpenTelemetry's Rust crate writes b3: 0 wherever no span is active, and who honours it records nothing.",
        );
    }
    let measured = candidate.sampled() == Some(false) || candidate.debug();
    let beside = arrived.source(tracecontext::NAME).is_some();
    if candidate.header == b3::HEADER && measured && beside {
        note.push_str(" Datadog's libraries with b3,tracecontext lose traceparent to it.");
    }
    Some(note)
}

/// Whether X-Ray's header asks for a decision explicitly (`Sampled=?`).
fn asks_to_decide(value: &str) -> bool {
    value.split(';').any(|part| part.trim() == "Sampled=?")
}

/// A deferred decision.
pub(super) fn deferred(arrived: &Arrived<'_>) -> Option<String> {
    let mut sources = arrived.sources.iter();
    let deferred = sources.find(|source| source.context.sampling == Sampling::Deferred)?;
    let asked = arrived.headers.get(deferred.header).map(asks_to_decide);
    // Another note names the libraries that refuse such a header.
    let measured = match (deferred.format, asked) {
        (b3::NAME, _) => {
            " opentelemetry-python takes that for sampled, opentelemetry-js and -rust for not sampled."
        }
        (b3multi::NAME, _) => " OpenTelemetry's libraries take that for not sampled.",
        (xray::NAME, Some(true)) => " opentelemetry-rust takes that for not sampled.",
        (xray::NAME, Some(false)) => {
            " opentelemetry-python and opentelemetry-rust take that for not sampled."
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
pub(super) fn debug(arrived: &Arrived<'_>) -> Option<String> {
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
