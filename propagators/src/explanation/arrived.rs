//! The contexts that arrived, each once and with the names that sentences call it by.

use crate::carrier::Getter;
use crate::context::TraceContext;
use crate::extraction::{Candidate, ConflictKind};
use crate::formats::{b3, b3multi};
use crate::sampling::Sampling;

/// What an explanation is made from.
pub(super) struct Arrived<'a> {
    pub(super) candidates: &'a [Candidate],
    pub(super) carrier: &'a dyn Getter,
    /// The contexts, in the candidates' order.
    pub(super) sources: Vec<Source<'a>>,
}

/// A context and where it came from.
pub(super) struct Source<'a> {
    /// The format to list for it. The formats `b3` and `b3multi` both read both encodings, and this is the one that
    /// writes the encoding at hand.
    pub(super) format: &'static str,
    /// The header that holds it.
    pub(super) header: &'static str,
    pub(super) context: &'a TraceContext,
    /// Whether there is something wrong with that header that the reader overlooked.
    pub(super) overlooked: bool,
}

impl<'a> Arrived<'a> {
    pub(super) fn new(candidates: &'a [Candidate], carrier: &'a dyn Getter) -> Self {
        let mut sources: Vec<Source<'a>> = Vec::new();
        for candidate in candidates {
            let Some(context) = candidate.context() else {
                continue;
            };
            if sources
                .iter()
                .any(|source| source.header == candidate.header)
            {
                continue;
            }
            sources.push(Source {
                format: match candidate.header {
                    b3::HEADER => b3::NAME,
                    b3multi::TRACE_ID => b3multi::NAME,
                    _ => candidate.format,
                },
                header: candidate.header,
                context,
                overlooked: candidate
                    .objection
                    .as_ref()
                    .is_some_and(|reject| reject.header == candidate.header),
            });
        }
        Arrived {
            candidates,
            carrier,
            sources,
        }
    }

    /// The context that a format holds, if it is one of those that arrived in its own encoding.
    pub(super) fn source(&self, format: &str) -> Option<&Source<'a>> {
        self.sources.iter().find(|source| source.format == format)
    }
}

impl Source<'_> {
    /// In what another context disagrees with this one, the gravest first.
    pub(super) fn conflict(&self, other: &Source<'_>) -> Option<ConflictKind> {
        let decisions = (
            self.context.sampling.decision(),
            other.context.sampling.decision(),
        );
        if self.context.trace_id != other.context.trace_id {
            Some(ConflictKind::TraceId)
        } else if self.context.span_id != other.context.span_id {
            Some(ConflictKind::SpanId)
        } else if matches!(decisions, (Some(a), Some(b)) if a != b) {
            Some(ConflictKind::Sampled)
        } else {
            None
        }
    }

    /// What it says about the thing at issue.
    pub(super) fn value(&self, kind: ConflictKind) -> String {
        match kind {
            ConflictKind::TraceId => self.context.trace_id.to_string(),
            ConflictKind::SpanId => self.context.span_id.to_string(),
            ConflictKind::Sampled => sampling(self.context.sampling).to_owned(),
        }
    }
}

/// A sampling state in words.
pub(super) const fn sampling(sampling: Sampling) -> &'static str {
    match sampling {
        Sampling::Deferred => "sampling deferred",
        Sampling::Drop => "not sampled",
        Sampling::Keep => "sampled",
        Sampling::Debug => "sampled for debugging",
    }
}

/// Names as a phrase: `a`, `a and b`, `a, b and c`.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
