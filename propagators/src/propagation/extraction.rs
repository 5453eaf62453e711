//! What one extraction finds: a candidate of each format, the one to continue, and how they
//! disagree.

use arrayvec::ArrayVec;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::context::{Baggage, TraceContext};
use crate::format::{Candidate, Format};
use crate::formats;
use crate::policy::{OnConflict, Select};

/// One candidate for each format of a mode, in the mode's order. It is on the stack, because every
/// request needs an extraction.
pub type Candidates = ArrayVec<Candidate, { formats::COUNT }>;

/// The result of one extraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// What each format found, in the order of the mode.
    pub candidates: Candidates,
    /// The index in `candidates` of the selected context; `None` if no format holds a context.
    pub chosen: Option<usize>,
    /// How valid contexts disagree with the selected one; `None` if none does.
    pub conflict: Option<Conflict>,
    /// The baggage, if any format of the mode carries baggage and some arrived. If several formats
    /// hold an entry, the last format in the mode counts.
    pub baggage: Option<Baggage>,
    on_conflict: OnConflict,
}

impl Extraction {
    /// Reads each format with `read` and compares what they hold. The result is built where it is
    /// returned, because moving candidates costs more than reading them.
    pub(crate) fn new<'a>(
        formats: &'a [&'static dyn Format],
        read: impl Fn(&'a &'static dyn Format) -> Candidate,
        select: Select,
        on_conflict: OnConflict,
    ) -> Self {
        let mut extraction = Extraction {
            candidates: Candidates::new(),
            chosen: None,
            conflict: None,
            baggage: None,
            on_conflict,
        };
        let mut contexts = 0;
        for (place, format) in formats.iter().enumerate() {
            // A mode lists each format at most once, so there is room for all.
            extraction.candidates.push(read(format));
            if extraction.candidates[place].context().is_some() {
                contexts += 1;
                if select == Select::Last || extraction.chosen.is_none() {
                    extraction.chosen = Some(place);
                }
            }
            if let Some(baggage) = extraction.candidates[place].baggage() {
                extraction.baggage.get_or_insert_default().replace(baggage);
            }
        }
        if let (Some(chosen), 2..) = (extraction.chosen, contexts) {
            extraction.conflict = Conflict::find(&extraction.candidates, chosen);
        }
        extraction
    }

    /// The context to continue: the selected one. It is `None` if contexts disagree and the setting
    /// is [`OnConflict::Restart`].
    pub fn context(&self) -> Option<&TraceContext> {
        self.continued().and_then(Candidate::context)
    }

    /// The candidate with the context to continue.
    pub fn continued(&self) -> Option<&Candidate> {
        if self.restarts() {
            return None;
        }
        self.candidates.get(self.chosen?)
    }

    /// Whether a new trace starts because valid contexts disagree.
    pub fn restarts(&self) -> bool {
        self.conflict.is_some() && self.on_conflict == OnConflict::Restart
    }

    /// The valid contexts other than the selected one, with or without a disagreement.
    pub fn losers(&self) -> impl Iterator<Item = &TraceContext> {
        let chosen = self.chosen;
        self.candidates
            .iter()
            .enumerate()
            .filter(move |(place, _)| Some(*place) != chosen)
            .filter_map(|(_, candidate)| candidate.context())
    }

    /// The contexts that the receiver's span links to, each span once: none with
    /// [`OnConflict::Keep`] or without a conflict, the other spans with [`OnConflict::Link`], and
    /// all with [`OnConflict::Restart`].
    pub fn links(&self, on_conflict: OnConflict) -> Vec<&TraceContext> {
        let same =
            |a: &TraceContext, b: &TraceContext| a.trace_id == b.trace_id && a.span_id == b.span_id;
        let mut links: Vec<&TraceContext> = Vec::new();
        if self.conflict.is_none() {
            return links;
        }
        let chosen = self
            .chosen
            .and_then(|chosen| self.candidates.get(chosen)?.context());
        for context in self.candidates.iter().filter_map(Candidate::context) {
            let linked = match on_conflict {
                OnConflict::Keep => false,
                OnConflict::Link => !chosen.is_some_and(|chosen| same(chosen, context)),
                OnConflict::Restart => true,
            };
            if linked && !links.iter().any(|link| same(link, context)) {
                links.push(context);
            }
        }
        links
    }
}

/// What valid contexts disagree about, the most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// They are of different traces.
    TraceId,
    /// They are of different spans.
    SpanId,
    /// One says to record and the other says not to. A deferred decision does not disagree.
    Sampled,
}

impl ConflictKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConflictKind::TraceId => "trace_id",
            ConflictKind::SpanId => "span_id",
            ConflictKind::Sampled => "sampled",
        }
    }
}

/// A disagreement of valid contexts with the selected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What any of them disagrees about, in the order of [`ConflictKind`].
    pub kinds: ArrayVec<ConflictKind, 3>,
    /// The selected format and those that disagree with it, in the order of the mode.
    pub formats: ArrayVec<&'static str, { formats::COUNT }>,
}

impl Conflict {
    fn find(candidates: &Candidates, chosen: usize) -> Option<Self> {
        let winner = candidates[chosen].context()?;
        let mut seen = [false; 3];
        let mut formats = ArrayVec::new();
        for (place, candidate) in candidates.iter().enumerate() {
            let Some(context) = candidate.context() else {
                continue;
            };
            let decisions = (winner.sampling.decision(), context.sampling.decision());
            let differs = [
                context.trace_id != winner.trace_id,
                context.span_id != winner.span_id,
                matches!(decisions, (Some(a), Some(b)) if a != b),
            ];
            if place == chosen || differs.contains(&true) {
                formats.push(candidate.format);
            }
            seen.iter_mut()
                .zip(differs)
                .for_each(|(seen, differs)| *seen |= differs);
        }
        let all = [
            ConflictKind::TraceId,
            ConflictKind::SpanId,
            ConflictKind::Sampled,
        ];
        let kinds: ArrayVec<_, 3> = all
            .into_iter()
            .zip(seen)
            .filter_map(|(kind, seen)| seen.then_some(kind))
            .collect();
        (!kinds.is_empty()).then_some(Conflict { kinds, formats })
    }
}

impl Serialize for Conflict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut conflict = serializer.serialize_struct("Conflict", 2)?;
        conflict.serialize_field("kinds", self.kinds.as_slice())?;
        conflict.serialize_field("formats", self.formats.as_slice())?;
        conflict.end()
    }
}
