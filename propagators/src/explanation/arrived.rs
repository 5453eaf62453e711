//! The contexts that arrived, each once, with the names that sentences use for them.

use std::collections::HashSet;

use crate::carrier::{Getter, HeaderList};
use crate::context::{Sampling, TraceContext};
use crate::format::{Candidate, Outcome};
use crate::formats::{self, FORMATS};
use crate::libraries::{Library, Readers, in_short};
use crate::propagation::{ConflictKind, Mode};

/// The input of an explanation.
pub(super) struct Arrived<'a> {
    pub(super) candidates: &'a [Candidate],
    pub(super) headers: &'a HeaderList,
    /// The contexts, in the candidates' order.
    pub(super) sources: Vec<Source<'a>>,
    /// Whether the upstream crates read them. They accept some headers that the specifications do
    /// not.
    pub(super) of_upstream: bool,
}

/// A context and where it came from.
pub(super) struct Source<'a> {
    /// The format to list for it. Formats of one family read each other's headers. This is the one
    /// that writes the header, if it found the context too.
    pub(super) format: &'static str,
    /// The header that holds it.
    pub(super) header: &'static str,
    pub(super) context: &'a TraceContext,
    /// Whether there is an objection. Another reader may then read the headers in another way.
    pub(super) objected: bool,
}

impl<'a> Arrived<'a> {
    pub(super) fn new(candidates: &'a [Candidate], headers: &'a HeaderList) -> Self {
        let mut sources: Vec<Source<'a>> = Vec::new();
        for candidate in candidates {
            let Some(context) = candidate.context() else {
                continue;
            };
            let is_same = |source: &Source<'_>| {
                source.header == candidate.header && source.context == context
            };
            if sources.iter().any(is_same) {
                continue;
            }
            let own = writer_of(candidate.header).unwrap_or(candidate.format);
            let reads_it = |other: &Candidate| {
                other.format == own
                    && other.header == candidate.header
                    && other.context() == Some(context)
            };
            sources.push(Source {
                format: if candidates.iter().any(reads_it) {
                    own
                } else {
                    candidate.format
                },
                header: candidate.header,
                context,
                objected: candidate.objection.is_some(),
            });
        }
        Arrived {
            candidates,
            headers,
            sources,
            of_upstream: candidates
                .iter()
                .any(|candidate| candidate.upstream_flags.is_some()),
        }
    }

    /// The most serious disagreement, and the first two contexts that have it.
    pub(super) fn conflict(&self) -> Option<(&Source<'a>, &Source<'a>, ConflictKind)> {
        let pairs = self.sources.iter().enumerate().flat_map(|(place, first)| {
            let others = self.sources[place + 1..].iter();
            others.map(move |other| (first, other))
        });
        pairs
            .filter_map(|(first, other)| Some((first, other, first.conflict(other)?)))
            .min_by_key(|(_, _, kind)| *kind)
    }

    /// The headers of formats that arrived, whatever they hold. Headers with a common prefix appear
    /// as `prefix*`.
    pub(super) fn names(&self) -> Vec<String> {
        let formats = self.candidates.iter();
        let mut names = Vec::new();
        for format in formats.filter_map(|candidate| formats::find(candidate.format)) {
            let fields = format.fields().iter();
            let fields = fields.filter(|field| self.headers.get(field).is_some());
            names.extend(fields.map(|field| (*field).to_owned()));
            let prefixes = format.prefixes().iter();
            let prefixes = prefixes.filter(|prefix| self.has_prefix(prefix));
            names.extend(prefixes.map(|prefix| format!("{prefix}*")));
        }
        // Formats of one family have the same headers.
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Whether a header arrived whose name starts with `prefix`.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        let mut found = false;
        self.headers.keys(&mut |name| {
            let start = name.get(..prefix.len());
            found |= start.is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        });
        found
    }

    /// What the libraries make of a context's header: those that can be set to read all formats
    /// that arrived. Their profiles say nothing about Lambda's environment variable, which is not
    /// among the headers.
    pub(super) fn readers(&self, source: &Source<'_>) -> Readers {
        if self.headers.get(source.header).is_none() {
            return Readers::default();
        }
        let read = |candidate: &&Candidate| {
            let format = formats::find(candidate.format);
            candidate.outcome != Outcome::Absent && format.is_some_and(|own| own.carries_context())
        };
        let arrived = self.candidates.iter().filter(read);
        let mut formats: Vec<&str> = arrived
            .map(|candidate| writer_of(candidate.header).unwrap_or(candidate.format))
            .collect();
        formats.sort_unstable();
        formats.dedup();
        let mut readers = Readers::of(source.format, self.headers);
        if let Ok(mode) = formats.join(",").parse::<Mode>() {
            readers.retain(|library| library.cannot(&mode).is_none());
        }
        readers
    }

    /// The context in headers that this format writes, if one arrived.
    pub(super) fn source(&self, format: &str) -> Option<&Source<'a>> {
        self.sources.iter().find(|source| source.format == format)
    }
}

/// The first format that writes a header. Only formats of one family read headers that they do not
/// write.
pub(super) fn writer_of(header: &str) -> Option<&'static str> {
    let mut formats = FORMATS.iter();
    let writer = formats.find(|format| format.written().contains(&header));
    writer.map(|format| format.name())
}

impl Source<'_> {
    /// The most serious disagreement with another context.
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

    /// Whether another context is of another span. A trace id that was cut to its low half does not
    /// make it another span.
    pub(super) fn is_of_another_span(&self, other: &Source<'_>) -> bool {
        let (own, others) = (self.context.trace_id, other.context.trace_id);
        let is_cut = own.low_64() == others.low_64() && own != others;
        let conflict = self.conflict(other);
        !is_cut && matches!(conflict, Some(ConflictKind::TraceId | ConflictKind::SpanId))
    }

    /// What it says about the subject of a disagreement.
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

/// Libraries as the subject of a verb: `Brave finds`, `Brave, Datadog for Go find`.
pub(super) fn who(libraries: &[&Library], verb: &str) -> String {
    let named = in_short(libraries);
    let ending = if named.contains([',', '(']) { "" } else { "s" };
    format!("{named} {verb}{ending}")
}

/// Names as a phrase: `a`, `a and b`, `a, b and c`. No names give an empty text.
pub fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
