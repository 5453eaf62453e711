//! What arrived, in sentences that say what it leads to: who continues which context, what is lost, what to do.
//!
//! [`Explanation::new`] takes what the formats found and gives one sentence about all of it, and notes about the
//! traps that bite. What it says of other libraries was measured; `docs/formats.md` has the versions.

mod arrived;
mod datadog;
mod notes;

use crate::carrier::Getter;
use crate::context::{Extracted, TraceContext};
use crate::extraction::{Candidate, ConflictKind};
use crate::format::Outcome;
use crate::formats;

use arrived::{Arrived, Source, list};

/// What arrived and what becomes of it, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence: what arrives, and who continues which of it.
    pub summary: String,
    /// What else to know, a sentence or a few each: traps that bite here, what is lost, what to do.
    pub notes: Vec<String>,
}

impl Explanation {
    /// Explains what formats found in a carrier; `candidates` are those of one extraction from it, best of all formats.
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
    ///      whatever reads one of them continues that.",
    /// );
    /// # Ok::<(), baton_propagators::ModeError>(())
    /// ```
    pub fn new(candidates: &[Candidate], carrier: &dyn Getter) -> Self {
        let arrived = Arrived::new(candidates, carrier);
        Explanation {
            summary: summary(&arrived),
            notes: notes::all(&arrived),
        }
    }
}

fn summary(arrived: &Arrived<'_>) -> String {
    match arrived.sources.as_slice() {
        [] => nothing(arrived),
        [only] => {
            let Source { header, format, .. } = only;
            let says = describe(only.context);
            let others = refusals(arrived)
                .map(|refusals| format!("; {refusals}"))
                .unwrap_or_default();
            format!(
                "One trace context arrives, {header} says {says}: whatever reads {format} continues that{others}."
            )
        }
        [first, others @ ..] => match others
            .iter()
            .find_map(|other| Some((other, first.conflict(other)?)))
        {
            None => {
                let headers = list(arrived.sources.iter().map(|source| source.header));
                let all = if others.len() == 1 { "" } else { "all " };
                let says = describe(first.context);
                format!(
                    "{headers} {all}agree on {says}: whatever reads one of them continues that."
                )
            }
            Some((other, kind)) => disagreement(arrived, first, other, kind),
        },
    }
}

/// The sentence where there is no context to continue.
fn nothing(arrived: &Arrived<'_>) -> String {
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
            Some(true) => "to sample",
            Some(false) => "not to sample",
            None => "nothing about sampling",
        };
        return format!(
            "No trace context arrives, so a receiver starts a new trace: {} names no span to continue and says {decision}.",
            candidate.header
        );
    }
    if arrived
        .candidates
        .iter()
        .any(|candidate| candidate.outcome != Outcome::Absent)
    {
        return "No trace context arrives but baggage alone, so a receiver starts a new trace."
            .to_owned();
    }
    "No trace context arrives, so a receiver starts a new trace: there is no header of any format."
        .to_owned()
}

/// Every refusal once, although `b3` and `b3multi` read the same headers.
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

/// The sentence where contexts disagree: what each says, and who continues which.
fn disagreement(
    arrived: &Arrived<'_>,
    first: &Source<'_>,
    other: &Source<'_>,
    kind: ConflictKind,
) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for source in &arrived.sources {
        let value = source.value(kind);
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, headers)) => headers.push(source.header),
            None => groups.push((value, vec![source.header])),
        }
    }
    let number = match groups.len() {
        2 => "Two",
        3 => "Three",
        _ => "Several",
    };
    let opening = match kind {
        ConflictKind::TraceId => format!("{number} different traces arrive"),
        ConflictKind::SpanId => format!(
            "One trace arrives with {} different parents",
            number.to_lowercase()
        ),
        ConflictKind::Sampled => format!(
            "One span arrives with {} sampling decisions",
            number.to_lowercase()
        ),
    };
    let says = groups.iter().map(|(value, headers)| {
        let verb = if headers.len() == 1 { "says" } else { "say" };
        format!("{} {verb} {value}", list(headers.iter().copied()))
    });
    let says = says.collect::<Vec<_>>().join(", ");
    let (a, b) = (first.format, other.format);
    let mut sentence = format!(
        "{opening}: {says}; an OpenTelemetry service with {a},{b} continues {}'s, because its composite lets the last \
         valid format win, and with {b},{a} {}'s",
        other.header, first.header,
    );
    // Datadog's own format stands first in its own lists.
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
    sentence.push('.');
    sentence
}

/// A context in words.
fn describe(context: &TraceContext) -> String {
    let sampling = arrived::sampling(context.sampling);
    format!(
        "trace {}, span {}, {sampling}",
        context.trace_id, context.span_id
    )
}
