//! Notes about sampling: what turns it off, and how libraries read decisions.

use crate::context::{Extracted, Sampling};
use crate::explanation::arrived::Arrived;
use crate::format::{Candidate, Outcome};
use crate::formats::xray::{self, X_AMZN_TRACE_ID};
use crate::formats::{b3, b3multi};

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
             xray last in its list continues it and records nothing{}. List xray before the other formats, or set the \
             source to header.",
            source.header,
            although.unwrap_or_default()
        ));
    }
    Some(format!(
        "A service that continues {} records nothing, although {} says sampled.",
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
    let mut note =
        format!("{header} has a Root but no Parent: it names a trace and no span to continue.");
    if header != X_AMZN_TRACE_ID {
        note.push_str(" Load balancers send it like this.");
    }
    Some(note)
}

/// `b3: 0`.
pub(super) fn decision_alone(arrived: &Arrived<'_>) -> Option<String> {
    let candidate = sampling_alone(arrived, &[b3::NAME, b3multi::NAME])?;
    let mut note = format!(
        "{} is a sampling decision without ids: it is valid, but there is nothing to continue.",
        candidate.header
    );
    if candidate.sampled() == Some(false) {
        note.push_str(
            " OpenTelemetry for Go and Rust write it when no span is active. A service that obeys it records nothing.",
        );
    }
    Some(note)
}

/// A deferred decision.
pub(super) fn deferred(arrived: &Arrived<'_>) -> Option<String> {
    let mut sources = arrived.sources.iter();
    let deferred = sources.find(|source| source.context.sampling == Sampling::Deferred)?;
    Some(format!(
        "{} leaves the sampling decision to the receiver, and libraries decide differently. traceparent cannot leave it open: \
         a service that writes one has decided.",
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
    Some(format!(
        "{header} asks for debugging, which only B3 and Jaeger can express: in every other format it becomes an ordinary \
         decision to sample."
    ))
}
