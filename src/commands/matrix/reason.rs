//! Why a hand-off became what it became: the verdict says what happened, the headers that arrived what that has to do
//! with the formats that the receiver reads.

use baton_propagators::carrier::HeaderList;
use baton_propagators::environment::X_AMZN_TRACE_ID;
use baton_propagators::extraction::{Candidate, Extraction};
use baton_propagators::format::{FORMATS, Outcome};
use baton_propagators::mode::{Engine, Mode, Select};
use baton_propagators::propagation::Propagation;
use baton_propagators::sampling::Sampling;
use baton_traces::hand_off::{Hop, Verdict};

/// How the names of headers begin that come in groups, and what a group is called.
const GROUPS: [(&str, &str); 4] = [
    ("x-b3-", "X-B3-*"),
    ("x-datadog-", "x-datadog-*"),
    ("ot-tracer-", "ot-tracer-*"),
    ("uberctx-", "uberctx-*"),
];

/// Why, once for all cells of a kind and once for this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// What holds for every cell that failed, or held, in this way.
    pub(super) kind: String,
    /// The same with this cell's formats and headers.
    pub(super) text: String,
}

/// The receiving end of a hand-off: what arrived there, and what it does with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) hop: Hop,
    /// Whether a function that is not baton's own is at one of its ends.
    pub(super) is_foreign: bool,
    pub(super) headers: &'a HeaderList,
    pub(super) receiver: &'a Propagation,
    pub(super) extraction: &'a Extraction,
    /// Whether the sender left the sampling decision open, and the receiver recorded nothing.
    pub(super) declined: bool,
}

impl Arrival<'_> {
    /// Why the hand-off has this verdict.
    pub(super) fn reason(&self, verdict: Verdict) -> Reason {
        let (sender, receiver) = self.ends();
        let continued = self.extraction.continued();
        match (verdict, continued) {
            (Verdict::Connected | Verdict::Linked, Some(candidate)) if self.declined => {
                self.turned_off(candidate)
            }
            (Verdict::Connected | Verdict::Linked, Some(candidate)) => said(
                format!("the {receiver} continued the {sender}'s span"),
                format!("the {receiver} continued {}", candidate.format),
            ),
            (Verdict::NewTrace, None) => self.nothing_to_continue(),
            (Verdict::WrongTrace | Verdict::WrongParent, Some(candidate)) => {
                self.another_context(candidate)
            }
            (Verdict::IdTruncated, Some(candidate)) => said(
                "the context that was continued has only the low 64 bits of the trace id"
                    .to_owned(),
                format!(
                    "{} has only the low 64 bits of the trace id",
                    candidate.format
                ),
            ),
            (Verdict::Unsampled, Some(candidate)) => self.turned_off(candidate),
            (Verdict::Lost, _) => same("it was accepted and never delivered".to_owned()),
            _ => same(format!(
                "the {receiver} made {verdict} of it, and its headers do not say why"
            )),
        }
    }

    /// What there is to say where a function that is not baton's own does otherwise than the formats say.
    pub(super) fn otherwise(verdict: Verdict, foreseen: Verdict) -> Reason {
        said(
            "a function that is not baton's own reads or writes the formats in its own way"
                .to_owned(),
            format!("the formats alone say {foreseen}, the functions made {verdict} of it"),
        )
    }

    fn ends(&self) -> (&'static str, &'static str) {
        match self.hop {
            Hop::Ingress => ("client", "producer"),
            Hop::Record => ("producer", "consumer"),
        }
    }

    fn nothing_to_continue(&self) -> Reason {
        let (sender, receiver) = self.ends();
        let place = match self.hop {
            Hop::Ingress => "request",
            Hop::Record => "record",
        };
        let arrived = FORMATS
            .iter()
            .any(|format| format.extract(self.headers).outcome != Outcome::Absent);
        if !arrived {
            return same(format!("the {sender} sent no context"));
        }
        if context_formats(&self.receiver.extract).next().is_none() {
            return same(format!("the {receiver} reads no headers"));
        }
        let refusals: Vec<_> = self
            .extraction
            .candidates
            .iter()
            .filter_map(Candidate::reject)
            .map(ToString::to_string)
            .collect();
        if !refusals.is_empty() {
            return said(
                format!("the {receiver} refused what arrived as malformed"),
                refusals.join("; "),
            );
        }
        let holds_something = |candidate: &Candidate| candidate.outcome != Outcome::Absent;
        if self.extraction.candidates.iter().any(holds_something) {
            return same("what arrived names no span to continue".to_owned());
        }
        let read: Vec<_> = context_formats(&self.receiver.extract).collect();
        said(
            format!("the {receiver} reads none of the formats that the {sender} wrote"),
            format!(
                "the {place} has {}, the {receiver} reads only {}",
                list(&header_names(self.headers)),
                list(&read)
            ),
        )
    }

    fn another_context(&self, candidate: &Candidate) -> Reason {
        let (sender, receiver) = self.ends();
        let format = candidate.format;
        if let (Engine::Otel, Some(objection)) = (self.receiver.engine, &candidate.objection) {
            return said(
                format!("the {receiver} read a malformed header all the same, as other ids"),
                format!("{format} was continued although {objection}"),
            );
        }
        let contexts = self.extraction.candidates.iter();
        if contexts.filter_map(Candidate::context).count() < 2 {
            return said(
                format!(
                    "the {receiver} reads only the format that contradicts the {sender}'s own context"
                ),
                format!("{format} is all that was read, and it is not the {sender}'s own context"),
            );
        }
        let place = match self.receiver.select {
            Select::Last => "last",
            Select::First => "first",
        };
        said(
            format!(
                "contexts disagreed and the {place} in the {receiver}'s list won, which was not the {sender}'s own"
            ),
            format!(
                "{format} won, the {place} of {} that is valid",
                self.receiver.extract
            ),
        )
    }

    /// The sampling decision that the continued header carries, by its specification.
    fn meant(&self, candidate: &Candidate) -> Option<Sampling> {
        let format = FORMATS
            .iter()
            .find(|known| known.name() == candidate.format)?;
        let found = format.extract(self.headers);
        found.context().map(|context| context.sampling)
    }

    fn turned_off(&self, candidate: &Candidate) -> Reason {
        let (_, receiver) = self.ends();
        let format = candidate.format;
        if candidate.header == X_AMZN_TRACE_ID {
            return said(
                "Lambda's environment has an X-Ray header with Sampled=0, and it won".to_owned(),
                format!("{format} won, from {X_AMZN_TRACE_ID}, which says Sampled=0"),
            );
        }
        let taken_for = |what: &str| {
            said(
                format!("the {receiver} took {what} for a refusal to sample"),
                format!(
                    "engine {} took {what} in {format} for not sampled",
                    self.receiver.engine
                ),
            )
        };
        match self.meant(candidate) {
            Some(Sampling::Debug) => taken_for("the debug state"),
            Some(Sampling::Deferred) => taken_for("an open decision"),
            _ => said(
                "the context that won says not to sample".to_owned(),
                format!("{format} won, and says not to sample"),
            ),
        }
    }
}

fn said(kind: String, text: String) -> Reason {
    Reason { kind, text }
}

fn same(text: String) -> Reason {
    said(text.clone(), text)
}

/// The formats of a mode that carry a trace context; baggage does not.
pub(super) fn context_formats(mode: &Mode) -> impl Iterator<Item = &'static str> {
    mode.names().filter(|name| *name != "baggage")
}

/// The names of headers as people know them, each group once.
fn header_names(headers: &HeaderList) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in headers.iter() {
        let group = GROUPS
            .iter()
            .find(|(prefix, _)| name.to_ascii_lowercase().starts_with(prefix));
        let name = group.map_or(name, |(_, group)| group);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `a, b and c`.
pub(super) fn list(items: &[impl AsRef<str>]) -> String {
    let texts: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match texts.as_slice() {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
