//! Why a hand-off has its verdict. The verdict says what happened. The headers that arrived, and
//! the formats that the receiver reads, explain it.

use baton_propagators::explanation::list;
use baton_propagators::formats::FORMATS;
use baton_propagators::lambda::xray_header::X_AMZN_TRACE_ID;
use baton_propagators::{
    Candidate, Engine, Extraction, HeaderList, Outcome, Propagation, Sampling, Select,
};
use baton_traces::hand_off::{Hop, Verdict};

/// A reason in two forms: for all cells of a kind, and for one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The sentence for every cell with this kind of reason.
    pub(super) kind: String,
    /// The sentence with this cell's formats and headers.
    pub(super) text: String,
}

/// The receiving end of a hand-off: the headers that arrived, and how the receiver reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) hop: Hop,
    /// Whether one end is not baton's own function.
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
                "the verdict is {verdict}, and the headers do not explain it"
            )),
        }
    }

    /// The reason if a function that is not baton's own differs from the prediction.
    pub(super) fn otherwise(verdict: Verdict, predicted: Verdict) -> Reason {
        said(
            "a function that is not baton's own reads or writes the formats differently".to_owned(),
            format!("the formats alone give {predicted}, the functions gave {verdict}"),
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
        if self.receiver.extract.context_formats().next().is_none() {
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
                format!("the {receiver} refused malformed headers"),
                refusals.join("; "),
            );
        }
        let holds_something = |candidate: &Candidate| candidate.outcome != Outcome::Absent;
        if self.extraction.candidates.iter().any(holds_something) {
            return same("the headers that arrived name no span to continue".to_owned());
        }
        let read = self.receiver.extract.context_formats();
        said(
            format!("the {receiver} reads none of the formats that the {sender} wrote"),
            format!(
                "the {place} has {}, the {receiver} reads only {}",
                list(header_names(self.headers).iter().map(String::as_str)),
                list(read.map(|format| format.name()))
            ),
        )
    }

    fn another_context(&self, candidate: &Candidate) -> Reason {
        let (sender, receiver) = self.ends();
        let format = candidate.format;
        if let (Engine::Otel, Some(objection)) = (self.receiver.engine, &candidate.objection) {
            return said(
                format!("the {receiver} accepted a malformed header, and read other ids from it"),
                format!("{format} was continued although {objection}"),
            );
        }
        let contexts = self.extraction.candidates.iter();
        if contexts.filter_map(Candidate::context).count() < 2 {
            return said(
                format!(
                    "the {receiver} reads only the format that contradicts the {sender}'s own context"
                ),
                format!("only {format} was read, and it is not the {sender}'s own context"),
            );
        }
        let place = match self.receiver.select {
            Select::Last => "last",
            Select::First => "first",
        };
        said(
            format!(
                "contexts disagreed and the {place} format of the {receiver}'s list won, which was not the {sender}'s own context"
            ),
            format!(
                "{format} won, the {place} valid format of {}",
                self.receiver.extract
            ),
        )
    }

    /// The sampling decision of the continued header, by the format's specification.
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
                format!("the {receiver} read {what} as not sampled"),
                format!(
                    "engine {} read {what} in {format} as not sampled",
                    self.receiver.engine
                ),
            )
        };
        match self.meant(candidate) {
            Some(Sampling::Debug) => taken_for("the debug state"),
            Some(Sampling::Deferred) => taken_for("an open decision"),
            _ => said(
                "the context that won is not sampled".to_owned(),
                format!("{format} won, and it is not sampled"),
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

/// The names of headers in their usual spelling. A group of headers, such as `X-B3-*`, is named
/// once.
fn header_names(headers: &HeaderList) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in headers.iter() {
        let name = group(name).unwrap_or_else(|| name.to_owned());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The group of headers that `name` belongs to, if a format has such a group.
fn group(name: &str) -> Option<String> {
    let belongs = |prefix: &str| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    FORMATS.iter().find_map(|format| {
        let prefix = format.prefixes().iter().find(|prefix| belongs(prefix));
        let named = || {
            let stem = format.headers().strip_suffix('*')?;
            belongs(stem).then(|| format.headers().to_owned())
        };
        prefix.map(|prefix| format!("{prefix}*")).or_else(named)
    })
}
