//! What arrived and what it leads to, in sentences: who continues which context, what is lost, what
//! to do.
//!
//! [`Explanation::new`] takes what the formats found. It gives one sentence that sums it up, and a
//! note for each problem. What it says about libraries comes from their profiles
//! ([`crate::libraries`]) or was measured; `docs/formats.md` has the versions.

mod arrived;
mod cause;
mod datadog;
mod notes;
mod repeated;

use crate::carrier::HeaderList;
use crate::context::{Extracted, TraceContext};
use crate::format::{Candidate, Fault, Outcome};
use crate::formats;
use crate::formats::xray::X_AMZN_TRACE_ID;
use crate::propagation::ConflictKind;

pub use arrived::list;
use arrived::{Arrived, Source, who};
pub use cause::cause;

/// What arrived and what it leads to, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence: what arrives, and who continues which context.
    pub summary: String,
    /// Notes of one or more sentences: problems, what is lost, what to do.
    pub notes: Vec<String>,
}

impl Explanation {
    /// Explains what formats found in headers. `candidates` are from one extraction, preferably
    /// with all formats.
    ///
    /// ```
    /// use baton_propagators::{Explanation, HeaderList, Mode, Propagation};
    ///
    /// let headers = HeaderList::from([
    ///     ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ///     ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"),
    /// ]);
    /// let extraction = Propagation::from("tracecontext,b3".parse::<Mode>()?).extract(&headers);
    /// assert_eq!(
    ///     Explanation::new(&extraction.candidates, &headers).summary,
    ///     "traceparent and b3 agree on trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled: \
    ///      a service that reads one of them as specified continues it.",
    /// );
    /// # Ok::<(), baton_propagators::ModeError>(())
    /// ```
    pub fn new(candidates: &[Candidate], headers: &HeaderList) -> Self {
        let arrived = Arrived::new(candidates, headers);
        Explanation {
            summary: summary(&arrived),
            notes: notes::all(&arrived),
        }
    }
}

fn summary(arrived: &Arrived<'_>) -> String {
    let sentence = match arrived.sources.as_slice() {
        [] => return nothing(arrived),
        [only] => {
            let says = describe(only.context);
            let reader = if only.header == X_AMZN_TRACE_ID {
                "baton with xray and BATON_XRAY_SOURCE=environment".to_owned()
            } else if arrived.of_upstream {
                format!("opentelemetry-rust with {}", only.format)
            } else {
                format!("a service that reads {} as specified", only.format)
            };
            format!(
                "One trace context arrives in {}, {says}: {reader} continues it",
                only.header
            )
        }
        [first, ..] => match arrived.conflict() {
            None => agreement(arrived, first.context),
            Some((first, other, kind)) => disagreement(arrived, first, other, kind),
        },
    };
    let others = refusals(arrived).map(|refusals| format!("; {refusals}"));
    format!("{sentence}{}.", others.unwrap_or_default())
}

/// The sentence if all contexts are of the same span.
fn agreement(arrived: &Arrived<'_>, first: &TraceContext) -> String {
    let headers = list(arrived.sources.iter().map(|source| source.header));
    let all = if arrived.sources.len() == 2 {
        ""
    } else {
        "all "
    };
    let reader = if arrived.of_upstream {
        "opentelemetry-rust with any of these formats"
    } else {
        "a service that reads one of them as specified"
    };
    let mut sources = arrived.sources.iter();
    if sources.all(|source| source.context.sampling == first.sampling) {
        let says = describe(first);
        return format!("{headers} {all}agree on {says}: {reader} continues it");
    }
    let says = say(&groups(arrived, ConflictKind::Sampled));
    format!(
        "{headers} {all}agree on trace {}, span {}, but about sampling {says}: {reader} continues that span",
        first.trace_id, first.span_id
    )
}

/// The sentence if there is no context to continue.
fn nothing(arrived: &Arrived<'_>) -> String {
    if let Some(repeated) = repeated::repeated(arrived) {
        return format!(
            "{repeated}: a receiver that follows the specification starts a new trace."
        );
    }
    if let Some(refusals) = refusals(arrived) {
        return format!(
            "No usable trace context arrives, so a receiver starts a new trace: {refusals}."
        );
    }
    let sampling = |candidate: &&Candidate| {
        matches!(
            candidate.outcome,
            Outcome::Valid(Extracted::SamplingOnly(_))
        )
    };
    if let Some(candidate) = arrived.candidates.iter().find(sampling) {
        let decision = match candidate.sampled() {
            Some(true) => "only asks to sample",
            Some(false) => "only asks not to sample",
            None => "says nothing about sampling",
        };
        if names_a_trace(candidate) {
            return format!(
                "No span to continue arrives, so a receiver starts a root span, in the arriving trace or in a new one: \
                 {} names a trace but no span, and {decision}.",
                candidate.header
            );
        }
        return format!(
            "No trace context arrives, so a receiver starts a new trace: {} names no span to continue and {decision}.",
            candidate.header
        );
    }
    let is_there = |candidate: &Candidate| candidate.outcome != Outcome::Absent;
    if arrived.candidates.iter().any(is_there) {
        return "Only baggage arrives, so a receiver starts a new trace.".to_owned();
    }
    let names = arrived.names();
    let what = match names.as_slice() {
        [] => "there is no header of any format".to_owned(),
        names => {
            let verb = if names.len() == 1 { "does" } else { "do" };
            let names = list(names.iter().map(String::as_str));
            format!("{names} alone {verb} not hold one")
        }
    };
    format!("No trace context arrives, so a receiver starts a new trace: {what}.")
}

/// Whether a candidate without a context has the id of a trace. Some libraries keep it.
fn names_a_trace(candidate: &Candidate) -> bool {
    let mut objection = candidate.objection.iter();
    objection.any(|reject| reject.fault == Fault::NoParent)
}

/// All refusals. `b3` and `b3multi` read the same headers, so equal sentences appear once.
fn refusals(arrived: &Arrived<'_>) -> Option<String> {
    let mut sentences: Vec<String> = Vec::new();
    for reject in arrived.candidates.iter().filter_map(Candidate::reject) {
        let sentence = reject.to_string();
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// The sentence if contexts disagree: what each says, and who continues which.
fn disagreement(
    arrived: &Arrived<'_>,
    first: &Source<'_>,
    other: &Source<'_>,
    kind: ConflictKind,
) -> String {
    let groups = groups(arrived, kind);
    let number = in_words(groups.len());
    let opening = match kind {
        ConflictKind::TraceId => format!("{number} different traces arrive"),
        ConflictKind::SpanId => format!(
            "One trace arrives with {} different parents",
            number.to_lowercase()
        ),
        // To sample or not: a deferred or a debug state is not a third decision.
        ConflictKind::Sampled => "One span arrives with two sampling decisions".to_owned(),
    };
    let says = say(&groups);
    let (a, b) = (first.format, other.format);
    let of_environment = [first, other]
        .iter()
        .any(|source| source.header == X_AMZN_TRACE_ID);
    let reader = if of_environment {
        "baton with BATON_XRAY_SOURCE=environment and"
    } else if arrived.of_upstream {
        "opentelemetry-rust with"
    } else {
        "an OpenTelemetry service with"
    };
    let mut sentence = format!(
        "{opening}: {says}; {reader} {a},{b} continues {}'s, because in its list the last valid format wins, and with \
         {b},{a} it continues {}'s",
        other.header, first.header,
    );
    for source in [first, other] {
        let refusing = arrived.readers(source).refusing();
        if !refusing.is_empty() {
            sentence.push_str(&format!(
                "; {} nothing in {}",
                who(&refusing, "find"),
                source.header
            ));
        }
    }
    // Datadog's own format comes first in its lists.
    let listed = if b == formats::datadog::NAME {
        [other, first]
    } else {
        [first, other]
    };
    if let Some(choice) = datadog::choice(&listed) {
        let list = listed.map(|source| source.format).join(",");
        sentence.push_str(&format!(
            "; Datadog's libraries with {list} continue {choice}"
        ));
    }
    sentence
}

/// How many contexts disagree.
fn in_words(number: usize) -> &'static str {
    match number {
        2 => "Two",
        3 => "Three",
        _ => "Several",
    }
}

/// The different values, each with the headers that say so.
type Groups = Vec<(String, Vec<&'static str>)>;

fn groups(arrived: &Arrived<'_>, kind: ConflictKind) -> Groups {
    let mut groups: Groups = Vec::new();
    for source in &arrived.sources {
        let value = source.value(kind);
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, headers)) => headers.push(source.header),
            None => groups.push((value, vec![source.header])),
        }
    }
    groups
}

/// Which headers say what, as a phrase.
fn say(groups: &Groups) -> String {
    let says = groups.iter().map(|(value, headers)| {
        let verb = if headers.len() == 1 { "says" } else { "say" };
        format!("{} {verb} {value}", list(headers.iter().copied()))
    });
    says.collect::<Vec<_>>().join(", ")
}

/// A context in words.
fn describe(context: &TraceContext) -> String {
    let sampling = arrived::sampling(context.sampling);
    format!(
        "trace {}, span {}, {sampling}",
        context.trace_id, context.span_id
    )
}
